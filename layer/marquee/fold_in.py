"""Fold a visitor into a trained model: one small solve for her own ratings, no training.

Travels to EMR: standard library and numpy only. The formulas, their derivation and their sources:
docs/model.md. Everything that predicts for a person, be it the API, the batch or the evaluation,
comes through here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.model import Floats, GaussianFactors, RankingModel, RatingModel

type Doubles = npt.NDArray[np.float64]
type Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rated:
    """What a visitor gave the movies that the model knows.

    Or what V visitors gave who rated n movies each: every array of this module then has one axis
    more, in front.
    """

    rows: Rows  # n
    stars: Doubles  # n


def pull(loadings: Doubles, variance: Doubles, noise: float) -> Doubles:
    """How each of n observations moves the K unknowns: the K by n matrix of their regression.

    With z ~ N(0, diag(variance)) and observations `loadings @ z` plus noise of variance `noise`,
    the mean of z given the observations y is `pull @ y`. Written for whichever is smaller, n or K
    (the two are equal by the matrix inversion lemma).
    """
    spread = loadings * variance[..., None, :]
    observations, unknowns = loadings.shape[-2:]
    turned = loadings.swapaxes(-1, -2)
    if observations <= unknowns:
        gram = spread @ turned + noise * np.eye(observations)
        return np.linalg.solve(gram, spread).swapaxes(-1, -2)
    precision = turned @ loadings / noise + np.eye(unknowns) / variance[..., None, :]
    return np.linalg.solve(precision, turned) / noise


def alike(visitors: Sequence[Rated]) -> Iterator[tuple[Rows, Rated]]:
    """Those who rated equally many movies as one, with their places among the visitors: numpy
    solves many small systems of one size at a time far sooner than one after the other.
    """
    places: dict[int, list[int]] = {}
    for place, rated in enumerate(visitors):
        places.setdefault(len(rated.rows), []).append(place)
    for some in places.values():
        rows = np.stack([visitors[place].rows for place in some])
        stars = np.stack([visitors[place].stars for place in some])
        yield np.array(some, dtype=np.intp), Rated(rows, stars)


class RatingFolding:
    """Predicts stars: the average of the rating model's parts, each folded in by itself."""

    def __init__(self, model: RatingModel) -> None:
        self.model = model
        self._offset = np.mean([part.offset for part in model.parts], axis=0, dtype=np.float32)

    def fold(self, visitors: Sequence[Rated]) -> tuple[Floats, list[list[Doubles]]]:
        """The tastes of V visitors, V by K, and the pulls of each."""
        tastes = np.empty((len(visitors), self.model.loadings.shape[1]), dtype=np.float32)
        pulls: list[list[Doubles]] = [[] for _ in visitors]
        for places, rated in alike(visitors):
            parts = self.pulls(rated)
            tastes[places] = self.taste(rated, parts)
            for place, *own in zip(places, *parts, strict=True):
                pulls[place] = own
        return tastes, pulls

    def pulls(self, rated: Rated) -> list[Doubles]:
        """For each part how each rating's surprise moves the visitor's taste: K by n."""
        return [
            pull(_doubles(part.loadings, rated.rows), np.ones(part.rank), self.model.noise)
            for part in self.model.parts
        ]

    def taste(self, rated: Rated, pulls: Sequence[Doubles]) -> Floats:
        """The visitor's taste in all parts, one after the other."""
        tastes = [
            np.matvec(own, _surprise(part, rated))
            for part, own in zip(self.model.parts, pulls, strict=True)
        ]
        return np.concatenate(tastes, axis=-1).astype(np.float32)

    def predict(self, tastes: Floats) -> Floats:
        """Stars expected of V visitors, V by M, not yet kept within the scale."""
        average: Floats = tastes / np.float32(len(self.model.parts))
        stars: Floats = average @ self.model.loadings.T
        stars += self._offset
        return stars

    def shares(self, rated: Rated, pulls: Sequence[Doubles], rows: Rows) -> Doubles:
        """Stars that each of her n ratings adds to each of these movies: movies by n."""
        moved = [
            (_doubles(part.loadings, rows) @ own) * _surprise(part, rated)
            for part, own in zip(self.model.parts, pulls, strict=True)
        ]
        return np.asarray(sum(moved) / len(moved), dtype=np.float64)


class RankingFolding:
    """Scores what a visitor would love next, by the movies that she loved."""

    def __init__(self, model: RankingModel) -> None:
        self.model = model
        self._energy = model.energy.astype(np.float64)

    def fold(self, visitors: Sequence[Rated]) -> tuple[Floats, list[Doubles]]:
        """The factors of V visitors, V by K, and the pull of each."""
        tastes = np.empty((len(visitors), len(self._energy)), dtype=np.float32)
        pulls: list[Doubles] = [np.empty(0)] * len(visitors)
        for places, rated in alike(visitors):
            moved = self.pull(rated)
            tastes[places] = self.taste(moved)
            for place, own in zip(places, moved, strict=True):
                pulls[place] = own
        return tastes, pulls

    def pull(self, rated: Rated) -> Doubles:
        """How each rating moves the visitor's factors, K by n: zero where she did not love it.

        The ALS half-step (VᵀV + a VᵤᵀVᵤ + λnI) x = (1 + a) Vᵤᵀ1, in which VᵀV is diagonal.
        """
        loved = rated.stars >= self.model.loved
        number = np.maximum(loved.sum(axis=-1, keepdims=True), 1)
        variance = 1 / (self._energy + self.model.regularisation * number)
        alpha = self.model.confidence
        own = _doubles(self.model.factors, rated.rows) * loved[..., None]
        return pull(own, variance, 1 / alpha) * ((1 + alpha) / alpha)

    def taste(self, moved: Doubles) -> Floats:
        """The visitor's factors; those of a typical user where she loved nothing."""
        loved = moved.any(axis=(-1, -2))[..., None]
        return np.where(loved, moved.sum(axis=-1), self.model.typical).astype(np.float32)

    def score(self, tastes: Floats) -> Floats:
        """Scores of V visitors, V by M: about 0 for what nobody like her loved, about 1 at best."""
        scores: Floats = tastes @ self.model.factors.T
        return scores

    def shares(self, moved: Doubles, rows: Rows) -> Doubles:
        """What each of her n ratings adds to the scores of these movies: movies by n."""
        return _doubles(self.model.factors, rows) @ moved


def _surprise(part: GaussianFactors, rated: Rated) -> Doubles:
    """What the ratings are above the stars expected of anybody: n."""
    return rated.stars - part.offset[rated.rows]


def _doubles(factors: Floats, rows: Rows) -> Doubles:
    """The factors of these movies; all of them as doubles would take twice the model's memory."""
    return factors[rows].astype(np.float64)


def rated_from(ratings: Mapping[int, float], rows: Mapping[int, int]) -> Rated:
    """Leave out the movies that the model does not know."""
    known = [(row, stars) for i, stars in ratings.items() if (row := rows.get(i)) is not None]
    return Rated(
        rows=np.array([row for row, _ in known], dtype=np.intp),
        stars=np.array([stars for _, stars in known], dtype=np.float64),
    )
