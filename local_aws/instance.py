"""GET /_marquee/instance returns which emulator runs, and an identifier unique to this run."""

import os
import uuid
from typing import Any

from local_aws import emulator

PATH = "/_marquee/instance"


def install() -> None:
    """Serve the endpoint, with an identifier that changes at every start."""
    http = emulator.part("http")
    described = {
        "emulator": emulator.chosen_emulator().name,
        "instance": uuid.uuid4().hex,
        "process": os.getpid(),
    }

    @http.route(PATH, methods=["GET"])  # type: ignore[untyped-decorator]
    def instance(_request: Any) -> Any:
        return http.Response.for_json(described)

    emulator.part("services.edge").ROUTER.add(instance)
