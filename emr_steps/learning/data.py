"""Training data: the ratings of the data set and of its visitors, their split, and titles."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from marquee.recommender.links import ExternalIds
from marquee.recommender.model import Integers, Movie, RatingModel
from marquee.recommender.title_words import titles_apart

TEST_PERCENT = 15
HELD_OUT = 1  # the flag of a rating in the test set

RATINGS_SCHEMA = "user_id LONG, movie_id INT, rating FLOAT, rated_at TIMESTAMP"
MOVIES_SCHEMA = "movie_id INT, title STRING, year INT, genres ARRAY<STRING>"
LINKED_MOVIES_SCHEMA = f"{MOVIES_SCHEMA}, imdb STRING, tmdb INT"  # null where prepared without


def all_ratings(ratings: DataFrame, visitors: DataFrame, movies: DataFrame) -> DataFrame:
    """Return user_id, movie_id, rating of data set and visitors, for movies that have a title."""
    columns = ["user_id", "movie_id", "rating"]
    together = ratings.select(*columns).unionByName(visitors.select(*columns))
    return together.join(F.broadcast(movies.select("movie_id")), "movie_id", "left_semi").select(
        *columns
    )


def held_out_flag(seed: int) -> Column:
    """Return a column of flags: HELD_OUT for 15 % of the data set's own rows, else 0.

    The split hashes user, movie and seed, so it does not depend on how Spark partitions the rows.
    Visitors' ratings (user_id below 0) are never held out: anybody can send ratings that no model
    predicts, and these would hide whether a model is worse.
    """
    percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
    held_out = (F.col("user_id") >= 0) & (percent < TEST_PERCENT)
    return F.when(held_out, HELD_OUT).otherwise(0)


def titles_of(movies: DataFrame, movie_ids: Integers) -> dict[int, Movie]:
    """Return the movies of these ids, by id."""
    known = set(movie_ids.tolist())
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


def links_of(movies: DataFrame, rating: RatingModel) -> dict[int, ExternalIds]:
    """Return the ids of the model's movies in other catalogues, by movie id.

    Movies without such ids are missing. `movies` has LINKED_MOVIES_SCHEMA.
    """
    known = rating.rows
    linked = movies.filter(F.col("imdb").isNotNull() | F.col("tmdb").isNotNull())
    return {
        row["movie_id"]: ExternalIds(row["imdb"], row["tmdb"])
        for row in linked.select("movie_id", "imdb", "tmdb").collect()
        if row["movie_id"] in known
    }
