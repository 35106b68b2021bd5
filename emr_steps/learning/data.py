"""What there is to learn from: the data set's ratings and its visitors', split and numbered."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from marquee.contracts import MAX_STARS, MIN_STARS
from marquee.links import Ids
from marquee.model import Movie, RatingModel
from marquee.progress import StepError
from marquee.titles import titles_apart

TEST_PERCENT = 15
MOST_USERS = 2**31 - 1

RATINGS_SCHEMA = "user_id LONG, movie_id INT, rating FLOAT, rated_at TIMESTAMP"
MOVIES_SCHEMA = "movie_id INT, title STRING, year INT, genres ARRAY<STRING>"
LINKED_MOVIES_SCHEMA = f"{MOVIES_SCHEMA}, imdb STRING, tmdb INT"  # null where prepared without

_PARTITION_BITS = 33  # monotonically_increasing_id holds the partition above these bits


def all_ratings(ratings: DataFrame, visitors: DataFrame, movies: DataFrame) -> DataFrame:
    """user_id, movie_id, rating of the data set and of its visitors, for movies with a title."""
    columns = ["user_id", "movie_id", "rating"]
    together = ratings.select(*columns).unionByName(visitors.select(*columns))
    return together.join(F.broadcast(movies.select("movie_id")), "movie_id", "left_semi").select(
        *columns
    )


def with_split(ratings: DataFrame, seed: int) -> DataFrame:
    """Add `test`, true for 15 % of the data set's own rows.

    By a hash of user, movie and seed: the same however Spark happens to partition the rows. No
    visitor's rating (user_id below 0) is held out: anybody can send some that no model could
    predict, and whether a model is worse would be lost among them.
    """
    percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
    return ratings.withColumn("test", (F.col("user_id") >= 0) & (percent < TEST_PERCENT))


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


def titles_of(movies: DataFrame, rating: RatingModel) -> dict[int, Movie]:
    """The movies of the model, by id."""
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
    """What other catalogues call the movies of the model, by id; those that have such ids.

    `movies` has LINKED_MOVIES_SCHEMA.
    """
    known = rating.rows
    linked = movies.filter(F.col("imdb").isNotNull() | F.col("tmdb").isNotNull())
    return {
        row["movie_id"]: Ids(row["imdb"], row["tmdb"])
        for row in linked.select("movie_id", "imdb", "tmdb").collect()
        if row["movie_id"] in known
    }
