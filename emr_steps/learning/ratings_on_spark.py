"""Read ratings from a DataFrame into blocks: into the driver if they are few, else on executors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pyspark import RDD, Broadcast, SparkContext
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.als import HalfStep, Side, Sides, gather_factors, side_of, solve_side
from learning.rating_blocks import Longs, MovieBaseline, RatingBlock, Ratings, residuals_of
from learning.raw_blocks import (
    MOST_STARS,
    THOUSAND,
    UNUSABLE,
    RawBlock,
    Totals,
    number_in_driver,
    summarise,
    totals_of,
)
from marquee.recommender.model import Floats, Integers

# Up to this many ratings, training works in the driver: starting Spark's jobs would take longer
# than the work itself. In the driver they take about 100 MB.
MOST_IN_DRIVER = 2_000_000
RATINGS_A_BLOCK = 500_000
MOST_BLOCKS = 200
LEVEL = StorageLevel.MEMORY_AND_DISK
# Half-steps of several models share a job up to this size of their factors together. Larger ones
# follow each other, so that the results of one stay below Spark's limit for the driver (1 GB).
MOST_BYTES_A_JOB = 400_000_000

# Ratings leave the JVM as bytes, because rows of numbers would take several times as long.
_PACKED = np.dtype([("movie_id", ">i4"), ("thousandths", ">u2"), ("flags", "u1")])


def read_ratings(
    ratings: DataFrame, flags: Column | None = None, most_in_driver: int = MOST_IN_DRIVER
) -> tuple[Ratings, Totals]:
    """Read user_id, movie_id and rating; `flags` is a column of whole numbers from 0 to 255.

    Raises:
        StepError: there are no ratings, some are not usable numbers, or there are too many users.
    """
    count = ratings.count()
    blocks = blocks_for(count)
    marked = ratings.withColumn("flags", F.lit(0) if flags is None else flags)
    packed = _packed(marked, 1 if count <= most_in_driver else blocks)
    if count <= most_in_driver:
        return number_in_driver(_parse(packed.collect()))
    return _on_spark(packed)


def blocks_for(ratings: int) -> int:
    """Return the number of blocks for this many ratings on executors."""
    return min(MOST_BLOCKS, 1 + ratings // RATINGS_A_BLOCK)


def _packed(ratings: DataFrame, blocks: int) -> DataFrame:
    """Return a row for each user: user_id and their ratings as bytes (_PACKED, unordered)."""
    rating = F.col("rating")
    usable = rating.isNotNull() & ~F.isnan(rating) & rating.between(0, MOST_STARS)
    thousandths = F.when(usable, F.round(rating * THOUSAND).cast("int")).otherwise(UNUSABLE)
    one = F.concat(
        _hex(F.col("movie_id"), 4), _hex(F.coalesce(thousandths, F.lit(UNUSABLE)), 2),
        _hex(F.col("flags"), 1),
    )  # fmt: skip
    listed = F.unhex(F.array_join(F.collect_list(one), "")).alias("packed")
    return ratings.repartition(blocks, "user_id").groupBy("user_id").agg(listed)


def _hex(number: Column, size: int) -> Column:
    """Return a whole number as `size` bytes in hexadecimal, the most significant first."""
    unsigned = number.cast("long").bitwiseAND(F.lit(2 ** (8 * size) - 1))
    return F.lpad(F.hex(unsigned), 2 * size, "0")


def _parse(rows: Iterable[Row]) -> RawBlock:
    """Parse the rows of `_packed`, and order them."""
    found = sorted((row["user_id"], row["packed"]) for row in rows)
    ratings = np.frombuffer(b"".join(packed for _, packed in found), _PACKED)
    counts = np.array([len(packed) // _PACKED.itemsize for _, packed in found], dtype=np.int32)
    place = np.repeat(np.arange(len(found)), counts)
    order = np.lexsort((ratings["movie_id"], place))
    return RawBlock(
        user_ids=np.array([user_id for user_id, _ in found], dtype=np.int64),
        counts=counts,
        movie_ids=ratings["movie_id"][order].astype(np.int32),
        thousandths=ratings["thousandths"][order].astype(np.int32),
        flags=ratings["flags"][order].astype(np.uint8),
    )


def _on_spark(packed: DataFrame) -> tuple[Ratings, Totals]:
    raw = packed.rdd.mapPartitions(_parse_partition).persist(LEVEL)
    summaries = raw.map(summarise).collect()
    totals = totals_of(summaries)
    movie_ids = np.unique(np.concatenate([each.movie_ids for each in summaries]))
    support = np.zeros(len(movie_ids), dtype=np.int64)
    for each in summaries:
        support[np.searchsorted(movie_ids, each.movie_ids)] += each.support
    starts = np.cumsum([0, *(each.users for each in summaries[:-1])]).tolist()
    known = raw.context.broadcast((movie_ids, starts))

    def number(place: int, blocks: Iterable[RawBlock]) -> Iterator[RatingBlock]:
        ids, first = known.value
        return (block.numbered(ids, first[place]) for block in blocks)

    blocks = raw.mapPartitionsWithIndex(number, preservesPartitioning=True).persist(LEVEL)
    ratings = RatingsOnSpark(movie_ids, totals.users, blocks, _owners(support, len(starts)))
    blocks.count()
    raw.unpersist()
    return ratings, totals


def _parse_partition(rows: Iterable[Row]) -> Iterator[RawBlock]:
    yield _parse(rows)


def _owners(support: Longs, blocks: int) -> Integers:
    """Return the block that solves each movie, so that the blocks have about as many ratings.

    Movies are dealt out in the order of their support, forwards and backwards in turn.
    """
    place = np.empty(len(support), dtype=np.int64)
    place[np.argsort(-support, kind="stable")] = np.arange(len(support))
    turn, seat = np.divmod(place, blocks)
    return np.where(turn % 2 == 0, seat, blocks - 1 - seat).astype(np.int32)


@dataclass(frozen=True, slots=True)
class RatingsOnSpark(Ratings):
    """Ratings on executors, with one block in each partition."""

    movie_ids: Integers
    users: int
    blocks: "RDD[RatingBlock]"
    owners: Integers  # M, the block that solves each movie in ALS

    def map_blocks[S, T](self, function: Callable[[RatingBlock, S], T], shared: S) -> list[T]:
        """Call the function on the executors; `shared` is broadcast."""
        sent = self._context.broadcast(shared)
        try:
            return self.blocks.map(lambda block: function(block, sent.value)).collect()
        finally:
            sent.destroy()

    def iterate_blocks(self) -> Iterator[RatingBlock]:
        """Fetch the blocks from the executors, one after the other."""
        return self.blocks.toLocalIterator(prefetchPartitions=True)

    def without(self, flag: int) -> "RatingsOnSpark":
        """Return the ratings without this flag; the blocks are filtered whenever they are read."""
        return replace(self, blocks=self.blocks.map(lambda block: block.without(flag)))

    def sides(self, baseline: MovieBaseline) -> Sides:
        """Arrange the ratings by a shuffle, and persist them until `release` is called."""
        counts = self.users, len(self.movie_ids)
        sent = self._context.broadcast((baseline, self.owners))
        number = self.blocks.getNumPartitions()

        def by_user(block: RatingBlock) -> Side:
            residuals = residuals_of(block, sent.value[0])
            return side_of(block.users, block.movies, block.stars, residuals, counts[1])

        def pieces(blocks: Iterable[RatingBlock]) -> Iterator[tuple[int, _Piece]]:
            for block in blocks:
                residuals = residuals_of(block, sent.value[0])
                users, stars = block.users, block.stars
                owner = sent.value[1][block.movies]
                order = np.argsort(owner, kind="stable")
                cuts = np.searchsorted(owner[order], np.arange(1, number))
                for to, part in enumerate(np.split(order, cuts)):
                    own = block.movies[part], users[part], stars[part], residuals[part]
                    yield to, (block.first, *own)

        def by_movie(found: Iterable[tuple[int, _Piece]]) -> Iterator[Side]:
            parts = sorted((piece for _, piece in found), key=lambda piece: piece[0])
            movies, users, stars, residuals = (
                np.concatenate([part[n] for part in parts]) for n in range(1, 5)
            )
            yield side_of(movies, users, stars, residuals, counts[0])

        arranged = self.blocks.mapPartitions(pieces).partitionBy(number, int)
        sides = SidesOnSpark(
            *counts,
            self._context,
            self.blocks.map(by_user).persist(LEVEL),
            arranged.mapPartitions(by_movie).persist(LEVEL),
            sent,
        )
        sides.by_movie.count()
        sides.by_user.count()
        return sides

    def release(self) -> None:
        """Unpersist the blocks."""
        self.blocks.unpersist()

    @property
    def _context(self) -> SparkContext:
        return self.blocks.context


# The first user of the block that it is from, then movies, users, stars and residuals.
type _Piece = tuple[int, Integers, Integers, Floats, Floats]


@dataclass(frozen=True, slots=True)
class SidesOnSpark:
    """Ratings on executors, arranged by user and by movie."""

    users: int
    movies: int
    context: SparkContext
    by_user: "RDD[Side]"
    by_movie: "RDD[Side]"
    sent: "Broadcast[tuple[MovieBaseline, Integers]]"  # what a lost block is made again from

    def solve_users(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Solve all users on the executors."""
        return self._solve(self.by_user, steps)

    def solve_movies(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Solve all movies on the executors."""
        return self._solve(self.by_movie, steps)

    def release(self) -> None:
        """Unpersist the arranged ratings."""
        self.by_user.unpersist()
        self.by_movie.unpersist()
        self.sent.destroy()

    def _solve(self, sides: "RDD[Side]", steps: Sequence[HalfStep]) -> list[Floats]:
        if len(steps) > 1 and sum(step.before.nbytes for step in steps) > MOST_BYTES_A_JOB:
            return [factors for step in steps for factors in self._solve(sides, [step])]
        sent = self.context.broadcast(steps)
        try:
            return gather_factors(
                steps, sides.map(lambda side: solve_side(side, sent.value)).collect()
            )
        finally:
            sent.destroy()
