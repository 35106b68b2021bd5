"""Training data: the ratings of the data set and of its visitors, split and numbered."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.step_log import StepError
from marquee.contracts import MAX_STARS, MIN_STARS
from marquee.recommender.links import Ids
from marquee.recommender.model import Movie, RatingModel
from marquee.recommender.title_words import titles_apart

TEST_PERCENT = 15
MOST_USERS = 2**31 - 1

RATINGS_SCHEMA = "user_id LONG, movie_id INT, rating FLOAT, rated_at TIMESTAMP"
MOVIES_SCHEMA = "movie_id INT, title STRING, year INT, genres ARRAY<STRING>"
LINKED_MOVIES_SCHEMA = f"{MOVIES_SCHEMA}, imdb STRING, tmdb INT"  # null where prepared without

_PARTITION_BITS = 33  # monotonically_increasing_id holds the partition above these bits


def all_ratings(ratings: DataFrame, visitors: DataFrame, movies: DataFrame) -> DataFrame:
    """Return user_id, movie_id, rating of data set and visitors, for movies that have a title."""
    columns = ["user_id", "movie_id", "rating"]
    together = ratings.select(*columns).unionByName(visitors.select(*columns))
    return together.join(F.broadcast(movies.select("movie_id")), "movie_id", "left_semi").select(
        *columns
    )


def with_split(ratings: DataFrame, seed: int) -> DataFrame:
    """Add `test`, true for 15 % of the data set's own rows.

    The split hashes user, movie and seed, so it does not depend on how Spark partitions the rows.
    Visitors' ratings (user_id below 0) are never held out: anybody can send ratings that no model
    predicts, and these would hide whether a model is worse.
    """
    percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
    return ratings.withColumn("test", (F.col("user_id") >= 0) & (percent < TEST_PERCENT))


@dataclass(frozen=True, slots=True)
class Totals:
    """The size of the training data. `lowest` and `highest` are the scale, in stars."""

    ratings: int
    test_ratings: int
    users: int
    visitors: int
    lowest: float
    highest: float


def users_of(ratings: DataFrame) -> DataFrame:
    """Return a row per user: user_id, place, ratings, test_ratings, lowest, highest, unusable.

    `place` numbers the users within each partition. The checkpoint fixes it, because a recomputed
    partition might number its users differently. `ratings` must have the column `test`.
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
    """Return the totals and, for each partition, the number of users in the partitions before it.

    Raises:
        StepError: there are no ratings, some are not finite, or there are too many users.
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
        raise StepError(
            f"MLlib takes at most {MOST_USERS} users, not {total}: import fewer ratings"
        )
    return Totals(
        ratings=sum(row["ratings"] for row in rows),
        test_ratings=sum(row["test_ratings"] for row in rows),
        users=total,
        visitors=sum(row["visitors"] for row in rows),
        # Visitors give 1 to 5 stars in every data set; some data sets start at half a star.
        lowest=min(float(MIN_STARS), *(row["lowest"] for row in rows)),
        highest=max(float(MAX_STARS), *(row["highest"] for row in rows)),
    ), starts


def with_user_index(ratings: DataFrame, users: DataFrame, starts: Mapping[int, int]) -> DataFrame:
    """Replace user_id by `user`, a dense int, because MLlib does not accept longs.

    A user's number is the number of users in earlier partitions plus the user's place in their
    own. No task therefore has to see all users.
    """
    start = F.element_at(
        F.create_map(*(F.lit(i) for pair in starts.items() for i in pair)), _partition()
    )
    within = F.col("place").bitwiseAND(F.lit(2**_PARTITION_BITS - 1))
    index = users.select("user_id", (start + within).cast("int").alias("user"))
    return ratings.join(index, "user_id").drop("user_id")


def _partition() -> Column:
    return F.shiftright("place", _PARTITION_BITS)


def titles_of(movies: DataFrame, rating: RatingModel) -> dict[int, Movie]:
    """Return the movies of the model, by id."""
    known = rating.rows
    rows = [
        row
        for row in movies.select("movie_id", "title", "year", "genres").collect()
        if row["movie_id"] in known
    ]
    titles = titles_apart((row["title"], row["year"]) for row in rows)
    return {
        row["movie_id"]: Movie(row["movie_id"], title, row["year"], tuple(row["genres"]), others)
        for row, (title, others) in zip(rows, titles, strict=True)
    }


def links_of(movies: DataFrame, rating: RatingModel) -> dict[int, Ids]:
    """Return the ids of the model's movies in other catalogues, by movie id.

    Movies without such ids are missing. `movies` has LINKED_MOVIES_SCHEMA.
    """
    known = rating.rows
    linked = movies.filter(F.col("imdb").isNotNull() | F.col("tmdb").isNotNull())
    return {
        row["movie_id"]: Ids(row["imdb"], row["tmdb"])
        for row in linked.select("movie_id", "imdb", "tmdb").collect()
        if row["movie_id"] in known
    }
