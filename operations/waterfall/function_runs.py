"""Find the runs of functions that served a visitor, in the functions' logs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.deployment import Deployment
from operations.logs import LogLine, json_line, read_log

_REPORT = re.compile(r"REPORT RequestId: \S+\s+Duration: (?P<milliseconds>[\d.]+) ms")
_INIT = re.compile(r"Init Duration: (?P<milliseconds>[\d.]+) ms")
# The clocks of the functions and of CloudWatch may differ.
_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True)
class FunctionRun:
    """One run of a function.

    Attributes:
        started_at: when it began.
        ended_at: when it had answered.
        line: the log line about the visitor, by which it was found.
        cold_start: the seconds that its execution environment took to start; None if it was
            already running, and on the local AWS, which does not say.
    """

    started_at: datetime
    ended_at: datetime
    line: Mapping[str, Any]
    cold_start: float | None = None


@dataclass(frozen=True)
class FunctionRuns:
    """The runs that served one visitor, who was received at `received_at`."""

    deployment: Deployment
    visitor_id: str
    received_at: datetime

    def find(self, function: str, message: str) -> FunctionRun | None:
        """Return the first run that logged this message about the visitor.

        Args:
            function: the function.
            message: a regular expression for the whole message.

        Returns:
            The run; None if its lines are not there, or not all of them yet.
        """
        for logged in self._read(function, self.visitor_id):
            line = json_line(logged.text) or {}
            if (
                re.fullmatch(message, str(line.get("message")))
                and line.get("correlation_id") == self.visitor_id
            ):
                return function_run(self._read(function, line["function_request_id"]), line)
        return None

    def said_before(self, run: FunctionRun, function: str, message: str) -> bool:
        """Return whether a function logged a message between the form and this run."""
        return any(
            self.received_at <= logged.at < run.started_at
            for logged in self._read(function, message)
        )

    def _read(self, function: str, words: str) -> list[LogLine]:
        return read_log(self.deployment, function, self.received_at - _TOLERANCE, words)


def function_run(logged: Sequence[LogLine], line: Mapping[str, Any]) -> FunctionRun | None:
    """Return a run by the lines that name its request.

    AWS stamps the line START when the run begins. The local AWS stores a run's lines when it has
    ended, so there the beginning is computed from the line REPORT, which says the duration.

    Args:
        logged: the lines that name the run's request.
        line: the line about the visitor.

    Returns:
        The run; None if the line REPORT is missing, which Lambda writes last.
    """
    for each in logged:
        if report := _REPORT.search(each.text):
            took = timedelta(milliseconds=float(report["milliseconds"]))
            stamped = [other.at for other in logged if other.text.startswith("START ")]
            started_at = min([each.at - took, *stamped])
            init = _INIT.search(each.text)
            cold_start = float(init["milliseconds"]) / 1000 if init else None
            return FunctionRun(started_at, started_at + took, line, cold_start)
    return None


def logged_at(line: Mapping[str, Any]) -> datetime:
    """Return when a function logged this line, by the function's clock."""
    return datetime.fromisoformat(line["timestamp"]).astimezone(UTC)
