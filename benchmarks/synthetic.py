"""Synthetic ratings that look real: few movies and few users have most of them, tastes differ.

The same shape and seed give the same ratings. As in MovieLens, the scale is half stars from 0.5 to
5, and every user has ratings:

- the number of ratings of a user is log-normal, with a median of about half the mean;
- the j-th most rated movie is chosen in proportion to 1 ÷ (j + 20), times the preference of the
  user's circle (one of 24), so that the choice of movies reflects taste;
- stars = 3.5 + user bias + movie bias + product of 8-dimensional tastes and factors + noise,
  rounded.

The noise has a standard deviation of 0.8 stars; no model can have a test RMSE far below that.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

type Numbers = npt.NDArray[np.int64]
type Reals = npt.NDArray[np.float64]

SEED = 1
TASTES, CIRCLES = 8, 24
MEAN, NOISE = 3.5, 0.8  # stars
USER_BIAS, MOVIE_BIAS, TASTE = 0.4, 0.45, 0.5  # standard deviations, stars
ACTIVITY_SPREAD = 1.15  # standard deviation of the logarithm of a user's number of ratings
HEAD = 20.0  # movies that are about equally popular
LIKING = 0.8  # strength of a circle's taste in its users' choice of movies
SPARE = 1.2  # pairs drawn per rating wanted, because some are drawn twice
MOST_ROUNDS = 40
FIRST_SECOND, SECONDS = 1_100_000_000, 320_000_000
GENRES = ("Action", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi", "Thriller")
ROWS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of users, movies and ratings."""

    ratings: int
    users: int
    movies: int


# The shapes of MovieLens 100K, 1M, 10M and 20M
SHAPES = {
    "100k": Shape(100_000, 943, 1_682),
    "1m": Shape(1_000_209, 6_040, 3_706),
    "10m": Shape(10_000_054, 69_878, 10_677),
    "20m": Shape(20_000_263, 138_493, 27_278),
}


@dataclass(frozen=True, slots=True)
class SyntheticRatings:
    """N ratings ordered by user, then by movie; both are numbered from 0."""

    users: npt.NDArray[np.int32]
    movies: npt.NDArray[np.int32]
    stars: npt.NDArray[np.float32]


def made_ratings(shape: Shape, seed: int = SEED) -> SyntheticRatings:
    """Make ratings of this shape.

    Raises:
        ValueError: there are too few pairs of users and movies for so many ratings.
    """
    chance = np.random.default_rng(seed)
    directions = chance.normal(size=(CIRCLES, TASTES))
    movie_tastes = chance.normal(0, 1 / np.sqrt(TASTES), (shape.movies, TASTES))
    circle_of = chance.integers(0, CIRCLES, shape.users)
    pairs = _pairs(shape, circle_of, directions @ movie_tastes.T, chance)
    users, movies = np.divmod(pairs, shape.movies)
    # Users of a circle have similar tastes, with individual differences.
    user_tastes = 0.7 * directions[circle_of] + 0.7 * chance.normal(size=(shape.users, TASTES))
    stars = (
        MEAN
        + chance.normal(0, USER_BIAS, shape.users)[users]
        + chance.normal(0, MOVIE_BIAS, shape.movies)[movies]
        + chance.normal(0, NOISE, len(pairs))
    )
    for start in range(0, len(pairs), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        stars[some] += TASTE * (user_tastes[users[some]] * movie_tastes[movies[some]]).sum(axis=1)
    stars = np.clip(np.round(stars * 2) / 2, 0.5, 5.0)
    return SyntheticRatings(
        users.astype(np.int32), movies.astype(np.int32), stars.astype(np.float32)
    )


def _pairs(shape: Shape, circle_of: Numbers, liking: Reals, chance: np.random.Generator) -> Numbers:
    """Draw distinct pairs, as user * movies + movie, ascending; `liking` is (circles, movies)."""
    wanted = chance.lognormal(0, ACTIVITY_SPREAD, shape.users)
    popularity = 1 / (chance.permutation(shape.movies) + HEAD)
    chances = np.cumsum(popularity * np.exp(LIKING * liking), axis=1)
    pairs = np.empty(0, dtype=np.int64)
    for _ in range(MOST_ROUNDS):
        lacking = shape.ratings - len(pairs)
        if lacking <= 0:
            break
        counts = np.ceil(SPARE * lacking * wanted / wanted.sum()).astype(np.int64)
        pairs = np.union1d(
            pairs, _drawn(np.minimum(counts, shape.movies), circle_of, chances, chance)
        )
    else:
        raise ValueError(
            f"{shape.ratings} ratings of {shape.movies} movies by {shape.users} users are too "
            "many to be distinct: use more users or movies"
        )
    kept = np.ones(len(pairs), dtype=bool)
    kept[chance.choice(len(pairs), len(pairs) - shape.ratings, replace=False)] = False
    return pairs[kept]


def _drawn(
    counts: Numbers, circle_of: Numbers, chances: Reals, chance: np.random.Generator
) -> Numbers:
    """Draw this many movies for each user, as their circle prefers; some are drawn twice."""
    movies = chances.shape[1]
    drawn = []
    for circle, cumulated in enumerate(chances):
        members = np.flatnonzero(circle_of == circle)
        users = np.repeat(members, counts[members])
        chosen = np.searchsorted(cumulated, chance.random(len(users)) * cumulated[-1])
        drawn.append(users * movies + chosen)
    return np.concatenate(drawn)


def write_movielens(ratings: SyntheticRatings, movies: int, folder: Path, seed: int = SEED) -> None:
    """Write `ratings.csv` and `movies.csv` in the layout of MovieLens; ids count from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    with (folder / "movies.csv").open("w", newline="") as file:
        listed = csv.writer(file)
        listed.writerow(("movieId", "title", "genres"))
        for movie in range(1, movies + 1):
            genres = "|".join(chance.choice(GENRES, 2, replace=False))
            listed.writerow((movie, f"Film {movie} ({1930 + movie % 90})", genres))
    with (folder / "ratings.csv").open("w") as file:
        file.write("userId,movieId,rating,timestamp\n")
        for start in range(0, len(ratings.users), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            count = len(ratings.users[some])
            seconds = FIRST_SECOND + chance.integers(0, SECONDS, count)
            columns = (ratings.users[some] + 1, ratings.movies[some] + 1, ratings.stars[some])
            rows = zip(*(column.tolist() for column in (*columns, seconds)), strict=True)
            file.writelines(_lines(rows))


def _lines(rows: Iterable[tuple[object, ...]]) -> Iterable[str]:
    return map("%d,%d,%.1f,%d\n".__mod__, rows)
