"""Figures over many users, and over several folds of the same users, with how sure they are.

Travels to EMR: standard library only. The ratings of one user hang together, and the same user
appears in several folds: so the confidence intervals count users, never ratings (the ratio
estimator of cluster sampling: Cochran, *Sampling Techniques*, 1977, chapters 6 and 9).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CERTAINTY = 1.96  # standard errors to either side hold 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and how far each user moved it from what the others say."""

    value: float
    moved: Mapping[int, float]  # by user, in the unit of the figure; they add up to nothing

    @property
    def users(self) -> int:
        return len(self.moved)

    @property
    def margin(self) -> float:
        """Half the width of the 95 % confidence interval; 0 where one user tells nothing of it."""
        if self.users < 2:  # noqa: PLR2004 - one value has no spread
            return 0.0
        squares = sum(each * each for each in self.moved.values())
        return CERTAINTY * math.sqrt(squares * self.users / (self.users - 1))


def ratio(parts: Iterable[tuple[int, float, float]]) -> Estimate | None:
    """Sum of what users add over the sum of what they count for; None where that is nothing.

    `parts` are user, amount and weight, a user each.
    """
    known = list(parts)
    weights = sum(weight for _, _, weight in known)
    if not weights:
        return None
    value = sum(amount for _, amount, _ in known) / weights
    moved = {user: (amount - value * weight) / weights for user, amount, weight in known}
    return Estimate(value, moved)


def mean(values: Iterable[tuple[int, float | None]]) -> Estimate | None:
    """Average over the users who have a value; None where nobody has."""
    return ratio((user, value, 1.0) for user, value in values if value is not None)


def root(square: Estimate | None) -> Estimate | None:
    """The square root of an estimate; its derivative carries the interval over."""
    if square is None or square.value <= 0:
        return square
    value = math.sqrt(square.value)
    return Estimate(value, {user: each / (2 * value) for user, each in square.moved.items()})


def difference(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    """One figure less another of the same users, pair by pair: surer than either by itself."""
    if one is None or other is None:
        return None
    users = dict.fromkeys((*one.moved, *other.moved))
    moved = {user: one.moved.get(user, 0.0) - other.moved.get(user, 0.0) for user in users}
    return Estimate(one.value - other.value, moved)


def average(folds: Sequence[Estimate | None]) -> Estimate | None:
    """Average of the folds that have the figure; what a user moved in several of them adds up."""
    known = [fold for fold in folds if fold is not None]
    if not known:
        return None
    moved: defaultdict[int, float] = defaultdict(float)
    for fold in known:
        for user, each in fold.moved.items():
            moved[user] += each / len(known)
    return Estimate(sum(fold.value for fold in known) / len(known), dict(moved))
