"""Show the functions' recent log lines, oldest first."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError

FUNCTIONS = ("ingest", "submit-step", "queue-results", "send-text", "reconcile")
_STYLES = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}


def show_logs(deployment: Deployment, function: str | None, minutes: int) -> None:
    """Print the last minutes of one function's log, or of all functions' logs merged by time.

    Raises:
        OperationError: if there is no such function.
    """
    name = function.replace("_", "-") if function else None
    if name and name not in FUNCTIONS:
        raise OperationError(f"There is no function {function!r}: use {', '.join(FUNCTIONS)}.")
    lines = [
        line
        for each in ([name] if name else FUNCTIONS)
        for line in _read(deployment, each, minutes)
    ]
    for moment, source, message in sorted(lines):
        _show(moment, source, message)
    if not lines:
        out.print(f"No log line in the last {minutes} minutes.")


def _read(deployment: Deployment, function: str, minutes: int) -> list[tuple[int, str, str]]:
    logs = boto3.client("logs")
    since = int((time.time() - minutes * 60) * 1000)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{deployment.prefix}-{function}", startTime=since
    )
    try:
        return [
            (event["timestamp"], function, event["message"].rstrip())
            for page in pages
            for event in page["events"]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise


def summary(message: str) -> tuple[str, str] | None:
    """Return (level, message) of a log line, or None for the runtime's lines and metrics."""
    if message.startswith(("START ", "END ", "REPORT ", "INIT_START ")):
        return None
    try:
        line: Any = json.loads(message)
    except ValueError:
        return "INFO", message
    if not isinstance(line, dict) or "_aws" in line:
        return None  # an embedded metric
    told = {
        key: value
        for key, value in line.items()
        if key in {"correlation_id", "visitor_id", "version", "submission_id", "step_id"}
    }
    words = [str(line.get("message", "")), *(f"{key}={value}" for key, value in told.items())]
    if line.get("exception_name"):
        words.append(str(line.get("exception", line["exception_name"])))
    return str(line.get("level", "INFO")), " ".join(words)


def _show(moment: int, source: str, message: str) -> None:
    told = summary(message)
    if told is None:
        return
    level, words = told
    at = datetime.fromtimestamp(moment / 1000, UTC).astimezone().strftime("%H:%M:%S")
    out.print(f"{at} {source:<14} {level:<8} {words}", style=_STYLES.get(level), markup=False)
