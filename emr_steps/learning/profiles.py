"""Movie profiles: mean and median rating, and profile counts (how many people gave each tag)."""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.hadoop_files import Files
from learning.rating_blocks import StarCounts
from marquee.recommender.model import Integers, Profiles

TAGS_SCHEMA = "movie_id INT, tag STRING, people INT"
MOST_TAGS = 200
LEAST_PEOPLE = 3  # who must have given a tag, over all movies
MOST_PEOPLE = 255  # count limit for one tag of one movie: fits into a byte


def read_tags(spark: SparkSession, folder: str | None) -> DataFrame | None:
    """Return the prepared tags; None if no folder is named or it is empty."""
    if not folder or not Files(spark).names(folder):
        return None
    return spark.read.schema(TAGS_SCHEMA).parquet(folder)


def profiles_of(
    counted: StarCounts, movie_ids: Integers, tags: DataFrame | None = None
) -> Profiles:
    """Return means, medians and tags of the rated movies, in ascending order of their ids.

    Args:
        counted: all movies' ratings by stars, the rated ones' in the order of `movie_ids`.
        movie_ids: ids of the rated movies, ascending.
        tags: columns of TAGS_SCHEMA.
    """
    rated = counted.support > 0
    mean = (counted.sums[rated] / counted.support[rated]).astype(np.float32)
    median = counted.medians()[rated].astype(np.float32)
    names = () if tags is None else _most_used(tags)
    if tags is None or not names:
        return Profiles(mean, median)
    people = np.zeros((len(movie_ids), len(names)), dtype=np.uint8)
    column = {name: number for number, name in enumerate(names)}
    row_of = {movie_id: number for number, movie_id in enumerate(movie_ids.tolist())}
    for tag in tags.filter(F.col("tag").isin(*names)).collect():
        number = row_of.get(tag["movie_id"])  # a movie that nobody rated may have tags
        if number is not None:
            people[number, column[tag["tag"]]] = min(tag["people"], MOST_PEOPLE)
    return Profiles(mean, median, names, people)


def _most_used(tags: DataFrame) -> tuple[str, ...]:
    """Return the tags that most people gave, in descending order; ties are ordered by name."""
    rows = (
        tags.groupBy("tag")
        .agg(F.sum("people").alias("people"))
        .filter(F.col("people") >= LEAST_PEOPLE)
        .orderBy(F.desc("people"), "tag")
        .limit(MOST_TAGS)
        .collect()
    )
    return tuple(row["tag"] for row in rows)
