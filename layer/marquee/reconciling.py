"""Puts right what events alone leave undone: failed steps, lost events, abandoned claims."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from marquee.collecting import BadResultsError, Collector, awaits_text
from marquee.contracts import Result, TextMessage, parse_timestamp
from marquee.forgetting import Forgetter
from marquee.ports import (
    Cluster,
    ClusterGoneError,
    Locks,
    RatingsLog,
    Results,
    StepState,
    Submissions,
    Texts,
    Visitors,
)
from marquee.revising import log_ratings
from marquee.steps import parse_recommend_step_name, recommend_step_name
from marquee.submitting import StepAdder, submitted_at
from marquee.texting import NotYetError, Texter
from marquee.visitor import Progress, Status

_logger = logging.getLogger(__name__)

# The lock of the sweep: two at once would do the same work twice.
SWEEP = "sweep"
_ENDED_BADLY = (StepState.FAILED, StepState.CANCELLED, StepState.INTERRUPTED)
GAVE_UP_STEP = "the recommendations could not be computed after {attempts} attempts"
GAVE_UP_TEXT = "the text could not be sent in {hours} hours; your picks are on the page"
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
    """What was done to whom, for metrics and logs; `errors` did not keep the rest from it.

    `elsewhere` says that nothing was done because another sweep is at work.
    """

    recommended: list[Result] = field(default_factory=list)
    unserved: list[Result] = field(default_factory=list)
    failed: list[Progress] = field(default_factory=list)
    resubmitted: list[str] = field(default_factory=list)
    delivery_unknown: int = 0
    waiting_without_cluster: int = 0
    elsewhere: bool = False
    errors: list[Exception] = field(default_factory=list)


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
    locks: Locks

    def step_ended_badly(self, step_name: str) -> Reconciled:
        """Try a failed or cancelled recommend step again, or give up and say so."""
        done = Reconciled()
        named = parse_recommend_step_name(step_name)
        if named is not None:
            submission_id, attempt = named
            members = self._members(submission_id)
            with self._cluster_may_be_gone(submission_id, members, done):
                self._retry(submission_id, attempt, members, done)
        return done

    def sweep(self, seconds_left: Callable[[], float], now: datetime | None = None) -> Reconciled:
        """Look after every visitor who has waited too long at any status.

        One sweep at a time: its lock lasts as long as this process may run. What goes wrong with
        one visitor or one submission is kept in `errors` and holds up no other.

        Args:
            seconds_left: says how many seconds this process may still run.
            now: the moment to sweep at; the present one if not given.
        """
        moment, done = now or datetime.now(UTC), Reconciled()
        if not self.locks.take(SWEEP, seconds_left(), moment):
            done.elsewhere = True
            return done
        self._look_after_everybody(moment, done)
        self.locks.release(SWEEP)
        return done

    def _look_after_everybody(self, moment: datetime, done: Reconciled) -> None:
        for look_after in (
            self._sweep_saved,
            self._sweep_received,
            self._sweep_submitted,
            self._sweep_recommended,
            self._sweep_emptied,
        ):
            with _kept(done):
                look_after(moment, done)

    def _sweep_saved(self, now: datetime, done: Reconciled) -> None:
        """Write the objects that were not: training must not use what their visitors took back."""
        for progress in self.visitors.open(Status.SAVED, now - self.patience.received):
            with _kept(done):
                log_ratings(progress, self.visitors, self.ratings_log)

    def _sweep_emptied(self, now: datetime, done: Reconciled) -> None:
        """Finish forgetting whom a function that died had only begun to forget."""
        for visitor_id in self.visitors.emptied(now - self.patience.received):
            with _kept(done):
                Forgetter(self.visitors, self.ratings_log).forget(visitor_id)

    def _sweep_received(self, now: datetime, done: Reconciled) -> None:
        for progress in self.visitors.open(Status.RECEIVED, now - self.patience.received):
            with _kept(done):
                if self._too_old(progress, now):
                    self._give_up([progress], self._waited_too_long(), done)
                else:
                    # Writing the same object again makes S3 announce it again.
                    log_ratings(progress, self.visitors, self.ratings_log)

    def _sweep_submitted(self, now: datetime, done: Reconciled) -> None:
        waiting = self.visitors.open(Status.SUBMITTED, now - self.patience.submitted)
        by_submission: dict[str, list[Progress]] = {}
        for progress in waiting:
            by_submission.setdefault(progress.submission_id or "", []).append(progress)
        states: dict[str, StepState] = {}
        if waiting:
            with self._cluster_may_be_gone("", waiting, done):
                names = [name for key in by_submission for name in self._step_names(key)]
                states = self.cluster.step_states(names, submitted_at(waiting))
        for submission_id, members in by_submission.items():
            if done.waiting_without_cluster == 0:
                with _kept(done):
                    self._sweep_submission(submission_id, members, states, done)
            with _kept(done):
                old = [p for p in members if self._too_old(p, now)]
                self._give_up(old, self._waited_too_long(), done)

    def _sweep_submission(
        self,
        submission_id: str,
        members: list[Progress],
        states: Mapping[str, StepState],
        done: Reconciled,
    ) -> None:
        if self.results.complete(submission_id):
            self._collect(submission_id, members, done)
            return
        names = self._step_names(submission_id)
        attempt = next((n for n in range(len(names), 0, -1) if names[n - 1] in states), 0)
        with self._cluster_may_be_gone(submission_id, members, done):
            if attempt == 0:
                self.adder.ensure(submission_id, since=submitted_at(members))
                done.resubmitted.append(submission_id)
            elif states[names[attempt - 1]] in (*_ENDED_BADLY, StepState.COMPLETED):
                self._retry(submission_id, attempt, members, done)

    def _collect(self, submission_id: str, members: list[Progress], done: Reconciled) -> None:
        """Take results that nobody announced; whoever is not among them fails."""
        try:
            collected = self.collector.collect(submission_id)
        except BadResultsError as error:
            done.errors.append(error)
        else:
            done.recommended += collected.recommended
            done.unserved += collected.failed
        self._give_up(members, NO_RESULT, done)  # whoever got picks has moved on

    def _sweep_recommended(self, now: datetime, done: Reconciled) -> None:
        for progress in self.visitors.open(Status.RECOMMENDED, now - self.patience.recommended):
            with _kept(done):
                self._look_after_text(progress, now, done)

    def _look_after_text(self, progress: Progress, now: datetime, done: Reconciled) -> None:
        if not awaits_text(progress, progress.version):
            with suppress(NotYetError):
                self.texter.give_up_claim(progress)
                done.delivery_unknown += 1
                done.failed.append(progress)
        elif not self._too_old(progress, now):
            self.texts.send([TextMessage(progress.visitor_id, progress.version)])
        # Whoever holds the claim is the only one who may send: now nobody will.
        elif self.visitors.claim_text(progress.visitor_id, progress.version):
            self._give_up([progress], GAVE_UP_TEXT.format(hours=self._hours), done)

    def _retry(
        self, submission_id: str, attempt: int, members: Iterable[Progress], done: Reconciled
    ) -> None:
        waiting = [
            p for p in members if p.status is Status.SUBMITTED and p.submission_id == submission_id
        ]
        if not waiting:
            return
        if attempt < self.patience.attempts:
            self.adder.ensure(submission_id, attempt + 1, since=submitted_at(waiting))
            done.resubmitted.append(submission_id)
        else:
            reason = GAVE_UP_STEP.format(attempts=self.patience.attempts)
            self._give_up(waiting, reason, done)

    def _members(self, submission_id: str) -> list[Progress]:
        submission = self.submissions.get(submission_id)
        stored = self.visitors.get_many([member.visitor_id for member in submission.members])
        return list(stored.values())

    def _step_names(self, submission_id: str) -> list[str]:
        attempts = range(1, self.patience.attempts + 1)
        return [recommend_step_name(submission_id, attempt) for attempt in attempts]

    def _give_up(self, members: Iterable[Progress], reason: str, done: Reconciled) -> None:
        """Fail those who still stand where the sweep found them."""
        for progress in members:
            if self.visitors.mark_failed(
                progress.visitor_id, progress.version, reason, while_at=[progress.status]
            ):
                done.failed.append(progress)

    @contextmanager
    def _cluster_may_be_gone(
        self, submission_id: str, members: Sequence[Progress], done: Reconciled
    ) -> Iterator[None]:
        """Without a cluster visitors wait: that is counted and no error."""
        try:
            yield
        except ClusterGoneError as gone:
            _logger.warning("submission %s waits: %s", submission_id or "of everybody", gone)
            done.waiting_without_cluster += len(members)

    def _too_old(self, progress: Progress, now: datetime) -> bool:
        return now - parse_timestamp(progress.requested_at) > self.patience.give_up

    def _waited_too_long(self) -> str:
        return GAVE_UP_WAITING.format(hours=self._hours)

    @property
    def _hours(self) -> int:
        return round(self.patience.give_up.total_seconds() / 3600)


@contextmanager
def _kept(done: Reconciled) -> Iterator[None]:
    """Keep an error and let the sweep go on; the function reports it at the end."""
    try:
        yield
    except Exception as error:
        _logger.exception("the sweep goes on after an error")
        done.errors.append(error)
