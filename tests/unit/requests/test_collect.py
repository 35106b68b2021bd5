"""Results in pages, collected in one run or handed on: picks are written and texts queued once."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from marquee.contracts import Pick, ResultsMessage, ResultsPlace
from marquee.requests.collect import MARGIN_SECONDS, PAGE, Collector
from marquee.requests.visitor import Progress, Status
from tests.unit.memory import Gate, MemoryTexts, MemoryVisitors, World, good_result, registration

PEOPLE = 5_000
# Slow estimates, in seconds, of a page's calls on AWS: a BatchGetItem, an UpdateItem, a
# SendMessageBatch.
READ, WRITE, SEND = 0.05, 0.02, 0.03
TIMEOUT = 60.0  # of queue_results, in seconds


def world_of(people: int) -> tuple[World, str]:
    world = World()
    for number in range(1, people + 1):
        world.visitors.create(registration(number))
    world.objects.results["s"] = [
        good_result(registration(number).visitor_id, 1).to_json().encode()
        for number in range(1, people + 1)
    ]
    return world, "s"


class TimedVisitors(MemoryVisitors):
    """Visitors whose reads and writes are counted, to compute the time that DynamoDB would take."""

    def __init__(self, timer: Counter[str], inner: MemoryVisitors) -> None:
        super().__init__(Gate(), inner.items, inner.people)
        self.timer, self.lock = timer, threading.Lock()

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        self.timer["read"] += 1
        return super().get_many(visitor_ids)

    def mark_recommended(
        self, visitor_id: str, version: int, model_id: str, picks: Sequence[Pick]
    ) -> bool:
        with self.lock:
            self.timer["write"] += 1
            return super().mark_recommended(visitor_id, version, model_id, picks)


def test_five_thousand_members_are_served_within_the_time_of_one_run() -> None:
    world, submission_id = world_of(PEOPLE)
    calls: Counter[str] = Counter()
    texts = MemoryTexts(world.gate, world.texts_queue)
    collector = Collector(
        TimedVisitors(calls, world.visitors), world.objects, texts, world.collector.discarder
    )

    def left() -> float:
        sends = -(-len(world.texts_queue) // 10)
        return TIMEOUT - (
            calls["read"] * READ + calls["write"] * WRITE / collector.writers + sends * SEND
        )

    collected = collector.collect(submission_id, left)

    assert collected.stopped_at is None
    assert len(collected.recommended) == PEOPLE
    assert Counter(text.visitor_id for text in world.texts_queue).most_common(1)[0][1] == 1
    assert len(world.texts_queue) == PEOPLE
    assert calls == {"read": PEOPLE / PAGE, "write": PEOPLE}
    assert left() > MARGIN_SECONDS


def run_by_run(world: World, submission_id: str, pages_a_run: int) -> list[int]:
    """Collect in runs with time for `pages_a_run` pages; return each run's number of members."""
    served, after = [], None
    while True:
        left = partial(next, iter([TIMEOUT] * (pages_a_run - 1)), 0.0)
        collected = world.collector.collect(submission_id, left, after)
        served.append(len(collected.recommended))
        if collected.stopped_at is None:
            return served
        message = ResultsMessage(submission_id, collected.stopped_at)
        after = ResultsMessage.from_json(message.to_json()).after


def test_the_next_run_continues_where_a_run_without_time_stopped() -> None:
    world, submission_id = world_of(3 * PAGE + 7)
    assert run_by_run(world, submission_id, pages_a_run=1) == [PAGE, PAGE, PAGE, 7]
    assert len(world.texts_queue) == 3 * PAGE + 7


def test_a_run_without_time_still_collects_one_page() -> None:
    """Otherwise a submission would be handed on for ever."""
    world, submission_id = world_of(PAGE + 1)
    collected = world.collector.collect(submission_id, lambda: 0.0)
    assert len(collected.recommended) == PAGE
    assert collected.stopped_at == ResultsPlace("part-00000.json", PAGE)


def test_results_delivered_again_write_and_queue_nothing() -> None:
    world, submission_id = world_of(PAGE + 50)
    results = world.objects.results[submission_id]
    world.collect(submission_id)
    world.objects.results[submission_id] = results  # as if a member still lacked a result
    writes = len(world.gate.writes)
    again = world.collect(submission_id)
    assert again.recommended == []
    written = {name.partition(".")[0] for name in world.gate.writes[writes:]}
    assert not written & {"visitors", "texts"}
    assert len(world.texts_queue) == PAGE + 50


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_write_of_a_page_loses_and_repeats_no_text(when: str) -> None:
    people = 3
    quiet, submission_id = world_of(people)
    begun = len(quiet.gate.writes)
    quiet.collect(submission_id)
    for number in range(begun, len(quiet.gate.writes)):
        world, _ = world_of(people)
        world.gate.kill = (number, when)
        world.results_queue = [submission_id]
        world.deliver_results()
        assert world.deaths == 1
        world.settle()
        phones = sorted(phone for phone, _ in world.sms.sent)
        assert phones == [f"+1415555{number:04d}" for number in range(1, people + 1)]
        assert {p.status for p in world.visitors.items.values()} == {Status.TEXTED}


def stall(
    mark: Callable[..., bool], *, takes_effect: bool, at: int
) -> tuple[Callable[..., bool], list[int]]:
    """Wrap `mark` so that call number `at` times out, with or without its effect.

    Returns:
        The wrapped function, and a list that grows with every call.
    """
    calls: list[int] = []

    def stalled(*arguments: object, **named: object) -> bool:
        calls.append(1)
        if len(calls) == at:
            if takes_effect:
                mark(*arguments, **named)
            raise TimeoutError("DynamoDB did not answer")
        return mark(*arguments, **named)

    return stalled, calls


@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_write_without_an_answer_delays_no_other_and_is_repeated(
    takes_effect: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, submission_id = world_of(5)
    stalled, _ = stall(world.visitors.mark_recommended, takes_effect=takes_effect, at=2)
    monkeypatch.setattr(world.visitors, "mark_recommended", stalled)
    with pytest.raises(ExceptionGroup, match="could not be written"):
        world.collect(submission_id)
    assert len(world.texts_queue) == 4 + takes_effect
    world.collect(submission_id)
    assert sorted(text.visitor_id for text in world.texts_queue) == sorted(world.visitors.items)


def test_a_write_repeated_after_a_lost_answer_still_queues_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """boto3 repeats the write; the condition no longer holds for the second one."""
    world, submission_id = world_of(2)
    mark = world.visitors.mark_recommended

    def repeated(*arguments: object) -> bool:
        mark(*arguments)  # type: ignore[arg-type]
        return mark(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(world.visitors, "mark_recommended", repeated)
    world.collect(submission_id)
    assert len(world.texts_queue) == 2


def test_the_writers_of_a_page_work_concurrently() -> None:
    world, submission_id = world_of(8)
    meeting = threading.Barrier(4)
    mark = world.visitors.mark_recommended

    def together(*arguments: object) -> bool:
        meeting.wait(20)  # fails the test if the writes are not concurrent
        return mark(*arguments)  # type: ignore[arg-type]

    world.visitors.mark_recommended = together  # type: ignore[method-assign, assignment]
    collected = replace(world.collector, writers=4).collect(submission_id, lambda: TIMEOUT)
    assert len(collected.recommended) == 8
