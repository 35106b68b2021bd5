"""Fold a visitor into a trained model: one small solve for the visitor's ratings, no training.

The API, the recommend step and the evaluation all use it to predict for a person. docs/model.md
gives the formulas, their derivation and their sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.recommender.model import Floats, GaussianFactors, RankingModel, RatingModel

type Doubles = npt.NDArray[np.float64]
type Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RatedMovies:
    """A visitor's ratings of movies that the model knows.

    It can also hold the ratings of V visitors who each rated n movies. Fold-in matrices and tastes
    computed from it then have an additional first axis of length V. Contributions are computed for
    one visitor at a time.
    """

    rows: Rows  # n, rows of the movies in the model's arrays
    stars: Doubles  # n


def fold_in_matrix(loadings: Doubles, variance: Doubles, noise: float) -> Doubles:
    """Return the fold-in matrix: the linear map from n observations to the K unknowns.

    With z ~ N(0, diag(variance)) and observations y = `loadings @ z` plus noise of variance
    `noise`, the mean of z given y is `matrix @ y`. The function solves an n by n or a K by K
    system, whichever is smaller; by the matrix inversion lemma both give the same result.

    Args:
        loadings: shape (..., n, K).
        variance: prior variance of each unknown, shape (..., K).
        noise: variance of the noise of one observation.

    Returns:
        Shape (..., K, n).
    """
    spread = loadings * variance[..., None, :]
    observations, unknowns = loadings.shape[-2:]
    turned = loadings.swapaxes(-1, -2)
    if observations <= unknowns:
        gram = spread @ turned + noise * np.eye(observations)
        return np.linalg.solve(gram, spread).swapaxes(-1, -2)
    precision = turned @ loadings / noise + np.eye(unknowns) / variance[..., None, :]
    return np.linalg.solve(precision, turned) / noise


def groups_by_count(visitors: Sequence[RatedMovies]) -> Iterator[tuple[Rows, RatedMovies]]:
    """Group visitors by their number of ratings.

    numpy solves a stack of equally sized small systems much faster than one system after another.

    Yields:
        The positions of a group's members in `visitors`, and their ratings stacked (V by n).
    """
    places: dict[int, list[int]] = {}
    for place, rated in enumerate(visitors):
        places.setdefault(len(rated.rows), []).append(place)
    for some in places.values():
        rows = np.stack([visitors[place].rows for place in some])
        stars = np.stack([visitors[place].stars for place in some])
        yield np.array(some, dtype=np.intp), RatedMovies(rows, stars)


class RatingFolding:
    """Fold-in for the rating model: folds into each part separately and averages predictions."""

    def __init__(self, model: RatingModel) -> None:
        self.model = model
        self._offset = np.mean([part.offset for part in model.parts], axis=0, dtype=np.float32)

    def fold(self, visitors: Sequence[RatedMovies]) -> tuple[Floats, list[list[Doubles]]]:
        """Return the tastes of V visitors and each visitor's fold-in matrices.

        Returns:
            Tastes, V by K, where K is the sum of the parts' ranks; and for each visitor one
            fold-in matrix per part.
        """
        tastes = np.empty((len(visitors), self.model.loadings.shape[1]), dtype=np.float32)
        matrices: list[list[Doubles]] = [[] for _ in visitors]
        for places, rated in groups_by_count(visitors):
            parts = self.matrices(rated)
            tastes[places] = self.taste(rated, parts)
            for place, *own in zip(places, *parts, strict=True):
                matrices[place] = own
        return tastes, matrices

    def matrices(self, rated: RatedMovies) -> list[Doubles]:
        """Return one fold-in matrix per part, K by n.

        It maps the ratings' differences from the part's offset to the visitor's taste.
        """
        return [
            fold_in_matrix(
                _doubles(part.loadings, rated.rows), np.ones(part.rank), self.model.noise
            )
            for part in self.model.parts
        ]

    def taste(self, rated: RatedMovies, matrices: Sequence[Doubles]) -> Floats:
        """Return the visitor's taste: the tastes in all parts, concatenated.

        `matrices` holds the fold-in matrices that `matrices` returned.
        """
        tastes = [
            np.matvec(own, _surprise(part, rated))
            for part, own in zip(self.model.parts, matrices, strict=True)
        ]
        return np.concatenate(tastes, axis=-1).astype(np.float32)

    def predict(self, tastes: Floats) -> Floats:
        """Return predicted stars, V by M, not clipped to the data set's scale."""
        average: Floats = tastes / np.float32(len(self.model.parts))
        stars: Floats = average @ self.model.loadings.T
        stars += self._offset
        return stars

    def contributions(self, rated: RatedMovies, matrices: Sequence[Doubles], rows: Rows) -> Doubles:
        """Return the contribution of each of a visitor's n ratings to some predicted stars.

        The contributions to a movie add up to its predicted stars minus the mean of the parts'
        offsets.

        Args:
            rated: the n ratings of one visitor.
            matrices: one fold-in matrix per part, as the method `matrices` returns them.
            rows: the movies whose predicted stars are explained, as rows of the model's arrays.

        Returns:
            Stars, shape (len(rows), n).
        """
        by_part = [
            (_doubles(part.loadings, rows) @ own) * _surprise(part, rated)
            for part, own in zip(self.model.parts, matrices, strict=True)
        ]
        return np.asarray(sum(by_part) / len(by_part), dtype=np.float64)


class RankingFolding:
    """Fold-in for the ranking model: scores movies by the visitor's liked movies."""

    def __init__(self, model: RankingModel) -> None:
        self.model = model
        self._energy = model.energy.astype(np.float64)

    def fold(self, visitors: Sequence[RatedMovies]) -> tuple[Floats, list[Doubles]]:
        """Return the tastes of V visitors, V by K, and each visitor's fold-in matrix, K by n."""
        tastes = np.empty((len(visitors), len(self._energy)), dtype=np.float32)
        matrices: list[Doubles] = [np.empty(0)] * len(visitors)
        for places, rated in groups_by_count(visitors):
            stacked = self.matrix(rated)
            tastes[places] = self.taste(stacked)
            for place, own in zip(places, stacked, strict=True):
                matrices[place] = own
        return tastes, matrices

    def matrix(self, rated: RatedMovies) -> Doubles:
        """Return the fold-in matrix, K by n, of n ratings; its columns add up to the taste x.

        The column of a movie that is not liked is zero. x solves the ALS half-step
        (VᵀV + a VᵤᵀVᵤ + λmI) x = (1 + a) Vᵤᵀ1. V holds the factors of all movies, and Vᵤ those of
        the m liked movies. a is the model's `confidence`, and λ its `regularisation`. VᵀV is
        diagonal, with the model's `energy` on its diagonal. Without liked movies the whole matrix
        is zero.
        """
        liked = rated.stars >= self.model.liked
        number = np.maximum(liked.sum(axis=-1, keepdims=True), 1)
        variance = 1 / (self._energy + self.model.regularisation * number)
        alpha = self.model.confidence
        own = _doubles(self.model.factors, rated.rows) * liked[..., None]
        return fold_in_matrix(own, variance, 1 / alpha) * ((1 + alpha) / alpha)

    def taste(self, matrix: Doubles) -> Floats:
        """Return the visitor's taste, K; the typical user's taste if there is no liked movie.

        `matrix` is what the method `matrix` returned.
        """
        liked = matrix.any(axis=(-1, -2))[..., None]
        return np.where(liked, matrix.sum(axis=-1), self.model.typical).astype(np.float32)

    def score(self, tastes: Floats) -> Floats:
        """Return scores, V by M.

        A score is about 0 for a movie that nobody with a similar taste liked, and about 1 at best.
        """
        scores: Floats = tastes @ self.model.factors.T
        return scores

    def contributions(self, matrix: Doubles, rows: Rows) -> Doubles:
        """Return the contribution of each of n ratings to some movies' scores: len(rows) by n."""
        return _doubles(self.model.factors, rows) @ matrix


def _surprise(part: GaussianFactors, rated: RatedMovies) -> Doubles:
    """Return the ratings minus the part's offset, the predicted stars for the mean taste: n."""
    return rated.stars - part.offset[rated.rows]


def _doubles(factors: Floats, rows: Rows) -> Doubles:
    """Return the factors of some movies as doubles.

    Converting the whole array would need twice its memory in addition.
    """
    return factors[rows].astype(np.float64)


def rated_from(ratings: Mapping[int, float], rows: Mapping[int, int]) -> RatedMovies:
    """Return the ratings of the movies that the model knows.

    Args:
        ratings: stars by movie_id.
        rows: row in the model's arrays by movie_id.
    """
    known = [(row, stars) for i, stars in ratings.items() if (row := rows.get(i)) is not None]
    return RatedMovies(
        rows=np.array([row for row, _ in known], dtype=np.intp),
        stars=np.array([stars for _, stars in known], dtype=np.float64),
    )
