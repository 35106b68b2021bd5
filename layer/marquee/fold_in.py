"""Fold a visitor into a trained model: one small solve for her own ratings, no training.

Travels to EMR: standard library and numpy only. The formulas, their derivation and their sources:
docs/model.md. Everything that predicts for a person, be it the API, the batch or the evaluation,
comes through here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.model import Floats, RankingModel, RatingModel

type Doubles = npt.NDArray[np.float64]
type Rows = npt.NDArray[np.intp]

STARS_WEIGHT = 0.15  # of a predicted star over the mean, beside the ranking model's score of 0 to 1


@dataclass(frozen=True, slots=True)
class Rated:
    """What a visitor gave the movies that the model knows."""

    rows: Rows  # n
    stars: Doubles  # n


def pull(loadings: Doubles, variance: Doubles, noise: float) -> Doubles:
    """How each of n observations moves the K unknowns: the K by n matrix of their regression.

    With z ~ N(0, diag(variance)) and observations `loadings @ z` plus noise of variance `noise`,
    the mean of z given the observations y is `pull @ y`. Written for whichever is smaller, n or K
    (the two are equal by the matrix inversion lemma).
    """
    spread = loadings * variance
    observations, unknowns = loadings.shape
    if observations <= unknowns:
        gram = spread @ loadings.T + noise * np.eye(observations)
        return np.linalg.solve(gram, spread).T
    precision = loadings.T @ loadings / noise + np.diag(1 / variance)
    return np.linalg.solve(precision, loadings.T) / noise


class RatingFolding:
    """Predicts stars: the average of the rating model's parts, each folded in by itself."""

    def __init__(self, model: RatingModel) -> None:
        self.model = model
        self._loadings = [part.loadings.astype(np.float64) for part in model.parts]
        self._offsets = [part.offset.astype(np.float64) for part in model.parts]
        self._ones = [np.ones(loadings.shape[1]) for loadings in self._loadings]
        # One product serves all parts: their loadings side by side, and their offsets' average.
        self._side_by_side = np.concatenate([part.loadings for part in model.parts], axis=1)
        self._offset = np.mean([part.offset for part in model.parts], axis=0, dtype=np.float32)

    def pulls(self, rated: Rated) -> list[Doubles]:
        """For each part how each rating's surprise moves the visitor's taste: K by n."""
        return [
            pull(loadings[rated.rows], ones, self.model.noise)
            for loadings, ones in zip(self._loadings, self._ones, strict=True)
        ]

    def taste(self, rated: Rated, pulls: Sequence[Doubles]) -> Floats:
        """The visitor's taste in all parts, one after the other."""
        tastes = [
            part @ (rated.stars - offset[rated.rows])
            for part, offset in zip(pulls, self._offsets, strict=True)
        ]
        return np.concatenate(tastes).astype(np.float32)

    def predict(self, tastes: Floats) -> Floats:
        """Stars expected of V visitors, V by M, not yet kept within the scale."""
        stars: Floats = (tastes / np.float32(len(self._offsets))) @ self._side_by_side.T
        return stars + self._offset

    def shares(self, rated: Rated, pulls: Sequence[Doubles], rows: Rows) -> Doubles:
        """Stars that each of her n ratings adds to each of these movies: movies by n."""
        moved = [
            (loadings[rows] @ part) * (rated.stars - offset[rated.rows])
            for loadings, part, offset in zip(self._loadings, pulls, self._offsets, strict=True)
        ]
        return np.mean(moved, axis=0, dtype=np.float64)


class RankingFolding:
    """Scores what a visitor would love next, by the movies that she loved."""

    def __init__(self, model: RankingModel) -> None:
        self.model = model
        self._factors = model.factors.astype(np.float64)
        self._energy = model.energy.astype(np.float64)

    def pull(self, rated: Rated) -> Doubles:
        """How each rating moves the visitor's factors, K by n: zero where she did not love it.

        The ALS half-step (VᵀV + a VᵤᵀVᵤ + λnI) x = (1 + a) Vᵤᵀ1, in which VᵀV is diagonal.
        """
        moved = np.zeros((len(self._energy), len(rated.rows)))
        loved = np.flatnonzero(rated.stars >= self.model.loved)
        if len(loved):
            variance = 1 / (self._energy + self.model.regularisation * len(loved))
            alpha = self.model.confidence
            own = self._factors[rated.rows[loved]]
            moved[:, loved] = pull(own, variance, 1 / alpha) * (1 + alpha) / alpha
        return moved

    def taste(self, moved: Doubles) -> Floats:
        """The visitor's factors; those of a typical user where she loved nothing."""
        if not moved.any():
            return self.model.typical
        return moved.sum(axis=1).astype(np.float32)

    def score(self, tastes: Floats) -> Floats:
        """Scores of V visitors, V by M: about 0 for what nobody like her loved, about 1 at best."""
        scores: Floats = tastes @ self.model.factors.T
        return scores

    def shares(self, moved: Doubles, rows: Rows) -> Doubles:
        """What each of her n ratings adds to the scores of these movies: movies by n."""
        return self._factors[rows] @ moved


def rated_from(ratings: Mapping[int, float], rows: Mapping[int, int]) -> Rated:
    """Leave out the movies that the model does not know."""
    known = [(row, stars) for i, stars in ratings.items() if (row := rows.get(i)) is not None]
    return Rated(
        rows=np.array([row for row, _ in known], dtype=np.intp),
        stars=np.array([stars for _, stars in known], dtype=np.float64),
    )
