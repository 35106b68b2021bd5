"""Fold-in: the solution and the contribution of each of a visitor's ratings."""

import numpy as np
import pytest

from marquee.recommender.fold_in import (
    RankingFolding,
    RatedMovies,
    RatingFolding,
    fold_in_matrix,
    rated_from,
)
from tests.models import FIRST, random_model, ranking_of

MODEL = random_model()
RATINGS = {100: 5.0, 103: 5.0, 107: 4.0, 110: 1.0, 115: 2.0, 120: 3.0}


def rated(ratings: dict[int, float]) -> RatedMovies:
    return rated_from(ratings, MODEL.rating.rows)


@pytest.mark.parametrize("observations", [1, 3, 7, 8, 40])
def test_the_fold_in_matrix_gives_the_mean_of_the_conditional_normal_distribution(
    observations: int,
) -> None:
    """Compare with the mean of a conditional Gaussian: S Lᵀ (L S Lᵀ + noise I)⁻¹ y."""
    chance = np.random.default_rng(observations)
    loadings = chance.normal(size=(observations, 7))
    variance, noise = chance.uniform(0.2, 2, 7), 0.55
    seen = chance.normal(size=observations)
    together = loadings @ np.diag(variance) @ loadings.T + noise * np.eye(observations)
    wanted = np.diag(variance) @ loadings.T @ np.linalg.inv(together) @ seen
    np.testing.assert_allclose(fold_in_matrix(loadings, variance, noise) @ seen, wanted, atol=1e-12)


def test_the_taste_minimises_error_and_prior_together() -> None:
    folding, visitor = RatingFolding(MODEL.rating), rated(RATINGS)
    taste = folding.taste(visitor, folding.matrices(visitor))
    found = 0
    for part in MODEL.rating.parts:
        loadings = part.loadings[visitor.rows].astype(np.float64)
        above = visitor.stars - part.offset[visitor.rows]
        width = loadings.shape[1]
        # Ridge regression as plain least squares, with a row of sqrt(noise) for each unknown.
        wanted, *_ = np.linalg.lstsq(
            np.vstack([loadings, np.sqrt(MODEL.rating.noise) * np.eye(width)]),
            np.concatenate([above, np.zeros(width)]),
        )
        np.testing.assert_allclose(taste[found : found + width], wanted, atol=1e-5)
        found += width
    assert found == len(taste)


def test_without_ratings_the_predicted_stars_are_the_mean_of_the_offsets() -> None:
    folding, nobody = RatingFolding(MODEL.rating), rated({})
    stars = folding.predict(folding.taste(nobody, folding.matrices(nobody))[None])
    wanted = np.mean([part.offset for part in MODEL.rating.parts], axis=0)
    np.testing.assert_allclose(stars[0], wanted, atol=1e-6)


def test_the_contributions_add_up_to_the_change_of_the_predictions() -> None:
    folding, visitor = RatingFolding(MODEL.rating), rated(RATINGS)
    rows = np.array([5, 30, 59])
    matrices = folding.matrices(visitor)
    change = folding.predict(folding.taste(visitor, matrices)[None])[0] - np.mean(
        [part.offset for part in MODEL.rating.parts], axis=0
    )
    contributions = folding.contributions(visitor, matrices, rows)
    assert contributions.shape == (3, len(RATINGS))
    np.testing.assert_allclose(contributions.sum(axis=1), change[rows], atol=1e-5)


def test_the_factors_of_liked_movies_solve_the_half_step_of_implicit_als() -> None:
    chance = np.random.default_rng(4)
    factors = chance.normal(0, 0.3, (60, 6))
    ranking = RankingFolding(ranking_of(factors))
    visitor = rated(RATINGS)
    own = factors[visitor.rows[visitor.stars >= 4]]
    alpha, ridge = ranking.model.confidence, ranking.model.regularisation * len(own)
    system = factors.T @ factors + alpha * own.T @ own + ridge * np.eye(6)
    wanted = factors @ np.linalg.solve(system, (1 + alpha) * own.sum(axis=0))
    scores = ranking.score(ranking.taste(ranking.matrix(visitor))[None])[0]
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


def test_disliked_movies_do_not_move_the_ranking() -> None:
    ranking = RankingFolding(MODEL.ranking)
    matrix = ranking.matrix(rated(RATINGS))
    assert matrix[:, 3:].any() is np.False_
    assert matrix[:, :3].all(axis=0).all()


def test_a_visitor_without_a_liked_movie_counts_as_a_typical_user() -> None:
    ranking = RankingFolding(MODEL.ranking)
    taste = ranking.taste(ranking.matrix(rated({100: 1.0, 101: 3.0})))
    np.testing.assert_array_equal(taste, MODEL.ranking.typical)


def test_movies_that_the_model_does_not_know_are_left_out() -> None:
    visitor = rated({9_999_999: 5.0, FIRST + 2: 4.0})
    assert (visitor.rows.tolist(), visitor.stars.tolist()) == ([2], [4.0])
