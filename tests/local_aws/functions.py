"""Lambda functions as zip files, for tests that need one."""

import io
import json
import textwrap
import zipfile
from collections.abc import Sequence
from typing import Any

from tests.local_aws.conftest import LocalAws, until
from tests.local_aws.roles import Right, function_role

RUNTIME = "python3.13"


def archive(files: dict[str, str]) -> bytes:
    """A zip file of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for name, content in files.items():
            package.writestr(name, textwrap.dedent(content))
    return packed.getvalue()


def create(
    aws: LocalAws, name: str, code: str, rights: Sequence[Right] = (), **settings: Any
) -> str:
    """Make a function whose `app.handler` is in `code`; returns its ARN once it is active.

    Its role has these rights and that to write logs.
    """
    client = aws.client("lambda")
    options = {"Timeout": 10} | settings
    arn: str = client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=function_role(aws, name, rights),
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": code})},
        **options,
    )["FunctionArn"]
    until(
        lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active",
        20,
        f"function {name} to become active",
    )
    return arn


def invoke(aws: LocalAws, name: str, event: object = None) -> tuple[Any, str | None]:
    """Call a function; returns its answer and its FunctionError, if any."""
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def log(aws: LocalAws, name: str) -> str:
    """All that a function logged."""
    logs = aws.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return "\n".join(event["message"] for page in pages for event in page["events"])
    except logs.exceptions.ResourceNotFoundException:
        return ""
