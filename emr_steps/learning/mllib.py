"""ALS by Spark MLlib: for more users than the driver can hold, and to compare with in evaluations.

docs/model.md says from which size on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.als import Factors, Objective, Target
from learning.rating_blocks import MovieBaseline, RatingBlock, Ratings, residuals_of
from learning.ratings_on_spark import RatingsOnSpark, blocks_for
from marquee.recommender.model import LIKED, Floats

# In iterations. MLlib's lineage grows with each iteration and overflows a task's stack: without
# checkpoints, at 10 iterations. Checkpoints cost a small fit a quarter of its time, so fits of few
# iterations make none.
CHECKPOINT_EVERY = 3
FEW_ITERATIONS = 6
MOST_USERS_COLLECTED = 20_000  # sample for the mean and covariance of users' factors
SCHEMA = "user INT, movie INT, stars FLOAT, residual FLOAT"
_COLUMNS = {Target.STARS: "stars", Target.RESIDUALS: "residual"}


@dataclass(frozen=True, slots=True)
class MllibFits:
    """Fits ALS models of the same ratings with MLlib.

    Attributes:
        rows: the ratings, with the columns of SCHEMA.
        movies: the number of movies; `movie` is a row number below it.
        blocks: the number of blocks of users and of movies.
        seed: of the first factors.
    """

    rows: DataFrame
    movies: int
    blocks: int
    seed: int

    def fit(self, objective: Objective, rank: int, iterations: int) -> Factors:
        """Fit one model; `users` are the factors of the users with entries, or of a sample."""
        rows = self.rows
        if objective.target is Target.LIKES:
            rows = rows.filter(F.col("stars") >= LIKED).withColumn("liked", F.lit(1.0))
            if rows.isEmpty():
                empty = np.zeros((0, rank), dtype=np.float32)
                return Factors(empty, np.zeros((self.movies, rank), dtype=np.float32))
        model = self.als(objective, rank, iterations).fit(rows)
        return Factors(user_factors(model), movie_factors(model, self.movies))

    def als(self, objective: Objective, rank: int, iterations: int) -> ALS:
        """Return MLlib's estimator, not yet fitted."""
        als = ALS(
            rank=rank,
            maxIter=iterations,
            regParam=objective.regularisation,
            numUserBlocks=self.blocks,
            numItemBlocks=self.blocks,
            userCol="user",
            itemCol="movie",
            ratingCol=_COLUMNS.get(objective.target, "liked"),
            checkpointInterval=CHECKPOINT_EVERY if iterations > FEW_ITERATIONS else -1,
            seed=self.seed,
        )
        if objective.confidence is None:
            return als
        return als.setImplicitPrefs(True).setAlpha(objective.confidence)


def mllib_fits(
    spark: SparkSession, ratings: Ratings, baseline: MovieBaseline, seed: int
) -> MllibFits:
    """Prepare fits of these ratings."""
    rows = frame_of(spark, ratings, baseline).persist(StorageLevel.MEMORY_AND_DISK)
    return MllibFits(rows, len(ratings.movie_ids), blocks_for(rows.count()), seed)


def frame_of(spark: SparkSession, ratings: Ratings, baseline: MovieBaseline) -> DataFrame:
    """Return the ratings as a DataFrame with the columns of SCHEMA."""
    if isinstance(ratings, RatingsOnSpark):
        sent = spark.sparkContext.broadcast(baseline)
        rows = ratings.blocks.flatMap(lambda block: _rows(block, sent.value))
        return spark.createDataFrame(rows, SCHEMA, verifySchema=False)
    [found] = ratings.map_blocks(_rows_listed, baseline)
    return spark.createDataFrame(found, SCHEMA, verifySchema=False)


def _rows_listed(block: RatingBlock, baseline: MovieBaseline) -> list[tuple[float, ...]]:
    return list(_rows(block, baseline))


def _rows(block: RatingBlock, baseline: MovieBaseline) -> Iterator[tuple[float, ...]]:
    columns: Iterable[list[float]] = (
        column.tolist()
        for column in (block.users, block.movies, block.stars, residuals_of(block, baseline))
    )
    return zip(*columns, strict=True)


def movie_factors(als: ALSModel, movies: int) -> Floats:
    """Return movie factors, shape (movies, K); zeros for movies that the model does not know."""
    factors = np.zeros((movies, als.rank), dtype=np.float32)
    for row in als.itemFactors.collect():
        factors[row["id"]] = row["features"]
    return factors


def user_factors(als: ALSModel) -> Floats:
    """Return user factors, shape (users, K).

    From 40,000 users on, a hash of the user selects a sample of about 20,000 to 30,000.
    """
    users = als.userFactors
    share = users.count() // MOST_USERS_COLLECTED
    if share > 1:
        users = users.filter(F.pmod(F.xxhash64("id"), F.lit(share)) == 0)
    return np.array([row["features"] for row in users.collect()], dtype=np.float32)
