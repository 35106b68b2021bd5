"""Fitting the models: as well as MLlib, and so that fold-in gives a visitor the fitted factors."""

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning import fitting
from learning.als import Factors, Objective, Target, fit_als
from learning.fitting import Fitting, Size
from learning.rating_blocks import MovieBaseline, Ratings
from learning.ratings_on_spark import read_ratings
from marquee.recommender.fold_in import RankingFolding, rated_from
from marquee.recommender.model import Movie
from tests.spark.tastes import MOVIES, ratings

__all__ = ["ratings"]  # fixture

SCALE = (1.0, 5.0)
FILMS = {i: Movie(i, f"Movie {i}", 2000, ("Drama",)) for i in range(MOVIES)}
SIZE = Size(4, 5, 0.1, 0.1)
OBJECTIVES = (
    Objective(Target.STARS, 0.1),
    Objective(Target.RESIDUALS, 0.1),
    Objective(Target.LIKES, 0.3, 3.0),
)


@pytest.fixture(scope="module")
def read(ratings: DataFrame) -> Ratings:
    found, _ = read_ratings(ratings)
    return found


def penalised_loss(read: Ratings, objective: Objective, found: Factors) -> float:
    """Return the value of the objective; `found` has the factors of all users."""
    [block] = read.map_blocks(lambda block, _: block, None)
    users, movies, stars = block.users, block.movies, block.stars
    predicted = found.users @ found.movies.T
    if objective.target is Target.LIKES:
        liked = np.zeros(predicted.shape, dtype=bool)
        own = stars >= 4
        liked[users[own], movies[own]] = True
        loss = float((np.where(liked, 4.0, 1.0) * (liked - predicted) ** 2).sum())
    else:
        own = np.ones(len(users), dtype=bool)
        loss = float(((stars - predicted[users, movies]) ** 2).sum())
    for rows, factors in ((users, found.users), (movies, found.movies)):
        counts = np.bincount(rows[own], minlength=len(factors))
        loss += objective.regularisation * float(counts @ (factors**2).sum(axis=1))
    return loss


@pytest.mark.parametrize(
    "objective", [OBJECTIVES[0], OBJECTIVES[2]], ids=lambda each: each.target.name
)
def test_the_objective_ends_as_low_as_with_mllib_after_equal_iterations(
    spark: SparkSession, read: Ratings, objective: Objective
) -> None:
    baseline = MovieBaseline.of(read.star_counts())
    [ours] = fit_als(read.sides(baseline), [objective], rank=4, iterations=20, seed=1)
    mllib = Fitting(lambda: spark, read, 1, mllib=True).mllib_fits.fit(objective, 4, 20)
    mine, other = (penalised_loss(read, objective, each) for each in (ours, mllib))
    assert mine < 1.005 * other


def test_mllib_can_fit_everything_where_there_are_very_many_users(
    spark: SparkSession, read: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Fitting(lambda: spark, read, 1)
    assert not ours.uses_mllib(SIZE)
    one = ours.fit(SIZE, SCALE, FILMS)
    monkeypatch.setattr(fitting, "MOST_BYTES_OF_USERS", 0)
    theirs = Fitting(lambda: spark, read, 1)
    assert theirs.uses_mllib(SIZE)
    other = theirs.fit(SIZE, SCALE, FILMS)
    theirs.release()
    assert np.array_equal(one.rating.movie_ids, other.rating.movie_ids)
    assert np.array_equal(one.rating.support, other.rating.support)
    # Each part predicts the two tastes: an even movie and an odd one are opposites.
    for fitted in (one, other):
        taste = fitted.rating.parts[1].loadings
        assert float(taste[0] @ taste[2]) > 0 > float(taste[0] @ taste[3])
    assert other.ranking.factors.shape == one.ranking.factors.shape


def test_folding_in_liked_movies_gives_the_fitted_factors_of_the_user(read: Ratings) -> None:
    """Compare the scores of all movies, after enough iterations for the factors to settle."""
    baseline = MovieBaseline.of(read.star_counts())
    [found] = fit_als(read.sides(baseline), [OBJECTIVES[2]], rank=4, iterations=40, seed=3)
    model = fitting.ranking_model(found.users, found.movies, 8.0)
    folding = RankingFolding(model)
    rows = {movie_id: row for row, movie_id in enumerate(read.movie_ids.tolist())}
    [block] = read.map_blocks(lambda block, _: block, None)
    for user in range(len(block.counts)):
        own = block.users == user
        given = dict(
            zip(read.movie_ids[block.movies[own]].tolist(), block.stars[own].tolist(), strict=True)
        )
        ours = folding.taste(folding.matrix(rated_from(given, rows)))
        np.testing.assert_allclose(
            folding.score(ours[None])[0], found.movies @ found.users[user], atol=5e-3
        )


def test_turned_factors_keep_the_covariance_of_the_predictions(read: Ratings) -> None:
    baseline = MovieBaseline.of(read.star_counts())
    [found] = fit_als(read.sides(baseline), [OBJECTIVES[0]], rank=4, iterations=5, seed=3)
    part = fitting.gaussian_factors(found.users, found.movies, np.zeros(len(found.movies)))
    predictions = found.users.astype(np.float64) @ found.movies.T
    np.testing.assert_allclose(part.offset, predictions.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(part.loadings @ part.loadings.T, np.cov(predictions.T), atol=1e-3)


def test_movies_and_users_without_training_ratings_are_not_in_the_model(
    spark: SparkSession, ratings: DataFrame
) -> None:
    read, _ = read_ratings(ratings, F.when(F.col("movie_id") == 3, 1).otherwise(0))
    fitted = Fitting(lambda: spark, read.without(1), 1).fit(SIZE, SCALE, FILMS)
    assert 3 in read.movie_ids
    assert 3 not in fitted.rating.movie_ids
    assert len(fitted.ranking.factors) == len(fitted.rating.movie_ids)


@pytest.mark.parametrize(("ratings", "rank"), [(30_000, 32), (5_000_000, 32), (100_000_000, 64)])
def test_more_ratings_make_a_larger_model(ratings: int, rank: int) -> None:
    assert fitting.size_for(ratings).rank == rank


@pytest.mark.parametrize(
    ("liked_per_user", "weight"), [(50.0, -0.1), (10.0, 0.3), (2.5, 1.8), (1.0, 2.0)]
)
def test_the_typical_user_weighs_more_where_users_liked_fewer_movies(
    liked_per_user: float, weight: float
) -> None:
    assert fitting.typical_weight(liked_per_user) == pytest.approx(weight)
