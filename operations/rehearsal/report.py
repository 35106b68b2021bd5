"""Report a rehearsal's outcome as Markdown and as JSON, redacted for use in bug reports."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from operations.redaction import redact

SCHEMA = 1
DECIMALS = 4  # of numbers in the JSON report
PASSED, FAILED, SKIPPED, STOPPED = "passed", "failed", "skipped", "stopped"


@dataclass
class StageResult:
    """A stage's outcome, duration in seconds and result in words."""

    name: str
    outcome: str
    seconds: float = 0.0
    result: str = ""


@dataclass(frozen=True)
class StageFailure:
    """The stage that failed, the error, and the last lines of the log that the stage wrote."""

    stage: str
    error: str
    log: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class CostEstimate:
    """The rehearsal's cost on AWS, in US dollars at list prices.

    Attributes:
        hour: cost of the deployment in an hour without visitors.
        rehearsal: cost of the whole rehearsal.
        hours: duration of the rehearsal.
        region: region of the list prices.
        dated: date of the list prices.
        month: cost of the deployment in a month without visitors.
    """

    hour: float
    rehearsal: float
    hours: float
    region: str
    dated: str
    month: float


@dataclass
class RehearsalReport:
    """The whole report. Texts are unredacted here; `as_json` and `as_markdown` redact them."""

    environment: str
    region: str
    is_local: bool
    started: datetime
    versions: dict[str, str] = field(default_factory=dict)
    stages: list[StageResult] = field(default_factory=list)
    failure: StageFailure | None = None
    left: dict[str, list[str]] = field(default_factory=dict)
    unchecked: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    clean_up: str = ""
    estimate: CostEstimate | None = None
    ended: datetime | None = None

    @property
    def passed(self) -> bool:
        """Return whether stages were run and all of them passed."""
        return bool(self.stages) and all(stage.outcome == PASSED for stage in self.stages)

    @property
    def seconds(self) -> float:
        """Return the duration of the rehearsal; 0 before its end."""
        return (self.ended - self.started).total_seconds() if self.ended else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object, with redacted strings and rounded numbers."""
        whole = {
            "schema": SCHEMA,
            **asdict(self),
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "started": _moment(self.started),
            "ended": _moment(self.ended) if self.ended else None,
        }
        return dict(_redacted(whole))

    def as_markdown(self) -> str:
        """Return the report as Markdown, redacted."""
        return redact("\n".join(self._lines()) + "\n")

    def write(self, file: Path) -> tuple[Path, Path]:
        """Write a Markdown and a JSON file next to each other; return their paths in this order."""
        file.parent.mkdir(parents=True, exist_ok=True)
        page, data = file.with_suffix(".md"), file.with_suffix(".json")
        page.write_text(self.as_markdown())
        data.write_text(json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n")
        return page, data

    def _lines(self) -> Iterator[str]:
        where = "the local AWS" if self.is_local else f"AWS, {self.region}"
        verdict = "passed" if self.passed else "did not pass"
        yield f"# Rehearsal of `{self.environment}` on {where}: {verdict}"
        yield ""
        yield f"{_moment(self.started)}, {_duration(self.seconds)}. " + ", ".join(
            f"{name} {version}" for name, version in self.versions.items()
        )
        yield ""
        yield "| stage | | time | |"
        yield "|---|---|--:|---|"
        for stage in self.stages:
            yield (
                f"| {stage.name} | {stage.outcome} | {_duration(stage.seconds)} |"
                f" {_cell(stage.result)} |"
            )
        if self.failure:
            yield from _failure_lines(self.failure)
        yield from self._remainder()
        if self.estimate:
            yield from ("", *_estimate_lines(self.estimate, is_local=self.is_local))
        yield from ("", *(f"- {note}" for note in self.notes))

    def _remainder(self) -> Iterator[str]:
        if self.left:
            yield from ("", "## What is left", "")
            for kind, names in self.left.items():
                yield f"- {kind}: {', '.join(names)}"
        if self.unchecked:
            yield from ("", "## What the caller may not list", "")
            yield from (f"- {kind}: {why}" for kind, why in self.unchecked.items())
        if self.clean_up:
            yield from ("", "## How to clean up", "", self.clean_up)


def _failure_lines(failure: StageFailure) -> Iterator[str]:
    yield from ("", f"## Failed: {failure.stage}", "", failure.error)
    if failure.lines:
        yield from ("", f"The last lines of `{failure.log}`:", "")
        # Indented, not fenced, because a log may contain a fence.
        yield from (f"    {line}" for line in failure.lines)


def _estimate_lines(estimate: CostEstimate, *, is_local: bool) -> Iterator[str]:
    would = "would have cost" if is_local else "cost"
    yield (
        f"On AWS this {would} about {estimate.rehearsal:.2f} US dollars: {estimate.hours:.2f}"
        f" hours at {estimate.hour:.2f} an hour, before tax and free tiers, at the list prices"
        f" of {estimate.region} of {estimate.dated}. Left running it costs {estimate.month:.0f}"
        " dollars a month."
    )


def _redacted(value: Any) -> Any:
    """Return a JSON value with redacted strings and rounded numbers.

    The digits of a number that is not rounded can look like an account number or a phone.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {redact(str(key)): _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    return value


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
