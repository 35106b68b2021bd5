"""Run scheduled work, one run at a time, with each run bounded in work and in time.

Each run continues where the last one stopped: a bookmark for every phase records how far it got. A
run begins with the phase after the one in which the last run stopped, so that no phase starves
behind another. A bookmark is moved before the corresponding work is done. If a run dies while it
works on a visitor, the next run therefore skips that visitor, and comes back to them when the phase
starts over.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marquee.requests.ports import Bookmarks, Locks, Slice

_logger = logging.getLogger(__name__)

SLICE = 100  # visitors; one call to DynamoDB reads that many
MOST_OF_A_PHASE = 500  # visitors per phase and run
# No work begins with less time left than this, so that the slowest single action (a call to EMR
# that is throttled repeatedly) can still finish.
MARGIN_SECONDS = 30.0
# Bookmarks that belong to no phase: the id of the last run, and the phase to begin with.
_RUN, _NEXT = "run", "next"

type SecondsLeft = Callable[[], float]


class SweepOutcome(StrEnum):
    """How a run ended."""

    DONE = "finished"
    MORE_TO_DO = "out of time, the next sweep continues"
    ELSEWHERE = "skipped, another sweep is running"
    CALLED_AGAIN = "skipped, this sweep has already run"


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of work.

    `find` returns the slice of work that begins after a bookmark, and `look_after` does the work.
    """

    name: str
    find: Callable[[str | None], Slice[Any]]
    look_after: Callable[[Sequence[Any]], None]


@contextmanager
def kept(errors: list[Exception]) -> Iterator[None]:
    """Append an exception to `errors` and continue the sweep.

    The Lambda function reports the errors at the end.
    """
    try:
        yield
    except Exception as error:
        _logger.exception("the sweep continues after an error")
        errors.append(error)


def in_time[T](found: Iterable[T], seconds_left: SecondsLeft) -> Iterator[T]:
    """Yield the items as long as enough time is left to begin work on another."""
    for each in found:
        if seconds_left() < MARGIN_SECONDS:
            return
        yield each


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Runs phases under the lock called `name`; the bookmarks are stored under the same name."""

    name: str
    locks: Locks
    bookmarks: Bookmarks

    def run(
        self,
        phases: Sequence[Phase],
        run_id: str,
        seconds_left: SecondsLeft,
        now: datetime,
        errors: list[Exception],
    ) -> SweepOutcome:
        """Run all phases, as far as time and the bound of each phase allow.

        Args:
            phases: the phases, with distinct names.
            run_id: the name of this run. A run with the same name as the last one does nothing:
                Lambda repeats a failed call, but the schedule starts the next run anyway.
            seconds_left: returns how many seconds this process may still run.
            now: the current time.
            errors: a list to which errors of single phases are appended.
        """
        if not self.locks.take(self.name, seconds_left(), now):
            return SweepOutcome.ELSEWHERE
        try:
            swept = self._run(phases, run_id, seconds_left, errors)
        except Exception:
            self.locks.release(self.name)
            raise
        self.locks.release(self.name)
        return swept

    def _run(
        self,
        phases: Sequence[Phase],
        run_id: str,
        seconds_left: SecondsLeft,
        errors: list[Exception],
    ) -> SweepOutcome:
        places = dict(self.bookmarks.get(self.name))
        if places.get(_RUN) == run_id:
            return SweepOutcome.CALLED_AGAIN
        names = [phase.name for phase in phases]
        first = names.index(places[_NEXT]) if places.get(_NEXT) in names else 0
        known = {name: places[name] for name in (_NEXT, *names) if name in places}
        pages = _Pages(self, known | {_RUN: run_id})
        pages.keep_places()
        following = dict(zip(names, [*names[1:], names[0]], strict=True))
        ended = []
        for phase in [*phases[first:], *phases[:first]]:
            with kept(errors):
                ended.append(pages.go_through(phase, following[phase.name], seconds_left))
        return SweepOutcome.DONE if ended == [True] * len(phases) else SweepOutcome.MORE_TO_DO


@dataclass(slots=True)
class _Pages:
    """The bookmarks of one run, and the work on its phases."""

    sweeper: Sweeper
    places: dict[str, str]

    def keep_places(self, **changes: str | None) -> None:
        """Change bookmarks and store them all; None deletes a bookmark."""
        for name, place in changes.items():
            self.places.pop(name, None)
            if place is not None:
                self.places[name] = place
        self.sweeper.bookmarks.put(self.sweeper.name, self.places)

    def go_through(self, phase: Phase, following: str, seconds_left: SecondsLeft) -> bool:
        """Work on the phase slice by slice; return whether it is complete.

        If it starts in the middle, it continues from the beginning after its end, up to where it
        started.
        """
        begun_at, seen, wrapped = self.places.get(phase.name), 0, False
        while seen < MOST_OF_A_PHASE:
            if seconds_left() < MARGIN_SECONDS:
                return False
            after = self.places.get(phase.name)
            piece = phase.find(after)
            if piece.found or after is not None:
                self.keep_places(**{phase.name: piece.after, _NEXT: following})
            phase.look_after(piece.found)
            seen += len(piece.found)
            if seconds_left() < MARGIN_SECONDS:  # part of the slice may be left
                self.keep_places(**{phase.name: after})
                return False
            if piece.after is None:
                if begun_at is None or wrapped:
                    return True
                wrapped = True
            elif wrapped and begun_at is not None and piece.after >= begun_at:
                return True
        return False
