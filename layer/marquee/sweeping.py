"""Work that comes again by a schedule: one run at a time, each bounded in work and in time.

What one run leaves, the next one goes on with: for every phase a bookmark says how far it came. A
run begins with the phase after the one that the last run ended in, so that no phase starves behind
another. Bookmarks are moved before the work that they stand for is done: a visitor over whom a run
dies is passed over by the next run, and her turn comes again when the phase begins anew.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marquee.ports import Bookmarks, Locks, Slice

_logger = logging.getLogger(__name__)

SLICE = 100  # as many as one call to DynamoDB reads
MOST_OF_A_PHASE = 500
# No work is begun with less time left than this: the slowest single act (a question to EMR that is
# throttled again and again) must still end.
MARGIN_SECONDS = 30.0
# Bookmarks that belong to no phase.
_RUN, _NEXT = "run", "next"

type SecondsLeft = Callable[[], float]


class Swept(StrEnum):
    """How a run ended."""

    DONE = "everybody was looked at"
    MORE_TO_DO = "the next sweep goes on"
    ELSEWHERE = "another sweep is at work"
    CALLED_AGAIN = "this very sweep ran before"


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of work: `find` gives a slice of it that begins after a bookmark."""

    name: str
    find: Callable[[str | None], Slice[Any]]
    look_after: Callable[[Sequence[Any]], None]


@contextmanager
def kept(errors: list[Exception]) -> Iterator[None]:
    """Keep an error and let the sweep go on; the function reports it at the end."""
    try:
        yield
    except Exception as error:
        _logger.exception("the sweep goes on after an error")
        errors.append(error)


def in_time[T](found: Iterable[T], seconds_left: SecondsLeft) -> Iterator[T]:
    """Give one after the other while there is time to begin with another."""
    for each in found:
        if seconds_left() < MARGIN_SECONDS:
            return
        yield each


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Runs phases under a lock called `name`; bookmarks have the same name."""

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
    ) -> Swept:
        """Go through all phases, as far as time and the bounds of each allow.

        Args:
            phases: their names must differ.
            run_id: names this run. A run of the same name as the last one does nothing: Lambda
                calls again what failed, and the schedule does that already.
            seconds_left: says how many seconds this process may still run.
            now: the present moment.
            errors: takes what went wrong with single phases.
        """
        if not self.locks.take(self.name, seconds_left(), now):
            return Swept.ELSEWHERE
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
    ) -> Swept:
        places = dict(self.bookmarks.get(self.name))
        if places.get(_RUN) == run_id:
            return Swept.CALLED_AGAIN
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
        return Swept.DONE if ended == [True] * len(phases) else Swept.MORE_TO_DO


@dataclass(slots=True)
class _Pages:
    sweeper: Sweeper
    places: dict[str, str]

    def keep_places(self, **changes: str | None) -> None:
        for name, place in changes.items():
            self.places.pop(name, None)
            if place is not None:
                self.places[name] = place
        self.sweeper.bookmarks.put(self.sweeper.name, self.places)

    def go_through(self, phase: Phase, following: str, seconds_left: SecondsLeft) -> bool:
        """Look after one slice after the other; say whether the phase came to its end.

        A phase that begins in the middle goes on at its beginning, up to where it began.
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
            if seconds_left() < MARGIN_SECONDS:  # perhaps not all of the slice was looked after
                self.keep_places(**{phase.name: after})
                return False
            if piece.after is None:
                if begun_at is None or wrapped:
                    return True
                wrapped = True
            elif wrapped and begun_at is not None and piece.after >= begun_at:
                return True
        return False
