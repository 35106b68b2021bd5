"""The sources of training data: a data set's ratings, and the forms of its visitors."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from learning.data import RATINGS_SCHEMA, all_ratings, held_out_flag, held_out_flags
from learning.hadoop_files import Files
from learning.prepared import RatingRows, fits_in_driver, read_ratings_here
from learning.rating_blocks import Ratings
from learning.ratings_on_spark import read_ratings
from learning.raw_blocks import RawBlock, Totals, number_in_driver
from learning.step_log import StepLog
from learning.visitors import LeftOut, count_visitors, visitors_of
from learning.visitors_in_driver import count_visitors_here, list_objects, read_objects
from marquee.contracts import VisitorObject


class TrainingSources(Protocol):
    """Gives the ratings to train on."""

    def without(self, left_out: LeftOut, say: StepLog) -> tuple[Ratings, Totals, int]:
        """Return all ratings but those of some visitors, with the flags of held-out ratings.

        Returns:
            The ratings, their totals, and the number of visitors left out.

        Raises:
            StepError: there are no ratings, or some are not usable numbers.
        """


@dataclass(frozen=True, eq=False)
class SourcesInDriver:
    """A small data set, which is trained on without a Spark job."""

    ratings: RatingRows
    movie_ids: Collection[int]  # of movies with a title
    visitors: Sequence[VisitorObject]  # the latest version of each
    seed: int

    def without(self, left_out: LeftOut, say: StepLog) -> tuple[Ratings, Totals, int]:
        """Return all ratings but those of some visitors."""
        visitors, number = count_visitors_here(
            self.visitors, left_out, len(self.ratings.user_ids), say
        )
        rows = self.ratings.and_also(visitors)
        rows = rows.chosen(np.isin(rows.movie_ids, np.fromiter(self.movie_ids, dtype=np.int32)))
        flags = held_out_flags(rows.user_ids, rows.movie_ids, self.seed)
        return *number_in_driver(RawBlock.of(rows, flags)), number


@dataclass(frozen=True, slots=True)
class SourcesOnSpark:
    """A data set of any size, as DataFrames.

    Columns: RATINGS_SCHEMA, and those of `latest_versions`.
    """

    ratings: DataFrame
    movie_ids: Collection[int]  # of movies with a title
    visitors: DataFrame
    seed: int

    def without(self, left_out: LeftOut, say: StepLog) -> tuple[Ratings, Totals, int]:
        """Return all ratings but those of some visitors."""
        own = self.ratings.count()
        counted, number = count_visitors(self.visitors, left_out, own, say)
        together = all_ratings(self.ratings, counted, self.movie_ids)
        together.persist(StorageLevel.MEMORY_AND_DISK)
        ratings, totals = read_ratings(together, held_out_flag(self.seed))
        together.unpersist()
        return ratings, totals, number


@dataclass(frozen=True, slots=True)
class Places:
    """The name of a data set, and the URIs of its prepared ratings and of its visitors' objects."""

    dataset: str
    ratings: str
    visitors: str


def open_sources(
    files: Files,
    places: Places,
    movie_ids: Collection[int],
    seed: int,
    *,
    session: Callable[[], SparkSession],
    say: StepLog,
) -> TrainingSources:
    """Return the sources, in the driver if ratings and visitors are few, else on Spark.

    Args:
        files: reads in the driver.
        places: where the data lie.
        movie_ids: the ids of the movies with a title; ratings of others do not count.
        seed: of the split into training set and test set.
        session: opens the Spark session, if it is needed.
        say: the step's log.
    """
    if fits_in_driver(files, places.ratings):
        objects = list_objects(files, places.visitors)
        if objects is not None:
            ratings = read_ratings_here(files, places.ratings)
            visitors = read_objects(files, objects, places.dataset, say)
            return SourcesInDriver(ratings, movie_ids, visitors, seed)
    spark = session()
    say("started the Spark session")
    return SourcesOnSpark(
        spark.read.schema(RATINGS_SCHEMA).parquet(places.ratings),
        movie_ids,
        visitors_of(spark, places.visitors, places.dataset, say),
        seed,
    )
