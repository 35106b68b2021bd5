"""How a visitor rates movies by what they are: by their genres, or by what people tagged them.

Travels to EMR: standard library and numpy only. Both ways of learning it are linear in what she
gave beyond the movies' damped means: they tell a weight for each genre (or tag) and her own bias,
and the stars expected of a movie are its damped mean, plus her bias, plus the average of its
genres' weights. docs/model.md says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from marquee.fold_in import Doubles, Rated, Rows, pull
from marquee.genres import genre_flags
from marquee.model import Floats, Movie, Profiles, RatingModel

MOVIE_DAMPING = 10.0  # ratings' worth of doubt about a movie's mean
USER_DAMPING = 5.0  # the same about a visitor's bias
WEIGHT_DAMPING = 5.0  # the same about what she gives a genre or a tag
# Least squares: the ridge is a prior. Variances in stars squared.
WEIGHT_VARIANCE = 0.5
BIAS_VARIANCE = 0.2
NOISE = 0.8


@dataclass(frozen=True, slots=True)
class Described:
    """The movies by their genres or tags, and what they are given on average."""

    names: tuple[str, ...]  # T
    average: Floats  # M by T: each of a movie's C genres counts 1 / C
    base: Doubles  # M, damped mean of the movie, stars


@dataclass(frozen=True, slots=True)
class Weight:
    """What a visitor gives the movies of a genre or a tag beyond their means and her own."""

    name: str
    stars: float
    count: int  # movies that she rated and that have it


# How each of n ratings moves the T weights and, in the last row, the visitor's bias: T + 1 by n.
type Learning = Callable[[Described, Rows], Doubles]


def counting(described: Described, rows: Rows) -> Doubles:
    """A genre's weight is what she gave its movies beyond her own damped mean, averaged."""
    has = (described.average[rows].T > 0).astype(np.float64)
    counts = has.sum(axis=1, keepdims=True)
    mean = np.full((1, len(rows)), 1 / (len(rows) + USER_DAMPING))
    return np.concatenate([(has - counts * mean) / (counts + WEIGHT_DAMPING), mean])


def least_squares(described: Described, rows: Rows) -> Doubles:
    """Ridge regression of what she gave on the movies' genres and her bias."""
    average = described.average[rows].astype(np.float64)
    loadings = np.concatenate([average, np.ones((len(rows), 1))], axis=1)
    variance = np.append(np.full(len(described.names), WEIGHT_VARIANCE), BIAS_VARIANCE)
    return pull(loadings, variance, NOISE)


class ProfileFolding:
    """Weights of a visitor's ratings, and the stars that they let expect."""

    def __init__(self, described: Described, learning: Learning) -> None:
        self.described, self._learning = described, learning
        self._base = described.base.astype(np.float32)

    def moved(self, rated: Rated) -> Doubles:
        """What each of her n ratings adds to the weights and, in the last row, to her bias."""
        surprise = rated.stars - self.described.base[rated.rows]
        return self._learning(self.described, rated.rows) * surprise

    def predict(self, weights: Doubles) -> Floats:
        """Stars expected of V visitors with these weights, V by T + 1: V by M."""
        known = weights.astype(np.float32)
        stars: Floats = known[:, :-1] @ self.described.average.T
        return stars + known[:, -1:] + self._base

    def shares(self, moved: Doubles, rows: Rows) -> Doubles:
        """Stars that each of her n ratings adds to each of these movies: movies by n."""
        return np.asarray(self.described.average[rows] @ moved[:-1] + moved[-1], dtype=np.float64)

    def profile(self, rated: Rated) -> tuple[Weight, ...]:
        """Her weights, the greatest first, of the genres or tags that she rated movies of."""
        weights = self.moved(rated).sum(axis=1)
        counts = (self.described.average[rated.rows] > 0).sum(axis=0)
        found = [
            Weight(name, float(weight), int(count))
            for name, weight, count in zip(self.described.names, weights, counts, strict=False)
            if count
        ]
        return tuple(sorted(found, key=lambda each: (-each.stars, each.name)))


def by_genres(movies: Sequence[Movie], base: Doubles) -> Described:
    """The movies by their genres."""
    return _described(*genre_flags(movies), base)


def by_tags(profiles: Profiles, base: Doubles) -> Described:
    """The movies by what people tagged them; without names where the data set has no tags."""
    if profiles.tag_people is None:
        return _described((), np.zeros((len(base), 0), dtype=np.float32), base)
    has = (profiles.tag_people > 0).astype(np.float32)
    return _described(profiles.tag_names, has, base)


def damped_mean(profiles: Profiles, rating: RatingModel) -> Doubles:
    """Each movie's mean stars, as if it had had ten more ratings at the mean of all: M."""
    support = rating.support.astype(np.float64)
    total = profiles.mean * support + rating.global_mean * MOVIE_DAMPING
    return np.asarray(total / (support + MOVIE_DAMPING), dtype=np.float64)


def _described(names: tuple[str, ...], has: Floats, base: Doubles) -> Described:
    average = has / np.maximum(has.sum(axis=1, keepdims=True), 1)
    return Described(names, average.astype(np.float32), base)
