"""Show the functions' recent log lines, oldest first."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError

FUNCTIONS = ("ingest", "submit-step", "queue-results", "send-text", "reconcile")
_STYLES = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}


@dataclass(frozen=True, order=True)
class LogLine:
    """A line of a function's log; `at` is CloudWatch's time of it."""

    at: datetime
    function: str
    text: str


def show_logs(deployment: Deployment, function: str | None, minutes: int) -> None:
    """Print the last minutes of one function's log, or of all functions' logs merged by time.

    Raises:
        OperationError: if there is no such function.
    """
    name = function.replace("_", "-") if function else None
    if name and name not in FUNCTIONS:
        raise OperationError(f"There is no function {function!r}: use {', '.join(FUNCTIONS)}.")
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    lines = [
        line
        for each in ([name] if name else FUNCTIONS)
        for line in read_log(deployment, each, since)
    ]
    for line in sorted(lines):
        _show(line)
    if not lines:
        out.print(f"No log line in the last {minutes} minutes.")


def read_log(
    deployment: Deployment, function: str, since: datetime, words: str = ""
) -> list[LogLine]:
    """Return the lines of a function's log; none if it has not run yet.

    Args:
        deployment: the deployment.
        function: one of FUNCTIONS.
        since: the time from which to read.
        words: only lines that contain these words; all if empty.
    """
    asked: dict[str, Any] = {
        "logGroupName": f"/aws/lambda/{deployment.prefix}-{function}",
        "startTime": int(since.timestamp() * 1000),
    }
    if words:
        asked["filterPattern"] = f'"{words}"'
    found = boto3.client("logs").get_paginator("filter_log_events").paginate(**asked)
    try:
        return [
            LogLine(
                datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                function,
                event["message"].rstrip(),
            )
            for page in found
            for event in page["events"]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise


def json_line(text: str) -> dict[str, Any] | None:
    """Return a line that is a JSON object: a message of a function, or its metrics (`_aws`)."""
    try:
        line: Any = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def summary(message: str) -> tuple[str, str] | None:
    """Return (level, message) of a log line, or None for the runtime's lines and metrics."""
    if message.startswith(("START ", "END ", "REPORT ", "INIT_START ")):
        return None
    line = json_line(message)
    if line is None:
        return "INFO", message
    if "_aws" in line:
        return None
    ids = {
        key: value
        for key, value in line.items()
        if key in {"correlation_id", "visitor_id", "version", "submission_id", "step_id"}
    }
    words = [str(line.get("message", "")), *(f"{key}={value}" for key, value in ids.items())]
    if line.get("exception_name"):
        words.append(str(line.get("exception", line["exception_name"])))
    return str(line.get("level", "INFO")), " ".join(words)


def _show(line: LogLine) -> None:
    found = summary(line.text)
    if found is None:
        return
    level, words = found
    at = line.at.astimezone().strftime("%H:%M:%S")
    shown = f"{at} {line.function:<14} {level:<8} {words}"
    out.print(shown, style=_STYLES.get(level), markup=False)
