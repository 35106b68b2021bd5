"""Ratings with the data set's own ids, before users and movies are numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learning.prepared import RatingRows
from learning.rating_blocks import Bytes, Longs, RatingBlock, Ratings, RatingsInDriver
from learning.step_log import StepError
from marquee.contracts import MAX_STARS, MIN_STARS
from marquee.recommender.model import Integers

MOST_USERS = 2**31 - 1
THOUSAND = 1000
UNUSABLE = 2**16 - 1  # thousandths of stars, for what is not a usable number
MOST_STARS = 65


@dataclass(frozen=True, slots=True)
class Totals:
    """The size of the training data. `lowest` and `highest` are the scale, in stars."""

    ratings: int
    users: int
    visitors: int
    lowest: float
    highest: float

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest number of stars."""
        return self.lowest, self.highest


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Ratings of some users with the data set's ids, ordered by user and movie."""

    user_ids: Longs  # U
    counts: Integers  # U
    movie_ids: Integers  # N
    thousandths: Integers  # N, of stars
    flags: Any  # N, bytes

    @classmethod
    def of(cls, rows: RatingRows, flags: Bytes) -> "RawBlock":
        """Order N ratings and their flags."""
        order = np.lexsort((rows.movie_ids, rows.user_ids))
        user_ids, counts = np.unique(rows.user_ids, return_counts=True)
        stars = rows.stars[order].astype(np.float64)
        usable = (stars >= 0) & (stars <= MOST_STARS)  # false for NaN
        thousandths = np.floor(np.where(usable, stars, 0) * THOUSAND + 0.5)
        return cls(
            user_ids=user_ids,
            counts=counts.astype(np.int32),
            movie_ids=rows.movie_ids[order],
            thousandths=np.where(usable, thousandths, UNUSABLE).astype(np.int32),
            flags=flags[order],
        )

    def numbered(self, movie_ids: Integers, first: int) -> RatingBlock:
        """Return the block with rows of `movie_ids` for ids; its first user gets number `first`."""
        return RatingBlock(
            first,
            self.user_ids,
            self.counts,
            np.searchsorted(movie_ids, self.movie_ids).astype(np.int32),
            (self.thousandths / np.float32(THOUSAND)).astype(np.float32),
            self.flags,
        )


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """What the driver has to know of a raw block before its ratings can be numbered."""

    users: int
    visitors: int
    ratings: int
    unusable: int
    lowest: float
    highest: float
    movie_ids: Integers  # ascending
    support: Integers  # ratings of each of them


def summarise(block: RawBlock) -> BlockSummary:
    """Count the users and ratings of a block."""
    usable = block.thousandths[block.thousandths != UNUSABLE]
    movie_ids, support = np.unique(block.movie_ids, return_counts=True)
    return BlockSummary(
        users=len(block.user_ids),
        visitors=int((block.user_ids < 0).sum()),
        ratings=len(block.movie_ids),
        unusable=len(block.movie_ids) - len(usable),
        lowest=float(usable.min(initial=UNUSABLE)) / THOUSAND,
        highest=float(usable.max(initial=0)) / THOUSAND,
        movie_ids=movie_ids,
        support=support.astype(np.int32),
    )


def totals_of(found: Sequence[BlockSummary]) -> Totals:
    """Add up the blocks.

    Raises:
        StepError: there are no ratings, some are not usable numbers, or there are too many users.
    """
    ratings, users = sum(each.ratings for each in found), sum(each.users for each in found)
    if not ratings:
        raise StepError("there are no ratings to train on: import a data set first")
    if unusable := sum(each.unusable for each in found):
        raise StepError(f"{unusable} ratings are not finite numbers: run the prepare step again")
    if users > MOST_USERS:
        raise StepError(f"there are {users} users, at most {MOST_USERS} work: import fewer ratings")
    return Totals(
        ratings=ratings,
        users=users,
        visitors=sum(each.visitors for each in found),
        # Visitors give 1 to 5 stars in every data set; some data sets start at half a star.
        lowest=min(float(MIN_STARS), *(each.lowest for each in found)),
        highest=max(float(MAX_STARS), *(each.highest for each in found)),
    )


def number_in_driver(raw: RawBlock) -> tuple[Ratings, Totals]:
    """Number the users and movies of all ratings, which are in the driver.

    Raises:
        StepError: as `totals_of` does.
    """
    summary = summarise(raw)
    totals = totals_of([summary])
    return RatingsInDriver(summary.movie_ids, raw.numbered(summary.movie_ids, 0)), totals
