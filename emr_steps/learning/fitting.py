"""Fit the rating model and the ranking model with Spark MLlib; docs/model.md says what and why."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.data import Totals
from marquee.fold_in import Doubles
from marquee.model import GaussianFactors, Integers, RankingModel, RatingModel

MOVIE_DAMPING = 10.0  # ratings' worth of doubt about a movie's bias
USER_DAMPING = 5.0  # the same for a user's bias
LOVED = 4.0  # stars from which a rating says that the movie was loved
NOISE = 0.6  # variance of a rating about what its user's taste lets expect, stars squared
CONFIDENCE = 3.0  # alpha of implicit ALS: how much surer a loved movie is than one not rated
RANKING_REGULARISATION = 0.3  # lambda, times the number of loved movies
# Loved movies that tell of a user as much as being somebody tells: where users loved fewer on
# average, what everybody loves counts for more.
WORTH_OF_EVERYBODY = 5.0
MOST_TYPICAL_WEIGHT = 2.0
LEANING = 0.2  # What everybody loves comes first by itself: so much of it is taken off again.
# Iterations. MLlib's lineage grows with each and overflows a task's stack: seen at 10 without. A
# checkpoint costs a small fit a quarter of its time, so that one of few iterations goes without.
CHECKPOINT_EVERY = 3
FEW_ITERATIONS = 6
ROWS_A_BLOCK = 500_000
MOST_BLOCKS = 200
MOST_USERS_COLLECTED = 20_000  # whose factors tell the mean and the covariance of all users'


@dataclass(frozen=True, slots=True)
class Size:
    """How large models are fitted, by the number of ratings."""

    rank: int
    iterations: int
    regularisation: float  # lambda of the ALS over ratings, times a user's number of them
    residual_regularisation: float  # the same of the ALS over residuals
    blocks: int


def size_for(ratings: int) -> Size:
    """More ratings carry more factors, and need less regularisation a rating."""
    medium, large = 1_000_000, 20_000_000
    blocks = min(MOST_BLOCKS, 1 + ratings // ROWS_A_BLOCK)
    if ratings < medium:
        return Size(32, 6, 0.15, 0.12, blocks)
    if ratings < large:
        return Size(32, 12, 0.08, 0.08, blocks)
    return Size(64, 12, 0.06, 0.06, blocks)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a rating is without taste: global mean, damped movie bias, damped user bias (stars)."""

    mean: float
    movies: DataFrame  # movie_id, movie_bias, support
    users: DataFrame  # user, user_bias

    def release(self) -> None:
        self.movies.unpersist()
        self.users.unpersist()


def baseline_of(ratings: DataFrame) -> Baseline:
    """Estimate the biases one after the other: sum of what is left over (count + damping)."""
    mean = float(ratings.agg(F.avg("rating")).first()[0])  # type: ignore[index]
    movies = ratings.groupBy("movie_id").agg(
        (F.sum(F.col("rating") - mean) / (F.count("*") + MOVIE_DAMPING)).alias("movie_bias"),
        F.count("*").cast("int").alias("support"),
    )
    movies = movies.persist(StorageLevel.MEMORY_AND_DISK)
    left = F.col("rating") - mean - F.col("movie_bias")
    users = (
        ratings.join(F.broadcast(movies), "movie_id")
        .groupBy("user")
        .agg((F.sum(left) / (F.count("*") + USER_DAMPING)).alias("user_bias"))
    )
    return Baseline(mean, movies, users.persist(StorageLevel.MEMORY_AND_DISK))


def with_baseline(ratings: DataFrame, baseline: Baseline) -> DataFrame:
    """Add `baseline` (stars) and `residual`, rating minus baseline; a bias not known counts 0."""
    expected = (
        F.lit(baseline.mean)
        + F.coalesce("movie_bias", F.lit(0.0))
        + F.coalesce("user_bias", F.lit(0.0))
    )
    return (
        ratings.join(F.broadcast(baseline.movies), "movie_id", "left")
        .join(baseline.users, "user", "left")
        .withColumn("baseline", expected)
        .select(
            "user",
            "movie_id",
            "rating",
            "baseline",
            (F.col("rating") - F.col("baseline")).cast("float").alias("residual"),
        )
    )


@dataclass(frozen=True, slots=True)
class Movies:
    """The rated movies, M of them in ascending order of their ids."""

    ids: Integers  # M
    support: Integers  # M, ratings
    bias: Doubles  # M, stars


def movies_of(baseline: Baseline) -> Movies:
    rows = baseline.movies.orderBy("movie_id").collect()
    return Movies(
        np.array([row["movie_id"] for row in rows], dtype=np.int32),
        np.array([row["support"] for row in rows], dtype=np.int32),
        np.array([row["movie_bias"] for row in rows], dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """The two models of one set of ratings, over the same movies."""

    rating: RatingModel
    ranking: RankingModel


def fitted(ratings: DataFrame, size: Size, totals: Totals, seed: int) -> Fitted:
    """Fit everything to `ratings`: user, movie_id, rating.

    The three fits share nothing but the ratings, and a small one keeps a cluster waiting for its
    driver most of the time: so they run side by side.
    """
    baseline = baseline_of(ratings)
    loved = ratings.filter(F.col("rating") >= LOVED).select(
        "user", "movie_id", F.lit(1.0).cast("float").alias("rating")
    )
    movies = movies_of(baseline)
    with ThreadPoolExecutor(3) as pool:
        by_residual = pool.submit(_residual_part, ratings, baseline, movies, size, seed)
        by_stars = pool.submit(_stars_part, ratings, movies.ids, size, seed)
        by_love = pool.submit(_ranking, loved, movies.ids, size, seed)
        parts = (by_residual.result(), by_stars.result())
        ranking = by_love.result()
    baseline.release()
    return Fitted(
        RatingModel(
            movie_ids=movies.ids,
            support=movies.support,
            parts=parts,
            noise=NOISE,
            global_mean=baseline.mean,
            lowest=totals.lowest,
            highest=totals.highest,
        ),
        ranking,
    )


def fitted_sizes(
    ratings: DataFrame, movie_ids: Integers, ranks: Sequence[int], size: Size, seed: int
) -> dict[int, GaussianFactors]:
    """Explicit ALS over the ratings for each of these ranks, otherwise as large models are."""
    return {rank: _stars_part(ratings, movie_ids, replace(size, rank=rank), seed) for rank in ranks}


def fit(ratings: DataFrame, column: str, size: Size, regularisation: float, seed: int) -> ALSModel:
    """Fit explicit ALS to a column over `user` and `movie_id`."""
    return als_of(size, regularisation, seed).setRatingCol(column).fit(ratings)


def als_of(size: Size, regularisation: float, seed: int) -> ALS:
    return ALS(
        rank=size.rank,
        maxIter=size.iterations,
        regParam=regularisation,
        numUserBlocks=size.blocks,
        numItemBlocks=size.blocks,
        userCol="user",
        itemCol="movie_id",
        checkpointInterval=CHECKPOINT_EVERY if size.iterations > FEW_ITERATIONS else -1,
        seed=seed,
    )


def implicit_als_of(size: Size, seed: int) -> ALS:
    """The ALS of the ranking model."""
    als = als_of(size, RANKING_REGULARISATION, seed)
    return als.setImplicitPrefs(True).setAlpha(CONFIDENCE)


def _residual_part(
    ratings: DataFrame, baseline: Baseline, movies: Movies, size: Size, seed: int
) -> GaussianFactors:
    """Factors of the residuals; the last unknown is the visitor's own bias, as spread as users'."""
    residuals = with_baseline(ratings, baseline)
    als = fit(residuals, "residual", size, size.residual_regularisation, seed)
    spread = baseline.users.agg(F.stddev_pop("user_bias")).first()
    part = gaussian_factors(als, movies.ids, baseline.mean + movies.bias)
    own_bias = np.full((len(movies.ids), 1), (spread[0] if spread else None) or 0.0)
    return GaussianFactors(
        part.offset, np.concatenate([part.loadings, own_bias.astype(np.float32)], axis=1)
    )


def _stars_part(ratings: DataFrame, movie_ids: Integers, size: Size, seed: int) -> GaussianFactors:
    """Factors of the ratings themselves."""
    als = fit(ratings, "rating", size, size.regularisation, seed)
    return gaussian_factors(als, movie_ids, np.zeros(len(movie_ids)))


def gaussian_factors(als: ALSModel, movie_ids: Integers, offset: Doubles) -> GaussianFactors:
    """Take users' factors for draws from a normal distribution, and turn it into a standard one.

    With m and Σ = LLᵀ their mean and covariance, a user's u is m + Lz and her rating of a movie
    with factors v is offset + v·m + (vL)·z.
    """
    movies = item_factors(als, movie_ids)
    users = user_factors(als)
    mean = users.mean(axis=0)
    centred = users - mean
    covariance = centred.T @ centred / max(len(users) - 1, 1)
    # Fewer users than factors leave some without any spread; the root of those is zero.
    energies, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(energies, 0.0))
    return GaussianFactors(
        offset=(offset + movies @ mean).astype(np.float32),
        loadings=(movies @ root).astype(np.float32),
    )


def _ranking(loved: DataFrame, movie_ids: Integers, size: Size, seed: int) -> RankingModel:
    """Implicit ALS over the loved movies; where nobody loved any, a model that ranks nothing."""
    if loved.isEmpty():
        return _turned(np.zeros((len(movie_ids), 1)), np.zeros(1), 0.0)
    model = implicit_als_of(size, seed).fit(loved)
    return ranking_model(model, movie_ids, loved.count() / model.userFactors.count())


def ranking_model(als: ALSModel, movie_ids: Integers, loved_per_user: float) -> RankingModel:
    """The ranking model of a fitted implicit ALS."""
    typical = user_factors(als).mean(axis=0)
    return _turned(item_factors(als, movie_ids), typical, typical_weight(loved_per_user))


def typical_weight(loved_per_user: float) -> float:
    """How much the typical user's scores count beside one's own, by how little is known of each.

    Below zero where much is.
    """
    return min(MOST_TYPICAL_WEIGHT, WORTH_OF_EVERYBODY / loved_per_user - LEANING)


def _turned(movies: Doubles, typical: Doubles, weight: float) -> RankingModel:
    """Turn M by K factors so that their products with themselves sum to a diagonal matrix."""
    energy, directions = np.linalg.eigh(movies.T @ movies)
    return RankingModel(
        factors=(movies @ directions).astype(np.float32),
        energy=np.maximum(energy, 0.0).astype(np.float32),
        typical=(typical @ directions).astype(np.float32),
        typical_weight=weight,
        confidence=CONFIDENCE,
        regularisation=RANKING_REGULARISATION,
        loved=LOVED,
    )


def item_factors(als: ALSModel, movie_ids: Integers) -> Doubles:
    """M by K, in the order of `movie_ids`; zeros where the model has no such movie."""
    factors = np.zeros((len(movie_ids), als.rank))
    rows = als.itemFactors.collect()
    at = np.searchsorted(movie_ids, [row["id"] for row in rows])
    factors[at] = [row["features"] for row in rows]
    return factors


def user_factors(als: ALSModel) -> Doubles:
    """Factors of all users, or of some twenty thousand where there are more."""
    users = als.userFactors
    share = users.count() // MOST_USERS_COLLECTED
    if share > 1:
        users = users.filter(F.pmod(F.xxhash64("id"), F.lit(share)) == 0)
    return np.array([row["features"] for row in users.collect()], dtype=np.float64)
