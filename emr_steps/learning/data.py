"""Training data: the ratings of the data set and of its visitors, their split, and titles."""

from collections.abc import Collection, Iterable

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.prepared import PreparedMovie
from learning.rating_blocks import Bytes, Longs
from learning.xxhash import xxhash64
from marquee.recommender.links import ExternalIds
from marquee.recommender.model import Integers, Movie, RatingModel
from marquee.recommender.title_words import titles_apart

TEST_PERCENT = 15
HELD_OUT = 1  # the flag of a rating in the test set

RATINGS_SCHEMA = "user_id LONG, movie_id INT, rating FLOAT, rated_at TIMESTAMP"


def all_ratings(ratings: DataFrame, visitors: DataFrame, movie_ids: Collection[int]) -> DataFrame:
    """Return user_id, movie_id, rating of data set and visitors, for movies that have a title."""
    columns = ["user_id", "movie_id", "rating"]
    together = ratings.select(*columns).unionByName(visitors.select(*columns))
    known = ratings.sparkSession.createDataFrame([(i,) for i in movie_ids], "movie_id INT")
    return together.join(F.broadcast(known), "movie_id", "left_semi").select(*columns)


def held_out_flag(seed: int) -> Column:
    """Return a column of flags: HELD_OUT for 15 % of the data set's own rows, else 0.

    The split hashes user, movie and seed, so it does not depend on how Spark partitions the rows.
    Visitors' ratings (user_id below 0) are never held out: anybody can send ratings that no model
    predicts, and these would hide whether a model is worse.
    """
    percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
    held_out = (F.col("user_id") >= 0) & (percent < TEST_PERCENT)
    return F.when(held_out, HELD_OUT).otherwise(0)


def held_out_flags(user_ids: Longs, movie_ids: Integers, seed: int) -> Bytes:
    """Return the flags of N ratings as `held_out_flag` does."""
    percent = xxhash64(user_ids, movie_ids, np.int32(seed)) % 100
    held_out = (user_ids >= 0) & (percent < TEST_PERCENT)
    return np.where(held_out, HELD_OUT, 0).astype(np.uint8)


def titles_of(movies: Iterable[PreparedMovie], movie_ids: Integers) -> dict[int, Movie]:
    """Return the movies of these ids, by id."""
    known = set(movie_ids.tolist())
    rows = [movie for movie in movies if movie.movie_id in known]
    titles = titles_apart((movie.title, movie.year) for movie in rows)
    return {
        movie.movie_id: Movie(movie.movie_id, title, movie.year, movie.genres, others)
        for movie, (title, others) in zip(rows, titles, strict=True)
    }


def links_of(movies: Iterable[PreparedMovie], rating: RatingModel) -> dict[int, ExternalIds]:
    """Return the ids of the model's movies in other catalogues, by movie id.

    Movies without such ids are missing.
    """
    known = rating.rows
    return {
        movie.movie_id: ExternalIds(movie.imdb, movie.tmdb)
        for movie in movies
        if movie.movie_id in known and (movie.imdb is not None or movie.tmdb is not None)
    }
