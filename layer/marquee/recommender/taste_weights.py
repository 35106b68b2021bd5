"""Models of a visitor's preference for genres or tags.

A model estimates a weight for each genre (or tag) and the visitor's bias. Both estimation methods
are linear in the differences between the visitor's ratings and the movies' shrunk means. The
predicted stars of a movie are its shrunk mean, plus the visitor's bias, plus the average weight of
the movie's genres. docs/model.md gives the reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from marquee.recommender.fold_in import Doubles, RatedMovies, Rows, fold_in_matrix
from marquee.recommender.genres import genre_flags
from marquee.recommender.model import (
    MOVIE_PRIOR_STRENGTH,
    USER_PRIOR_STRENGTH,
    Floats,
    Movie,
    Profiles,
    RatingModel,
)

WEIGHT_PRIOR_STRENGTH = 5.0  # prior strength, in ratings, of a visitor's weight of a genre or tag
# Variances for least squares, in squared stars; the first two are the prior that acts as the ridge.
WEIGHT_VARIANCE = 0.5
BIAS_VARIANCE = 0.2
NOISE = 0.8


@dataclass(frozen=True, slots=True)
class MovieTraits:
    """The genres or tags of all movies, and the movies' shrunk means."""

    names: tuple[str, ...]  # T, names of the genres or tags
    average: Floats  # M by T: 1 / C for each of a movie's C genres, else 0
    base: Doubles  # M, the movie's shrunk mean, stars


@dataclass(frozen=True, slots=True)
class Weight:
    """A visitor's weight of a genre or tag.

    It is the number of stars that the visitor gives its movies beyond the movies' means and beyond
    the visitor's own mean.
    """

    name: str
    stars: float
    count: int  # movies with this genre or tag that the visitor has rated


# Returns the linear map from n ratings, as differences from the movies' shrunk means, to the T
# weights and, in the last row, the visitor's bias. Its shape is (T + 1, n).
type Learning = Callable[[MovieTraits, Rows], Doubles]


def counting(described: MovieTraits, rows: Rows) -> Doubles:
    """Return the map for weights that are shrunk averages.

    The weight of a genre is the shrunk average, over its rated movies, of the rating minus the
    movie's shrunk mean minus the visitor's bias. The bias is the shrunk average of the ratings
    minus the movies' shrunk means.
    """
    has = (described.average[rows].T > 0).astype(np.float64)
    counts = has.sum(axis=1, keepdims=True)
    mean = np.full((1, len(rows)), 1 / (len(rows) + USER_PRIOR_STRENGTH))
    return np.concatenate([(has - counts * mean) / (counts + WEIGHT_PRIOR_STRENGTH), mean])


def least_squares(described: MovieTraits, rows: Rows) -> Doubles:
    """Return the map for ridge regression of the ratings on the movies' genres and a bias."""
    average = described.average[rows].astype(np.float64)
    loadings = np.concatenate([average, np.ones((len(rows), 1))], axis=1)
    variance = np.append(np.full(len(described.names), WEIGHT_VARIANCE), BIAS_VARIANCE)
    return fold_in_matrix(loadings, variance, NOISE)


class ProfileFolding:
    """Estimates visitors' weights from their ratings, and predicts stars from the weights."""

    def __init__(self, described: MovieTraits, learning: Learning) -> None:
        self.described, self._learning = described, learning
        self._base = described.base.astype(np.float32)

    def weight_contributions(self, rated: RatedMovies) -> Doubles:
        """Return the contribution of each of n ratings to the weights: (T + 1) by n.

        The last row holds the contributions to the visitor's bias. The sum over the ratings gives
        the weights and the bias.
        """
        surprise = rated.stars - self.described.base[rated.rows]
        return self._learning(self.described, rated.rows) * surprise

    def predict(self, weights: Doubles) -> Floats:
        """Return predicted stars, V by M, not clipped to the data set's scale.

        Args:
            weights: the weights of V visitors and, in the last column, their biases: V by (T + 1).
        """
        known = weights.astype(np.float32)
        stars: Floats = known[:, :-1] @ self.described.average.T
        return stars + known[:, -1:] + self._base

    def contributions(self, weights: Doubles, rows: Rows) -> Doubles:
        """Return the contribution of each of n ratings to the predicted stars of some movies.

        Args:
            weights: the contributions that the method `weight_contributions` returned.
            rows: rows of the movies.

        Returns:
            Stars, shape (len(rows), n).
        """
        return np.asarray(
            self.described.average[rows] @ weights[:-1] + weights[-1], dtype=np.float64
        )

    def profile(self, rated: RatedMovies) -> tuple[Weight, ...]:
        """Return the weights of all genres or tags of the rated movies, greatest first."""
        weights = self.weight_contributions(rated).sum(axis=1)
        counts = (self.described.average[rated.rows] > 0).sum(axis=0)
        found = [
            Weight(name, float(weight), int(count))
            for name, weight, count in zip(self.described.names, weights, counts, strict=False)
            if count
        ]
        return tuple(sorted(found, key=lambda each: (-each.stars, each.name)))


def by_genres(movies: Sequence[Movie], base: Doubles) -> MovieTraits:
    """Describe the movies by their genres."""
    return _described(*genre_flags(movies), base)


def by_tags(profiles: Profiles, base: Doubles) -> MovieTraits:
    """Describe the movies by their tags; without names if the data set has no tags.

    A movie has a tag if at least one person gave it.
    """
    if profiles.tag_people is None:
        return _described((), np.zeros((len(base), 0), dtype=np.float32), base)
    has = (profiles.tag_people > 0).astype(np.float32)
    return _described(profiles.tag_names, has, base)


def shrunk_mean(profiles: Profiles, rating: RatingModel) -> Doubles:
    """Return the movies' shrunk means: as if each had ten more ratings of the global mean. M."""
    support = rating.support.astype(np.float64)
    total = profiles.mean * support + rating.global_mean * MOVIE_PRIOR_STRENGTH
    return np.asarray(total / (support + MOVIE_PRIOR_STRENGTH), dtype=np.float64)


def _described(names: tuple[str, ...], has: Floats, base: Doubles) -> MovieTraits:
    """Build the description from `has`, M by T: 1 if a movie has the genre or tag."""
    average = has / np.maximum(has.sum(axis=1, keepdims=True), 1)
    return MovieTraits(names, average.astype(np.float32), base)
