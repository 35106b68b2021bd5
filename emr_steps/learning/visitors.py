"""Visitors' ratings in training: which visitors and which of their ratings count.

Anybody can send a form, so the influence of visitors is bounded. docs/model.md gives the bounds and
the reasons.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.step_log import StepLog
from marquee.contracts import (
    MAX_STARS,
    MIN_STARS,
    SCHEMA_VERSION,
    parse_timestamp,
    timestamp,
)

# Ratings that count per visitor: five times as many as the questionnaire asks for.
MOST_RATINGS_OF_A_VISITOR = 100
# Ratings that count of all visitors together, as a share of the data set's own.
MOST_SHARE_OF_VISITORS = 0.1
USER_ID_DIGITS = 15  # hexadecimal digits of a hash, which fit into Spark's LONG
# Largest difference between the clocks of the functions, which stamp visitors, and of the cluster,
# which stamps models.
CLOCKS_DIFFER = timedelta(minutes=1)

VISITOR_SCHEMA = (
    "schema_version INT, visitor_id STRING, version INT, requested_at STRING, dataset STRING, "
    "ratings ARRAY<STRUCT<movie_id: INT, stars: INT>>"
)
_FILE = "file"  # column of `listed_visitors`: the object that a row was read from


@dataclass(frozen=True, slots=True)
class Period:
    """A period of time (ISO 8601 in UTC), without its end; an `end` of None leaves it open."""

    start: str
    end: str | None = None

    def holds(self, moment: Column) -> Column:
        """Return a column that says whether timestamps lie in the period."""
        within = moment >= _moment(self.start)
        return within if self.end is None else within & (moment < _moment(self.end))

    def includes(self, moment: datetime) -> bool:
        """Return whether a moment lies in the period."""
        end = None if self.end is None else parse_timestamp(self.end)
        return parse_timestamp(self.start) <= moment and (end is None or moment < end)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The visitors that training leaves out: their latest form came within one of the periods."""

    periods: tuple[Period, ...] = ()

    @classmethod
    def from_metrics(cls, metrics: Mapping[str, Any]) -> Self:
        """Read the visitors that a model left out from its metrics.json."""
        periods = (metrics.get("left_out") or {}).get("periods", ())
        return cls(tuple(Period(each["from"], each["until"]) for each in periods))

    def and_since(self, trained_at: str) -> Self:
        """Also leave out visitors who came since `trained_at`, less a minute as clocks differ."""
        since = timestamp(parse_timestamp(trained_at) - CLOCKS_DIFFER)
        before = [each for each in self.periods if each.end is not None and each.end < since]
        touching = self.periods[len(before) :]
        start = min([since, *(each.start for each in touching)])
        return type(self)((*before, Period(start)))

    def ended(self, at: str) -> Self:
        """End the open period, so that the next training includes visitors who come from now on."""
        ended = (Period(each.start, each.end or at) for each in self.periods)
        return type(self)(tuple(ended))

    def to_metrics(self, visitors: int) -> dict[str, Any] | None:
        """Return the entry for metrics.json; None if the number of `visitors` left out is 0."""
        if not visitors:
            return None
        periods = [{"from": each.start, "until": each.end} for each in self.periods]
        return {"visitors": visitors, "periods": periods}

    def column(self) -> Column:
        """Return a column that says whether a visitor is left out, by `requested_at`."""
        moment = F.try_to_timestamp("requested_at")
        found = F.lit(False)
        for period in self.periods:
            found = found | period.holds(moment)
        return F.coalesce(found, F.lit(False))

    def includes(self, requested_at: str) -> bool:
        """Return whether a visitor is left out, by `requested_at`; no if it cannot be read."""
        try:
            moment = parse_timestamp(requested_at)
        except ValueError:
            return False
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return any(period.includes(moment) for period in self.periods)


def _moment(text: str) -> Column:
    return F.to_timestamp(F.lit(text))


def user_id_of(visitor_id: str) -> int:
    """Return a visitor's user id in training.

    It is minus the first 60 bits of the visitor id's SHA-256, minus one: the data set's own user
    ids are never negative.
    """
    digest = hashlib.sha256(visitor_id.encode()).hexdigest()
    return -int(digest[:USER_ID_DIGITS], 16) - 1


def list_visitors(spark: SparkSession, folder: str) -> DataFrame | None:
    """List every visitor object under the folder; return None if there is no folder yet.

    The objects are read later. Some may be gone by then, because their visitors asked to be
    forgotten: Spark skips those.
    """
    reader = spark.read.schema(VISITOR_SCHEMA).option("recursiveFileLookup", "true")
    reader = reader.option("ignoreMissingFiles", "true").option("pathGlobFilter", "*.json")
    try:
        # Each file holds one object, which may span several lines.
        return reader.json(folder, multiLine=True).select("*", F.input_file_name().alias(_FILE))
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return None


def read_visitors(listed: DataFrame, say: StepLog) -> DataFrame:
    """Read the listed objects once, and log how many were deleted in the meantime."""
    # PySpark's own inputFiles() calls the JVM once per object.
    there_were = len(listed._jdf.inputFiles())
    # A checkpoint, not a cache: Spark would read a lost part of a cache again, and might find fewer
    # objects then.
    visitors = listed.checkpoint()
    read = visitors.agg(F.count_distinct(_FILE)).first()[0]  # type: ignore[index]
    if gone := there_were - read:
        say(skipped(gone, there_were))
    return visitors.drop(_FILE)


def visitors_of(spark: SparkSession, folder: str, dataset: str, say: StepLog) -> DataFrame:
    """Read visitor_id, requested_at, ratings of the latest version of each visitor."""
    listed = list_visitors(spark, folder)
    if listed is None:
        say("no visitors yet")
        return latest_versions(spark.createDataFrame([], VISITOR_SCHEMA), dataset)
    return latest_versions(read_visitors(listed, say), dataset)


def latest_versions(visitors: DataFrame, dataset: str) -> DataFrame:
    """Return visitor_id, requested_at, ratings of the latest version of each visitor.

    Skips objects that are incomplete or have a newer schema version.
    """
    readable = (
        (F.col("schema_version") <= SCHEMA_VERSION)
        & F.col("visitor_id").isNotNull()
        & F.col("version").isNotNull()
    )
    return (
        visitors.filter(readable & (F.col("dataset") == dataset))
        .groupBy("visitor_id")
        .agg(
            F.max_by("requested_at", "version").alias("requested_at"),
            F.max_by("ratings", "version").alias("ratings"),
        )
    )


def visitors_ratings(
    visitors: DataFrame, most_of_a_visitor: int = MOST_RATINGS_OF_A_VISITOR
) -> DataFrame:
    """Return user_id (long), movie_id (int), rating (float), limited per visitor.

    `visitors` has visitor_id and ratings; their user ids are those of `user_id_of`. A hash chooses
    which of a visitor's ratings count, so that the next training takes the same ones.
    """
    each = visitors.select("visitor_id", F.explode("ratings").alias("rating"))
    digest = F.substring(F.sha2("visitor_id", 256), 1, USER_ID_DIGITS)
    user_id = -F.conv(digest, 16, 10).cast("long") - 1
    by_chance = Window.partitionBy("user_id").orderBy(F.xxhash64("user_id", "movie_id"), "movie_id")
    return (
        each.filter(F.col("rating.stars").between(MIN_STARS, MAX_STARS))
        .select(
            user_id.alias("user_id"),
            F.col("rating.movie_id").alias("movie_id"),
            F.col("rating.stars").cast("float").alias("rating"),
        )
        .dropDuplicates(["user_id", "movie_id"])
        .withColumn("place", F.row_number().over(by_chance))
        .filter(F.col("place") <= most_of_a_visitor)
        .drop("place")
    )


def bound(ratings: DataFrame, most: int) -> tuple[DataFrame, int]:
    """Keep at most `most` ratings in all; return them and the number of visitors not kept.

    A visitor is kept with all ratings or not at all. Visitors are taken in the order of user_id,
    which is a hash: each has the same chance, and the next training takes the same ones.
    """
    if ratings.count() <= most:
        return ratings, 0
    # A single task handles this window, but it has only one row per visitor.
    running = Window.orderBy("user_id").rowsBetween(Window.unboundedPreceding, 0)
    visitors = (
        ratings.groupBy("user_id")
        .agg(F.count("*").alias("own"))
        .withColumn("kept", F.sum("own").over(running) <= most)
        .persist()
    )
    kept = visitors.filter("kept").select("user_id")
    return ratings.join(kept, "user_id", "left_semi"), visitors.filter("NOT kept").count()


def count_visitors(
    visitors: DataFrame, left_out: LeftOut, data_set_ratings: int, say: StepLog
) -> tuple[DataFrame, int]:
    """Return user_id, movie_id, rating of visitors who count, and the number of visitors left out.

    `visitors` is as `latest_versions` returns it; `data_set_ratings` is the number of ratings in
    the data set itself.
    """
    marked = visitors.withColumn("left_out", left_out.column())
    counted = visitors_ratings(marked.filter(~F.col("left_out"))).persist()
    ratings, over = bound(counted, int(MOST_SHARE_OF_VISITORS * data_set_ratings))
    if over:
        say(ignored(over, data_set_ratings))
    return ratings, marked.filter("left_out").count() if left_out.periods else 0


def ignored(visitors: int, data_set_ratings: int) -> str:
    """Return the log line about visitors beyond the bound on all visitors."""
    return (
        f"ignored {visitors} visitors: all visitors together may give at most "
        f"{MOST_SHARE_OF_VISITORS:.0%} as many ratings as the data set's {data_set_ratings}"
    )


def skipped(deleted: int, there_were: int) -> str:
    """Return the log line about visitor objects that were deleted after they were listed."""
    return f"skipped {deleted} of {there_were} visitor objects: deleted before they were read"
