"""Puts right what events alone leave undone: failed steps, lost events, abandoned claims."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from marquee.collecting import Collector, awaits_text
from marquee.contracts import TextMessage, parse_timestamp
from marquee.ports import (
    Cluster,
    ClusterGoneError,
    RatingsLog,
    Results,
    StepState,
    Submissions,
    Texts,
    Visitors,
)
from marquee.steps import parse_recommend_step_name, recommend_step_name
from marquee.submitting import StepAdder
from marquee.texting import NotYetError, Texter
from marquee.visitor import Progress, Status

_logger = logging.getLogger(__name__)

_ENDED_BADLY = (StepState.FAILED, StepState.CANCELLED, StepState.INTERRUPTED)
GAVE_UP_STEP = "the recommendations could not be computed after {attempts} attempts"
GAVE_UP_WAITING = "the recommendations could not be computed in {hours} hours"
NO_RESULT = "the engine finished without picks for you"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each hop may take before the sweep looks after it."""

    received: timedelta = timedelta(minutes=5)
    submitted: timedelta = timedelta(minutes=10)
    recommended: timedelta = timedelta(minutes=5)
    give_up: timedelta = timedelta(hours=24)
    attempts: int = 3


@dataclass(slots=True)
class Reconciled:
    """Counts for metrics, and what was done to whom."""

    failed: list[Progress] = field(default_factory=list)
    resubmitted: list[str] = field(default_factory=list)
    delivery_unknown: int = 0
    waiting_without_cluster: int = 0


@dataclass(frozen=True, slots=True)
class Reconciler:
    visitors: Visitors
    ratings_log: RatingsLog
    submissions: Submissions
    results: Results
    texts: Texts
    cluster: Cluster
    adder: StepAdder
    collector: Collector
    texter: Texter
    patience: Patience

    def step_ended_badly(self, step_name: str) -> Reconciled:
        """Try a failed or cancelled recommend step again, or give up and say so."""
        done = Reconciled()
        named = parse_recommend_step_name(step_name)
        if named is not None:
            submission_id, attempt = named
            self._retry(submission_id, attempt, self._members(submission_id), done)
        return done

    def sweep(self, now: datetime | None = None) -> Reconciled:
        """Look after every visitor who has waited too long at any status."""
        moment, done = now or datetime.now(UTC), Reconciled()
        self._sweep_received(moment, done)
        self._sweep_submitted(moment, done)
        self._sweep_recommended(moment, done)
        return done

    def _sweep_received(self, now: datetime, done: Reconciled) -> None:
        for progress in self.visitors.open(Status.RECEIVED, now - self.patience.received):
            if self._too_old(progress, now):
                self._give_up([progress], self._waited_too_long(), done)
            else:
                # Writing the same object again makes S3 announce it again.
                self.ratings_log.append(progress.visitor_object)

    def _sweep_submitted(self, now: datetime, done: Reconciled) -> None:
        by_submission: dict[str, list[Progress]] = {}
        for progress in self.visitors.open(Status.SUBMITTED, now - self.patience.submitted):
            by_submission.setdefault(progress.submission_id or "", []).append(progress)
        for submission_id, members in by_submission.items():
            try:
                self._sweep_submission(submission_id, members, done)
            except ClusterGoneError as gone:
                _logger.warning("submission %s waits: %s", submission_id, gone)
                done.waiting_without_cluster += len(members)
            self._give_up(
                [p for p in members if self._too_old(p, now)], self._waited_too_long(), done
            )

    def _sweep_submission(
        self, submission_id: str, members: list[Progress], done: Reconciled
    ) -> None:
        names = [
            recommend_step_name(submission_id, attempt)
            for attempt in range(1, self.patience.attempts + 1)
        ]
        states = self.cluster.step_states(names)
        if self.results.complete(submission_id):
            self.collector.collect(submission_id)
            self._give_up(members, NO_RESULT, done)  # whoever got picks has moved on
            return
        attempt = next((n for n in range(len(names), 0, -1) if names[n - 1] in states), 0)
        if attempt == 0:
            self.adder.ensure(submission_id)
            done.resubmitted.append(submission_id)
        elif states[names[attempt - 1]] in (*_ENDED_BADLY, StepState.COMPLETED):
            self._retry(submission_id, attempt, members, done)

    def _sweep_recommended(self, now: datetime, done: Reconciled) -> None:
        for progress in self.visitors.open(Status.RECOMMENDED, now - self.patience.recommended):
            if awaits_text(progress, progress.version):
                self.texts.send([TextMessage(progress.visitor_id, progress.version)])
                continue
            try:
                self.texter.give_up_claim(progress)
            except NotYetError:
                continue
            done.delivery_unknown += 1
            done.failed.append(progress)

    def _retry(
        self, submission_id: str, attempt: int, members: Iterable[Progress], done: Reconciled
    ) -> None:
        waiting = [
            p for p in members if p.status is Status.SUBMITTED and p.submission_id == submission_id
        ]
        if not waiting:
            return
        if attempt < self.patience.attempts:
            self.adder.ensure(submission_id, attempt + 1)
            done.resubmitted.append(submission_id)
        else:
            reason = GAVE_UP_STEP.format(attempts=self.patience.attempts)
            self._give_up(waiting, reason, done)

    def _members(self, submission_id: str) -> list[Progress]:
        submission = self.submissions.get(submission_id)
        stored = self.visitors.get_many([member.visitor_id for member in submission.members])
        return list(stored.values())

    def _give_up(self, members: Iterable[Progress], reason: str, done: Reconciled) -> None:
        """Fail those who still stand where the sweep found them."""
        for progress in members:
            if self.visitors.mark_failed(
                progress.visitor_id, progress.version, reason, while_at=[progress.status]
            ):
                done.failed.append(progress)

    def _too_old(self, progress: Progress, now: datetime) -> bool:
        return now - parse_timestamp(progress.requested_at) > self.patience.give_up

    def _waited_too_long(self) -> str:
        hours = round(self.patience.give_up.total_seconds() / 3600)
        return GAVE_UP_WAITING.format(hours=hours)
