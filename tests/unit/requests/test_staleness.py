"""When the active model is stale, so that a training precedes the recommendations."""

from datetime import UTC, datetime, timedelta

import pytest

from marquee.contracts import CurrentModel, timestamp
from marquee.requests.staleness import StalenessRule, is_stale

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)
RULE = StalenessRule(
    small_ratings=1_000_000,
    max_age=timedelta(hours=24),
    max_new_share=0.01,
    interval=timedelta(minutes=5),
)


@pytest.mark.parametrize(
    ("ratings", "hours", "new_visitors", "stale"),
    [
        pytest.param(100_000, 0, 1, True, id="small data, anything new"),
        pytest.param(100_000, 1, 0, False, id="small data, nothing new"),
        pytest.param(20_000_000, 1, 1, False, id="large data, little new"),
        pytest.param(20_000_000, 1, 1001, True, id="large data, share exceeded"),
        pytest.param(20_000_000, 1, 1000, False, id="large data, share just met"),
        pytest.param(20_000_000, 25, 1, True, id="large data, too old"),
        pytest.param(20_000_000, 25, 0, True, id="too old, nothing new"),
    ],
)
def test_a_model_is_stale_by_age_share_or_size(
    ratings: int, hours: int, new_visitors: int, stale: bool
) -> None:
    trained_at = timestamp(NOW - timedelta(hours=hours))
    model = CurrentModel("m", "d", trained_at, users=100_000, ratings=ratings)
    assert is_stale(model, NOW, new_visitors, RULE) is stale
