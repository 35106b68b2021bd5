"""The outside world in memory: small faithful stores, queues that redeliver, a cluster.

Any write can die before or after it takes effect (`Gate`), like a function whose process is killed.
`Died` is not an Exception, so no handler in the product can catch it.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from marquee.contracts import (
    CurrentModel,
    Pick,
    Rating,
    Result,
    ResultsPlace,
    Submission,
    TextMessage,
    VisitorObject,
    timestamp,
    visitors_prefix,
)
from marquee.requests.collect import Collector, CollectOutcome
from marquee.requests.discard import Discarder
from marquee.requests.emr_step_requests import StepLocations, StepRequest, parse_recommend_step_name
from marquee.requests.forget import Forgetter
from marquee.requests.limits import Cap, LimitedAction
from marquee.requests.ports import ClusterGoneError, Slice, StepState, TextNotSentError
from marquee.requests.reconcile import Patience, ReconcileOutcome, Reconciler
from marquee.requests.register import Registrar
from marquee.requests.revise import Reviser
from marquee.requests.send_text import Claims, Texter
from marquee.requests.shared_list import SharedList
from marquee.requests.staleness import StalenessRule
from marquee.requests.submit import StepAdder, Submitter
from marquee.requests.sweep import SecondsLeft, Sweeper
from marquee.requests.visitor import Page, Phone, Progress, Recipient, Registration, Status

PATIENCE = Patience(
    received=timedelta(minutes=5),
    submitted=timedelta(minutes=10),
    recommended=timedelta(minutes=5),
    give_up=timedelta(hours=24),
    attempts=3,
)
STALENESS = StalenessRule(
    small_ratings=1_000_000,
    max_age=timedelta(hours=24),
    max_new_share=0.01,
    interval=timedelta(minutes=5),
)
LOCATIONS = StepLocations("s3://artifacts/steps/1/", "ratings", "models", "results")


class Died(BaseException):
    """The function's process was killed."""


@dataclass
class Gate:
    """Counts writes and kills one of them, before or after it takes effect."""

    kill: tuple[int, str] | None = None
    writes: list[str] = field(default_factory=list)

    def pass_through[T](self, name: str, effect: Callable[[], T]) -> T:
        number = len(self.writes)
        self.writes.append(name)
        if self.kill == (number, "before"):
            raise Died(f"before {name}")
        answer = effect()
        if self.kill == (number, "after"):
            raise Died(f"after {name}")
        return answer


@dataclass
class MemoryVisitors:
    gate: Gate
    items: dict[str, Progress] = field(default_factory=dict)
    people: dict[str, tuple[str, Phone | None]] = field(default_factory=dict)
    empty_since: dict[str, str] = field(default_factory=dict)
    unlogged: set[str] = field(default_factory=set)
    dates: dict[str, set[str]] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict)
    renewals: dict[str, str | None] = field(default_factory=dict)
    expires_at: dict[str, int] = field(default_factory=dict)
    rated_at: dict[str, Mapping[int, str]] = field(default_factory=dict)
    unseen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    saved: dict[str, tuple[int, ...]] = field(default_factory=dict)
    unanswered: dict[str, tuple[Pick, ...]] = field(default_factory=dict)

    def create(self, registration: Registration) -> bool:
        def effect() -> bool:
            if registration.visitor_id in {*self.items, *self.empty_since}:
                return False
            self.items[registration.visitor_id] = registration.progress
            self.dates[registration.visitor_id] = {registration.requested_at[:10]}
            self.people[registration.visitor_id] = (registration.name, registration.phone)
            self.digests[registration.visitor_id] = registration.form_digest
            self.expires_at[registration.visitor_id] = registration.expires_at
            self.rated_at[registration.visitor_id] = registration.rated_at
            self.unseen[registration.visitor_id] = registration.unseen
            self.saved[registration.visitor_id] = registration.saved
            return True

        return self.gate.pass_through("visitors.create", effect)

    def exists(self, visitor_id: str) -> bool:
        return visitor_id in self.items

    def get(self, visitor_id: str) -> Progress | None:
        return self.items.get(visitor_id)

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        return {key: self.items[key] for key in visitor_ids if key in self.items}

    def page(self, visitor_id: str) -> Page | None:
        if visitor_id not in self.items:
            return None
        name, phone = self.people[visitor_id]
        ends, mark = (phone.ends, phone.mark) if phone else (None, None)
        digest, renewal = self.digests[visitor_id], self.renewals.get(visitor_id)
        return Page(
            self.items[visitor_id],
            name,
            self.expires_at[visitor_id],
            ends,
            mark,
            digest,
            renewal,
            rated_at=self.rated_at[visitor_id],
            unseen=self.unseen[visitor_id],
            saved=self.saved[visitor_id],
            unanswered=self.unanswered.get(visitor_id, ()),
        )

    def recipient(self, visitor_id: str) -> Recipient | None:
        name, phone = self.people.get(visitor_id, ("", None))
        if phone is None:
            return None
        return Recipient(name, phone.number, self.items[visitor_id], phone.mark)

    def open(
        self, status: Status, until: datetime, most: int, after: str | None = None
    ) -> Slice[Progress]:
        waiting = [
            p
            for p in self.items.values()
            if p.status is status
            and (status is not Status.RECOMMENDED or p.texts)
            and (status is not Status.SAVED or p.visitor_id in self.unlogged)
        ]
        since = {p.visitor_id: p.status_at for p in waiting}
        keys = _slice(since, until, most, after)
        return Slice([self.items[key] for key in keys.found], keys.after)

    def emptied(self, until: datetime, most: int, after: str | None = None) -> Slice[str]:
        return _slice(self.empty_since, until, most, after)

    def mark_requeued(self, progress: Progress, now: datetime) -> bool:
        def effect() -> bool:
            found = self.items.get(progress.visitor_id)
            if found is None or (found.version, found.status) != (
                progress.version,
                progress.status,
            ):
                return False
            self.items[progress.visitor_id] = replace(
                found,
                requeued_times=progress.requeued_times + 1,
                requeued_at=timestamp(now),
            )
            return True

        return self.gate.pass_through("visitors.requeued", effect)

    def expired(self, now: datetime, most: int, after: str | None = None) -> Slice[str]:
        times = {
            visitor_id: timestamp(datetime.fromtimestamp(at, UTC))
            for visitor_id, at in self.expires_at.items()
        }
        return _slice(times, now, most, after)

    def _has_expired(self, visitor_id: str, now: datetime) -> bool:
        return visitor_id in self.items and self.expires_at[visitor_id] <= now.timestamp()

    def mark_logged(self, visitor_id: str, version: int) -> bool:
        def effect() -> bool:
            found = self.items.get(visitor_id)
            if found is None or (found.version, found.status) != (version, Status.SAVED):
                return False
            self.unlogged.discard(visitor_id)
            return True

        return self.gate.pass_through("visitors.logged", effect)

    def revise(self, before: Progress, revised: Page, phone: Phone | None) -> bool:
        visitor_id = before.visitor_id

        def effect() -> bool:
            found = self.items.get(visitor_id)
            if found is None or (
                found.version,
                found.status,
                found.text_claimed_at,
                found.token_generation,
            ) != (before.version, before.status, before.text_claimed_at, before.token_generation):
                return False
            self.items[visitor_id] = revised.progress
            self.renewals[visitor_id] = revised.renewal
            self.expires_at[visitor_id] = revised.expires_at
            self.rated_at[visitor_id] = revised.rated_at
            self.unseen[visitor_id] = revised.unseen
            self.saved[visitor_id] = revised.saved
            self.unanswered[visitor_id] = revised.unanswered
            self.unlogged.add(visitor_id)
            self.dates[visitor_id].add(revised.progress.requested_at[:10])
            if phone:
                self.people[visitor_id] = (revised.name, phone)
            return True

        return self.gate.pass_through("visitors.revise", effect)

    def token_generation(self, visitor_id: str) -> int | None:
        found = self.items.get(visitor_id)
        return found.token_generation if found else 1 if visitor_id in self.empty_since else None

    def renew_token(self, before: Progress, renewal: str | None) -> bool:
        def effect() -> bool:
            found = self.items.get(before.visitor_id)
            if found is None or found.token_generation != before.token_generation:
                return False
            generation = before.token_generation + 1
            self.items[before.visitor_id] = replace(found, token_generation=generation)
            self.renewals[before.visitor_id] = renewal
            return True

        return self.gate.pass_through("visitors.renew_token", effect)

    def empty(
        self, visitor_id: str, *, expired_at: datetime | None = None
    ) -> Collection[str] | None:
        def effect() -> Collection[str] | None:
            if expired_at and not self._has_expired(visitor_id, expired_at):
                return None
            if visitor_id in self.items:
                self.empty_since[visitor_id] = timestamp(datetime.now(UTC))
                del self.items[visitor_id], self.people[visitor_id], self.digests[visitor_id]
                del self.expires_at[visitor_id], self.rated_at[visitor_id], self.unseen[visitor_id]
                del self.saved[visitor_id]
                self.unanswered.pop(visitor_id, None)
            return self.dates.get(visitor_id)

        return self.gate.pass_through("visitors.empty", effect)

    def remove(self, visitor_id: str) -> None:
        def effect() -> None:
            if self.empty_since.pop(visitor_id, None):
                del self.dates[visitor_id]

        self.gate.pass_through("visitors.remove", effect)

    def mark_submitted(self, visitor_id: str, version: int, submission_id: str) -> bool:
        return self._move(
            visitor_id, version, Status.SUBMITTED, [Status.RECEIVED], submission_id=submission_id
        )

    def mark_recommended(
        self, visitor_id: str, version: int, model_id: str, picks: Sequence[Pick]
    ) -> bool:
        return self._move(
            visitor_id,
            version,
            Status.RECOMMENDED,
            [Status.RECEIVED, Status.SUBMITTED],
            model_id=model_id,
            picks=tuple(picks),
        )

    def claim_text(self, visitor_id: str, version: int, claim: str) -> bool:
        def effect() -> bool:
            found = self.items.get(visitor_id)
            if (
                found is None
                or (found.version, found.status) != (version, Status.RECOMMENDED)
                or (found.text_claimed_at is not None and self.claims.get(visitor_id) != claim)
                or not found.texts
            ):
                return False
            self.claims[visitor_id] = claim
            self.items[visitor_id] = replace(found, text_claimed_at=timestamp(datetime.now(UTC)))
            return True

        return self.gate.pass_through("visitors.claim_text", effect)

    def release_text(
        self, visitor_id: str, version: int, claim: str, counted_in: str | None
    ) -> bool:
        def effect() -> bool:
            found = self.items.get(visitor_id)
            if (
                found is None
                or (found.version, found.status) != (version, Status.RECOMMENDED)
                or self.claims.get(visitor_id) != claim
            ):
                return False
            self.items[visitor_id] = replace(
                found, text_claimed_at=None, text_counted_in=counted_in or found.text_counted_in
            )
            return True

        return self.gate.pass_through("visitors.release_text", effect)

    def mark_texted(self, visitor_id: str, version: int) -> bool:
        return self._move(visitor_id, version, Status.TEXTED, [Status.RECOMMENDED])

    def mark_failed(
        self, visitor_id: str, version: int, reason: str, while_at: Collection[Status]
    ) -> bool:
        return self._move(visitor_id, version, Status.FAILED, while_at, reason=reason)

    def _move(
        self,
        visitor_id: str,
        version: int,
        to: Status,
        while_at: Collection[Status],
        **values: object,
    ) -> bool:
        def effect() -> bool:
            found = self.items.get(visitor_id)
            if found is None or found.version != version or found.status not in while_at:
                return False
            self.items[visitor_id] = replace(
                found,
                status=to,
                status_at=timestamp(datetime.now(UTC)),
                requeued_times=0,
                requeued_at=None,
                **values,  # type: ignore[arg-type]
            )
            return True

        return self.gate.pass_through(f"visitors.{to}", effect)


def _slice(since: Mapping[str, str], until: datetime, most: int, after: str | None) -> Slice[str]:
    """Slice names by the time since which each waits; names with the same time stay together."""
    waiting = sorted((moment, name) for name, moment in since.items())
    left = [(m, name) for m, name in waiting if (after or "") < m <= timestamp(until)]
    if len(left) <= most:
        return Slice([name for _, name in left])
    page = left[:most]
    kept = [each for each in page if each[0] < page[-1][0]] or page
    return Slice([name for _, name in kept], kept[-1][0])


@dataclass
class MemoryObjects:
    """The ratings and results buckets; every write of a visitor object is announced."""

    gate: Gate
    announce_visitor: Callable[[tuple[str, int]], None]
    submissions: dict[str, Submission] = field(default_factory=dict)
    results: dict[str, list[bytes]] = field(default_factory=dict)
    visitors: dict[str, VisitorObject] = field(default_factory=dict)
    new_visitors: int = 1  # what `count_since` finds
    counted: int = 0  # calls of `count_since`

    def append(self, visitor: VisitorObject) -> None:
        def effect() -> None:
            self.visitors[visitor.key] = visitor
            self.announce_visitor((visitor.visitor_id, visitor.version))

        self.gate.pass_through("ratings.append", effect)

    def forget(self, visitor_id: str, dates: Iterable[str]) -> None:
        def effect() -> None:
            for date in dates:
                for key in list(self.visitors):
                    if key.startswith(f"{visitors_prefix(date)}{visitor_id}-"):
                        del self.visitors[key]

        self.gate.pass_through("ratings.forget", effect)

    def count_since(self, moment: datetime, at_most: int) -> int:
        self.counted += 1
        return min(self.new_visitors, at_most)

    def put(self, submission: Submission) -> None:
        self.gate.pass_through(
            "submissions.put",
            lambda: self.submissions.update({submission.submission_id: submission}),
        )

    def get(self, submission_id: str) -> Submission | None:
        return self.submissions.get(submission_id)

    def complete(self, submission_id: str) -> bool:
        return submission_id in self.results

    def lines(
        self, submission_id: str, after: ResultsPlace | None = None
    ) -> Iterable[tuple[ResultsPlace, bytes]]:
        lines = self.results.get(submission_id, [])
        begin = after.lines if after else 0
        return [
            (ResultsPlace("part-00000.json", number), line)
            for number, line in enumerate(lines[begin:], start=begin + 1)
        ]

    def delete_submission(self, submission_id: str) -> None:
        self.gate.pass_through(
            "submissions.delete", lambda: self.submissions.pop(submission_id, None)
        )

    def delete_results(self, submission_id: str) -> None:
        self.gate.pass_through("results.delete", lambda: self.results.pop(submission_id, None))


@dataclass
class MemoryModels:
    model: CurrentModel | None

    def current(self) -> CurrentModel | None:
        return self.model


@dataclass
class MemoryCluster:
    """Keeps steps until `World` runs them."""

    gate: Gate
    steps: list[tuple[str, StepState]] = field(default_factory=list)
    gone: bool = False
    throttled: int = 0

    def add(self, steps: Sequence[StepRequest]) -> list[str]:
        if self.gone:
            raise ClusterGoneError("cluster j-1 is terminated")
        if self.throttled:
            self.throttled -= 1
            raise RuntimeError("ThrottlingException")

        def effect() -> list[str]:
            self.steps += [(step["Name"], StepState.PENDING) for step in steps]
            return [f"s-{len(self.steps)}"]

        return self.gate.pass_through("cluster.add", effect)

    def step_states(
        self, names: Iterable[str], since: datetime | None = None
    ) -> dict[str, StepState]:
        if self.gone:
            raise ClusterGoneError("cluster j-1 is terminated")
        wanted = set(names)
        return {name: state for name, state in self.steps if name in wanted}

    def active_step_names(self) -> list[str]:
        return [name for name, state in self.steps if state is StepState.PENDING]

    def named(self, kind: str) -> list[str]:
        return [name for name, _ in self.steps if name.startswith(f"{kind}-")]


@dataclass
class MemoryLedger:
    """A ledger in which a run that died may be repeated immediately.

    In the real ledger it stays "in progress" until its time is up.
    """

    gate: Gate
    done: set[str] = field(default_factory=set)

    def once(self, key: str, add: Callable[[], None]) -> None:
        if key in self.done:
            return
        add()
        self.gate.pass_through("ledger.done", lambda: self.done.add(key))


@dataclass
class MemoryLocks:
    """Locks whose calls are atomic; a lock does not record its holder."""

    gate: Gate | None = None
    until: dict[str, datetime] = field(default_factory=dict)

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        def effect() -> bool:
            if name in self.until and now < self.until[name]:
                return False
            self.until[name] = now + timedelta(seconds=seconds)
            return True

        return self.gate.pass_through("locks.take", effect) if self.gate else effect()

    def release(self, name: str) -> None:
        def effect() -> None:
            self.until.pop(name, None)

        if self.gate:
            self.gate.pass_through("locks.release", effect)
        else:
            effect()


@dataclass
class MemoryBookmarks:
    gate: Gate | None = None
    places: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, name: str) -> Mapping[str, str]:
        return dict(self.places.get(name, {}))

    def put(self, name: str, places: Mapping[str, str]) -> None:
        def effect() -> None:
            self.places[name] = dict(places)

        if self.gate:
            self.gate.pass_through("bookmarks.put", effect)
        else:
            effect()


@dataclass
class MemoryTally:
    """A tally whose calls are atomic, as with DynamoDB."""

    counted: dict[str, set[str]] = field(default_factory=dict)
    until: list[datetime] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, what: str, most: int, until: datetime) -> bool:
        with self.lock:
            known = self.counted.setdefault(key, set())
            if what not in known and len(known) >= most:
                return False
            known.add(what)
            self.until.append(until)
            return True


@dataclass
class MemoryCounter:
    """A counter whose calls are atomic, as with DynamoDB."""

    gate: Gate = field(default_factory=Gate)
    errors: list[Exception] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, most: Mapping[str, int], until: datetime) -> str | None:
        def effect() -> str | None:
            with self.lock:
                for name, limit in most.items():
                    if self.counts.get((key, name), 0) >= limit:
                        return name
                for name in most:
                    self.counts[key, name] = self.counts.get((key, name), 0) + 1
                return None

        if self.errors:
            raise self.errors.pop()
        return self.gate.pass_through("counter.add", effect)


@dataclass
class MemoryLists:
    """Shared lists; one that was taken back keeps its id and its expiry."""

    items: dict[str, SharedList] = field(default_factory=dict)

    def create(self, shared: SharedList) -> bool:
        return self.items.setdefault(shared.list_id, shared) is shared

    def get(self, list_id: str) -> SharedList | None:
        return self.items.get(list_id)

    def take_back(self, list_id: str) -> bool:
        stored = self.items.get(list_id)
        if stored is None:
            return False
        self.items[list_id] = SharedList(
            list_id, dataset="", movies=(), expires_at=stored.expires_at, is_taken_back=True
        )
        return True


@dataclass
class MemoryTexts:
    gate: Gate
    queue: list[TextMessage]

    def send(self, messages: Sequence[TextMessage]) -> None:
        self.gate.pass_through("texts.send", lambda: self.queue.extend(messages))

    def waiting(self) -> int:
        return len(self.queue)


@dataclass
class MemorySms:
    gate: Gate
    sent: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def publish(self, phone: str, message: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.gate.pass_through("sms.publish", lambda: self.sent.append((phone, message)))


@dataclass
class MemoryLine:
    gate: Gate
    announce_visitor: Callable[[tuple[str, int]], None]

    def wait(self, visitors: Sequence[VisitorObject]) -> None:
        def effect() -> None:
            for visitor in visitors:
                self.announce_visitor((visitor.visitor_id, visitor.version))

        self.gate.pass_through("line.wait", effect)


class MemoryTitles:
    def titles(self, dataset: str, movie_ids: Sequence[int]) -> dict[int, str]:
        return {movie_id: f"Film {movie_id}" for movie_id in movie_ids}


class World:
    """The whole flow, one call at a time; a message leaves its queue only when handled."""

    def __init__(
        self,
        kill: tuple[int, str] | None = None,
        attempts: int = 3,
        cap: int = 200,
        phone_cap: int = 200,
        interval: timedelta = timedelta(0),
    ) -> None:
        self.gate = Gate(kill)
        self.visitors_queue: list[tuple[str, int]] = []
        self.results_queue: list[str] = []
        self.texts_queue: list[TextMessage] = []
        self.step_events: list[str] = []
        self.deaths = 0
        self.refuse_step: Callable[[str], bool] = lambda name: False
        self.make_result: Callable[[str, int], Result] = good_result
        self.visitors = MemoryVisitors(self.gate)
        self.objects = MemoryObjects(self.gate, self.visitors_queue.append)
        self.cluster = MemoryCluster(self.gate)
        self.locks = MemoryLocks(self.gate)
        self.sms = MemorySms(self.gate)
        self.counter = MemoryCounter(self.gate)
        self.models = MemoryModels(
            CurrentModel("m1", "embedded", timestamp(datetime.now(UTC)), users=10, ratings=100)
        )
        self.registrar = Registrar(self.visitors, self.objects)
        self.reviser = Reviser(self.visitors, self.objects)
        self.forgetter = Forgetter(self.visitors, self.objects)
        adder = StepAdder(
            self.cluster,
            MemoryLedger(self.gate),
            self.models,
            self.objects,
            LOCATIONS,
            replace(STALENESS, interval=interval),
            self.locks,
        )
        line = MemoryLine(self.gate, self.visitors_queue.append)
        self.submitter = Submitter(self.visitors, self.objects, self.models, adder, line, writers=1)
        texts = MemoryTexts(self.gate, self.texts_queue)
        self.discarder = Discarder(self.visitors, self.objects, self.objects)
        self.collector = Collector(self.visitors, self.objects, texts, self.discarder, writers=1)
        # No lease, because in this simulation a death is noticed only after the function's time is
        # up.
        claims = Claims(self.visitors, lease=timedelta(0))
        self.texter = Texter(
            self.visitors,
            MemoryTitles(),
            self.sms,
            lambda visitor_id, generation: f"https://example.org/#{visitor_id}.{generation}",
            claims=claims,
            cap=Cap(LimitedAction.TEXTS_IN_ALL, cap, timedelta(days=1), self.counter),
            phone_cap=Cap(LimitedAction.TEXTS, phone_cap, timedelta(days=1), self.counter),
        )
        self.reconciler = Reconciler(
            self.visitors,
            self.objects,
            self.objects,
            self.objects,
            texts,
            self.cluster,
            adder,
            self.collector,
            self.discarder,
            claims,
            replace(
                PATIENCE,
                received=timedelta(0),
                submitted=timedelta(0),
                recommended=timedelta(0),
                attempts=attempts,
            ),
            Sweeper("sweep", self.locks, MemoryBookmarks(self.gate)),
        )
        self.sweeps = 0

    def post(self, registration: Registration) -> None:
        """Post a form up to three times, as a client does whose answer is lost."""
        for _ in range(3):
            if self.alive(lambda: self.registrar.register(registration)):
                return

    def alive(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except Died:
            self.deaths += 1
            return False
        return True

    def settle(self, rounds: int = 12) -> None:
        """Deliver, run and sweep for a number of rounds, enough to leave nothing to do."""
        for number in range(1, rounds + 1):
            self.deliver_visitors()
            self.run_steps()
            self.deliver_step_events()
            self.deliver_results()
            self.deliver_texts()
            self.sweep(timedelta(minutes=5 * number))

    def sweep(
        self, later: timedelta = timedelta(minutes=1), seconds_left: SecondsLeft = lambda: 120.0
    ) -> ReconcileOutcome:
        """Sweep at the time now + `later`; by default, the function may run for two minutes."""
        done = ReconcileOutcome()
        self.sweeps += 1

        def work() -> None:
            nonlocal done
            done = self.reconciler.sweep(
                f"sweep {self.sweeps}", seconds_left, datetime.now(UTC) + later
            )

        self.alive(work)
        return done

    def deliver_visitors(self) -> None:
        batch = list(self.visitors_queue)

        def submit() -> None:
            outcome = self.submitter.submit(batch)
            for message in batch:
                if message not in outcome.errors and message in self.visitors_queue:
                    self.visitors_queue.remove(message)

        if batch:
            self.alive(submit)

    def run_steps(self) -> None:
        for number, (name, state) in enumerate(self.cluster.steps):
            if state is not StepState.PENDING:
                continue
            named = parse_recommend_step_name(name)
            refused = self.refuse_step(name) or (
                named is not None and named[0] not in self.objects.submissions
            )
            self.cluster.steps[number] = (
                name,
                StepState.FAILED if refused else StepState.COMPLETED,
            )
            if refused:
                self.step_events.append(name)
            elif named:
                self.write_results(named[0])

    def write_results(self, submission_id: str) -> None:
        self.objects.results[submission_id] = [
            self.make_result(member.visitor_id, member.version).to_json().encode()
            for member in self.objects.submissions[submission_id].members
        ]
        self.results_queue.append(submission_id)

    def deliver_step_events(self) -> None:
        for name in list(self.step_events):
            if self.alive(partial(self.reconciler.step_ended_badly, name)):
                self.step_events.remove(name)

    def deliver_results(self) -> None:
        for submission_id in list(self.results_queue):
            if self.alive(partial(self.collect, submission_id)):
                self.results_queue.remove(submission_id)

    def collect(self, submission_id: str) -> CollectOutcome:
        return self.collector.collect(submission_id, lambda: 60.0)

    def deliver_texts(self) -> None:
        for message in list(self.texts_queue):
            try:
                if self.alive(partial(self.texter.text, message)):
                    self.texts_queue.remove(message)
            except TextNotSentError:
                continue  # SQS delivers it again

    def status(self, visitor_id: str) -> Status:
        return self.visitors.items[visitor_id].status

    def texts_to(self, phone: str) -> int:
        return sum(to == phone for to, _ in self.sms.sent)


def registration(number: int = 1, *, phone: bool = True, dataset: str = "embedded") -> Registration:
    return Registration(
        visitor_id=f"{number:026d}",
        dataset=dataset,
        name=f"Visitor {number}",
        phone=phone_of(f"+1415555{number:04d}") if phone else None,
        requested_at=timestamp(datetime.now(UTC)),
        ratings=tuple(Rating(movie_id, 5) for movie_id in range(1, 6)),
        expires_at=2_000_000_000,
    )


def phone_of(number: str) -> Phone:
    return Phone(number, f"the mark of {number[::-1]}")


def good_result(visitor_id: str, version: int) -> Result:
    picks = tuple(Pick(movie_id, 0.9, 4.5, (1,)) for movie_id in range(11, 21))
    return Result(visitor_id, version, "m1", picks)
