"""Estimates over many users and several folds, with confidence intervals.

One user's ratings are correlated, and the same user appears in several folds. The confidence
intervals therefore treat users, not ratings, as independent observations (the ratio estimator of
cluster sampling: Cochran, *Sampling Techniques*, 1977, chapters 6 and 9).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CERTAINTY = 1.96  # standard errors on either side that cover 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and each user's linearised influence on it."""

    value: float
    influence: Mapping[int, float]  # influence by user, in the unit of `value`; the sum is 0

    @property
    def users(self) -> int:
        """The number of users that the figure is based on."""
        return len(self.influence)

    @property
    def margin(self) -> float:
        """Half the width of the 95 % confidence interval; 0 if there are fewer than two users."""
        if self.users < 2:  # noqa: PLR2004 - one value has no spread
            return 0.0
        squares = sum(each * each for each in self.influence.values())
        return CERTAINTY * math.sqrt(squares * self.users / (self.users - 1))


def ratio(parts: Iterable[tuple[int, float, float]]) -> Estimate | None:
    """Return the sum of the amounts divided by the sum of the weights; None if that sum is 0.

    `parts` holds one tuple (user, amount, weight) per user.
    """
    known = list(parts)
    weights = sum(weight for _, _, weight in known)
    if not weights:
        return None
    value = sum(amount for _, amount, _ in known) / weights
    influence = {user: (amount - value * weight) / weights for user, amount, weight in known}
    return Estimate(value, influence)


def mean(values: Iterable[tuple[int, float | None]]) -> Estimate | None:
    """Return the mean over the users that have a value; None if no user has one.

    `values` holds one pair (user, value) per user.
    """
    return ratio((user, value, 1.0) for user, value in values if value is not None)


def root(square: Estimate | None) -> Estimate | None:
    """Return the square root of an estimate.

    The influences are scaled by the derivative of the root (the delta method). An estimate that
    is None or not positive is returned unchanged.
    """
    if square is None or square.value <= 0:
        return square
    value = math.sqrt(square.value)
    return Estimate(value, {user: each / (2 * value) for user, each in square.influence.items()})


def difference(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    """Return the paired difference, `one` minus `other`; None if either of them is None.

    The two are figures of the same users. Pairing by user gives a narrower interval than treating
    the figures as independent. A user that only one of the figures has counts as having no
    influence on the other.
    """
    if one is None or other is None:
        return None
    users = dict.fromkeys((*one.influence, *other.influence))
    influence = {
        user: one.influence.get(user, 0.0) - other.influence.get(user, 0.0) for user in users
    }
    return Estimate(one.value - other.value, influence)


def average(folds: Sequence[Estimate | None]) -> Estimate | None:
    """Return the mean over the folds that have the figure; None if no fold has it.

    The influences of a user that appears in several folds are added.
    """
    known = [fold for fold in folds if fold is not None]
    if not known:
        return None
    influence: defaultdict[int, float] = defaultdict(float)
    for fold in known:
        for user, each in fold.influence.items():
            influence[user] += each / len(known)
    return Estimate(sum(fold.value for fold in known) / len(known), dict(influence))
