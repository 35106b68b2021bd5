"""Recognise the scale of ratings, and map it to stars from 0.5 to 5 in steps of 0.5."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from marquee.datasets import DatasetError

LOWEST, HIGHEST = 0.5, 5.0  # stars
# A value beyond a scale is an error in the data if at most this share of the ratings have such.
_STRAY = 0.02
# From this share on, zeros cannot be the worst rating of people who choose what to watch.
_UNRATED = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of ratings, and the rule that maps it to stars.

    Attributes:
        name: the lowest and highest value, as messages show them.
        rule: the mapping in words.
        lowest: the lowest value.
        highest: the highest value.
        unrated: values that stand for no rating.
        to_stars: the mapping before it is rounded.
    """

    name: str
    rule: str
    lowest: float
    highest: float
    to_stars: Callable[[float], float]
    unrated: frozenset[float] = frozenset()

    def stars(self, value: float) -> float | None:
        """Return the stars of a rating, rounded to halves; None if it is not on the scale."""
        if value in self.unrated or not self.lowest <= value <= self.highest:
            return None
        return min(HIGHEST, max(LOWEST, math.floor(2 * self.to_stars(value) + 0.5) / 2))

    @property
    def is_the_products(self) -> bool:
        """Whether ratings stay as they are, except for rounding."""
        return self.highest == HIGHEST


def _same(value: float) -> float:
    return value


_STARS = Scale("0.5 to 5", "unchanged, rounded to half stars", LOWEST, HIGHEST, _same)
_WHOLE_STARS = Scale("1 to 5", "unchanged, rounded to half stars", LOWEST, HIGHEST, _same)
_TEN = Scale("1 to 10", "divided by 2, rounded to half stars", 1, 10, lambda value: value / 2)
_ZERO_TEN = Scale(
    "0 to 10",
    "divided by 2, rounded to half stars; 0 becomes 0.5",
    0,
    10,
    lambda value: value / 2,
)
_HUNDRED = Scale(
    "0 to 100",
    "divided by 20, rounded to half stars; below 10 becomes 0.5",
    0,
    100,
    lambda value: value / 20,
)
_SIGNED = Scale(
    "-10 to 10",
    "10 is added, then divided by 4 and rounded to half stars: -10 becomes 0.5, 0 becomes 2.5",
    -10,
    10,
    lambda value: (value + 10) / 4,
)
SCALES = {scale.name: scale for scale in (_STARS, _WHOLE_STARS, _TEN, _ZERO_TEN, _HUNDRED, _SIGNED)}
KNOWN = "0.5 to 5, 1 to 5, 1 to 10, 0 to 10, 0 to 100 and -10 to 10"


def recognise_scale(counts: Mapping[float, int]) -> Scale:
    """Return the scale of ratings, given how often each value occurs.

    The smallest scale that holds nearly all ratings is taken. Zeros below ratings that reach no
    more than 5, many zeros below ratings that reach 10 or 100, and -1 as the only negative value
    stand for no rating.

    Raises:
        DatasetError: if the ratings are on no known scale; the message names their range.
    """
    total = sum(counts.values())
    negative = {value for value in counts if value < 0}
    unrated = frozenset(negative) if negative == {-1.0} else frozenset[float]()
    rated = {value: count for value, count in counts.items() if value not in unrated}
    positive = {value: count for value, count in rated.items() if value > 0}
    if not positive:
        raise DatasetError(f"no rating is above 0; known scales: {KNOWN}")
    if set(positive) == {1.0} and len(counts) > 1:
        raise DatasetError(
            "the ratings are 1 and nothing but 0 or -1 besides, which says who liked what, not how"
            f" much; known scales: {KNOWN}"
        )
    below = sum(count for value, count in rated.items() if value < 0)
    if below > _STRAY * total:
        return _signed(rated, total)
    zeros = rated.get(0.0, 0)
    if _beyond(positive, HIGHEST) <= _STRAY * total:
        scale = _five(positive)
        unrated |= {0.0} if zeros else frozenset()
    else:
        many = zeros > _UNRATED * total
        unrated |= {0.0} if many else frozenset()
        scale = _ten_or_hundred(positive, total, zero=bool(zeros) and not many)
    return _without(scale, unrated)


def scale_named(name: str, counts: Mapping[float, int]) -> Scale:
    """Return a known scale by its name, for ratings with these values and counts.

    Zeros below a scale that begins above 0, and -1 as the only negative value below one that begins
    at 0 or above, stand for no rating.

    Raises:
        DatasetError: if there is no such scale.
    """
    scale = SCALES.get(name)
    if scale is None:
        raise DatasetError(f"SCALE is {name!r}: write one of the known scales: {KNOWN}")
    negative = {value for value in counts if value < 0}
    unrated = {0.0} if scale.lowest > 0 else set[float]()
    if scale.lowest >= 0 and negative == {-1.0}:
        unrated |= negative
    return _without(scale, frozenset(unrated))


def could_be_read_as(read: str, other: str) -> bool:
    """Return whether ratings that were read on one scale fit another that gives other stars.

    Few ratings may not show their scale: those of a week may reach 5, although 10 was possible.
    """
    smaller, wider = SCALES[read], SCALES[other]
    fits = min(wider.lowest, LOWEST) <= smaller.lowest and wider.highest >= smaller.highest
    return fits and wider.to_stars(1.0) != smaller.to_stars(1.0)


def _beyond(counts: Mapping[float, int], highest: float) -> int:
    return sum(count for value, count in counts.items() if value > highest)


def _five(counts: Mapping[float, int]) -> Scale:
    on_it = {value: count for value, count in counts.items() if value <= HIGHEST}
    if max(on_it) <= 1 and any(value < 1 for value in on_it):
        raise DatasetError(
            f"the ratings reach from {min(on_it):g} to 1, a scale of shares or probabilities;"
            f" known scales: {KNOWN}: multiply them by 5"
        )
    return _WHOLE_STARS if all(value == int(value) for value in on_it) else _STARS


def _ten_or_hundred(counts: Mapping[float, int], total: int, *, zero: bool) -> Scale:
    ten, twenty, hundred = 10, 20, 100
    if _beyond(counts, ten) <= _STRAY * total:
        return _ZERO_TEN if zero or min(counts) < 1 else _TEN
    # 13 of 100 would be a bad rating, 13 of 13 the best.
    if _beyond(counts, hundred) <= _STRAY * total and _beyond(counts, twenty) > _STRAY * total:
        return _HUNDRED
    raise _unknown(counts)


def _signed(counts: Mapping[float, int], total: int) -> Scale:
    lowest, highest = _SIGNED.lowest, _SIGNED.highest
    outside = sum(count for value, count in counts.items() if not lowest <= value <= highest)
    beyond_five = any(HIGHEST < abs(value) <= highest for value in counts)
    if outside > _STRAY * total or not beyond_five:
        raise _unknown(counts)
    return _SIGNED


def _unknown(counts: Mapping[float, int]) -> DatasetError:
    return DatasetError(
        f"the ratings reach from {min(counts):g} to {max(counts):g}, which is none of the known"
        f" scales ({KNOWN}): convert them to one of these"
    )


def _without(scale: Scale, unrated: frozenset[float]) -> Scale:
    return Scale(scale.name, scale.rule, scale.lowest, scale.highest, scale.to_stars, unrated)
