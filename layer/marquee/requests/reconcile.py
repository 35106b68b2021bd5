"""Retry or give up requests that events alone leave unfinished.

The causes are failed steps, lost events and unfinished claims.
"""

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from marquee.contracts import Result, TextMessage, parse_timestamp
from marquee.requests.collect import BadResultsError, Collector, awaits_text
from marquee.requests.discard import Discarder
from marquee.requests.emr_step_requests import parse_recommend_step_name, recommend_step_name
from marquee.requests.forget import Forgetter
from marquee.requests.ports import (
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
from marquee.requests.revise import log_ratings
from marquee.requests.send_text import Claims, NotYetError
from marquee.requests.submit import StepAdder, submitted_at
from marquee.requests.sweep import (
    MOST_OF_A_PHASE,
    SLICE,
    Phase,
    SecondsLeft,
    Sweeper,
    SweepOutcome,
    in_time,
    kept,
)
from marquee.requests.visitor import Progress, Status

_logger = logging.getLogger(__name__)

_ENDED_BADLY = (StepState.FAILED, StepState.CANCELLED, StepState.INTERRUPTED)
GAVE_UP_STEP = "the recommendations could not be computed after {attempts} attempts"
GAVE_UP_TEXT = "the text could not be sent in {hours} hours; your picks are on the page"
GAVE_UP_WAITING = "the recommendations could not be computed in {hours} hours"
NO_RESULT = "the engine finished without picks for you"
# With more messages than this in the texts queue, as many as one sweep may add, an unsent text most
# likely still has its message there, and another one would only make the backlog longer.
MOST_TEXTS_WAITING = MOST_OF_A_PHASE


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may wait at each status before the sweep looks after it.

    Attributes:
        give_up: the age of a request at which it fails.
        attempts: the most attempts of a recommend step.
    """

    received: timedelta
    submitted: timedelta
    recommended: timedelta
    give_up: timedelta
    attempts: int


@dataclass(slots=True)
class ReconcileOutcome:
    """What a run did, for metrics and logs.

    Attributes:
        recommended: results with picks.
        unserved: results with an error in place of picks.
        failed: requests that the run failed.
        resubmitted: submissions whose recommend step was added again.
        expired: ids of visitors who were forgotten after their expiry.
        delivery_unknown: number of texts that may or may not have been sent.
        waiting_without_cluster: number of visitors who wait because there is no cluster.
        swept: how a sweep ended; None if the run was no sweep.
        requeued: ids of visitors whose requests were queued again.
        errors: errors of single visitors or submissions, which did not stop the run.
    """

    recommended: list[Result] = field(default_factory=list)
    unserved: list[Result] = field(default_factory=list)
    failed: list[Progress] = field(default_factory=list)
    resubmitted: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    delivery_unknown: int = 0
    waiting_without_cluster: int = 0
    swept: SweepOutcome | None = None
    requeued: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Looks after failed steps and requests that have waited too long."""

    visitors: Visitors
    ratings_log: RatingsLog
    submissions: Submissions
    results: Results
    texts: Texts
    cluster: Cluster
    adder: StepAdder
    collector: Collector
    discarder: Discarder
    claims: Claims
    patience: Patience
    sweeper: Sweeper

    def step_ended_badly(self, step_name: str) -> ReconcileOutcome:
        """Retry a failed or cancelled recommend step, or fail its visitors after the last attempt.

        Steps of other kinds are ignored.
        """
        done = ReconcileOutcome()
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
    ) -> ReconcileOutcome:
        """Look after every visitor who has waited too long at any status.

        `requests.sweep` runs one sweep at a time and keeps each within its time. An error of one
        visitor or submission is recorded in `errors` and does not stop the others.

        Args:
            run_id: the name of this sweep. A second call with the same name does nothing.
            seconds_left: returns how many seconds this process may still run.
            now: the current time; by default the time of the call.
        """
        done, moment = ReconcileOutcome(), now or datetime.now(UTC)
        round_ = _Round(self, moment, seconds_left, done)
        done.swept = self.sweeper.run(round_.phases(), run_id, seconds_left, moment, done.errors)
        return done

    def retry(
        self, submission_id: str, attempt: int, members: Iterable[Progress], done: ReconcileOutcome
    ) -> None:
        """Add the next attempt for members who still wait, or fail them after the last attempt.

        `attempt` is the number of the attempt that ended.
        """
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
        """Return the names of the recommend steps of all possible attempts, in order."""
        attempts = range(1, self.patience.attempts + 1)
        return [recommend_step_name(submission_id, attempt) for attempt in attempts]

    def give_up(self, members: Iterable[Progress], reason: str, done: ReconcileOutcome) -> None:
        """Fail the requests whose status and version have not changed since they were read."""
        for progress in members:
            if self.visitors.mark_failed(
                progress.visitor_id, progress.version, reason, while_at=[progress.status]
            ):
                done.failed.append(progress)

    def too_old(self, progress: Progress, now: datetime) -> bool:
        """Return whether the request has reached the age at which it is given up."""
        return now - parse_timestamp(progress.requested_at) > self.patience.give_up

    def waited_too_long(self) -> str:
        """Return the reason of a request that is given up because of its age."""
        return GAVE_UP_WAITING.format(hours=self.hours)

    @property
    def hours(self) -> int:
        """The age, in hours, at which a request is given up."""
        return round(self.patience.give_up.total_seconds() / 3600)


@contextmanager
def cluster_may_be_gone(
    submission_id: str, members: Sequence[Progress], done: ReconcileOutcome
) -> Iterator[None]:
    """Catch ClusterGoneError: without a cluster visitors wait, which is counted but no error."""
    try:
        yield
    except ClusterGoneError as gone:
        _logger.warning("waiting for a cluster (submission %s): %s", submission_id or "all", gone)
        done.waiting_without_cluster += len(members)


@dataclass(frozen=True, slots=True)
class _Round:
    """One sweep, with a phase for each status and for visitors who are to be forgotten."""

    reconciler: Reconciler
    now: datetime
    seconds_left: SecondsLeft
    done: ReconcileOutcome

    def phases(self) -> list[Phase]:
        """Return the phases in their order; their names are the keys of the bookmarks."""
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
        """Write visitor objects that are missing.

        Otherwise training would use ratings that these visitors have taken back.
        """
        it = self.reconciler
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                log_ratings(progress, it.visitors, it.ratings_log)

    def _forget(self, found: Sequence[str]) -> None:
        """Finish forgetting visitors if the function that began it died."""
        it = self.reconciler
        for visitor_id in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                Forgetter(it.visitors, it.ratings_log).forget(visitor_id)

    def _forget_expired(self, found: Sequence[str]) -> None:
        """Forget visitors who have reached their expiry, as completely as on request."""
        it = self.reconciler
        for visitor_id in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if Forgetter(it.visitors, it.ratings_log).forget(visitor_id, expired_at=self.now):
                    self.done.expired.append(visitor_id)

    def _announce(self, found: Sequence[Progress]) -> None:
        """Queue requests at `received` again, and fail those that are too old."""
        it = self.reconciler
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if it.too_old(progress, self.now):
                    it.give_up([progress], it.waited_too_long(), self.done)
                elif self._may_requeue(progress, it.patience.received):
                    # Writing the same object again makes S3 send its event again.
                    log_ratings(progress, it.visitors, it.ratings_log)

    def _may_requeue(self, progress: Progress, patience: timedelta) -> bool:
        """Return whether to queue the visitor's request again now; if so, record it.

        Each wait is twice as long as the one before. If the queue has a backlog, the first message
        is still in it, and more messages would only make the backlog longer.
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
        """Collect, retry or give up the submissions of these visitors."""
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
        """Return the states of these submissions' steps; None if there is no cluster."""
        it = self.reconciler
        with cluster_may_be_gone("", found, self.done):
            names = [name for key in submission_ids for name in it.step_names(key)]
            return it.cluster.step_states(names, submitted_at(found))
        return None

    def _look_after_submission(
        self, submission_id: str, members: list[Progress], states: Mapping[str, StepState]
    ) -> None:
        """Collect complete results, add a missing step, or retry a step that ended without them."""
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
        """Collect results whose event was lost; members without a result fail."""
        it = self.reconciler
        try:
            collected = it.collector.collect(submission_id, self.seconds_left)
        except BadResultsError as error:
            self.done.errors.append(error)
            it.give_up(members, NO_RESULT, self.done)  # the results stay for the operator
        else:
            self.done.recommended += collected.recommended
            self.done.unserved += collected.failed
            if collected.stopped_at is not None:  # the next sweep continues
                return
            it.give_up(members, NO_RESULT, self.done)  # members with picks have another status
            it.discarder.discard_if_settled(submission_id)

    def _look_after_texts(self, found: Sequence[Progress]) -> None:
        """Queue texts again, and give up old texts and unfinished claims."""
        again: list[TextMessage] = []
        has_backlog = True
        with kept(self.done.errors):
            has_backlog = bool(found) and self.reconciler.texts.waiting() > MOST_TEXTS_WAITING
        for progress in in_time(found, self.seconds_left):
            with kept(self.done.errors):
                if self._is_to_be_texted_again(progress, has_backlog):
                    again.append(TextMessage(progress.visitor_id, progress.version))
        if again:
            self.reconciler.texts.send(again)

    def _is_to_be_texted_again(self, progress: Progress, has_backlog: bool) -> bool:
        """Return whether to queue the text again; give up an old text or an unfinished claim."""
        it = self.reconciler
        if not awaits_text(progress, progress.version):
            with suppress(NotYetError):
                it.claims.give_up(progress)
                self.done.delivery_unknown += 1
                self.done.failed.append(progress)
            return False
        if not it.too_old(progress, self.now):
            return not has_backlog and self._may_requeue(progress, it.patience.recommended)
        # Only the holder of the claim may send, so claiming the text here prevents any sending.
        if it.visitors.claim_text(progress.visitor_id, progress.version, uuid.uuid4().hex):
            it.give_up([progress], GAVE_UP_TEXT.format(hours=it.hours), self.done)
        return False
