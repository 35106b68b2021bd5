"""Decide whether the active model is stale, so that a train step must run before recommending."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from marquee.contracts import CurrentModel, parse_timestamp


@dataclass(frozen=True, slots=True)
class StalenessRule:
    """When a model is stale.

    Attributes:
        small_ratings: a model trained on fewer ratings is stale as soon as there is a new visitor,
            because training it takes only seconds.
        max_age: any model is stale at a greater age.
        max_new_share: a larger model is stale if the visitors since its training are more than this
            share of the users that it was trained on.
        interval: least time between two trainings for visitors, however many visitors come, and
            between two counts of a larger model's new visitors.
    """

    small_ratings: int
    max_age: timedelta
    max_new_share: float
    interval: timedelta

    def stale_from(self, model: CurrentModel) -> int:
        """Return the number of visitors since its training from which the model is stale."""
        if model.ratings < self.small_ratings:
            return 1
        return math.floor(self.max_new_share * model.users) + 1


def is_stale(model: CurrentModel, now: datetime, new_visitors: int, rule: StalenessRule) -> bool:
    """Return whether the model must be trained again before the next recommendations.

    `new_visitors` is the number of visitors since its training.
    """
    if now - parse_timestamp(model.trained_at) > rule.max_age:
        return True
    return new_visitors >= rule.stale_from(model)
