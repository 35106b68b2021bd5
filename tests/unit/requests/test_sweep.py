"""Sweeps: one run at a time, each bounded; no phase starves, and all work is done in the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marquee.requests.ports import Slice
from marquee.requests.sweep import (
    MARGIN_SECONDS,
    MOST_OF_A_PHASE,
    SLICE,
    Phase,
    Sweeper,
    SweepOutcome,
    in_time,
)
from tests.unit.memory import Died, MemoryBookmarks, MemoryLocks

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@dataclass
class Timer:
    """A function's remaining time in seconds, which the work of a test reduces."""

    left: float = 120.0

    def __call__(self) -> float:
        return self.left


@dataclass
class Line:
    """A phase's visitors, as ordered numbers.

    They stay in the line after they are handled, like visitors who wait for EMR, unless `leave` is
    true.
    """

    name: str
    waiting: list[int]
    timer: Timer
    seconds_each: float = 0.0
    seen: list[int] = field(default_factory=list)
    die_at: int | None = None
    leave: bool = False

    def find(self, after: str | None) -> Slice[int]:
        left = [number for number in self.waiting if after is None or number > int(after)]
        found = left[:SLICE]
        # Padded with zeros, because bookmarks are strings that sort in the order of the numbers.
        return Slice(found, f"{found[-1]:06d}" if len(left) > SLICE else None)

    def look_after(self, found: Sequence[int]) -> None:
        for number in in_time(found, self.timer):
            if number == self.die_at:
                raise Died
            self.timer.left -= self.seconds_each
            self.seen.append(number)
            if self.leave:
                self.waiting.remove(number)

    @property
    def phase(self) -> Phase:
        return Phase(self.name, self.find, self.look_after)


@dataclass
class Runs:
    timer: Timer = field(default_factory=Timer)
    sweeper: Sweeper = field(
        default_factory=lambda: Sweeper("sweep", MemoryLocks(), MemoryBookmarks())
    )
    errors: list[Exception] = field(default_factory=list)
    number: int = 0

    def line(self, name: str, people: int, seconds_each: float = 0.0) -> Line:
        return Line(name, list(range(1, people + 1)), self.timer, seconds_each)

    def sweep(self, *lines: Line | Phase) -> SweepOutcome:
        """Sweep with a new function's time, five minutes after the former run."""
        self.timer.left, self.number = 120.0, self.number + 1
        phases = [line.phase if isinstance(line, Line) else line for line in lines]
        now = NOW + self.number * timedelta(minutes=5)
        return self.sweeper.run(phases, f"run {self.number}", self.timer, now, self.errors)


def test_a_run_examines_every_visitor_once() -> None:
    runs = Runs()
    one, other = runs.line("one", 250), runs.line("other", 3)
    assert runs.sweep(one, other) is SweepOutcome.DONE
    assert (one.seen, other.seen) == (one.waiting, other.waiting)


def test_a_run_stops_before_its_time_is_up_and_the_next_one_continues() -> None:
    runs = Runs()
    slow = runs.line("slow", 50, seconds_each=3)
    assert runs.sweep(slow) is SweepOutcome.MORE_TO_DO
    assert MARGIN_SECONDS - 3 <= runs.timer.left < MARGIN_SECONDS
    first = list(slow.seen)
    while len(slow.seen) < 300:
        runs.sweep(slow)
    # The interrupted slice is read again; the visitors' status shows what was already done.
    assert set(slow.seen) >= set(first)
    assert len(first) > 20


def test_a_phase_is_bounded_in_one_run_and_continues_in_the_next() -> None:
    runs = Runs()
    long = runs.line("long", MOST_OF_A_PHASE + 150)
    assert runs.sweep(long) is SweepOutcome.MORE_TO_DO
    assert long.seen == long.waiting[:MOST_OF_A_PHASE]
    runs.sweep(long)
    assert set(long.seen) == set(long.waiting)


def test_no_phase_starves_because_of_another_that_takes_all_the_time() -> None:
    runs = Runs()
    slow, quick, last = runs.line("slow", 90, 50), runs.line("quick", 3), runs.line("last", 3)
    for _ in range(2):
        runs.sweep(slow, quick, last)
    assert (quick.seen, last.seen) == ([1, 2, 3], [1, 2, 3])


def test_a_failed_phase_does_not_stop_the_others() -> None:
    def fail(_: str | None) -> Slice[int]:
        raise RuntimeError("throttled")

    runs = Runs()
    good = runs.line("good", 3)
    assert runs.sweep(Phase("bad", fail, lambda _: None), good) is SweepOutcome.MORE_TO_DO
    assert good.seen == [1, 2, 3]
    assert [str(error) for error in runs.errors] == ["throttled"]


def test_a_second_run_at_the_same_time_does_nothing() -> None:
    runs = Runs()
    line = runs.line("line", 3)
    assert runs.sweeper.locks.take("sweep", 1000, NOW)
    assert (runs.sweep(line), line.seen) == (SweepOutcome.ELSEWHERE, [])
    runs.sweeper.locks.release("sweep")
    assert (runs.sweep(line), line.seen) == (SweepOutcome.DONE, [1, 2, 3])


def test_the_lock_of_a_run_that_died_expires_with_the_longest_possible_run() -> None:
    runs = Runs()
    line = runs.line("line", 3)
    line.die_at = 2
    with pytest.raises(Died):
        runs.sweep(line)
    died_at = NOW + timedelta(minutes=5)
    for seconds, swept in ((119, SweepOutcome.ELSEWHERE), (120, SweepOutcome.DONE)):
        now = died_at + timedelta(seconds=seconds)
        fine = runs.line("fine", 1).phase
        assert runs.sweeper.run([fine], f"{seconds}", runs.timer, now, []) is swept


def test_a_visitor_who_kills_every_run_does_not_block_the_others() -> None:
    runs = Runs()
    poisoned, other = runs.line("poisoned", 2 * SLICE), runs.line("other", 3)
    poisoned.die_at = 1
    with pytest.raises(Died):
        runs.sweep(poisoned, other)
    with pytest.raises(Died):  # starts with the other phase, continues here and wraps around
        runs.sweep(poisoned, other)
    assert other.seen == [1, 2, 3]
    assert poisoned.seen == poisoned.waiting[SLICE:]


def test_a_run_that_lambda_retries_does_nothing() -> None:
    runs = Runs()
    line = runs.line("line", 3)
    runs.sweep(line)
    now = NOW + timedelta(minutes=6)
    again = runs.sweeper.run([line.phase], "run 1", runs.timer, now, [])
    assert (again, line.seen) == (SweepOutcome.CALLED_AGAIN, [1, 2, 3])


def test_a_phase_that_starts_in_the_middle_continues_at_its_beginning() -> None:
    """Otherwise every second run would have only one visitor in a phase of this size."""
    runs = Runs()
    line = runs.line("line", MOST_OF_A_PHASE + 1)
    for _ in range(2):
        line.seen.clear()
        runs.sweep(line)
        assert len(set(line.seen)) >= MOST_OF_A_PHASE


def test_bookmarks_of_removed_phases_are_deleted() -> None:
    runs = Runs()
    runs.sweeper.bookmarks.put("sweep", {"next": "former", "former": "17", "run": "before"})
    runs.sweep(runs.line("line", 3))
    assert set(runs.sweeper.bookmarks.get("sweep")) == {"run", "next"}


@example(people=[72, 181], seconds=[1.0, 0.1, 0.0, 0.0])  # a slice that reaches past the bookmark
@given(
    people=st.lists(st.integers(0, 3 * SLICE), min_size=1, max_size=4),
    seconds=st.lists(st.sampled_from([0.0, 0.1, 1.0, 40.0]), min_size=4, max_size=4),
)
def test_every_visitor_is_examined_within_a_bounded_number_of_runs(
    people: list[int], seconds: list[float]
) -> None:
    """However slow the phases are, provided that visitors leave a phase once it handled them."""
    runs = Runs()
    lines = [
        replace(runs.line(f"phase {number}", many, each), leave=True)
        for number, (many, each) in enumerate(zip(people, seconds, strict=False))
    ]
    # A run handles at least two visitors of the phase with which it starts.
    for _ in range(len(lines) * (max(people) // 2 + 2)):
        runs.sweep(*lines)
        if not any(line.waiting for line in lines):
            break
    assert [line.waiting for line in lines] == [[] for _ in lines]
    assert [len(line.seen) for line in lines] == [len(set(line.seen)) for line in lines]


def test_work_starts_only_while_there_is_time_for_it() -> None:
    timer = Timer(MARGIN_SECONDS)
    taken: list[int] = []
    work: Callable[[int], None] = taken.append
    for number in in_time([1, 2, 3], timer):
        work(number)
        timer.left -= 0.1
    assert taken == [1]
