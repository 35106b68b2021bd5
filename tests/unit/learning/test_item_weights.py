"""Fitting item weights: the products of likings, the closed form, and what is stored of it."""

import numpy as np
import pytest

from learning import item_weights
from learning.item_weights import edlae, fit_item_weights, gram_of, packed
from learning.rating_blocks import RatingBlock, RatingsInDriver
from marquee.recommender.item_weights import likings

USERS, MOVIES = 60, 12


def ratings_of(stars: np.ndarray) -> RatingsInDriver:
    """Return the ratings of a matrix of stars, users by movies; 0 is no rating."""
    users, movies = np.nonzero(stars)
    counts = np.bincount(users, minlength=len(stars)).astype(np.int32)
    block = RatingBlock(
        0,
        np.arange(len(stars), dtype=np.int64),
        counts,
        movies.astype(np.int32),
        stars[users, movies].astype(np.float32),
        np.zeros(len(users), dtype=np.uint8),
    )
    return RatingsInDriver(np.arange(stars.shape[1], dtype=np.int32) * 10, block)


@pytest.fixture
def stars() -> np.ndarray:
    """Return stars by two tastes: even users like even movies, odd users odd ones."""
    chance = np.random.default_rng(4)
    given = np.where(np.add.outer(np.arange(USERS), np.arange(MOVIES)) % 2 == 0, 4.5, 1.5)
    return given * (chance.random((USERS, MOVIES)) < 0.6)


def test_products_of_likings_are_added_up_over_users(
    stars: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = np.array([1, 4, 5, 9])
    graded = np.where(stars[:, chosen] > 0, likings(stars[:, chosen]), 0)
    for at_once in (2_048, 2):
        monkeypatch.setattr(item_weights, "ROWS_AT_ONCE", at_once)
        found = gram_of(ratings_of(stars), chosen)
        np.testing.assert_allclose(found, graded.T @ graded, rtol=1e-5)


def test_weights_minimise_the_error_of_predicting_each_movie_from_the_others(
    stars: np.ndarray,
) -> None:
    """Without dropout this is EASE: the ridge regression of a column on all others."""
    likes = np.where(stars > 0, likings(stars), 0).astype(np.float64)
    weights = edlae((likes.T @ likes).astype(np.float32), 5.0, 0.0)
    for movie in range(MOVIES):
        others = np.arange(MOVIES) != movie
        known = likes[:, others]
        ridge = np.linalg.solve(
            known.T @ known + 5.0 * np.eye(MOVIES - 1), known.T @ likes[:, movie]
        )
        np.testing.assert_allclose(weights[others, movie], ridge, atol=1e-4)
    assert not weights[np.diag_indices(MOVIES)].any()


def test_dropout_shrinks_the_weights(stars: np.ndarray) -> None:
    gram = gram_of(ratings_of(stars), np.arange(MOVIES))
    sums = [np.abs(edlae(gram, 5.0, dropout)).sum() for dropout in (0.0, 0.3, 0.6)]
    assert sums == sorted(sums, reverse=True)


def test_movies_of_the_same_taste_raise_each_other(stars: np.ndarray) -> None:
    support = (stars > 0).sum(axis=0).astype(np.int32)
    weights = fit_item_weights(ratings_of(stars), support).weights.astype(np.float64)
    same = np.add.outer(np.arange(MOVIES), np.arange(MOVIES)) % 2 == 0
    np.fill_diagonal(same, val=False)
    assert weights[same].mean() > weights[~same].mean()


def test_only_rated_movies_with_enough_support_have_weights(stars: np.ndarray) -> None:
    """At least 50 movies may be picked where there are so many, whatever their support."""
    wide = np.concatenate([stars, np.zeros((USERS, 60))], axis=1)
    wide[0, MOVIES : MOVIES + 55] = 4.0  # 55 movies that one user rated; 5 that nobody rated
    wide[:, 3] = 0  # another that nobody rated
    support = (wide > 0).sum(axis=0).astype(np.int32)
    found = fit_item_weights(ratings_of(wide), support)
    rated = np.flatnonzero(support)
    assert len(found.movies) == len(rated)  # support 1 is enough: fewer than 50 have more
    assert found.movies.tolist() == list(range(len(rated)))


def test_of_too_many_movies_those_with_most_ratings_have_weights(
    stars: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_weights, "MOST_MOVIES", 5)
    support = (stars > 0).sum(axis=0).astype(np.int32)
    found = fit_item_weights(ratings_of(stars), support)
    assert sorted(support[found.movies].tolist()) == sorted(support.tolist())[-5:]


def test_of_many_movies_the_largest_weights_of_each_column_are_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = np.random.default_rng(1)
    weights = chance.standard_normal((8, 8)).astype(np.float32)
    monkeypatch.setattr(item_weights, "MOST_DENSE", 4)
    monkeypatch.setattr(item_weights, "MOST_WEIGHTS", 24)
    stored = packed(np.arange(8, dtype=np.int32), weights)
    found = np.array([stored.row(place) for place in range(8)])
    assert ((found != 0).sum(axis=0) == 3).all()
    kept = found != 0
    np.testing.assert_allclose(found[kept], weights[kept], rtol=1e-3)
    for column in range(8):
        smallest = np.abs(found[kept[:, column], column]).min()
        assert (np.abs(weights[~kept[:, column], column]) <= smallest + 1e-3).all()


@pytest.mark.parametrize(
    "odd",
    [np.full((1, 1), 4.0), np.full((5, 1), 1.0), np.full((1, 5), 5.0), np.full((9, 9), 3.0)],
    ids=["one rating", "one movie", "one user", "all equal and seen by everybody"],
)
def test_odd_ratings_have_finite_weights(odd: np.ndarray) -> None:
    support = (odd > 0).sum(axis=0).astype(np.int32)
    assert np.isfinite(fit_item_weights(ratings_of(odd), support).weights).all()


def test_a_user_with_ten_thousand_ratings_is_added_in_pieces() -> None:
    everything = ratings_of(np.full((1, 10_000), 4.0))
    gram = gram_of(everything, np.arange(0, 10_000, 100))
    assert (gram == 1).all()
