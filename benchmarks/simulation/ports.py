"""What `marquee.requests` asks of the outside world, answered by the simulation.

Each class implements a protocol of `marquee.requests.ports` for single visitors, of whom a sweep
looks at a few hundred. Every call takes its time on the stopwatch.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.simulation import crowd as spans
from benchmarks.simulation.crowd import IdSpan, SimulatedCrowd
from benchmarks.simulation.sqs import SimulatedQueue
from benchmarks.simulation.stopwatch import Stopwatch, moment, seconds_at
from benchmarks.simulation.times import WorkTimes
from learning.visitors import MOST_SHARE_OF_VISITORS
from marquee.contracts import (
    CurrentModel,
    Member,
    Result,
    ResultsPlace,
    Submission,
    TextMessage,
    VisitorObject,
    timestamp,
)
from marquee.requests.collect import CollectOutcome
from marquee.requests.ports import AddSteps, Slice
from marquee.requests.visitor import Progress, Status

DATASET = "simulated"
RATINGS_OF_A_VISITOR = 10
EVENT_SECONDS = 1.0  # until S3 or EventBridge has delivered an event; assumption
_DAY = 86_400.0
_READ_AT_ONCE = 100  # items of one call to DynamoDB


@dataclass(slots=True)
class SimulatedSubmission:
    """A submission; `written` says whether its results are complete."""

    submission_id: str
    members: list[IdSpan]
    written: bool = False


@dataclass(slots=True)
class World:
    """What the ports share.

    Attributes:
        stopwatch: the clock.
        times: how long calls take.
        crowd: the visitors.
        submissions: those that are not collected yet, by id.
        calls: counts calls by what they are.
        requeued: status, time and number of the last requeue, by visitor.
        members: first and last id, submission and time of what became `submitted`.
    """

    stopwatch: Stopwatch
    times: WorkTimes
    crowd: SimulatedCrowd
    submissions: dict[str, SimulatedSubmission] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    requeued: dict[int, tuple[Status, float, int]] = field(default_factory=dict)
    members: list[tuple[int, int, str, float]] = field(default_factory=list)

    def call(self, count: int = 1) -> None:
        """Let the time of some calls to DynamoDB, S3 or SQS pass."""
        self.calls["calls of sweeps and steps"] += count
        self.stopwatch.spend(self.times.item * count)

    def note_submission(self, parts: Iterable[IdSpan], submission_id: str) -> None:
        """Record which submission these visitors are members of."""
        now = self.stopwatch.now
        self.members += [(low, high, submission_id, now) for low, high in parts]
        if len(self.members) > _FORGET_FROM:
            self.members = [each for each in self.members if each[2] in self.submissions]

    def submissions_of(self, span: IdSpan) -> list[tuple[IdSpan, str]]:
        """Return the submissions of these visitors, each with its part of the span."""
        found = []
        for low, high, submission_id, _ in self.members:
            begin, end = max(low, span[0]), min(high, span[1])
            if begin < end:
                found.append(((begin, end), submission_id))
        return found

    def progress(self, visitor: int, at: float | None = None) -> Progress:
        """Return a visitor's request; `at` is when it reached its status, if the caller knows."""
        status, arrived = self.crowd.status(visitor), self.crowd.arrived_at(visitor)
        submission_id, since = None, arrived
        if status is Status.SUBMITTED:
            for low, high, named, when in reversed(self.members):
                if low <= visitor < high:
                    submission_id, since = named, when
                    break
        known = self.requeued.get(visitor)
        requeue = known if known is not None and known[0] is status else None
        # No function dies here, so every claim is a fresh one.
        claimed = self.stopwatch.now if self.crowd.claimed[visitor] else None
        return Progress(
            visitor_id=f"{visitor}",
            version=1,
            dataset=DATASET,
            status=status,
            status_at=timestamp(moment(since if at is None else at)),
            requested_at=timestamp(moment(arrived)),
            ratings=(),
            texts=True,
            submission_id=submission_id,
            text_claimed_at=None if claimed is None else timestamp(moment(claimed)),
            requeued_times=requeue[2] if requeue else 0,
            requeued_at=timestamp(moment(requeue[1])) if requeue else None,
        )


_FORGET_FROM = 10_000


@dataclass(frozen=True, slots=True)
class SimulatedVisitors:
    """Implements those methods of `Visitors` that sweeps and failed steps need."""

    world: World

    def open(
        self, status: Status, until: datetime, most: int, after: str | None = None
    ) -> Slice[Progress]:
        """Return a slice of the visitors who wait at a status; nobody is `saved` here."""
        self.world.call()
        if status is Status.SAVED:
            return Slice([])
        place = None
        if after is not None:
            number, _, last = after.partition(":")
            place = (int(number), int(last))
        found, following = self.world.crowd.open(status, seconds_at(until), most, place)
        return Slice(
            [self.world.progress(visitor, at) for visitor, at in found],
            None if following is None else f"{following[0]:09d}:{following[1]:09d}",
        )

    def get(self, visitor_id: str) -> Progress | None:
        """Return a visitor's request."""
        self.world.call()
        return self.world.progress(int(visitor_id))

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        """Return the requests of these visitors."""
        self.world.call(-(-len(visitor_ids) // _READ_AT_ONCE))
        return {each: self.world.progress(int(each)) for each in visitor_ids}

    def mark_requeued(self, progress: Progress, now: datetime) -> bool:
        """Record that the request was queued again."""
        self.world.call()
        visitor = int(progress.visitor_id)
        if self.world.crowd.status(visitor) is not progress.status:
            return False
        again = (progress.status, seconds_at(now), progress.requeued_times + 1)
        self.world.requeued[visitor] = again
        return True

    def mark_failed(
        self,
        visitor_id: str,
        version: int,  # noqa: ARG002  there is one version of each visitor
        reason: str,  # noqa: ARG002
        while_at: Collection[Status],
    ) -> bool:
        """Fail a request."""
        self.world.call()
        return self.world.crowd.fail(int(visitor_id), while_at)

    def claim_text(self, visitor_id: str, version: int, claim: str) -> bool:  # noqa: ARG002
        """Claim a text that is about to be given up."""
        self.world.call()
        visitor, crowd = int(visitor_id), self.world.crowd
        if crowd.claimed[visitor] or crowd.status(visitor) is not Status.RECOMMENDED:
            return False
        crowd.claimed[visitor] = True
        return True

    def emptied(self, until: datetime, most: int, after: str | None = None) -> Slice[str]:  # noqa: ARG002
        """Return nobody: no visitor is forgotten here."""
        self.world.call()
        return Slice([])

    def expired(self, now: datetime, most: int, after: str | None = None) -> Slice[str]:  # noqa: ARG002
        """Return nobody: no visitor expires here."""
        self.world.call()
        return Slice([])


@dataclass(frozen=True, slots=True)
class SimulatedSubmissions:
    """Implements `Submissions` and `Results`."""

    world: World

    def put(self, submission: Submission) -> None:
        """Refuse: the flow stores spans."""
        raise NotImplementedError(submission)

    def get(self, submission_id: str) -> Submission | None:
        """Return the submission, with members that have no ratings."""
        self.world.call()
        stored = self.world.submissions.get(submission_id)
        if stored is None:
            return None
        members = spans.ids(stored.members)
        return Submission(tuple(Member(f"{visitor}", 1, DATASET, ()) for visitor in members))

    def delete_submission(self, submission_id: str) -> None:
        """Forget the submission."""
        self.world.call()
        self.world.submissions.pop(submission_id, None)

    def complete(self, submission_id: str) -> bool:
        """Return whether the results are written."""
        self.world.call()
        stored = self.world.submissions.get(submission_id)
        return stored is not None and stored.written

    def lines(
        self, submission_id: str, after: ResultsPlace | None = None
    ) -> Iterable[tuple[ResultsPlace, bytes]]:
        """Refuse: results have no content here."""
        raise NotImplementedError((submission_id, after))

    def delete_results(self, submission_id: str) -> None:  # noqa: ARG002
        """Let the time pass: results are part of the submission here."""
        self.world.call()


@dataclass(frozen=True, slots=True)
class SimulatedCollector:
    """Stands for `collect.Collector` where the sweep finds results whose event was lost."""

    world: World
    take_page: Callable[[Sequence[IdSpan]], object]

    def collect(
        self, submission_id: str, seconds_left: Callable[[], float], *_: Any, **__: Any
    ) -> CollectOutcome:
        """Collect the whole submission."""
        stored = self.world.submissions[submission_id]
        seconds = self.world.times.page * spans.total(stored.members)
        self.world.stopwatch.spend(min(seconds, max(0.0, seconds_left() - 1.0)))
        self.take_page(stored.members)
        return CollectOutcome(recommended=list[Result]())


@dataclass(frozen=True, slots=True)
class SimulatedLog:
    """Implements `RatingsLog`; `announce` sends S3's event about a visitor object."""

    world: World
    announce: Callable[[int], None]

    def append(self, visitor: VisitorObject) -> None:
        """Write the visitor object again, which announces it again."""
        self.world.call()
        self.world.calls["S3 writes"] += 1
        self.announce(int(visitor.visitor_id))

    def forget(self, visitor_id: str, dates: Iterable[str]) -> None:
        """Refuse: nobody is forgotten here."""
        raise NotImplementedError((visitor_id, dates))

    def count_since(self, moment: datetime, at_most: int) -> int:
        """Count the visitors since a time, by listing the objects of the days since then.

        Keys are in no order of time, so new objects are spread evenly over the listing.
        """
        begin = seconds_at(moment)
        new = self.world.crowd.arrived_since(begin)
        listed = self.world.crowd.arrived_since(max(0.0, begin // _DAY * _DAY))
        share = min(1.0, at_most / new) if new else 1.0
        pages = max(1, -(-int(listed * share) // 1000))
        self.world.calls["S3 listings"] += pages
        self.world.stopwatch.spend(self.world.times.listing * pages)
        return min(new, at_most)


@dataclass(frozen=True, slots=True)
class SimulatedTexts:
    """Implements `Texts`."""

    world: World
    queue: SimulatedQueue

    def send(self, messages: Sequence[TextMessage]) -> None:
        """Queue texts again."""
        self.world.call()
        for message in messages:
            number = int(message.visitor_id)
            self.queue.send((number, number + 1))

    def waiting(self) -> int:
        """Return how many messages wait in the queue."""
        self.world.call()
        return self.queue.waiting


@dataclass(slots=True)
class SimulatedModels:
    """Implements `Models`.

    Attributes:
        world: what the ports share.
        users: users of the imported data.
        ratings: ratings of the imported data.
        active: the active model; at first one that was trained when the simulation began.
    """

    world: World
    users: int
    ratings: int
    active: CurrentModel = field(init=False)
    _trained: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.active = self._model("20261201t000000z-000000", moment(0.0), 0)

    def current(self) -> CurrentModel:
        """Return the active model."""
        self.world.stopwatch.spend(self.world.times.models)
        return self.active

    def begin(self, step_name: str) -> None:
        """Record which visitors a training reads."""
        self._trained[step_name] = (moment(self.world.stopwatch.now), self.world.crowd.size)

    def complete(self, step_name: str) -> None:
        """Make the model of a train step active; other steps change nothing."""
        if step_name in self._trained:
            trained_at, visitors = self._trained.pop(step_name)
            self.active = self._model(step_name.removeprefix("train-"), trained_at, visitors)

    def ratings_with(self, visitors: int) -> int:
        """Return the ratings that a training counts: those of visitors are bounded."""
        bound = round(MOST_SHARE_OF_VISITORS * self.ratings)
        return self.ratings + min(RATINGS_OF_A_VISITOR * visitors, bound)

    def _model(self, model_id: str, trained_at: datetime, visitors: int) -> CurrentModel:
        ratings = self.ratings_with(visitors)
        return CurrentModel(
            model_id, DATASET, timestamp(trained_at), self.users + visitors, ratings
        )


@dataclass(frozen=True, slots=True)
class SimulatedLedger:
    """Implements `StepLedger`."""

    world: World
    done: set[str] = field(default_factory=set)

    def once(self, key: str, add: AddSteps) -> None:
        """Run `add` unless it has completed for this key."""
        self.world.call(2)
        if key not in self.done:
            add()
            self.done.add(key)


@dataclass(frozen=True, slots=True)
class SimulatedLocks:
    """Implements `Locks`."""

    world: World
    until: dict[str, datetime] = field(default_factory=dict)

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        """Take a lock that nobody holds."""
        self.world.call()
        if name in self.until and self.until[name] > now:
            return False
        self.until[name] = now + timedelta(seconds=seconds)
        return True

    def release(self, name: str) -> None:
        """Release a lock."""
        self.world.call()
        self.until.pop(name, None)


@dataclass(frozen=True, slots=True)
class SimulatedBookmarks:
    """Implements `Bookmarks`."""

    world: World
    places: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, name: str) -> Mapping[str, str]:
        """Return what was stored last."""
        self.world.call()
        return self.places.get(name, {})

    def put(self, name: str, places: Mapping[str, str]) -> None:
        """Store places."""
        self.world.call()
        self.places[name] = dict(places)


class NoCounter:
    """Stands for `Counter` where only a cap's numbers are read."""

    def add(self, key: str, most: Mapping[str, int], until: datetime) -> str | None:
        """Refuse: the flow counts the texts of many visitors at a time."""
        raise NotImplementedError((key, most, until))
