"""What a load saw: answers, ends, and the figures made of them."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httpx import codes

from marquee.texting import UNANSWERED
from tests.load.forms import Form, Load

UNKNOWN = "delivery unknown"
GAVE_UP_STEP = "could not be computed after"
NO_ANSWER = 0

type Item = Mapping[str, Mapping[str, Any]]  # as DynamoDB types it


@dataclass(frozen=True)
class Read:
    """A read of the API while the forms were worked on; status NO_ANSWER where none came."""

    path: str
    milliseconds: float
    status: int


@dataclass
class Seen:
    """What a load saw. Complete when `pour` returns; times are seconds from the first form."""

    load: Load
    answered: int = 0
    answered_after: float = 0.0
    post_milliseconds: list[float] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)  # of the tries before the 201
    wrong_answers: list[str] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    ended_after: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # where a function died at the text
    unanswered: list[str] = field(default_factory=list)  # where SNS did not answer in time
    unexplained: list[str] = field(default_factory=list)  # where neither happened
    deaths_planted: int = 0
    deaths_left: list[str] = field(default_factory=list)  # that had the chance to strike
    messages_doubled: int = 0
    messages_delayed: int = 0
    failed_once: str = ""  # a submission whose step failed once
    always_failed: str = ""  # a submission whose step failed at every attempt
    step_states: list[list[str]] = field(default_factory=list)  # by submission, oldest first
    dead: list[str] = field(default_factory=list)  # forms and submissions among the dead letters
    memory_bytes: int = 0
    machine_loads: list[float] = field(default_factory=list)

    def ended_within(self, share: float) -> float:
        """Give the seconds until this share of all forms had ended; inf if it never had."""
        count = max(1, round(share * self.load.forms))
        return sorted(self.ended_after)[count - 1] if count <= len(self.ended_after) else math.inf

    def drained_a_second(self, share: float = 0.95) -> float:
        """Give the forms a second that ended after the last was answered, until `share` had.

        Where so many had ended by then, the forms a second from the first form on: no backlog was
        left to drain.
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
        """Give how long each read of a path took."""
        return [read.milliseconds for read in self.reads if read.path == path]

    @property
    def failed_reads(self) -> Counter[int]:
        return Counter(read.status for read in self.reads if read.status != codes.OK)

    def judge(self, form: Form, item: Item | None, texts: Sequence[str]) -> None:
        """Compare what became of a form with what its faults explain.

        Args:
            form: a form that was posted.
            item: its visitor's item as DynamoDB types it, None where there is none.
            texts: the texts that its phone got.
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
        """Say whether a visitor is of the submission whose step failed at every attempt."""
        submission = item["submission_id"]["S"] if item and "submission_id" in item else ""
        return bool(submission) and submission == self.always_failed


def quantile(values: Sequence[float], percent: int) -> float:
    """Give the value that `percent` % are not above; nan where there are none."""
    if len(values) <= 1:
        return values[0] if values else math.nan
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
