"""Builds the emulator's index of all AWS services in a separate process, to save memory.

The emulator uses this index to determine which service a request is for. It builds the index at its
first request: it reads the definitions of 400 services and keeps them, which takes 390 MB of memory
until it ends. The index itself is a small file, which the emulator can load.
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
    """Make the emulator build the index in a separate process and load the result."""
    spec = emulator.part("aws.spec")

    @emulator.part("utils.patch").patch(spec.build_service_index_cache)  # type: ignore[untyped-decorator]
    def build_service_index_cache(_original: Any, file_path: str) -> Any:
        subprocess.run([sys.executable, "-c", BUILD, spec.__name__, file_path], check=True)
        return spec.load_service_index_cache(file_path)
