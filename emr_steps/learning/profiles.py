"""What people gave each movie on average, and how they tagged it."""

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from marquee.model import Floats, Integers, Profiles

TAGS_SCHEMA = "movie_id INT, tag STRING, people INT"
MOST_TAGS = 200
LEAST_PEOPLE = 3  # who gave a tag, in all
MOST_PEOPLE = 255  # counted for one tag of one movie


def profiles_of(ratings: DataFrame, movie_ids: Integers, tags: DataFrame | None = None) -> Profiles:
    """Mean, median and tags of these movies. `ratings` has movie_id, rating; `tags` TAGS_SCHEMA."""
    rows = (
        ratings.groupBy("movie_id")
        .agg(F.avg("rating").alias("mean"), F.median("rating").alias("median"))
        .collect()
    )
    at = np.searchsorted(movie_ids, [row["movie_id"] for row in rows])
    mean, median = _zeros(movie_ids), _zeros(movie_ids)
    mean[at] = [row["mean"] for row in rows]
    median[at] = [row["median"] for row in rows]
    if tags is None:
        return Profiles(mean, median)
    names = _most_used(tags)
    if not names:
        return Profiles(mean, median)
    people = np.zeros((len(movie_ids), len(names)), dtype=np.uint8)
    column = {name: number for number, name in enumerate(names)}
    row_of = {movie_id: row for row, movie_id in enumerate(movie_ids.tolist())}
    for tag in tags.filter(F.col("tag").isin(*names)).collect():
        row = row_of.get(tag["movie_id"])  # a movie that nobody rated may have tags
        if row is not None:
            people[row, column[tag["tag"]]] = min(tag["people"], MOST_PEOPLE)
    return Profiles(mean, median, names, people)


def _zeros(movie_ids: Integers) -> Floats:
    return np.zeros(len(movie_ids), dtype=np.float32)


def _most_used(tags: DataFrame) -> tuple[str, ...]:
    """The tags that most people gave to movies, those first; ties by name."""
    rows = (
        tags.groupBy("tag")
        .agg(F.sum("people").alias("people"))
        .filter(F.col("people") >= LEAST_PEOPLE)
        .orderBy(F.desc("people"), "tag")
        .limit(MOST_TAGS)
        .collect()
    )
    return tuple(row["tag"] for row in rows)
