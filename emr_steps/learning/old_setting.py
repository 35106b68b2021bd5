"""The recommender that this one replaces, to be measured beside it: one ALS, hardly regularised."""

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame

from learning.fitting import Size, fit, item_factors
from marquee.fold_in import Doubles, Rated, Rows
from marquee.model import Floats, Integers
from marquee.scoring import Scored

RANK, ITERATIONS, REGULARISATION = 10, 5, 0.01


class ByOldSetting:
    """The stars that explicit ALS predicts, and picks in their order.

    Folds a user in as MLlib's last half-step does, so for whom it was trained on these are the
    predictions of MLlib itself: (VᵤᵀVᵤ + λnI) x = Vᵤᵀr.
    """

    def __init__(self, factors: Doubles, mean: float) -> None:
        """`factors` is M by K; `mean` (stars) is expected of everything where nothing is known."""
        self._factors = factors
        self._mean = np.float32(mean)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        stars = np.stack([self._stars(rated) for rated in visitors])

        def shares(visitor: int, rows: Rows) -> Doubles:
            return np.zeros((len(rows), len(visitors[visitor].rows)))

        return Scored(stars, stars, shares)

    def _stars(self, rated: Rated) -> Floats:
        if not len(rated.rows):
            return np.full(len(self._factors), self._mean)
        own = self._factors[rated.rows]
        ridge = REGULARISATION * len(rated.rows) * np.eye(own.shape[1])
        taste = np.linalg.solve(own.T @ own + ridge, own.T @ rated.stars)
        stars: Floats = (self._factors @ taste).astype(np.float32)
        return stars


def fit_old_setting(
    ratings: DataFrame, movie_ids: Integers, mean: float, blocks: int, seed: int
) -> ByOldSetting:
    """Fit it to `ratings`: user, movie_id, rating."""
    size = Size(RANK, ITERATIONS, REGULARISATION, REGULARISATION, blocks)
    als = fit(ratings, "rating", size, REGULARISATION, seed)
    return ByOldSetting(item_factors(als, movie_ids), mean)
