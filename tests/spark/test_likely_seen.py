"""Which movies the same users have seen, counted on Spark."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

from learning import likely_seen as learning
from learning.rating_blocks import Ratings
from learning.ratings_on_spark import read_ratings
from marquee.recommender.likely_seen import chances_given, fit_seen
from marquee.recommender.model import RatingModel
from tests.models import MEAN, rating_of

USERS = 60
RATING: RatingModel = rating_of(
    np.full(4, MEAN), np.eye(4), support=np.array([30, 30, 30, 30]), first=1
)


@pytest.fixture(scope="module")
def ratings(spark: SparkSession) -> Ratings:
    """Return ratings: half of the users rated movies 1 and 2, the others 3, 4 and 99.

    Movie 99 is not in the model.
    """
    rows = [
        (user, movie_id, 3.0)
        for user in range(USERS)
        for movie_id in ((1, 2) if user % 2 == 0 else (3, 4, 99))
    ]
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    return read_ratings(frame)[0]


def test_which_movies_are_seen_together_is_learned_from_all_users(
    ratings: Ratings,
) -> None:
    found = learning.count_seen(ratings, RATING, USERS)
    rated = np.arange(USERS)[:, None] % 2 == np.array([0, 0, 1, 1])
    wanted = fit_seen(RATING, USERS, rated)
    assert found.chance == pytest.approx(wanted.chance)
    assert chances_given(found, [0], []) == pytest.approx(chances_given(wanted, [0], []), abs=1e-5)


def test_a_sample_of_many_users_gives_the_same_chances(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []

    def spied(rating: RatingModel, users: int, rated: np.ndarray) -> object:
        counted.append((users, len(rated)))
        return fit_seen(rating, users, rated)

    monkeypatch.setattr(learning, "fit_seen", spied)
    monkeypatch.setattr(learning, "MOST_USERS", 20)
    chances = chances_given(learning.count_seen(ratings, RATING, USERS), [0], [])
    [(users, looked_at)] = counted
    assert users == USERS
    assert 5 < looked_at < 40
    assert chances[1] > chances[2]
