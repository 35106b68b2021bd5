"""Fold a visitor into a trained model: one small least-squares solve, then picks with reasons.

Travels to EMR: standard library and numpy only. The formulas and why they are so:
docs/decisions/0003-model.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.contracts import PICKS, Pick
from marquee.model import RatingModel

type Doubles = npt.NDArray[np.float64]
type Rows = npt.NDArray[np.intp]

LOVED = 4.0  # stars from which a rating may be a reason
REASONS = 3
SUPPORT_HALF = 40.0  # ratings at which half of a movie's lead over the mean is believed
SUPPORT_LEAST = 5  # ratings: with fewer, a movie is picked only when no other is left
STEEPNESS = 2.0  # of the score, a logistic curve over stars
VISITORS_AT_ONCE = 256  # bounds the visitors-by-movies array of a batch


@dataclass(frozen=True, slots=True)
class FoldedIn:
    """A visitor as the model sees her."""

    bias: float  # stars
    factors: Doubles  # K
    rows: Rows  # n, rows of the movies she rated
    stars: Doubles  # n
    pull: Doubles  # K by n: factors are its sum over n; column j is what rating j adds


class Recommender:
    """Predicts stars and picks movies for visitors who were not in training."""

    def __init__(self, model: RatingModel) -> None:
        self._model = model
        self._factors = model.factors.astype(np.float64)
        self._baseline = model.global_mean + model.movie_bias.astype(np.float64)
        support = model.support.astype(np.float64)
        self._belief = support / (support + SUPPORT_HALF)
        self._supported = model.support >= SUPPORT_LEAST

    def fold_in(self, ratings: Mapping[int, float]) -> FoldedIn:
        """Solve for one visitor as ALS-WR solves for a user: lambda times her number of ratings.

        Ratings of movies that the model does not know are left out.
        """
        known = [
            (row, s) for i, s in ratings.items() if (row := self._model.rows.get(i)) is not None
        ]
        rows = np.array([row for row, _ in known], dtype=np.intp)
        stars = np.array([s for _, s in known], dtype=np.float64)
        above = stars - self._baseline[rows]
        bias = float(above.sum() / (len(rows) + self._model.user_damping))
        rated = self._factors[rows]
        ridge = max(len(rows), 1) * self._model.regularisation
        gram = rated.T @ rated + ridge * np.eye(rated.shape[1])
        pull = np.linalg.solve(gram, rated.T) * (above - bias)
        return FoldedIn(bias, pull.sum(axis=1), rows, stars, pull)

    def predict(self, ratings: Mapping[int, float]) -> Doubles:
        """Predicted stars for every movie, in the order of `movie_ids`, within the scale."""
        visitor = self.fold_in(ratings)
        unbounded = self._baseline + visitor.bias + self._factors @ visitor.factors
        return np.clip(unbounded, self._model.lowest, self._model.highest)

    def picks(self, ratings: Mapping[int, float], count: int = PICKS) -> list[Pick]:
        """The best unseen movies, best first; with no ratings, those that everybody likes."""
        return self.picks_for_all([ratings], count)[0]

    def picks_for_all(
        self, visitors: Sequence[Mapping[int, float]], count: int = PICKS
    ) -> list[list[Pick]]:
        """`picks` for many visitors, their predictions in one product a few hundred at a time."""
        found: list[list[Pick]] = []
        for start in range(0, len(visitors), VISITORS_AT_ONCE):
            folded = [self.fold_in(v) for v in visitors[start : start + VISITORS_AT_ONCE]]
            tastes = np.stack([visitor.factors for visitor in folded]) @ self._factors.T
            found += [
                self._best(visitor, self._baseline + taste, count)
                for visitor, taste in zip(folded, tastes, strict=True)
            ]
        return found

    def knows(self, movie_id: int) -> bool:
        return movie_id in self._model.rows

    def _best(self, visitor: FoldedIn, expected: Doubles, count: int) -> list[Pick]:
        """Picks by `expected`, M predictions in stars without the visitor's own bias."""
        lead = (expected - self._model.global_mean) * self._belief
        unseen = np.ones(len(lead), dtype=bool)
        unseen[visitor.rows] = False
        best = _top(lead, unseen & self._supported, count)
        if len(best) < count:
            rest = _top(lead, unseen & ~self._supported, count - len(best))
            best = np.concatenate([best, rest])
        because = self._because(visitor, best)
        model = self._model
        stars = np.clip(expected[best] + visitor.bias, model.lowest, model.highest)
        scores = 1 / (1 + np.exp(-STEEPNESS * lead[best]))
        return [
            Pick(int(model.movie_ids[row]), round(float(score), 4), round(float(star), 2), reasons)
            for row, score, star, reasons in zip(best, scores, stars, because, strict=True)
        ]

    def _because(self, visitor: FoldedIn, best: Rows) -> list[tuple[int, ...]]:
        """For each of the best movies, the loved movies that added most stars to it."""
        added = self._factors[best] @ visitor.pull
        added[:, visitor.stars < LOVED] = -np.inf
        reasons = []
        for row in added:
            order = np.argsort(-row, kind="stable")[:REASONS]
            reasons.append(
                tuple(int(self._model.movie_ids[visitor.rows[j]]) for j in order if row[j] > 0)
            )
        return reasons


def _top(values: Doubles, allowed: npt.NDArray[np.bool_], count: int) -> Rows:
    """Rows of the `count` highest allowed values, highest first; ties in the order of rows."""
    rows = np.flatnonzero(allowed)
    if len(rows) > count:
        rows = rows[np.argpartition(-values[rows], count - 1)[:count]]
    return rows[np.lexsort((rows, -values[rows]))]
