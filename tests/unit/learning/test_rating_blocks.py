"""Ratings in blocks: counts by stars, baselines, and ratings left out by a flag."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.als import Objective, Target, fit_als
from learning.fitting import Users
from learning.likely_seen import count_seen
from learning.measuring import People, people_of, sampled
from learning.rating_blocks import (
    MovieBaseline,
    RatingBlock,
    RatingsInDriver,
    residuals_of,
    user_biases,
)
from marquee.recommender.fold_in import Doubles
from marquee.recommender.model import MOVIE_PRIOR_STRENGTH, USER_PRIOR_STRENGTH
from tests.models import MEAN, rating_of

HELD_OUT, NEW = 1, 128
IDS = np.array([3, 7, 9], dtype=np.int32)


def block_of(*rows: tuple[int, int, float, int], first: int = 0) -> RatingBlock:
    """Return a block of rows of user, movie (row), stars and flags, ordered by user and movie."""
    users, movies, stars, flags = (np.array(column) for column in zip(*rows, strict=True))
    user_ids, counts = np.unique(users, return_counts=True)
    return RatingBlock(
        first,
        user_ids.astype(np.int64),
        counts.astype(np.int32),
        movies.astype(np.int32),
        stars.astype(np.float32),
        flags.astype(np.uint8),
    )


BLOCK = block_of(
    (-5, 0, 5.0, 0), (-5, 1, 1.0, NEW), (10, 1, 3.0, HELD_OUT), (11, 0, 4.0, HELD_OUT + NEW),
    (11, 1, 2.0, 0), (11, 2, 2.5, 0),
)  # fmt: skip
RATINGS = RatingsInDriver(IDS, BLOCK)


def test_users_are_numbered_from_the_first() -> None:
    assert replace(BLOCK, first=100).users.tolist() == [100, 100, 101, 102, 102, 102]


def test_ratings_without_a_flag_keep_all_users_and_their_numbers() -> None:
    found = BLOCK.without(HELD_OUT)
    assert found.counts.tolist() == [2, 0, 2]
    assert found.users.tolist() == [0, 0, 2, 2]
    assert found.stars.tolist() == [5.0, 1.0, 2.0, 2.5]


def test_a_rating_with_several_flags_is_left_out_by_each_of_them() -> None:
    assert BLOCK.without(NEW).stars.tolist() == [5.0, 3.0, 2.0, 2.5]
    assert BLOCK.without(NEW).without(HELD_OUT).stars.tolist() == [5.0, 2.0, 2.5]


def test_each_movie_has_its_ratings_counted_by_stars() -> None:
    counted = RATINGS.star_counts()
    assert counted.levels.tolist() == [1.0, 2.0, 2.5, 3.0, 4.0, 5.0]
    assert counted.support.tolist() == [2, 3, 1]
    assert counted.sums.tolist() == [9.0, 6.0, 2.5]
    assert counted.ratings == 6


@given(st.lists(st.lists(st.integers(1, 10), max_size=9), min_size=1, max_size=4))
def test_medians_are_those_of_numpy(stars: list[list[int]]) -> None:
    rows = [
        (place, movie, each / 2, 0)
        for movie, given_stars in enumerate(stars)
        for place, each in enumerate(given_stars)
    ]
    if not rows:
        return
    ids = np.arange(len(stars), dtype=np.int32)
    found = RatingsInDriver(ids, block_of(*sorted(rows))).star_counts().medians()
    for movie, given_stars in enumerate(stars):
        if given_stars:
            assert found[movie] == np.median(np.array(given_stars) / 2)
        else:
            assert np.isnan(found[movie])


def test_a_movies_bias_is_shrunk_by_the_prior_strength() -> None:
    baseline = MovieBaseline.of(RATINGS.star_counts())
    mean = 17.5 / 6
    assert baseline.mean == pytest.approx(mean)
    assert baseline.bias == pytest.approx(
        [(9 - 2 * mean) / (2 + MOVIE_PRIOR_STRENGTH), (6 - 3 * mean) / (3 + MOVIE_PRIOR_STRENGTH),
         (2.5 - mean) / (1 + MOVIE_PRIOR_STRENGTH)]
    )  # fmt: skip


@pytest.fixture
def baseline() -> MovieBaseline:
    bias: Doubles = np.array([0.5, -0.5, 0.0])
    return MovieBaseline(3.0, bias)


def test_a_users_bias_is_what_the_movies_leave_shrunk(baseline: MovieBaseline) -> None:
    found = user_biases(BLOCK, baseline)
    assert found == pytest.approx(
        [(1.5 - 1.5) / (2 + USER_PRIOR_STRENGTH), 0.5 / (1 + USER_PRIOR_STRENGTH),
         (0.5 - 0.5 - 0.5) / (3 + USER_PRIOR_STRENGTH)]
    )  # fmt: skip


def test_a_user_without_ratings_has_no_bias(baseline: MovieBaseline) -> None:
    assert user_biases(BLOCK.without(HELD_OUT), baseline)[1] == 0


def test_a_residual_is_the_rating_minus_mean_and_both_biases(baseline: MovieBaseline) -> None:
    bias = user_biases(BLOCK, baseline)
    found = residuals_of(BLOCK, baseline)
    assert found[0] == pytest.approx(5.0 - 3.0 - 0.5 - bias[0])
    assert found[-1] == pytest.approx(2.5 - 3.0 - bias[2])


def test_only_users_with_entries_count(baseline: MovieBaseline) -> None:
    users = Users.of(RATINGS.without(HELD_OUT), baseline)
    assert users.rated.tolist() == [True, False, True]
    assert users.liked.tolist() == [1, 0, 0]


def test_users_with_held_out_ratings_are_measured_on_them() -> None:
    first, second = people_of(RATINGS, People(IDS, HELD_OUT, 1))
    assert (first.user, first.seen, first.held_out) == (1, {}, {7: 3.0})
    assert (second.user, second.seen, second.held_out) == (2, {7: 2.0, 9: 2.5}, {3: 4.0})


def test_a_sample_of_users_has_about_its_share_and_is_always_the_same() -> None:
    user_ids = np.arange(-5_000, 5_000, dtype=np.int64)
    chosen = sampled(user_ids, 10)
    assert 800 < chosen.sum() < 1_200
    assert np.array_equal(chosen[::-1], sampled(user_ids[::-1], 10))
    assert sampled(user_ids, 1).all()


def test_movies_that_the_same_users_rated_are_counted_for_users_with_ratings() -> None:
    rating = rating_of(np.full(3, MEAN), np.eye(3), support=np.array([2, 3, 1]), first=0)
    rating = replace(rating, movie_ids=IDS)
    seen = count_seen(RATINGS.without(HELD_OUT), rating, 2)
    assert seen.movie_ids.tolist() == [7, 3, 9]


def test_factors_of_users_left_out_by_a_flag_are_zeros(baseline: MovieBaseline) -> None:
    sides = RATINGS.without(HELD_OUT).sides(baseline)
    [found] = fit_als(sides, [Objective(Target.STARS, 0.1)], rank=2, iterations=2, seed=1)
    assert [bool(row.any()) for row in found.users] == [True, False, True]
