"""Make a second, distinguishable version of the functions without changing the work tree.

In a copy of the sources, a few lines at the end of the API's function add a header to its
responses. This changes code, not a setting, so a deployment builds and publishes the function
again.
"""

import shutil
from pathlib import Path

import httpx

from operations import ROOT
from operations.addresses import api_url
from operations.deployment import Deployment

HEADER = "X-Marquee-Rehearsal"
SOURCES = ("sam", "functions", "layer")
_FUNCTION = Path("functions") / "ingest" / "app.py"
_LINES = """

_handler_of_the_work_tree = handler


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    answer = _handler_of_the_work_tree(event, context)
    answer.setdefault("multiValueHeaders", {{}})["{header}"] = ["{mark}"]
    return answer
"""


def changed_sources(folder: Path, mark: str) -> Path:
    """Copy the functions' sources into a folder and make the API's responses carry `mark`.

    Returns:
        The SAM template of the copy.
    """
    for name in SOURCES:
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", ".aws-sam"),
            dirs_exist_ok=True,
        )
    with (folder / _FUNCTION).open("a") as source:
        source.write(_LINES.format(header=HEADER, mark=mark))
    return folder / "sam" / "template.yaml"


def answering_mark(deployment: Deployment) -> str | None:
    """Return the mark in the response to GET /health, or None if the response has none.

    `changed_sources` adds the mark to a copy of the function. A response without a mark comes from
    a version that was built from the unchanged work tree.

    Raises:
        httpx.HTTPError: if nothing answers or the response is an error.
    """
    answer = httpx.get(f"{api_url(deployment)}/health", timeout=60)
    answer.raise_for_status()
    mark: str | None = answer.headers.get(HEADER)
    return mark
