"""Ratings in numpy arrays, divided into blocks of users.

A small data set is one block in the driver (`RatingsInDriver`). A large one has a block in each
partition of an RDD (`learning.ratings_on_spark`). Everything that training computes of the ratings
is a function of one block, whose results the driver combines. Both cases therefore share the code.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from learning.als import Sides, SidesInDriver, side_of
from marquee.recommender.fold_in import Doubles
from marquee.recommender.model import MOVIE_PRIOR_STRENGTH, USER_PRIOR_STRENGTH, Floats, Integers

type Longs = npt.NDArray[np.int64]
type Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RatingBlock:
    """The N ratings of U users, ordered by user and, for each user, by movie.

    Users without any ratings occur only in what `without` returns.
    """

    first: int  # number of the first user; the others follow without gaps
    user_ids: Longs  # U, ascending; negative for visitors
    counts: Integers  # U, ratings of each user
    movies: Integers  # N, rows in the ascending list of the data set's movie ids
    stars: Floats  # N
    flags: Bytes  # N, eight marks of a rating, one in each bit

    @property
    def users(self) -> Integers:
        """The number of the user who gave each rating, shape (N,)."""
        numbers = np.arange(self.first, self.first + len(self.counts), dtype=np.int32)
        return np.repeat(numbers, self.counts)

    def without(self, flag: int) -> Self:
        """Return the ratings without this flag; all users keep their numbers."""
        chosen = (self.flags & flag) == 0
        counts = np.bincount((self.users - self.first)[chosen], minlength=len(self.counts))
        return replace(
            self,
            counts=counts.astype(np.int32),
            movies=self.movies[chosen],
            stars=self.stars[chosen],
            flags=self.flags[chosen],
        )


@dataclass(frozen=True, eq=False)
class StarCounts:
    """How many ratings of each number of stars each movie has."""

    levels: Floats  # L, ascending: the numbers of stars that occur
    counts: Longs  # M by L

    @cached_property
    def support(self) -> Integers:
        """The number of ratings of each movie, shape (M,)."""
        return self.counts.sum(axis=1).astype(np.int32)

    @cached_property
    def ratings(self) -> int:
        """The number of all ratings."""
        return int(self.counts.sum())

    @cached_property
    def sums(self) -> Doubles:
        """The sum of the stars of each movie, shape (M,)."""
        return np.asarray(self.counts @ self.levels.astype(np.float64))

    def medians(self) -> Doubles:
        """Return the median of the stars of each movie, shape (M,); NaN without ratings.

        With an even number of ratings it is the mean of the middle two.
        """
        running = self.counts.cumsum(axis=1)
        support = running[:, -1:]
        # The number of levels below the middle rating, counted from 0, is the level it is at.
        low = (running <= (support - 1) // 2).sum(axis=1)
        high = (running <= support // 2).sum(axis=1)
        last = len(self.levels) - 1
        stars = self.levels.astype(np.float64)
        middle = (stars[np.minimum(low, last)] + stars[np.minimum(high, last)]) / 2
        return np.where(support[:, 0] > 0, middle, np.nan)


@dataclass(frozen=True, slots=True)
class MovieBaseline:
    """The global mean and the movies' shrunk biases, in stars."""

    mean: float
    bias: Doubles  # M

    @classmethod
    def of(cls, counted: StarCounts) -> Self:
        """Estimate it: a movie's bias is the sum of what its ratings lie above the mean ÷
        (their number + the prior strength).
        """
        mean = float(counted.sums.sum() / counted.ratings)
        above = counted.sums - mean * counted.support
        return cls(mean, above / (counted.support + MOVIE_PRIOR_STRENGTH))


def user_biases(block: RatingBlock, baseline: MovieBaseline) -> Doubles:
    """Return the shrunk bias of each user: from what their ratings lie above the movies' baseline.

    A bias is the sum of these residuals ÷ (their number + the prior strength). The shape is (U,),
    with 0 for a user without ratings.
    """
    above = block.stars - baseline.mean - baseline.bias[block.movies]
    sums = np.bincount(block.users - block.first, above, minlength=len(block.counts))
    return np.asarray(sums / (block.counts + USER_PRIOR_STRENGTH))


def residuals_of(block: RatingBlock, baseline: MovieBaseline) -> Floats:
    """Return each rating minus its baseline, in stars, shape (N,)."""
    bias = np.repeat(user_biases(block, baseline), block.counts)
    above = block.stars - baseline.mean - baseline.bias[block.movies] - bias
    return above.astype(np.float32)


class Ratings(ABC):
    """All ratings of a training, in blocks of users."""

    movie_ids: Integers  # M, ascending
    users: int  # in all blocks

    @abstractmethod
    def map_blocks[S, T](self, function: Callable[[RatingBlock, S], T], shared: S) -> list[T]:
        """Return what a module's function returns for each block, in the order of the blocks.

        `shared` is sent to each executor once.
        """

    @abstractmethod
    def iterate_blocks(self) -> Iterator[RatingBlock]:
        """Yield all blocks in the driver, one after the other."""

    @abstractmethod
    def without(self, flag: int) -> "Ratings":
        """Return the ratings without this flag; users and movies keep their numbers."""

    @abstractmethod
    def sides(self, baseline: MovieBaseline) -> Sides:
        """Arrange the ratings by user and by movie, for ALS."""

    @abstractmethod
    def release(self) -> None:
        """Free the memory that the blocks take on the executors."""

    def star_counts(self) -> StarCounts:
        """Count each movie's ratings by stars."""
        found = self.map_blocks(_star_counts, len(self.movie_ids))
        levels = np.unique(np.concatenate([each.levels for each in found]))
        counts = np.zeros((len(self.movie_ids), len(levels)), dtype=np.int64)
        for each in found:
            counts[:, np.searchsorted(levels, each.levels)] += each.counts
        return StarCounts(levels, counts)


@dataclass(frozen=True, slots=True)
class RatingsInDriver(Ratings):
    """Ratings that fit into the driver, in one block."""

    movie_ids: Integers
    block: RatingBlock

    @property
    def users(self) -> int:  # type: ignore[override]
        """The number of users."""
        return len(self.block.user_ids)

    def map_blocks[S, T](self, function: Callable[[RatingBlock, S], T], shared: S) -> list[T]:
        """Call the function with the only block."""
        return [function(self.block, shared)]

    def iterate_blocks(self) -> Iterator[RatingBlock]:
        """Yield the only block."""
        yield self.block

    def without(self, flag: int) -> "RatingsInDriver":
        """Return the ratings without this flag."""
        return replace(self, block=self.block.without(flag))

    def sides(self, baseline: MovieBaseline) -> Sides:
        """Arrange the ratings in this process."""
        users, movies = self.block.users, self.block.movies
        stars, residuals = self.block.stars, residuals_of(self.block, baseline)
        counts = self.users, len(self.movie_ids)
        return SidesInDriver(
            *counts,
            side_of(users, movies, stars, residuals, counts[1]),
            side_of(movies, users, stars, residuals, counts[0]),
        )

    def release(self) -> None:
        """Do nothing: the block is an ordinary object of the driver."""


def _star_counts(block: RatingBlock, movies: int) -> StarCounts:
    levels, level = np.unique(block.stars, return_inverse=True)
    cell = block.movies.astype(np.int64) * len(levels) + level
    counts = np.bincount(cell, minlength=movies * len(levels))
    return StarCounts(levels, counts.reshape(movies, len(levels)))
