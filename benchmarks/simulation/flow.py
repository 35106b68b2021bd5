"""The flow from form to text: the product's rules on the models of AWS.

Steps are added, retried, given up and swept for by `marquee.requests` itself (StepAdder,
Reconciler, Sweeper, Cap), through the ports that this module implements. submit_step, queue_results
and send_text handle thousands of visitors at a time, so their moves are written here for spans of
visitors, in the order of `requests.submit`, `requests.collect` and `requests.send_text`;
tests/unit/benchmarks compares them with the product on small loads.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import simpy

from benchmarks.simulation import crowd as spans
from benchmarks.simulation.crowd import IdSpan, SimulatedCrowd
from benchmarks.simulation.deployment import Consumer, ShippedDeployment
from benchmarks.simulation.emr import EmrRefusedError, SimulatedCluster, SimulatedStep
from benchmarks.simulation.machines import Machine
from benchmarks.simulation.ports import (
    EVENT_SECONDS,
    NoCounter,
    SimulatedBookmarks,
    SimulatedCollector,
    SimulatedLedger,
    SimulatedLocks,
    SimulatedLog,
    SimulatedModels,
    SimulatedSubmission,
    SimulatedSubmissions,
    SimulatedTexts,
    SimulatedVisitors,
    World,
)
from benchmarks.simulation.quotas import DYNAMODB_PARTITION, SNS_TEXTS, SQS_IN_FLIGHT
from benchmarks.simulation.sqs import BatchWork, EventSource, Letter, SimulatedQueue
from benchmarks.simulation.stopwatch import CallAllowance, Stopwatch, TimedOutError
from benchmarks.simulation.times import WorkTimes
from marquee.requests.collect import BEFORE_PICKS, MARGIN_SECONDS, PAGE, Collector
from marquee.requests.discard import Discarder
from marquee.requests.emr_step_requests import StepLocations, parse_recommend_step_name
from marquee.requests.limits import Cap, LimitedAction
from marquee.requests.ports import StepState, Visitors
from marquee.requests.reconcile import Reconciler
from marquee.requests.send_text import Claims
from marquee.requests.staleness import StalenessRule
from marquee.requests.submit import StepAdder, submitted_at
from marquee.requests.sweep import Sweeper
from marquee.requests.visitor import Status

# With a long backlog so many runs of send_text in a row are one event of the simulation.
_TEXT_RUNS = 20
_PERIOD = 600.0  # seconds; runs of send_text that are one event would distort a shorter one
_NEVER = timedelta(days=365)
_LOCATIONS = StepLocations("s3://scripts/", "ratings", "models", "results")
# Lambda's waits before it repeats an asynchronous call:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_ASYNC_RETRIES = (60.0, 120.0)


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The model that is active at the beginning; it was trained then."""

    users: int
    ratings: int


@dataclass
class SimulatedFlow:
    """One deployment under load.

    Attributes:
        env: the simulation.
        shipped: the product's settings.
        times: how long things take.
        machine: what functions and steps run on.
        crowd: the visitors.
        trained_on: the first model's data.
        seed: of all random choices.
        throttled: whether AWS's limits on calls to EMR and SNS apply; the local AWS has none.
        pollers: batches of a function at the same time, where they differ from the template; the
            local AWS has fewer.
        train_seconds: seconds of each training; None to compute them from the ratings.
        poisoned: numbers of the submissions, from 0, whose every step fails.
        outage: from when until when EMR is out of order.
        keeps_fresh: whether no model is stale, so that no submission trains.
        sns_rate: texts a second that SNS accepts.
    """

    env: simpy.Environment
    shipped: ShippedDeployment
    times: WorkTimes
    machine: Machine
    crowd: SimulatedCrowd
    trained_on: TrainedOn
    seed: int = 1
    throttled: bool = True
    pollers: Mapping[str, int] = field(default_factory=dict)
    train_seconds: float | None = None
    poisoned: frozenset[int] = frozenset()
    outage: tuple[float, float] = (float("inf"), float("inf"))
    keeps_fresh: bool = False
    sns_rate: float = SNS_TEXTS.rate

    def __post_init__(self) -> None:
        self.stopwatch = Stopwatch(self.env)
        self.world = World(self.stopwatch, self.times, self.crowd)
        self.calls = self.world.calls
        self.submissions = self.world.submissions
        self.failed: Counter[str] = Counter()
        self.models = SimulatedModels(self.world, self.trained_on.users, self.trained_on.ratings)
        self.gigabyte_seconds = 0.0
        self.made = self.trainings = self.reconcile_dead = 0
        self._poisoned_ids: set[str] = set()
        self._counted_in: dict[int, str] = {}
        self._counted: Counter[str] = Counter()
        self._texts_by_period: Counter[int] = Counter()
        self._sns = CallAllowance(
            self.sns_rate, self.sns_rate * max(1.0, 5 * _TEXT_RUNS * self.times.text)
        )
        # All items at one status are in one partition of the index `open`.
        self.received_index = CallAllowance(DYNAMODB_PARTITION.rate, DYNAMODB_PARTITION.burst)
        self._consumers = {
            name: self.shipped.consumer(name)
            for name in ("submit_step", "queue_results", "send_text")
        }
        self.visitors_queue, self.results_queue, self.texts_queue = (
            self._queue(consumer) for consumer in self._consumers.values()
        )
        self._busy_delay = self.shipped.number("BusyDelaySeconds")
        self.cluster = SimulatedCluster(
            self.env,
            self.stopwatch,
            self.machine,
            random.Random(self.seed),  # noqa: S311  no secret
            self.shipped.step_concurrency,
            self.times.emr_call,
            self._step_seconds,
            self._is_poisoned,
            self._step_ended,
            outage=self.outage,
            throttles=self.throttled,
        )
        self._wire()
        self._start()

    # Putting it together

    def _queue(self, consumer: Consumer) -> SimulatedQueue:
        return SimulatedQueue(
            self.env,
            consumer.queue,
            consumer.visibility,
            self.shipped.max_receives,
            SQS_IN_FLIGHT.most,
        )

    def _wire(self) -> None:
        world, clock = self.world, self.stopwatch.clock
        rule = self.shipped.staleness
        if self.keeps_fresh:
            # After the first submission no other counts the new visitors.
            rule = StalenessRule(0, _NEVER, max_new_share=1e9, interval=_NEVER)
        log = SimulatedLog(world, self._announce)
        locks = SimulatedLocks(world)
        self.adder = StepAdder(
            self.cluster,
            SimulatedLedger(world),
            self.models,
            log,
            _LOCATIONS,
            rule,
            locks,
            clock,
        )
        self._cap = Cap(
            LimitedAction.TEXTS_IN_ALL,
            self.shipped.texts_a_day,
            timedelta(days=1),
            NoCounter(),
        )
        stored = SimulatedSubmissions(world)
        # A sweep and a failed step call no other methods of these two.
        visitors = cast(Visitors, SimulatedVisitors(world))
        collector = cast(Collector, SimulatedCollector(world, self._take_page))
        self.reconciler = Reconciler(
            visitors,
            log,
            stored,
            stored,
            SimulatedTexts(world, self.texts_queue),
            self.cluster,
            self.adder,
            collector,
            Discarder(visitors, stored, stored),
            Claims(visitors, self.shipped.claim_lease, clock),
            self.shipped.patience,
            Sweeper("sweep", locks, SimulatedBookmarks(world)),
        )

    def _start(self) -> None:
        handlers = {
            "submit_step": self._submit,
            "queue_results": self._collect,
            "send_text": self._send,
        }
        queues = (self.visitors_queue, self.results_queue, self.texts_queue)
        for (name, handle), queue in zip(handlers.items(), queues, strict=True):
            consumer = self._consumers[name]
            at_once = self.pollers.get(name, consumer.concurrency)
            source = EventSource(
                queue,
                consumer.batch_size,
                consumer.window,
                at_once,
                most_runs=_TEXT_RUNS if name == "send_text" else 1,
            )
            source.start(self.env, handle)
        self.env.process(self._sweep())
        self.env.process(self._train_on_schedule())

    # The API

    def receive(self, count: int) -> None:
        """Store visitors whose forms were accepted; S3 announces their objects."""
        span = self.crowd.arrive(count, self.env.now)
        self.calls["forms"] += count
        self.calls["S3 writes"] += count
        self.visitors_queue.send(span, delay=EVENT_SECONDS if self.throttled else 0.0)

    def receive_unreadable(self, count: int) -> None:
        """Put messages on the visitors queue that nobody can read."""
        self.visitors_queue.send((0, count), about="unreadable")

    def _announce(self, visitor: int) -> None:
        self.visitors_queue.send((visitor, visitor + 1), delay=EVENT_SECONDS)

    # submit_step

    def _submit(self, letters: list[Letter]) -> BatchWork:
        consumer, began = self._consumers["submit_step"], self.env.now
        try:
            failed = yield from self._submit_batch(letters, began + consumer.timeout)
        except TimedOutError:
            failed = letters
        self._ran(consumer, began)
        return failed

    def _submit_batch(self, letters: list[Letter], ends: float) -> BatchWork:
        named = [letter.span for letter in letters if letter.about is None]
        unreadable = [letter for letter in letters if letter.about is not None]
        count = sum(letter.count for letter in letters)
        yield from self.machine.work(self.times.submit + self.times.look * count)
        self.calls["DynamoDB reads"] += count
        received = self.crowd.select(named, [Status.RECEIVED])
        resumed = self.crowd.select(named, [Status.SUBMITTED])
        failed = list(unreadable)
        if received:
            failed += yield from self._submit_received(received, letters, ends)
        if resumed:
            failed += yield from self._resume(resumed, letters, ends)
        return failed

    def _submit_received(
        self, received: list[IdSpan], letters: Sequence[Letter], ends: float
    ) -> BatchWork:
        count = spans.total(received)
        try:
            is_busy = yield from self._timed(self.adder.is_busy, ends)
        except EmrRefusedError:
            return _among(letters, received)
        if is_busy:
            yield from self.machine.work(self.times.requeue * count)
            for span in received:
                self.visitors_queue.send(span, delay=self._busy_delay)
            return []
        submission_id = hashlib.sha256(repr((self.made, received)).encode()).hexdigest()[:32]
        submission = SimulatedSubmission(submission_id, received)
        self.submissions[submission_id] = submission
        if self.made in self.poisoned:
            self._poisoned_ids.add(submission_id)
        self.made += 1
        self.calls["S3 writes"] += 1
        yield from self.machine.work(self.times.mark * count)
        # Another batch may hold duplicates of these visitors' messages.
        submission.members = self.crowd.move(
            received, [Status.RECEIVED], Status.SUBMITTED, self.env.now
        )
        self.calls["DynamoDB writes"] += count
        self.received_index.use(self.env.now, count)
        if not submission.members:
            return []
        self.world.note_submission(submission.members, submission_id)
        return (yield from self._ensure(submission_id, received, letters, ends, fresh=True))

    def _resume(self, resumed: list[IdSpan], letters: Sequence[Letter], ends: float) -> BatchWork:
        by_submission: dict[str, list[IdSpan]] = {}
        for span in resumed:
            for part, submission_id in self.world.submissions_of(span):
                by_submission.setdefault(submission_id, []).append(part)
        failed: list[Letter] = []
        for submission_id, members in by_submission.items():
            failed += yield from self._ensure(submission_id, members, letters, ends, fresh=False)
        return failed

    def _ensure(
        self,
        submission_id: str,
        members: list[IdSpan],
        letters: Sequence[Letter],
        ends: float,
        *,
        fresh: bool,
    ) -> BatchWork:
        since = submitted_at([self.world.progress(members[0][0])])

        def ensure() -> None:
            self.adder.ensure(submission_id, fresh=fresh, since=since)

        try:
            yield from self._timed(ensure, ends)
        except EmrRefusedError:
            return _among(letters, members)
        return []

    # The cluster

    def _step_seconds(self, name: str) -> float:
        named = parse_recommend_step_name(name)
        if named is not None:
            submission = self.submissions.get(named[0])
            members = spans.total(submission.members) if submission else 0
            return self.times.recommend_seconds(members)
        if not name.startswith("train-"):
            return self.times.step
        self.trainings += 1
        self.models.begin(name)
        if self.train_seconds is not None:
            return self.train_seconds
        visitors = self.crowd.size
        return self.times.train_seconds(self.models.ratings_with(visitors), visitors)

    def _is_poisoned(self, name: str) -> bool:
        named = parse_recommend_step_name(name)
        return named is not None and named[0] in self._poisoned_ids

    def _step_ended(self, step: SimulatedStep) -> None:
        if step.state is StepState.FAILED:
            self.env.process(self._step_ended_badly(step.name))
            return
        named = parse_recommend_step_name(step.name)
        if named is None:
            self.models.complete(step.name)
        elif named[0] in self.submissions:
            submission = self.submissions[named[0]]
            submission.written = True
            self.results_queue.send((0, 1), delay=EVENT_SECONDS, about=(submission, 0))

    # queue_results

    def _collect(self, letters: list[Letter]) -> BatchWork:
        consumer, began = self._consumers["queue_results"], self.env.now
        yield from self.machine.work(self.times.collect)
        for letter in letters:
            submission, place = letter.about
            yield from self._collect_from(submission, place, began + consumer.timeout)
        self._ran(consumer, began)
        return []

    def _collect_from(
        self, submission: SimulatedSubmission, place: int, ends: float
    ) -> Generator[simpy.Event, Any]:
        """Collect pages while time remains, at least one; hand on the rest."""
        _, left = spans.first(submission.members, place)
        is_first = True
        while left:
            if not is_first and ends - self.env.now < MARGIN_SECONDS:
                self.results_queue.send((0, 1), about=(submission, place))
                return
            page, left = spans.first(left, PAGE)
            count = spans.total(page)
            yield from self.machine.work(self.times.page * count)
            self._take_page(page)
            place += count
            is_first = False
        self.submissions.pop(submission.submission_id, None)

    def _take_page(self, page: Sequence[IdSpan]) -> list[IdSpan]:
        """Write the picks of those who have none yet, and queue their texts; return them."""
        moved = self.crowd.move(page, BEFORE_PICKS, Status.RECOMMENDED, self.env.now)
        self.calls["DynamoDB reads"] += spans.total(page)
        self.calls["DynamoDB writes"] += spans.total(moved)
        for span in moved:
            self.texts_queue.send(span)
        return moved

    # send_text

    def _send(self, letters: list[Letter]) -> BatchWork:
        """Claim the batch's texts, let the time of all of them pass, and send them."""
        consumer, began = self._consumers["send_text"], self.env.now
        due: list[Letter] = []
        failed: list[Letter] = []
        for letter in letters:
            for span in self.crowd.select([letter.span], [Status.RECOMMENDED]):
                free, claimed = self.crowd.claim(span)
                due += [Letter(*part, letter.receives) for part in free]
                failed += [Letter(*part, letter.receives) for part in claimed]
            for span in self.crowd.select([letter.span], BEFORE_PICKS):
                failed.append(Letter(*span, letter.receives))
        count = sum(letter.count for letter in letters)
        texts = sum(letter.count for letter in due)
        self.calls["DynamoDB reads"] += count
        self.calls["DynamoDB writes"] += 4 * texts  # the claim, two counts, `texted`
        yield from self.machine.work(self.times.text * texts + self.times.item * (count - texts))
        for letter in due:
            failed += self._publish(letter)
            self.crowd.release(letter.span)
        self._ran(consumer, began, runs=-(-count // consumer.batch_size))
        return failed

    def _publish(self, letter: Letter) -> list[Letter]:
        """Send claimed texts; return the messages that must be delivered again."""
        now, window = self.env.now, self._cap.window_at(self.stopwatch.clock())
        counted = [self._counted_in.get(visitor) == window for visitor in range(*letter.span)]
        if any(counted) and letter.count > 1:  # rare: SNS refused some of them before
            return [
                again
                for visitor in range(*letter.span)
                for again in self._publish(Letter(visitor, visitor + 1, letter.receives))
            ]
        low, high = letter.span
        if not any(counted):
            high = min(high, low + self._cap.most - self._counted[window])
            self._counted[window] += high - low
            for visitor in range(high, letter.high):
                self.crowd.fail(visitor, [Status.RECOMMENDED])
            self.failed["over the day's cap of texts"] += letter.high - high
        sent = high
        if self.throttled:
            sent = low + min(high - low, int(self._sns.available(now)))
            self._sns.use(now, sent - low)
            self.calls["SNS publishes refused"] += high - sent
            self._counted_in |= dict.fromkeys(range(sent, high), window)
        if sent > low:
            self.crowd.text((low, sent), now)
            self._texts_by_period[int(now // _PERIOD)] += sent - low
        return [Letter(sent, high, letter.receives)] if high > sent else []

    # reconcile

    def _step_ended_badly(self, name: str) -> Generator[simpy.Event, Any]:
        """Call reconcile, which Lambda repeats twice if it fails."""
        yield self.env.timeout(EVENT_SECONDS)
        for wait in (*_ASYNC_RETRIES, None):
            try:
                done = yield from self._timed(
                    lambda: self.reconciler.step_ended_badly(name), self.env.now + 120.0
                )
            except (EmrRefusedError, TimedOutError):
                if wait is None:
                    self.reconcile_dead += 1
                    return
                yield self.env.timeout(wait)
            else:
                self.failed["no attempt of the step succeeded"] += len(done.failed)
                return

    def _sweep(self) -> Generator[simpy.Event, Any]:
        """Run the product's sweep on its schedule."""
        number = 0
        properties = self.shipped.template.functions["ReconcileFunction"]
        timeout = float(properties["Timeout"])
        while True:
            yield self.env.timeout(self.shipped.every("SweepSchedule"))
            number += 1
            name = f"sweep-{number}"

            def sweep(name: str = name) -> None:
                done = self.reconciler.sweep(
                    name, lambda: self.stopwatch.left, self.stopwatch.clock()
                )
                self.calls["requeued by sweeps"] += len(done.requeued)
                self.calls["errors in sweeps"] += len(done.errors)
                self.failed["gave up by age"] += len(done.failed)

            try:
                yield from self._timed(sweep, self.env.now + timeout)
            except TimedOutError:
                self.calls["sweeps out of time"] += 1

    @property
    def peak_texts_a_second(self) -> float:
        """The texts a second in the ten minutes with the most texts."""
        return max(self._texts_by_period.values(), default=0) / _PERIOD

    def train(self) -> Generator[simpy.Event, Any]:
        """Add the steps of a training that no visitor waits for, unless one is active.

        As `functions/reconcile` does on its schedule; Lambda repeats a failed call twice.
        """
        for wait in (*_ASYNC_RETRIES, None):
            try:
                if not (yield from self._timed(self.adder.is_training, self.env.now + 120.0)):
                    yield from self._timed(self.adder.train, self.env.now + 120.0)
            except (EmrRefusedError, TimedOutError):
                if wait is None:
                    self.reconcile_dead += 1
                    return
                yield self.env.timeout(wait)
            else:
                return

    def _train_on_schedule(self) -> Generator[simpy.Event, Any]:
        every = self.shipped.every("TrainSchedule")
        while True:
            yield self.env.timeout(every)
            yield from self.train()

    # Helpers

    def _timed[R](self, work: Callable[[], R], ends: float) -> Generator[simpy.Event, Any, R]:
        """Run product code, then let the time pass that it took."""
        self.stopwatch.begin(ends - self.env.now)
        try:
            return work()
        finally:
            yield from self.machine.work(self.stopwatch.end())

    def _ran(self, consumer: Consumer, began: float, runs: int = 1) -> None:
        self.calls["Lambda calls"] += runs
        self.gigabyte_seconds += consumer.gigabytes * (self.env.now - began)


def _among(letters: Sequence[Letter], parts: Sequence[IdSpan]) -> list[Letter]:
    """Return the messages of these letters that are about visitors of `parts`."""
    found = []
    for letter in letters:
        if letter.about is None:
            for low, high in parts:
                begin, end = max(low, letter.low), min(high, letter.high)
                if begin < end:
                    found.append(Letter(begin, end, letter.receives))
    return found
