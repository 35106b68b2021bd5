"""Measure models on held-out ratings, user by user on the executors."""

from collections.abc import Iterable, Iterator
from functools import partial

from pyspark import Broadcast
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.metrics import Examiner, Measured, Person
from learning.new_visitors import NewVisitor, NewVisitorExaminer

MOST_PEOPLE = 20_000  # about: larger sets are sampled


def people_of(ratings: DataFrame, users: int, most: int = MOST_PEOPLE) -> DataFrame:
    """Return user, seen, held_out for users who have held-out ratings.

    `seen` and `held_out` map movie_id to stars. `ratings` has user, movie_id, rating and `test`.
    If there are more than `most` users, a hash selects a sample.
    """
    share = -(-users // most)
    if share > 1:
        ratings = ratings.filter(F.pmod(F.xxhash64("user"), F.lit(share)) == 0)
    pair = F.struct("movie_id", "rating")
    return (
        ratings.groupBy("user")
        .agg(
            F.map_from_entries(F.collect_list(F.when(~F.col("test"), pair))).alias("seen"),
            F.map_from_entries(F.collect_list(F.when(F.col("test"), pair))).alias("held_out"),
        )
        .filter(F.size("held_out") > 0)
    )


def measure(people: DataFrame, examiners: dict[str, Examiner]) -> dict[str, list[Measured]]:
    """Return each model's measures for each user, in one pass over the users."""
    context = people.sparkSession.sparkContext
    shipped = context.broadcast(examiners)
    found: dict[str, list[Measured]] = {name: [] for name in examiners}
    for name, one in people.rdd.mapPartitions(partial(_measure, examiners=shipped)).collect():
        found[name].append(one)
    shipped.unpersist()
    return found


def _measure(
    rows: Iterable[Row], examiners: Broadcast[dict[str, Examiner]]
) -> Iterator[tuple[str, Measured]]:
    people = _persons(rows)
    for name, examiner in examiners.value.items():
        for one in examiner.measure(people):
            yield name, one


def measure_new_visitors(people: DataFrame, examiner: NewVisitorExaminer) -> list[NewVisitor]:
    """Measure users who were not in training; all their ratings are held out."""
    shipped = people.sparkSession.sparkContext.broadcast(examiner)
    found = people.rdd.mapPartitions(partial(_measure_new_visitors, examiner=shipped)).collect()
    shipped.unpersist()
    return found


def _measure_new_visitors(
    rows: Iterable[Row], examiner: Broadcast[NewVisitorExaminer]
) -> Iterator[NewVisitor]:
    return examiner.value.measure(_persons(rows))


def _persons(rows: Iterable[Row]) -> list[Person]:
    return [Person(row["user"], row["seen"], row["held_out"]) for row in rows]
