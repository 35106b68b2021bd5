"""Visitors by the million: one byte of status for each, and spans of ids in place of objects.

Ids count up in the order of arrival, so visitors who arrive together are a span. A span can be
split and moved as a whole, and still each visitor has a status of their own: nobody can be lost or
texted twice without `texts` showing it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from marquee.requests.visitor import Status

type IdSpan = tuple[int, int]  # the first id, and the id after the last one

_CODES = {status: code for code, status in enumerate(Status, start=1)}
_STATUSES = {code: status for status, code in _CODES.items()}
# A sweep looks for visitors who wait at these.
_LISTED = (Status.RECEIVED, Status.SUBMITTED, Status.RECOMMENDED)


_TOGETHER = 10.0  # seconds


@dataclass(slots=True)
class _List:
    """The spans that reached one status, oldest first, as the index `open` sorts them."""

    spans: list[tuple[float, int, int]] = field(default_factory=list)
    first: int = 0  # no visitor of an earlier span is still at the status
    _begun: float = 0.0  # when the newest span's first visitors reached the status

    def add(self, now: float, low: int, high: int) -> None:
        """Append a span; neighbours of the newest one join it, as if they had come together."""
        if self.spans and self.spans[-1][2] == low and now - self._begun < _TOGETHER:
            self.spans[-1] = (now, self.spans[-1][1], high)
        else:
            self.spans.append((now, low, high))
            self._begun = now


class SimulatedCrowd:
    """The visitors of one simulation.

    Attributes:
        size: visitors who arrived so far; the next one gets this id.
        texted: texts sent so far.
        texts: number of texts that each visitor got.
        claimed: whether each visitor's text is being sent right now.
        waits: seconds from arrival to text, each with the number of visitors.
        picked: seconds from arrival to picks, each with the number of visitors.
    """

    def __init__(self, most: int) -> None:
        """Make room for at most `most` visitors."""
        self.size = self.texted = 0
        self.texts = np.zeros(most, np.uint8)
        self.claimed = np.zeros(most, np.bool_)
        self.waits: list[tuple[float, int]] = []
        self.picked: list[tuple[float, int]] = []
        self._status = np.zeros(most, np.uint8)
        self._starts: list[int] = []
        self._times: list[float] = []
        self._lists = {status: _List() for status in _LISTED}

    def arrive(self, count: int, now: float) -> IdSpan:
        """Add visitors at `received`; return their span."""
        span = (self.size, self.size + count)
        self.size += count
        self._starts.append(span[0])
        self._times.append(now)
        self._status[span[0] : span[1]] = _CODES[Status.RECEIVED]
        self._lists[Status.RECEIVED].add(now, *span)
        return span

    def arrived_at(self, visitor: int) -> float:
        """Return when a visitor arrived, in seconds."""
        return self._times[bisect_right(self._starts, visitor) - 1]

    def arrived_since(self, now: float) -> int:
        """Return the number of visitors who arrived at this time or later."""
        place = bisect_left(self._times, now)
        return self.size - self._starts[place] if place < len(self._starts) else 0

    def status(self, visitor: int) -> Status:
        """Return the visitor's status."""
        return _STATUSES[int(self._status[visitor])]

    def select(self, spans: Iterable[IdSpan], statuses: Collection[Status]) -> list[IdSpan]:
        """Return the parts of these spans that are at one of these statuses, each visitor once."""
        codes = [_CODES[status] for status in statuses]
        found: list[IdSpan] = []
        for low, high in joined_spans(spans):
            part = self._status[low:high]
            if high - low == 1:
                if int(part[0]) in codes:
                    found.append((low, high))
                continue
            matches = part == codes[0]
            for code in codes[1:]:
                matches |= part == code
            found += _runs(matches, low)
        return found

    def move(
        self, spans: Iterable[IdSpan], before: Collection[Status], after: Status, now: float
    ) -> list[IdSpan]:
        """Move those visitors of `spans` who are at one of the statuses `before`; return them."""
        moved = self.select(spans, before)
        for low, high in moved:
            self._status[low:high] = _CODES[after]
            if after is Status.RECOMMENDED:
                self.picked += self._since_arrival((low, high), now)
            if after in self._lists:
                self._lists[after].add(now, low, high)
        return moved

    def claim(self, span: IdSpan) -> tuple[list[IdSpan], list[IdSpan]]:
        """Claim the texts of a span; return who is claimed now, and who was claimed before."""
        low, high = span
        before = self.claimed[low:high].copy()
        self.claimed[low:high] = True
        if not before.any():
            return [span], []
        return _runs(~before, low), _runs(before, low)

    def release(self, span: IdSpan) -> None:
        """Give the claims of a span back."""
        self.claimed[span[0] : span[1]] = False

    def text(self, span: IdSpan, now: float) -> None:
        """Record that a text was sent to each of these visitors, and move them to `texted`."""
        low, high = span
        self.texts[low:high] += 1
        self._status[low:high] = _CODES[Status.TEXTED]
        self.texted += high - low
        self.waits += self._since_arrival(span, now)

    def _since_arrival(self, span: IdSpan, now: float) -> list[tuple[float, int]]:
        """Return the seconds since the visitors of a span arrived, each with their number."""
        low, high = span
        waits = []
        place = bisect_right(self._starts, low) - 1
        while low < high:
            following = self._starts[place + 1] if place + 1 < len(self._starts) else high
            end = min(high, following)
            waits.append((now - self._times[place], end - low))
            low, place = end, place + 1
        return waits

    def fail(self, visitor: int, while_at: Collection[Status]) -> bool:
        """Fail a visitor who is at one of these statuses; return whether it took effect."""
        if self.status(visitor) not in while_at:
            return False
        self._status[visitor] = _CODES[Status.FAILED]
        return True

    def open(
        self, status: Status, until: float, most: int, after: tuple[int, int] | None
    ) -> tuple[list[tuple[int, float]], tuple[int, int] | None]:
        """Return visitors who have been at `status` since `until` or longer, longest first.

        Args:
            status: the status.
            until: the latest time at which the visitors reached it.
            most: the largest number of visitors to return.
            after: what the previous call returned; None to begin.

        Returns:
            Each visitor with the time of the status, and where to continue; None at the end.
        """
        listed, code = self._lists[status], _CODES[status]
        self._skip_done(listed, code)
        place, last = after if after is not None else (0, -1)
        found: list[tuple[int, float]] = []
        for number in range(max(place, listed.first), len(listed.spans)):
            at, low, high = listed.spans[number]
            if at > until:
                break
            begin = max(low, last + 1) if number == place else low
            ids = np.flatnonzero(self._status[begin:high] == code) + begin
            found += [(int(each), at) for each in ids[: most - len(found)]]
            if len(found) >= most:
                return found, (number, found[-1][0])
        return found, None

    def count(self, status: Status) -> int:
        """Return the number of visitors at a status."""
        return int(np.count_nonzero(self._status[: self.size] == _CODES[status]))

    @property
    def ended(self) -> int:
        """The number of visitors who are `texted` or `failed`."""
        return self.count(Status.TEXTED) + self.count(Status.FAILED)

    def _skip_done(self, listed: _List, code: int) -> None:
        while listed.first < len(listed.spans):
            _, low, high = listed.spans[listed.first]
            if (self._status[low:high] == code).any():
                return
            listed.first += 1


def joined_spans(spans: Iterable[IdSpan]) -> list[IdSpan]:
    """Return the same ids as sorted spans that neither touch nor overlap."""
    joined: list[IdSpan] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined


def total(spans: Sequence[IdSpan]) -> int:
    """Return the number of visitors in these spans."""
    return sum(high - low for low, high in spans)


def ids(spans: Iterable[IdSpan]) -> Iterator[int]:
    """Yield each id of these spans."""
    for low, high in spans:
        yield from range(low, high)


def first(spans: Iterable[IdSpan], count: int) -> tuple[list[IdSpan], list[IdSpan]]:
    """Return the spans of the first `count` visitors, and those of the others."""
    taken: list[IdSpan] = []
    left: list[IdSpan] = []
    for low, high in spans:
        cut = min(high, low + count)
        if cut > low:
            taken.append((low, cut))
        if high > cut:
            left.append((cut, high))
        count -= cut - low
    return taken, left


def _runs(matches: "np.ndarray[tuple[int], np.dtype[np.bool_]]", offset: int) -> list[IdSpan]:
    if not matches.any():
        return []
    if matches.all():
        return [(offset, offset + len(matches))]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], matches.astype(np.int8), [0]))))
    return [
        (int(low) + offset, int(high) + offset)
        for low, high in zip(edges[::2], edges[1::2], strict=True)
    ]
