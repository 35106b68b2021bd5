"""The emulator's index of all AWS services, built by a process that ends.

The emulator tells by this index which service a request is for. To build it, at its first request,
it reads the definitions of 400 services and keeps them: 390 MB of memory until it ends. The index
itself is a small file, which it also can load.
"""

import subprocess
import sys
from typing import Any

from local_aws import emulator

BUILD = """
import importlib, sys
module, file = sys.argv[1:]
importlib.import_module(module).build_service_index_cache(file)
"""


def install() -> None:
    """Have the index built elsewhere, and loaded."""
    spec = emulator.part("aws.spec")

    @emulator.part("utils.patch").patch(spec.build_service_index_cache)  # type: ignore[untyped-decorator]
    def build_service_index_cache(_original: Any, file_path: str) -> Any:
        subprocess.run([sys.executable, "-c", BUILD, spec.__name__, file_path], check=True)
        return spec.load_service_index_cache(file_path)
