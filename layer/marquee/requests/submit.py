"""Submit visitors to the EMR cluster: one batch becomes one submission with one recommend step."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marquee.contracts import ALS_RANKS, CurrentModel, Submission, parse_timestamp, unique_members
from marquee.requests.at_once import WRITERS, for_each
from marquee.requests.clock import UtcClock, utc_now
from marquee.requests.emr_step_requests import (
    StepLocations,
    new_model_id,
    parse_recommend_step_name,
    recommend_step,
    recommend_step_name,
    similar_step,
    train_step,
)
from marquee.requests.ports import (
    Cluster,
    ClusterGoneError,
    Locks,
    Models,
    RatingsLog,
    StepLedger,
    Submissions,
    Visitors,
    WaitingLine,
)
from marquee.requests.staleness import StalenessRule, is_stale
from marquee.requests.visitor import Progress, Status

_logger = logging.getLogger(__name__)


class UnknownVersionError(LookupError):
    """A message names a version that is newer than the one in the visitors table."""


class NoModelError(RuntimeError):
    """There is no active model, or no active data set to train one for."""


TRAINING = "training"  # name of the lock

# One running and one pending submission keep the cluster busy. Visitors who arrive meanwhile are
# served sooner by one common submission after these than by many separate ones.
MOST_SUBMISSIONS_AHEAD = 2


@dataclass(slots=True)
class SubmitOutcome:
    """The outcome of a batch.

    Attributes:
        submission_id: the new submission; None if there is none.
        visitors: visitors who are newly submitted.
        waiting: visitors who wait because the cluster is busy.
        failed: visitors whose request failed.
        forgotten: ids of visitors who are no longer stored.
        errors: by visitor id and version, for the messages that must be delivered again.
    """

    submission_id: str | None = None
    visitors: list[Progress] = field(default_factory=list)
    waiting: list[Progress] = field(default_factory=list)
    failed: list[Progress] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    errors: dict[tuple[str, int], Exception] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepAdder:
    """Adds steps to the cluster, those of a submission only once per attempt.

    The lock TRAINING is taken before the model's staleness is examined. It is not released when a
    training begins, unless adding its steps fails. Until the lock expires, no other submission
    trains.
    """

    cluster: Cluster
    ledger: StepLedger
    models: Models
    ratings_log: RatingsLog
    locations: StepLocations
    staleness: StalenessRule
    locks: Locks
    clock: UtcClock = utc_now

    def ensure(
        self,
        submission_id: str,
        attempt: int = 1,
        *,
        fresh: bool = False,
        since: datetime | None = None,
    ) -> None:
        """Make sure that the submission's recommend step is on the cluster.

        The first attempt adds a train step before it if the active model is stale. Later attempts
        use the active model, in case it was the training that failed.

        Args:
            submission_id: the submission.
            attempt: number of the attempt, from 1.
            fresh: whether the step certainly does not exist yet, so that the cluster need not be
                asked.
            since: a time before which the step cannot have been added. It limits the steps that
                are looked up.

        Raises:
            NoModelError: if there is no active model.
            ClusterGoneError: if there is no cluster.
        """

        def add() -> None:
            name = recommend_step_name(submission_id, attempt)
            if not fresh and name in self.cluster.step_states([name], since):
                return
            self._add(submission_id, attempt)

        self.ledger.once(f"{submission_id}-{attempt}", add)

    def can_train(self) -> bool:
        """Return whether a data set is active; before the first import none is."""
        return self.models.current() is not None

    def train(self, *, now: datetime | None = None) -> str:
        """Add the steps that train a complete model on the active data; return the model's id.

        No visitor waits for this training. It therefore also fits ALS of every rank in ALS_RANKS
        and finds similar movies.

        Args:
            now: the current time; by default the time of the call.

        Raises:
            NoModelError: if no data set is active.
            ClusterGoneError: if there is no cluster.
        """
        current = self.models.current()
        if current is None:
            raise NoModelError("no data set is active; import one first")
        model_id = new_model_id(now or self.clock())
        step = train_step(self.locations, current.data, model_id, active=current, sizes=ALS_RANKS)
        self.cluster.add([step, similar_step(self.locations, model_id)])
        return model_id

    def visitors_left_out(self) -> int:
        """Return how many visitors are left out of the active model.

        The model failed the regression check with them. Visitors who were forgotten since its
        training are still counted.
        """
        current = self.models.current()
        return current.left_out if current else 0

    def _add(self, submission_id: str, attempt: int) -> None:
        current = _required(self.models.current())
        if attempt > 1 or not self._begins_training(current):
            step = recommend_step(self.locations, submission_id, current.model_id, attempt=attempt)
            self.cluster.add([step])
            return
        model_id = new_model_id(self.clock())
        steps = [
            train_step(self.locations, current.data, model_id, active=current),
            recommend_step(self.locations, submission_id, model_id, attempt=attempt),
        ]
        try:
            self.cluster.add(steps)
        except Exception:
            self.locks.release(TRAINING)  # so that the next try can train
            raise

    def _begins_training(self, current: CurrentModel) -> bool:
        """Return whether to train first: the model is stale, and TRAINING could be taken.

        The lock lasts for the interval of the staleness rule. A large model that is not stale keeps
        it: counting the visitors lists the objects of a whole day, so that is done once an interval
        and not for every submission.
        """
        now, rule = self.clock(), self.staleness
        if not self.locks.take(TRAINING, rule.interval.total_seconds(), now):
            return False
        is_small = current.ratings < rule.small_ratings
        if self._is_stale(current, now):
            # While a large model is being trained, no submission should wait for a second training.
            return is_small or not self.is_training()
        if is_small:
            self.locks.release(TRAINING)
        return False

    def _is_stale(self, current: CurrentModel, now: datetime) -> bool:
        enough = self.staleness.stale_from(current)
        trained_at = parse_timestamp(current.trained_at)
        new_visitors = self.ratings_log.count_since(trained_at, at_most=enough)
        return is_stale(current, now, new_visitors, self.staleness)

    def is_training(self) -> bool:
        """Return whether a train step is pending or running."""
        return any(name.startswith("train-") for name in self.cluster.active_step_names())

    def is_busy(self) -> bool:
        """Return whether a new submission would only wait behind others."""
        try:
            active = self.cluster.active_step_names()
        except ClusterGoneError:
            return False  # the visitors wait as `submitted`, which a metric and an alarm report
        ahead = sum(parse_recommend_step_name(name) is not None for name in active)
        return ahead >= MOST_SUBMISSIONS_AHEAD


@dataclass(frozen=True, slots=True)
class Submitter:
    """Submits batches of visitors to the cluster."""

    visitors: Visitors
    submissions: Submissions
    models: Models
    adder: StepAdder
    waiting_line: WaitingLine
    writers: int = WRITERS

    def submit(self, messages: Sequence[tuple[str, int]]) -> SubmitOutcome:
        """Submit the visitors that these messages (visitor id, version) name.

        A visitor is first moved to `submitted` with the submission's id, and only then is the step
        added. If the function dies in between, the visitor's item still names the submission. The
        next delivery of the message, or the sweep, then adds exactly that step and no second one.

        Errors of single visitors are returned in `SubmitOutcome.errors`.

        Raises:
            NoModelError: if there is no active model.
        """
        outcome = SubmitOutcome()
        stored = self.visitors.get_many([visitor_id for visitor_id, _ in messages])
        waiting: list[Progress] = []
        for visitor_id, version in dict.fromkeys(messages):
            progress = stored.get(visitor_id)
            if progress is None:
                # The visitor's item is written before the object that causes the message. So the
                # visitor existed and has been forgotten.
                outcome.forgotten.append(visitor_id)
            elif progress.version < version:
                outcome.errors[visitor_id, version] = UnknownVersionError(
                    f"visitor {visitor_id} has no version {version}"
                )
            elif progress.version == version:
                waiting.append(progress)
            # Messages of superseded versions are ignored: the newer version has its own message.
        self._submit_received([p for p in waiting if p.status is Status.RECEIVED], outcome)
        self._resume_submitted([p for p in waiting if p.status is Status.SUBMITTED], outcome)
        return outcome

    def _submit_received(self, received: Sequence[Progress], outcome: SubmitOutcome) -> None:
        if not received:
            return
        dataset = _required(self.models.current()).dataset
        members = []
        for progress in received:
            if progress.dataset == dataset:
                members.append(progress)
            elif self.visitors.mark_failed(
                progress.visitor_id,
                progress.version,
                _other_dataset(progress.dataset),
                while_at=[Status.RECEIVED],
            ):
                outcome.failed.append(progress)
        if members and not self._wait_for_cluster(members, outcome):
            self._submit_members(members, outcome)

    def _wait_for_cluster(self, members: Sequence[Progress], outcome: SubmitOutcome) -> bool:
        """If the cluster is busy, queue these visitors again, who stay `received`.

        Returns whether they must not be submitted now: the cluster is busy, or an error, which is
        recorded in `outcome`, occurred.
        """
        try:
            if not self.adder.is_busy():
                return False
            self.waiting_line.wait([progress.visitor_object for progress in members])
        except Exception as error:
            _logger.warning("cluster not checked, or visitors not queued: %s", error)
            outcome.errors |= {(p.visitor_id, p.version): error for p in members}
        else:
            outcome.waiting += members
        return True

    def _submit_members(self, members: Sequence[Progress], outcome: SubmitOutcome) -> None:
        """Store a submission of these members, mark them, and add its recommend step."""
        submission = Submission(unique_members(progress.member for progress in members))
        self.submissions.put(submission)
        submission_id = submission.submission_id
        outcome.submission_id = submission_id

        def mark(progress: Progress) -> bool:
            return self.visitors.mark_submitted(
                progress.visitor_id, progress.version, submission_id
            )

        marked = dict(zip(members, for_each(mark, members, self.writers), strict=True))
        outcome.visitors += [
            progress for progress, took_effect in marked.items() if took_effect is True
        ]
        for progress, error in marked.items():
            if isinstance(error, Exception):
                outcome.errors[progress.visitor_id, progress.version] = error
        # If no member could be marked, the step would have nothing to compute.
        answered = [p for p in members if not isinstance(marked[p], Exception)]
        if answered:
            self._ensure(submission_id, answered, outcome, fresh=True)

    def _resume_submitted(self, submitted: Sequence[Progress], outcome: SubmitOutcome) -> None:
        """Make sure that the recommend steps of visitors who are `submitted` already were added."""
        by_submission: dict[str, list[Progress]] = {}
        for progress in submitted:
            by_submission.setdefault(progress.submission_id or "", []).append(progress)
        for submission_id, members in by_submission.items():
            self._ensure(submission_id, members, outcome)

    def _ensure(
        self,
        submission_id: str,
        members: Sequence[Progress],
        outcome: SubmitOutcome,
        *,
        fresh: bool = False,
    ) -> None:
        try:
            self.adder.ensure(submission_id, fresh=fresh, since=submitted_at(members))
        except Exception as error:
            _logger.warning(
                "the recommend step of submission %s was not added: %s", submission_id, error
            )
            for member in members:
                outcome.errors[member.visitor_id, member.version] = error


def submitted_at(members: Iterable[Progress]) -> datetime:
    """Return a time before which none of these members' steps can have been added.

    It is the earliest `status_at` minus one minute, because the clocks of the functions and of EMR
    may differ.
    """
    return min(parse_timestamp(p.status_at) for p in members) - timedelta(minutes=1)


def _required(current: CurrentModel | None) -> CurrentModel:
    if current is None:
        raise NoModelError("there is no model yet; train one with 'make train'")
    return current


def _other_dataset(dataset: str) -> str:
    return f"the movies you rated belong to {dataset}, which is no longer in use; please rate again"
