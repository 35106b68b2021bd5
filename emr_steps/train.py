"""Train the rating model: explicit ALS by Spark MLlib over all ratings and all visitors' ratings.

Writes the model folder, its manifest last, and then moves `current.json` to it.
What is fitted, and how large: docs/decisions/0003-model.md.
"""

import argparse
import json
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from marquee.contracts import (
    MAX_STARS,
    MIN_STARS,
    SCHEMA_VERSION,
    ContractError,
    CurrentModel,
    timestamp,
)
from marquee.hadoop import Files, join
from marquee.model import METRICS, Counts, Model, ModelError, Movie, RatingModel, to_files
from marquee.progress import Progress, StepError
from marquee.questionnaire import choose_questionnaire

TEST_PERCENT = 15
MOVIE_DAMPING = 10.0  # ratings' worth of doubt about a movie's bias
USER_DAMPING = 5.0  # the same for a user's bias
# Iterations. MLlib's lineage grows with each and overflows a task's stack: seen at 10 without.
CHECKPOINT_EVERY = 3
ROWS_A_BLOCK = 500_000
MOST_BLOCKS = 200
MOST_USERS = 2**31 - 1

RATINGS_SCHEMA = "user_id LONG, movie_id INT, rating FLOAT, rated_at TIMESTAMP"
MOVIES_SCHEMA = "movie_id INT, title STRING, year INT, genres ARRAY<STRING>"
VISITOR_SCHEMA = (
    "schema_version INT, visitor_id STRING, version INT, requested_at STRING, dataset STRING, "
    "ratings ARRAY<STRUCT<movie_id: INT, stars: INT>>"
)

_PARTITION_BITS = 33  # monotonically_increasing_id holds the partition above these bits


@dataclass(frozen=True, slots=True)
class Size:
    """How large a model is fitted, by the number of ratings."""

    rank: int
    iterations: int
    regularisation: float
    blocks: int


def size_for(ratings: int) -> Size:
    """More ratings carry more factors, and need less regularisation a rating."""
    medium, large = 1_000_000, 20_000_000
    blocks = min(MOST_BLOCKS, 1 + ratings // ROWS_A_BLOCK)
    if ratings < medium:
        return Size(rank=16, iterations=10, regularisation=0.15, blocks=blocks)
    if ratings < large:
        return Size(rank=32, iterations=12, regularisation=0.08, blocks=blocks)
    return Size(rank=64, iterations=12, regularisation=0.06, blocks=blocks)


def visitors_ratings(visitors: DataFrame, dataset: str) -> DataFrame:
    """user_id long, movie_id int, rating float: each visitor's latest version for the data set.

    The data set's own user ids are never negative, so a visitor's is: minus the 63-bit hash of
    her id, minus one.
    """
    readable = (
        (F.col("schema_version") <= SCHEMA_VERSION)
        & F.col("visitor_id").isNotNull()
        & F.col("version").isNotNull()
    )
    latest = (
        visitors.filter(readable & (F.col("dataset") == dataset))
        .groupBy("visitor_id")
        .agg(F.max_by("ratings", "version").alias("ratings"))
    )
    each = latest.select("visitor_id", F.explode("ratings").alias("rating"))
    user_id = -F.xxhash64("visitor_id").bitwiseAND(F.lit(2**63 - 1)) - 1
    return (
        each.filter(F.col("rating.stars").between(MIN_STARS, MAX_STARS))
        .select(
            user_id.alias("user_id"),
            F.col("rating.movie_id").alias("movie_id"),
            F.col("rating.stars").cast("float").alias("rating"),
        )
        .dropDuplicates(["user_id", "movie_id"])
    )


def all_ratings(ratings: DataFrame, visitors: DataFrame, movies: DataFrame) -> DataFrame:
    """user_id, movie_id, rating of the data set and of its visitors, for movies with a title."""
    columns = ["user_id", "movie_id", "rating"]
    together = ratings.select(*columns).unionByName(visitors.select(*columns))
    return together.join(F.broadcast(movies.select("movie_id")), "movie_id", "left_semi").select(
        *columns
    )


def with_split(ratings: DataFrame, seed: int) -> DataFrame:
    """Add `test`, true for 15 % of the rows.

    By a hash of user, movie and seed: the same however Spark happens to partition the rows.
    """
    percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
    return ratings.withColumn("test", percent < TEST_PERCENT)


@dataclass(frozen=True, slots=True)
class Totals:
    """What there is to train on."""

    ratings: int
    test_ratings: int
    users: int
    visitors: int
    lowest: float
    highest: float


def users_of(ratings: DataFrame) -> DataFrame:
    """user_id, place, ratings, test_ratings, lowest, highest, unusable: a row for each user.

    `place` numbers the users within each partition; the checkpoint pins it, so that a partition
    computed again does not number them otherwise. `ratings` has `test`.
    """
    unusable = F.col("rating").isNull() | F.isnan("rating") | (F.abs("rating") == float("inf"))
    return (
        ratings.groupBy("user_id")
        .agg(
            F.count("*").alias("ratings"),
            F.count_if("test").alias("test_ratings"),
            F.min("rating").alias("lowest"),
            F.max("rating").alias("highest"),
            F.count_if(unusable).alias("unusable"),
        )
        .withColumn("place", F.monotonically_increasing_id())
        .checkpoint()
    )


def totals_of(users: DataFrame) -> tuple[Totals, dict[int, int]]:
    """Count, refuse ratings that no model can be fitted to, and number the partitions' users.

    The second value is the number of users in the partitions before each.
    """
    rows = (
        users.groupBy(_partition().alias("partition"))
        .agg(
            F.count("*").alias("users"),
            F.count_if(F.col("user_id") < 0).alias("visitors"),
            *(F.sum(name).alias(name) for name in ("ratings", "test_ratings", "unusable")),
            F.min("lowest").alias("lowest"),
            F.max("highest").alias("highest"),
        )
        .orderBy("partition")
        .collect()
    )
    if not rows:
        raise StepError("there are no ratings to train on: import a data set first")
    if unusable := sum(row["unusable"] for row in rows):
        raise StepError(f"{unusable} ratings are not finite numbers: run the prepare step again")
    starts, total = {}, 0
    for row in rows:
        starts[row["partition"]] = total
        total += row["users"]
    if total > MOST_USERS:
        raise StepError(f"{total} users are more than the {MOST_USERS} that MLlib can number")
    return Totals(
        ratings=sum(row["ratings"] for row in rows),
        test_ratings=sum(row["test_ratings"] for row in rows),
        users=total,
        visitors=sum(row["visitors"] for row in rows),
        # Stars reach from 1 to 5 everywhere; only some data sets go down to a half.
        lowest=min(float(MIN_STARS), *(row["lowest"] for row in rows)),
        highest=max(float(MAX_STARS), *(row["highest"] for row in rows)),
    ), starts


def with_user_index(ratings: DataFrame, users: DataFrame, starts: Mapping[int, int]) -> DataFrame:
    """Replace user_id by `user`, a dense int: MLlib takes no longs.

    A user's number is her place in her partition after the users of the partitions before it,
    so that no task ever sees all users.
    """
    start = F.element_at(
        F.create_map(*(F.lit(i) for pair in starts.items() for i in pair)), _partition()
    )
    within = F.col("place").bitwiseAND(F.lit(2**_PARTITION_BITS - 1))
    index = users.select("user_id", (start + within).cast("int").alias("user"))
    return ratings.join(index, "user_id").drop("user_id")


def _partition() -> Column:
    return F.shiftright("place", _PARTITION_BITS)


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


def fit(ratings: DataFrame, size: Size, seed: int) -> ALSModel:
    """Fit ALS to `residual` over `user` and `movie_id`."""
    als = ALS(
        rank=size.rank,
        maxIter=size.iterations,
        regParam=size.regularisation,
        numUserBlocks=size.blocks,
        numItemBlocks=size.blocks,
        userCol="user",
        itemCol="movie_id",
        ratingCol="residual",
        coldStartStrategy="nan",
        checkpointInterval=CHECKPOINT_EVERY,
        seed=seed,
    )
    return als.fit(ratings)


def rmse(test: DataFrame, model: ALSModel, lowest: float, highest: float) -> tuple[float, float]:
    """Root mean squared error in stars of the model, and of the baseline alone.

    Every test rating counts: one whose user or movie training never saw gets the baseline.
    """
    taste = F.coalesce(F.nanvl("prediction", F.lit(0.0)), F.lit(0.0))
    within = F.least(F.greatest(F.col("baseline") + taste, F.lit(lowest)), F.lit(highest))
    errors = model.transform(test).agg(
        F.sqrt(F.avg(F.pow(F.col("rating") - within, 2))),
        F.sqrt(F.avg(F.pow(F.col("rating") - F.col("baseline"), 2))),
    )
    row = errors.first()
    assert row is not None  # noqa: S101 - an aggregate over everything has one row
    return float(row[0]), float(row[1])


def rating_model(als: ALSModel, baseline: Baseline, size: Size, totals: Totals) -> RatingModel:
    """Bring factors, biases and support of every rated movie to the driver."""
    factors = als.itemFactors.withColumnRenamed("id", "movie_id")
    rows = baseline.movies.join(factors, "movie_id").orderBy("movie_id").collect()
    return RatingModel(
        movie_ids=np.array([row["movie_id"] for row in rows], dtype=np.int32),
        factors=np.array([row["features"] for row in rows], dtype=np.float32),
        movie_bias=np.array([row["movie_bias"] for row in rows], dtype=np.float32),
        support=np.array([row["support"] for row in rows], dtype=np.int32),
        global_mean=baseline.mean,
        user_damping=USER_DAMPING,
        regularisation=size.regularisation,
        lowest=totals.lowest,
        highest=totals.highest,
    )


def measured(ratings: DataFrame, size: Size, totals: Totals, seed: int) -> dict[str, float | None]:
    """Fit on the training 85 % and give the errors (stars) on the rest; None without a rest."""
    training, test = ratings.filter(~F.col("test")), ratings.filter("test")
    if totals.test_ratings in (0, totals.ratings):
        return {"test_rmse": None, "baseline_rmse": None}
    baseline = baseline_of(training)
    als = fit(with_baseline(training, baseline), size, seed)
    of_model, of_baseline = rmse(with_baseline(test, baseline), als, totals.lowest, totals.highest)
    baseline.release()
    return {"test_rmse": of_model, "baseline_rmse": of_baseline}


def trained(
    ratings: DataFrame,
    movies: DataFrame,
    *,
    dataset: str,
    model_id: str,
    trained_at: str,
    seed: int,
    say: Progress,
) -> Model:
    """Measure on a split, then fit to everything. `ratings`: user_id, movie_id, rating.

    `trained_at` is the moment before the visitors were read: whoever came later is new to it.
    """
    marked = with_split(ratings, seed)
    users = users_of(marked)
    totals, starts = totals_of(users)
    size = size_for(totals.ratings)
    say(
        f"{totals.ratings} ratings of {totals.users} users, {totals.visitors} of them visitors; "
        f"rank {size.rank}, {size.iterations} iterations, {size.blocks} blocks"
    )
    indexed = with_user_index(marked, users, starts).persist(StorageLevel.MEMORY_AND_DISK)
    errors = measured(indexed, size, totals, seed)
    say(_told(errors))
    baseline = baseline_of(indexed)
    rating = rating_model(fit(with_baseline(indexed, baseline), size, seed), baseline, size, totals)
    say(f"fitted {len(rating.movie_ids)} movies to all ratings")
    titles = titles_of(movies, rating)
    return Model(
        model_id=model_id,
        dataset=dataset,
        trained_at=trained_at,
        counts=Counts(totals.users, len(titles), totals.ratings, totals.visitors),
        rating=rating,
        movies=titles,
        questionnaire=choose_questionnaire(rating, titles),
        metrics={
            "schema_version": SCHEMA_VERSION,
            **errors,
            "rank": size.rank,
            "iterations": size.iterations,
            "regularisation": size.regularisation,
            "seed": seed,
            "test_percent": TEST_PERCENT,
            "seconds": round(say.seconds, 1),
        },
    )


def _told(errors: Mapping[str, float | None]) -> str:
    model, baseline = errors["test_rmse"], errors["baseline_rmse"]
    if model is None or baseline is None:
        return "too few ratings to hold a test back: no test RMSE"
    return f"test RMSE {model:.4f} stars (baseline alone {baseline:.4f})"


def titles_of(movies: DataFrame, rating: RatingModel) -> dict[int, Movie]:
    """The movies of the model, by id."""
    known = rating.rows
    return {
        row["movie_id"]: Movie(row["movie_id"], row["title"], row["year"], tuple(row["genres"]))
        for row in movies.select("movie_id", "title", "year", "genres").collect()
        if row["movie_id"] in known
    }


def read_visitors(spark: SparkSession, folder: str, files: Files, say: Progress) -> DataFrame:
    """Every visitor object under the folder; none where there is no folder yet."""
    if not files.exists(folder):
        say("no visitors yet")
        return spark.createDataFrame([], VISITOR_SCHEMA)
    reader = spark.read.schema(VISITOR_SCHEMA).option("recursiveFileLookup", "true")
    # One object a file, however its JSON is laid out.
    return reader.option("pathGlobFilter", "*.json").json(folder, multiLine=True)


def moves_current(files: Files, uri: str, dataset: str, *, switch: bool, say: Progress) -> bool:
    """Whether the new model comes into use: training one data set never activates another."""
    if switch or not files.exists(uri):
        return True
    try:
        active = CurrentModel.from_json(files.read(uri)).dataset
    except ContractError as error:
        say(f"{uri} stays as it is, {error}; train with --switch to replace it")
        return False
    if active != dataset:
        say(f"{uri} stays at data set {active!r}; train with --switch to move it to {dataset!r}")
    return active == dataset


def publish(model: Model, folder: str, files: Files) -> None:
    """Write the model folder; the manifest, last in order, makes it whole."""
    for name, content in to_files(model).items():
        files.write(join(folder, name), content)


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--ratings", required=True, help="folder of the prepared ratings")
    parser.add_argument("--movies", required=True, help="folder of the prepared movies")
    parser.add_argument("--visitors", required=True, help="folder of the visitor objects")
    parser.add_argument("--model", required=True, help="model folder to write; its name is the id")
    parser.add_argument("--current", required=True, help="current.json to move to the new model")
    parser.add_argument(
        "--switch", action="store_true", help="make this data set the active one, whatever it was"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the split and of ALS (default 1)")
    return parser.parse_args(argv)


def run(spark: SparkSession, arguments: argparse.Namespace, say: Progress) -> Model:
    trained_at = timestamp(datetime.now(UTC))
    files = Files(spark)
    for folder in (arguments.ratings, arguments.movies):
        if not files.names(folder):
            raise StepError(
                f"{folder} holds nothing: run the prepare step of {arguments.dataset!r} first"
            )
    movies = (
        spark.read.schema(MOVIES_SCHEMA)
        .parquet(arguments.movies)
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    visitors = read_visitors(spark, arguments.visitors, files, say)
    ratings = all_ratings(
        spark.read.schema(RATINGS_SCHEMA).parquet(arguments.ratings),
        visitors_ratings(visitors, arguments.dataset),
        movies,
    ).persist(StorageLevel.MEMORY_AND_DISK)
    model_id = arguments.model.rstrip("/").rpartition("/")[2]
    model = trained(
        ratings,
        movies,
        dataset=arguments.dataset,
        model_id=model_id,
        trained_at=trained_at,
        seed=arguments.seed,
        say=say,
    )
    publish(model, arguments.model, files)
    say(f"wrote {arguments.model} ({METRICS}: {json.dumps(model.metrics)})")
    if moves_current(files, arguments.current, model.dataset, switch=arguments.switch, say=say):
        current = CurrentModel(
            model.model_id,
            model.dataset,
            model.trained_at,
            model.counts.users,
            model.counts.ratings,
        )
        files.write(arguments.current, current.to_json().encode())
        say(f"{arguments.current} names {model.model_id}")
    return model


def main(argv: Sequence[str] | None = None) -> None:
    arguments = arguments_from(argv)
    say = Progress("train")
    spark = SparkSession.builder.appName(f"marquee train {arguments.dataset}").getOrCreate()
    files = Files(spark)
    checkpoints = files.temporary_folder(f"train-{uuid.uuid4().hex}")
    spark.sparkContext.setCheckpointDir(checkpoints)
    try:
        run(spark, arguments, say)
    except (StepError, ModelError) as error:
        sys.exit(f"train: {error}")
    finally:
        files.delete(checkpoints)
        spark.stop()


if __name__ == "__main__":
    main()
