"""Alternating least squares in batched numpy, in the driver or block by block on executors.

The objectives are those of Spark MLlib, with users u, movies v and regularisation λ:

- explicit (Zhou et al., *Large-scale parallel collaborative filtering for the Netflix Prize*,
  2008): Σ (r - u·v)² + λ (Σ n_u |u|² + Σ n_v |v|²) over the ratings r, with n ratings of a row;
- implicit (Hu, Koren and Volinsky, *Collaborative filtering for implicit feedback datasets*, 2008):
  Σ c (p - u·v)² + the same penalty over all pairs, with p = 1 and c = 1 + alpha for a liked movie,
  and p = 0 and c = 1 for any other.

A half-step solves all rows of one side for fixed factors of the other. Instead of forming and
factorising a matrix for each row, it takes a few steps of conjugate gradients from the row's former
factors, for many rows together (Takács, Pilászy and Tikk, *Applications of the conjugate gradient
method for implicit feedback collaborative filtering*, 2011). Only very long rows are solved
exactly. The same blocks give the same factors bit for bit, in whatever process each is solved.
Other blocks give the same factors up to rounding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import numpy as np

from marquee.recommender.model import LIKED, Floats, Integers

STEPS = 3  # of conjugate gradients; with two, the implicit objective ends 0.7 % higher
LONG = 1 << 15  # entries; longer rows are solved exactly
FLOATS_AT_ONCE = 1 << 18  # gathered factors per batch: 1 MB, which stays in a core's cache
_TINY = np.float32(1e-30)


class Target(IntEnum):
    """What an ALS model predicts of a rating."""

    STARS = 0
    RESIDUALS = 1
    LIKES = 2


@dataclass(frozen=True, slots=True)
class Objective:
    """The objective of one ALS model: explicit, or implicit if there is a confidence."""

    target: Target
    regularisation: float  # lambda
    confidence: float | None = None  # alpha


@dataclass(frozen=True, slots=True)
class Bucket:
    """R rows of a sparse matrix with similar numbers of entries, padded to W entries each."""

    rows: Integers  # R, row numbers in the whole matrix
    counts: Integers  # R, entries without padding
    columns: Integers  # R by W; padding has the number after the last column
    values: tuple[Floats, ...]  # each R by W; padding is 0


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of users or of movies in one block. Rows without entries are in no bucket."""

    rated: tuple[Bucket, ...]  # with values of Target.STARS and Target.RESIDUALS
    liked: tuple[Bucket, ...]  # without values


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of one ALS model; zeros for a user or movie without entries."""

    users: Floats  # U by K
    movies: Floats  # M by K


@dataclass(frozen=True, slots=True)
class HalfStep:
    """What every block needs to solve its rows, for one objective.

    `others` are the fixed factors of the other side, with a row of zeros at the end, which padding
    refers to. `before` are the factors of all rows to solve.
    """

    objective: Objective
    others: Floats
    before: Floats
    gram: Floats | None = field(default=None)  # others' · others, if the objective is implicit


class Sides(Protocol):
    """Ratings arranged by user and by movie."""

    @property
    def users(self) -> int:
        """The number of all users."""

    @property
    def movies(self) -> int:
        """The number of all movies."""

    def solve_users(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Return the new factors of all users, for each half-step."""

    def solve_movies(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Return the new factors of all movies, for each half-step."""

    def release(self) -> None:
        """Free the memory that the arranged ratings take on the executors."""


@dataclass(frozen=True, slots=True)
class SidesInDriver:
    """Ratings in the driver, arranged by user and by movie."""

    users: int
    movies: int
    by_user: Side
    by_movie: Side

    def solve_users(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Solve all users in this process."""
        return gather_factors(steps, [solve_side(self.by_user, steps)])

    def solve_movies(self, steps: Sequence[HalfStep]) -> list[Floats]:
        """Solve all movies in this process."""
        return gather_factors(steps, [solve_side(self.by_movie, steps)])

    def release(self) -> None:
        """Do nothing: the arrays are ordinary objects of the driver."""


def fit_als(
    sides: Sides,
    objectives: Sequence[Objective],
    *,
    rank: int,
    iterations: int,
    seed: int,
    done: Callable[[int], None] = lambda _: None,
) -> list[Factors]:
    """Fit one ALS model per objective; equal seeds give equal models.

    An iteration solves the movies, then the users. All factors start as random unit vectors.

    Args:
        sides: the ratings.
        objectives: the models to fit.
        rank: the number of factors.
        iterations: the number of iterations.
        seed: of the random factors.
        done: called after each iteration with its number, from 1.
    """
    chance = np.random.default_rng(seed)
    users = [_unit_vectors(sides.users, rank, chance) for _ in objectives]
    movies = [_unit_vectors(sides.movies, rank, chance) for _ in objectives]
    for iteration in range(iterations):
        movies = sides.solve_movies(_half_steps(objectives, users, movies))
        users = sides.solve_users(_half_steps(objectives, movies, users))
        done(iteration + 1)
    return [Factors(*each) for each in zip(users, movies, strict=True)]


def side_of(
    rows: Integers, columns: Integers, stars: Floats, residuals: Floats, width: int
) -> Side:
    """Arrange N ratings by row; `width` is the number of columns of the whole matrix."""
    likes = stars >= LIKED
    return Side(
        rated=tuple(buckets_of(rows, columns, (stars, residuals), width)),
        liked=tuple(buckets_of(rows[likes], columns[likes], (), width)),
    )


def buckets_of(
    rows: Integers, columns: Integers, values: Sequence[Floats], width: int
) -> Iterator[Bucket]:
    """Yield the entries of a sparse matrix in buckets, with short rows first.

    Row lengths are rounded up to at most an eighth more, so that a few dozen buckets hold rows of
    any length. How far a length is rounded up depends on nothing else.
    """
    order = np.argsort(rows, kind="stable")
    columns = columns[order]
    names, starts, counts = np.unique(rows[order], return_index=True, return_counts=True)
    rounded = _rounded_up(counts.astype(np.int32))
    for length in np.unique(rounded).tolist():
        chosen = np.flatnonzero(rounded == length)
        place = np.arange(length)
        filled = place < counts[chosen, None]
        at = np.where(filled, starts[chosen, None] + place, 0)
        yield Bucket(
            rows=names[chosen].astype(np.int32),
            counts=counts[chosen].astype(np.int32),
            columns=np.where(filled, columns[at], width).astype(np.int32),
            values=tuple(
                np.where(filled, value[order][at], 0).astype(np.float32) for value in values
            ),
        )


def solve_side(side: Side, steps: Sequence[HalfStep]) -> list[tuple[Integers, Floats]]:
    """Return row numbers and new factors of a block's rows, for each half-step."""
    return [_solve_buckets(side, step) for step in steps]


def gather_factors(
    steps: Sequence[HalfStep], solved: Sequence[Sequence[tuple[Integers, Floats]]]
) -> list[Floats]:
    """Return the new factors of all rows; `solved` has what `solve_side` returned for each block.

    Rows without entries become zeros: they belong to no model.
    """
    found = [np.zeros_like(step.before) for step in steps]
    for block in solved:
        for factors, (rows, new) in zip(found, block, strict=True):
            factors[rows] = new
    return found


def _half_steps(
    objectives: Sequence[Objective], others: Sequence[Floats], before: Sequence[Floats]
) -> list[HalfStep]:
    return [
        HalfStep(
            objective,
            np.concatenate([fixed, np.zeros((1, fixed.shape[1]), dtype=np.float32)]),
            own,
            None if objective.confidence is None else fixed.T @ fixed,
        )
        for objective, fixed, own in zip(objectives, others, before, strict=True)
    ]


def _unit_vectors(count: int, rank: int, chance: np.random.Generator) -> Floats:
    factors: Floats = chance.standard_normal((count, rank), dtype=np.float32)
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    return factors


def _rounded_up(counts: Integers) -> Integers:
    """Round up to a multiple of an eighth of the power of two below; up to 15, keep the number."""
    unit = 1 << np.maximum(np.log2(counts).astype(np.int64) - 3, 0)
    rounded: Integers = -(-counts // unit) * unit
    return rounded


def _solve_buckets(side: Side, step: HalfStep) -> tuple[Integers, Floats]:
    target = step.objective.target
    buckets = side.liked if target is Target.LIKES else side.rated
    rank = step.others.shape[1]
    if not buckets:
        return np.zeros(0, dtype=np.int32), np.zeros((0, rank), dtype=np.float32)
    solved = []
    for bucket in buckets:
        length = bucket.columns.shape[1]
        if length > LONG:
            solved += [_solve_exactly(bucket, row, step) for row in range(len(bucket.rows))]
            continue
        at_once = max(1, FLOATS_AT_ONCE // (length * rank))
        for first in range(0, len(bucket.rows), at_once):
            solved.append(_solve_rows(bucket, slice(first, first + at_once), step))
    return np.concatenate([bucket.rows for bucket in buckets]), np.concatenate(solved)


def _solve_rows(bucket: Bucket, rows: slice, step: HalfStep) -> Floats:
    """Improve the factors of some rows by conjugate gradients on their normal equations."""
    own = step.others.take(bucket.columns[rows], axis=0)  # rows by entries by K
    turned = own.transpose(0, 2, 1)
    ridge = np.float32(step.objective.regularisation) * bucket.counts[rows, None]
    ridge = ridge.astype(np.float32)
    alpha = np.float32(step.objective.confidence or 0)

    def multiply(x: Floats) -> Floats:
        """Multiply by the rows' matrices: by own' · own and the rest of the equations."""
        product = _times(turned, _times(own, x))
        if step.gram is not None:
            product = alpha * product + x @ step.gram
        product += ridge * x
        return product

    if step.gram is None:
        wanted = _times(turned, bucket.values[step.objective.target][rows])
    else:
        wanted = np.float32(1 + alpha) * own.sum(axis=1)
    x = step.before[bucket.rows[rows]]
    residual: Floats = wanted - multiply(x)
    direction, energy = residual, _squares(residual)
    for _ in range(STEPS):
        product = multiply(direction)
        length = _ratio(energy, _dots(direction, product))
        x += length * direction
        residual = residual - length * product
        before, energy = energy, _squares(residual)
        direction = residual + _ratio(energy, before) * direction
    return x


def _solve_exactly(bucket: Bucket, row: int, step: HalfStep) -> Floats:
    """Solve the normal equations of one long row, reading it in pieces; shape (1, K)."""
    rank = step.others.shape[1]
    count = int(bucket.counts[row])
    matrix = np.zeros((rank, rank), dtype=np.float32)
    wanted = np.zeros(rank, dtype=np.float32)
    for first in range(0, count, LONG):
        piece = slice(first, min(first + LONG, count))
        own = step.others.take(bucket.columns[row, piece], axis=0)
        matrix += own.T @ own
        if step.gram is None:
            wanted += bucket.values[step.objective.target][row, piece] @ own
        else:
            wanted += own.sum(axis=0)
    if step.gram is not None:
        alpha = np.float32(step.objective.confidence or 0)
        matrix = alpha * matrix + step.gram
        wanted *= 1 + alpha
    matrix[np.diag_indices(rank)] += np.float32(step.objective.regularisation * count)
    return np.linalg.solve(matrix, wanted)[None]


def _times(matrices: Floats, x: Floats) -> Floats:
    """Multiply each of R matrices, R by A by B, by its own vector, R by B."""
    product: Floats = np.matmul(matrices, x[:, :, None])[:, :, 0]
    return product


def _ratio(energy: Floats, other: Floats) -> Floats:
    """Divide; 0 / 0, where a row is solved already, is 0."""
    ratio: Floats = np.divide(energy, np.maximum(other, _TINY), dtype=np.float32)
    return ratio


def _squares(x: Floats) -> Floats:
    return _dots(x, x)


def _dots(x: Floats, y: Floats) -> Floats:
    """Return the scalar product of each pair of rows, shape (R, 1)."""
    products: Floats = np.einsum("ij,ij->i", x, y)[:, None]
    return products
