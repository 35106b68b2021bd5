"""Puts right what events alone leave undone: failed steps, lost events, abandoned claims."""

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from marquee.collecting import BadResultsError, Collector, awaits_text
from marquee.contracts import Result, TextMessage, parse_timestamp
from marquee.discarding import Discarder
from marquee.forgetting import Forgetter
from marquee.ports import (
    Cluster,
    ClusterGoneError,
    RatingsLog,
    Results,
    Slice,
    StepState,
    Submissions,
    Texts,
    Visitors,
)
from marquee.revising import log_ratings
from marquee.steps import parse_recommend_step_name, recommend_step_name
from marquee.submitting import StepAdder, submitted_at
from marquee.sweeping import SLICE, Phase, SecondsLeft, Sweeper, Swept, in_time, kept
from marquee.texting import NotYetError, Texter
from marquee.visitor import Progress, Status

_logger = logging.getLogger(__name__)

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

    `swept` says how a sweep ended, None after anything else.
    """

    recommended: list[Result] = field(default_factory=list)
    unserved: list[Result] = field(default_factory=list)
    failed: list[Progress] = field(default_factory=list)
    resubmitted: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    delivery_unknown: int = 0
    waiting_without_cluster: int = 0
    swept: Swept | None = None
    requeued: list[str] = field(default_factory=list)
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
    discarder: Discarder
    texter: Texter
    patience: Patience
    sweeper: Sweeper

    def step_ended_badly(self, step_name: str) -> Reconciled:
        """Try a failed or cancelled recommend step again, or give up and say so."""
        done = Reconciled()
        named = parse_recommend_step_name(step_name)
        if named is not None:
            submission_id, attempt = named
            members = self._members(submission_id)
            with cluster_may_be_gone(submission_id, members, done):
                self.retry(submission_id, attempt, members, done)
            self.discarder.discard_if_settled(submission_id)
        return done

    def sweep(
        self, run_id: str, seconds_left: SecondsLeft, now: datetime | None = None
    ) -> Reconciled:
        """Look after every visitor who has waited too long at any status.

        One sweep at a time and each within its time, as `marquee.sweeping` says. What goes wrong
        with one visitor or one submission is kept in `errors` and holds up no other.

        Args:
            run_id: names this sweep; one that is called again under the same name does nothing.
            seconds_left: says how many seconds this process may still run.
            now: the moment to sweep at; the present one if not given.
        """
        done, moment = Reconciled(), now or datetime.now(UTC)
        round_ = _Round(self, moment, seconds_left, done)
        done.swept = self.sweeper.run(round_.phases(), run_id, seconds_left, moment, done.errors)
        return done

    def retry(
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
            self.give_up(waiting, reason, done)

    def _members(self, submission_id: str) -> list[Progress]:
        submission = self.submissions.get(submission_id)
        if submission is None:  # collected, or given up on
            return []
        stored = self.visitors.get_many([member.visitor_id for member in submission.members])
        return list(stored.values())

    def step_names(self, submission_id: str) -> list[str]:
        attempts = range(1, self.patience.attempts + 1)
        return [recommend_step_name(submission_id, attempt) for attempt in attempts]

    def give_up(self, members: Iterable[Progress], reason: str, done: Reconciled) -> None:
        """Fail those who still stand where the sweep found them."""
        for progress in members:
            if self.visitors.mark_failed(
                progress.visitor_id, progress.version, reason, while_at=[progress.status]
            ):
                done.failed.append(progress)

    def too_old(self, progress: Progress, now: datetime) -> bool:
        return now - parse_timestamp(progress.requested_at) > self.patience.give_up

    def waited_too_long(self) -> str:
        return GAVE_UP_WAITING.format(hours=self.hours)

    @property
    def hours(self) -> int:
        return round(self.patience.give_up.total_seconds() / 3600)


@contextmanager
def cluster_may_be_gone(
    submission_id: str, members: Sequence[Progress], done: Reconciled
) -> Iterator[None]:
    """Without a cluster visitors wait: that is counted and no error."""
    try:
        yield
    except ClusterGoneError as gone:
        _logger.warning("submission %s waits: %s", submission_id or "of everybody", gone)
        done.waiting_without_cluster += len(members)


@dataclass(frozen=True, slots=True)
class _Round:
    """One sweep: its phases, each of which looks after a slice of the visitors at one status."""

    reconciler: Reconciler
    now: datetime
    seconds_left: SecondsLeft
    done: Reconciled

    def phases(self) -> list[Phase]:
        return [
            Phase("saved", self._saved, self._write_ratings),
            Phase("received", self._received, self._announce),
            Phase("submitted", self._submitted, self._look_after_submissions),
            Phase("recommended", self._recommended, self._look_after_texts),
            Phase("emptied", self._emptied, self._forget),
            Phase("expired", self._expired, self._forget_expired),
        ]

    def _saved(self, after: str | None) -> Slice[Progress]:
        return self._open(Status.SAVED, self.reconciler.patience.received, after)

    def _received(self, after: str | None) -> Slice[Progress]:
        return self._open(Status.RECEIVED, self.reconciler.patience.received, after)

    def _submitted(self, after: str | None) -> Slice[Progress]:
        return self._open(Status.SUBMITTED, self.reconciler.patience.submitted, after)

    def _recommended(self, after: str | None) -> Slice[Progress]:
        return self._open(Status.RECOMMENDED, self.reconciler.patience.recommended, after)

    def _emptied(self, after: str | None) -> Slice[str]:
        until = self.now - self.reconciler.patience.received
        return self.reconciler.visitors.emptied(until, SLICE, after)

    def _expired(self, after: str | None) -> Slice[str]:
        return self.reconciler.visitors.expired(self.now, SLICE, after)

    def _open(self, status: Status, patience: timedelta, after: str | None) -> Slice[Progress]:
        return self.reconciler.visitors.open(status, self.now - patience, SLICE, after)

    def _write_ratings(self, found: Sequence[Progress]) -> None:
        """Write the objects that were not: training must not use what their visitors took back."""
        it = self.reconciler
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                log_ratings(progress, it.visitors, it.ratings_log)

    def _forget(self, found: Sequence[str]) -> None:
        """Finish forgetting visitors whom a function that died had only begun to forget."""
        it = self.reconciler
        for visitor_id in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                Forgetter(it.visitors, it.ratings_log).forget(visitor_id)

    def _forget_expired(self, found: Sequence[str]) -> None:
        """Forget visitors whose time is up as thoroughly as those who ask for it."""
        it = self.reconciler
        for visitor_id in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if Forgetter(it.visitors, it.ratings_log).forget(visitor_id, expired_at=self.now):
                    self.done.expired.append(visitor_id)

    def _announce(self, found: Sequence[Progress]) -> None:
        it = self.reconciler
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if it.too_old(progress, self.now):
                    it.give_up([progress], it.waited_too_long(), self.done)
                elif self._may_requeue(progress, it.patience.received):
                    # Writing the same object again makes S3 announce it again.
                    log_ratings(progress, it.visitors, it.ratings_log)

    def _may_requeue(self, progress: Progress, patience: timedelta) -> bool:
        """Say whether to ask once more for what a visitor waits for, and note that it is done.

        Each time she waits twice as long as the time before: where a queue has a backlog, her first
        message is still in it, and more messages would only make it longer.
        """
        if progress.requeued_at is not None:
            waited = self.now - parse_timestamp(progress.requeued_at)
            if waited < patience * 2**progress.requeued_times:
                return False
        if not self.reconciler.visitors.mark_requeued(progress, self.now):
            return False
        self.done.requeued.append(progress.visitor_id)
        return True

    def _look_after_submissions(self, found: Sequence[Progress]) -> None:
        by_submission: dict[str, list[Progress]] = {}
        for progress in found:
            by_submission.setdefault(progress.submission_id or "", []).append(progress)
        states = self._step_states(found, by_submission) if found else {}
        for submission_id, members in in_time(by_submission.items(), self.seconds_left):
            if states is not None:
                with kept(self.done.errors):
                    self._look_after_submission(submission_id, members, states)
            with kept(self.done.errors):
                it = self.reconciler
                old = [p for p in members if it.too_old(p, self.now)]
                it.give_up(old, it.waited_too_long(), self.done)
                if old:
                    it.discarder.discard_if_settled(submission_id)

    def _step_states(
        self, found: Sequence[Progress], submission_ids: Iterable[str]
    ) -> Mapping[str, StepState] | None:
        """Ask the cluster for the steps of these submissions; None where there is no cluster."""
        it = self.reconciler
        with cluster_may_be_gone("", found, self.done):
            names = [name for key in submission_ids for name in it.step_names(key)]
            return it.cluster.step_states(names, submitted_at(found))
        return None

    def _look_after_submission(
        self, submission_id: str, members: list[Progress], states: Mapping[str, StepState]
    ) -> None:
        it = self.reconciler
        if it.results.complete(submission_id):
            self._collect(submission_id, members)
            return
        names = it.step_names(submission_id)
        attempt = next((n for n in range(len(names), 0, -1) if names[n - 1] in states), 0)
        with cluster_may_be_gone(submission_id, members, self.done):
            if attempt == 0:
                it.adder.ensure(submission_id, since=submitted_at(members))
                self.done.resubmitted.append(submission_id)
            elif states[names[attempt - 1]] in (*_ENDED_BADLY, StepState.COMPLETED):
                it.retry(submission_id, attempt, members, self.done)

    def _collect(self, submission_id: str, members: list[Progress]) -> None:
        """Take results that nobody announced; members who are not among them fail."""
        it = self.reconciler
        try:
            collected = it.collector.collect(submission_id, self.seconds_left)
        except BadResultsError as error:
            self.done.errors.append(error)
            it.give_up(members, NO_RESULT, self.done)  # the results stay, for the operator to read
        else:
            self.done.recommended += collected.recommended
            self.done.unserved += collected.failed
            if collected.stopped_at is not None:  # the next sweep goes on
                return
            it.give_up(members, NO_RESULT, self.done)  # those who got picks have moved on
            it.discarder.discard_if_settled(submission_id)

    def _look_after_texts(self, found: Sequence[Progress]) -> None:
        again: list[TextMessage] = []
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if self._is_to_be_texted_again(progress):
                    again.append(TextMessage(progress.visitor_id, progress.version))
        if again:
            self.reconciler.texts.send(again)

    def _is_to_be_texted_again(self, progress: Progress) -> bool:
        it = self.reconciler
        if not awaits_text(progress, progress.version):
            with suppress(NotYetError):
                it.texter.give_up_claim(progress)
                self.done.delivery_unknown += 1
                self.done.failed.append(progress)
            return False
        if not it.too_old(progress, self.now):
            return self._may_requeue(progress, it.patience.recommended)
        # Only the holder of the claim may send: now nobody will.
        if it.visitors.claim_text(progress.visitor_id, progress.version, uuid.uuid4().hex):
            it.give_up([progress], GAVE_UP_TEXT.format(hours=it.hours), self.done)
        return False
