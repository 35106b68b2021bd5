"""Observations of a load: answers, ends, and figures computed from them."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httpx import codes

from marquee.requests.send_text import UNANSWERED
from tests.load.forms import Form, Load

UNKNOWN = "delivery unknown"
GAVE_UP_STEP = "could not be computed after"
NO_ANSWER = 0

type Item = Mapping[str, Mapping[str, Any]]  # in DynamoDB's typed form


@dataclass(frozen=True)
class Read:
    """A read of the API during the load; status NO_ANSWER if no answer came."""

    path: str
    milliseconds: float
    status: int


@dataclass
class Observations:
    """Observations of a load, complete when `pour` returns; times count from the first form."""

    load: Load
    answered: int = 0
    answered_after: float = 0.0
    post_milliseconds: list[float] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)  # statuses of attempts before the 201
    wrong_answers: list[str] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    ended_after: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # a function died at the text
    unanswered: list[str] = field(default_factory=list)  # SNS did not answer in time
    unexplained: list[str] = field(default_factory=list)  # delivery unknown without either cause
    deaths_planted: int = 0
    deaths_left: list[str] = field(default_factory=list)  # could have struck, but did not
    messages_doubled: int = 0
    messages_delayed: int = 0
    failed_once: str = ""  # a submission whose step failed once
    always_failed: str = ""  # a submission whose step failed at every attempt
    step_states: list[list[str]] = field(default_factory=list)  # by submission, oldest first
    dead: list[str] = field(default_factory=list)  # forms and submissions among the dead letters
    memory_bytes: int = 0
    machine_loads: list[float] = field(default_factory=list)

    def ended_within(self, share: float) -> float:
        """Return the seconds until this share of all forms had ended; inf if it never had."""
        count = max(1, round(share * self.load.forms))
        return sorted(self.ended_after)[count - 1] if count <= len(self.ended_after) else math.inf

    def drained_a_second(self, share: float = 0.95) -> float:
        """Return how many forms ended per second after the last answer, until `share` had ended.

        If that share had ended before the last answer, no backlog was left to drain; the rate then
        counts from the first form.
        """
        until = self.ended_within(share)
        before = sum(after <= self.answered_after for after in self.ended_after)
        left = share * self.load.forms - before
        if left <= 0:
            return share * self.load.forms / until
        return left / (until - self.answered_after)

    @property
    def recommend_steps(self) -> int:
        return sum(map(len, self.step_states))

    def milliseconds_of(self, path: str) -> list[float]:
        """Return the milliseconds of each read of a path."""
        return [read.milliseconds for read in self.reads if read.path == path]

    @property
    def failed_reads(self) -> Counter[int]:
        return Counter(read.status for read in self.reads if read.status != codes.OK)

    def judge(self, form: Form, item: Item | None, texts: Sequence[str]) -> None:
        """Record how a form ended, and whether its faults explain that.

        Args:
            form: a form that was posted.
            item: its visitor's item in DynamoDB's typed form; None if there is none.
            texts: the texts that its phone received.
        """
        status = item["status"]["S"] if item else "no visitor"
        reason = item["reason"]["S"] if item and "reason" in item else ""
        self.ends[f"{status}: {reason}" if reason else status] += 1
        what = f"{form.visitor_id} {status} {reason} after {form.death or 'no death'}"
        if len(texts) > 1:
            self.doubled.append(f"{what}: {len(texts)} texts")
        if status == "texted" and texts:
            return
        if reason == UNANSWERED:
            self.unanswered.append(what)
            return
        if UNKNOWN in reason:
            (self.unknown if form.may_be_unknown else self.unexplained).append(what)
            return
        if GAVE_UP_STEP in reason and self.has_no_picks(item) and not texts:
            return
        self.lost.append(f"{what}, {len(texts)} texts")

    def has_no_picks(self, item: Item | None) -> bool:
        """Return whether a visitor is in the submission whose step failed at every attempt."""
        submission = item["submission_id"]["S"] if item and "submission_id" in item else ""
        return bool(submission) and submission == self.always_failed


def quantile(values: Sequence[float], percent: int) -> float:
    """Return the percentile of the values; NaN if there are none."""
    if len(values) <= 1:
        return values[0] if values else math.nan
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
