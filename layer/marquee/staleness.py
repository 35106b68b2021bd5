"""When a model is too old to recommend from: decides whether a train step goes first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from marquee.contracts import CurrentModel, parse_timestamp


@dataclass(frozen=True, slots=True)
class StalenessRule:
    """`small_ratings`: below this many ratings every new visitor retrains (it takes seconds).

    Above it a model is stale after `max_age`, or when the visitors since its training exceed
    `max_new_share` of the users it was trained on. However many visitors come, no training begins
    for them sooner than `interval` after another.
    """

    small_ratings: int = 1_000_000
    max_age: timedelta = timedelta(hours=24)
    max_new_share: float = 0.01
    interval: timedelta = timedelta(minutes=5)


def is_stale(model: CurrentModel, now: datetime, new_visitors: int, rule: StalenessRule) -> bool:
    """Say whether training should come before the next recommendations."""
    if new_visitors == 0:
        return now - parse_timestamp(model.trained_at) > rule.max_age
    if model.ratings < rule.small_ratings:
        return True
    if now - parse_timestamp(model.trained_at) > rule.max_age:
        return True
    return new_visitors > rule.max_new_share * model.users
