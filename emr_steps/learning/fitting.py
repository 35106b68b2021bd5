"""Fit the rating model and the ranking model with Spark MLlib. docs/model.md gives the reasons."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.data import Totals
from marquee.recommender.fold_in import Doubles
from marquee.recommender.model import (
    LIKED,
    MOVIE_DAMPING,
    USER_DAMPING,
    GaussianFactors,
    Integers,
    RankingModel,
    RatingModel,
)

NOISE = 0.6  # variance of a rating around its prediction, in squared stars
CONFIDENCE = 3.0  # alpha of implicit ALS: the extra confidence of a like over an unrated movie
RANKING_REGULARISATION = 0.3  # lambda, multiplied by the number of liked movies
# Prior strength of the typical user, in liked movies: the fewer movies users like on average, the
# more the typical user's scores count.
WORTH_OF_EVERYBODY = 5.0
MOST_TYPICAL_WEIGHT = 2.0
LEANING = 0.2  # Offset for the ranking score's built-in popularity bias
# In iterations. MLlib's lineage grows with each iteration and overflows a task's stack: without
# checkpoints, at 10 iterations. Checkpoints cost a small fit a quarter of its time, so fits of few
# iterations make none.
CHECKPOINT_EVERY = 3
FEW_ITERATIONS = 6
ROWS_A_BLOCK = 500_000
MOST_BLOCKS = 200
MOST_USERS_COLLECTED = 20_000  # sample for the mean and covariance of users' factors


@dataclass(frozen=True, slots=True)
class Size:
    """Hyperparameters of a fit, which depend on the number of ratings."""

    rank: int
    iterations: int
    regularisation: float  # lambda of the ALS on ratings, per rating of a user
    residual_regularisation: float  # lambda of the ALS on residuals, per rating of a user
    blocks: int


def size_for(ratings: int) -> Size:
    """Return the hyperparameters for this many ratings.

    More ratings support more factors and need less regularisation per rating.
    """
    medium, large = 1_000_000, 20_000_000
    blocks = min(MOST_BLOCKS, 1 + ratings // ROWS_A_BLOCK)
    if ratings < medium:
        return Size(32, 6, 0.15, 0.12, blocks)
    if ratings < large:
        return Size(32, 12, 0.08, 0.08, blocks)
    return Size(64, 12, 0.06, 0.06, blocks)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline: global mean, shrunk movie biases and shrunk user biases, in stars."""

    mean: float
    movies: DataFrame  # movie_id, movie_bias, support
    users: DataFrame  # user, user_bias

    def release(self) -> None:
        """Free the storage of the persisted tables; the baseline must not be used afterwards."""
        self.movies.unpersist()
        self.users.unpersist()


def baseline_of(ratings: DataFrame) -> Baseline:
    """Estimate the movie biases, then the user biases from what the movie biases leave.

    A bias is the sum of the residuals ÷ (their number + the prior strength).
    """
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
    """Add `baseline` (stars) and `residual`, the rating minus its baseline.

    An unknown bias counts as 0.
    """
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
    """The M rated movies in ascending order of their ids."""

    ids: Integers  # shape (M,)
    support: Integers  # shape (M,), ratings
    bias: Doubles  # shape (M,), stars


def movies_of(baseline: Baseline) -> Movies:
    """Collect the movies of a baseline to the driver."""
    rows = baseline.movies.orderBy("movie_id").collect()
    return Movies(
        np.array([row["movie_id"] for row in rows], dtype=np.int32),
        np.array([row["support"] for row in rows], dtype=np.int32),
        np.array([row["movie_bias"] for row in rows], dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """The rating model and the ranking model of the same ratings, over the same movies."""

    rating: RatingModel
    ranking: RankingModel


def fit(ratings: DataFrame, size: Size, totals: Totals, seed: int) -> Fitted:
    """Fit both models to `ratings` (user, movie_id, rating).

    The three ALS fits are independent and run in parallel: during a small fit, the cluster mostly
    waits for the driver.
    """
    baseline = baseline_of(ratings)
    liked = ratings.filter(F.col("rating") >= LIKED).select(
        "user", "movie_id", F.lit(1.0).cast("float").alias("rating")
    )
    movies = movies_of(baseline)
    with ThreadPoolExecutor(3) as pool:
        by_residual = pool.submit(_residual_part, ratings, baseline, movies, size, seed)
        by_stars = pool.submit(_stars_part, ratings, movies.ids, size, seed)
        by_ranking = pool.submit(_ranking, liked, movies.ids, size, seed)
        parts = (by_residual.result(), by_stars.result())
        ranking = by_ranking.result()
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


def fit_sizes(
    ratings: DataFrame, movie_ids: Integers, ranks: Sequence[int], size: Size, seed: int
) -> dict[int, GaussianFactors]:
    """Fit explicit ALS to the ratings for each of these ranks; `size` gives everything else."""
    return {rank: _stars_part(ratings, movie_ids, replace(size, rank=rank), seed) for rank in ranks}


def fit_explicit_als(
    ratings: DataFrame, column: str, size: Size, regularisation: float, seed: int
) -> ALSModel:
    """Fit explicit ALS to a column of `ratings`, which also has `user` and `movie_id`."""
    return als_of(size, regularisation, seed).setRatingCol(column).fit(ratings)


def als_of(size: Size, regularisation: float, seed: int) -> ALS:
    """Return an unfitted explicit ALS; `regularisation` replaces those of `size`."""
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
    """Return the unfitted implicit ALS of the ranking model."""
    als = als_of(size, RANKING_REGULARISATION, seed)
    return als.setImplicitPrefs(True).setAlpha(CONFIDENCE)


def _residual_part(
    ratings: DataFrame, baseline: Baseline, movies: Movies, size: Size, seed: int
) -> GaussianFactors:
    """Fit the factors of the residuals.

    The last coordinate of taste is the visitor's own bias, with the standard deviation of users'
    biases.
    """
    residuals = with_baseline(ratings, baseline)
    als = fit_explicit_als(residuals, "residual", size, size.residual_regularisation, seed)
    spread = baseline.users.agg(F.stddev_pop("user_bias")).first()
    part = gaussian_factors(als, movies.ids, baseline.mean + movies.bias)
    own_bias = np.full((len(movies.ids), 1), (spread[0] if spread else None) or 0.0)
    return GaussianFactors(
        part.offset, np.concatenate([part.loadings, own_bias.astype(np.float32)], axis=1)
    )


def _stars_part(ratings: DataFrame, movie_ids: Integers, size: Size, seed: int) -> GaussianFactors:
    """Fit the factors of the ratings themselves."""
    als = fit_explicit_als(ratings, "rating", size, size.regularisation, seed)
    return gaussian_factors(als, movie_ids, np.zeros(len(movie_ids)))


def gaussian_factors(als: ALSModel, movie_ids: Integers, offset: Doubles) -> GaussianFactors:
    """Return the model's loadings, so that taste is standard normal.

    Assumes that users' factors are drawn from a normal distribution with mean m and covariance
    Σ = LLᵀ. A user's factors are then u = m + Lz, and the user's predicted stars for a movie with
    factors v are offset + v·m + (vL)·z.
    """
    movies = item_factors(als, movie_ids)
    users = user_factors(als)
    mean = users.mean(axis=0)
    centred = users - mean
    covariance = centred.T @ centred / max(len(users) - 1, 1)
    # With fewer users than factors, some eigenvalues are zero, or slightly negative by rounding.
    energies, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(energies, 0.0))
    return GaussianFactors(
        offset=(offset + movies @ mean).astype(np.float32),
        loadings=(movies @ root).astype(np.float32),
    )


def _ranking(liked: DataFrame, movie_ids: Integers, size: Size, seed: int) -> RankingModel:
    """Fit implicit ALS to the liked movies.

    Without any like, return a model that scores every movie 0.
    """
    if liked.isEmpty():
        return _rotate(np.zeros((len(movie_ids), 1)), np.zeros(1), 0.0)
    model = implicit_als_of(size, seed).fit(liked)
    return ranking_model(model, movie_ids, liked.count() / model.userFactors.count())


def ranking_model(als: ALSModel, movie_ids: Integers, loved_per_user: float) -> RankingModel:
    """Return the ranking model of a fitted implicit ALS.

    `loved_per_user` is the mean number of liked movies of a user.
    """
    typical = user_factors(als).mean(axis=0)
    return _rotate(item_factors(als, movie_ids), typical, typical_weight(loved_per_user))


def typical_weight(loved_per_user: float) -> float:
    """Return the weight of the typical user's scores relative to a user's own.

    The fewer movies users like on average, the higher the weight. It is negative where users like
    many.
    """
    return min(MOST_TYPICAL_WEIGHT, WORTH_OF_EVERYBODY / loved_per_user - LEANING)


def _rotate(movies: Doubles, typical: Doubles, weight: float) -> RankingModel:
    """Rotate factors V, shape (M, K), so that VᵀV is diagonal."""
    energy, directions = np.linalg.eigh(movies.T @ movies)
    return RankingModel(
        factors=(movies @ directions).astype(np.float32),
        energy=np.maximum(energy, 0.0).astype(np.float32),
        typical=(typical @ directions).astype(np.float32),
        typical_weight=weight,
        confidence=CONFIDENCE,
        regularisation=RANKING_REGULARISATION,
        liked=LIKED,
    )


def item_factors(als: ALSModel, movie_ids: Integers) -> Doubles:
    """Return movie factors, shape (M, K), in the order of `movie_ids`; zeros for unknown movies."""
    factors = np.zeros((len(movie_ids), als.rank))
    rows = als.itemFactors.collect()
    at = np.searchsorted(movie_ids, [row["id"] for row in rows])
    factors[at] = [row["features"] for row in rows]
    return factors


def user_factors(als: ALSModel) -> Doubles:
    """Return user factors, shape (users, K).

    From 40,000 users on, a hash of the user selects a sample of about 20,000 to 30,000.
    """
    users = als.userFactors
    share = users.count() // MOST_USERS_COLLECTED
    if share > 1:
        users = users.filter(F.pmod(F.xxhash64("id"), F.lit(share)) == 0)
    return np.array([row["features"] for row in users.collect()], dtype=np.float64)
