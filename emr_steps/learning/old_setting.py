"""The recommender that Marquee replaces, for comparison: one ALS with hardly any regularisation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learning.als import Objective, Target
from learning.mllib import MllibFits
from marquee.recommender.fold_in import Doubles, RatedMovies, Rows
from marquee.recommender.model import Floats
from marquee.recommender.scorers import Predictions

RANK, ITERATIONS, REGULARISATION = 10, 5, 0.01


class ByOldSetting:
    """Scores movies by the stars that explicit ALS predicts.

    The fold-in solves the equation of MLlib's last half-step, (VᵤᵀVᵤ + λnI) x = Vᵤᵀr. For users in
    the training set, the predictions therefore equal MLlib's own.
    """

    def __init__(self, factors: Doubles, mean: float) -> None:
        """`factors` has shape (M, K); `mean` (stars) is predicted for users without ratings."""
        self._factors = factors
        self._mean = np.float32(mean)

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Score all movies by predicted stars; there are no contributions of ratings."""
        stars = np.stack([self._stars(rated) for rated in visitors])

        def contributions(visitor: int, rows: Rows) -> Doubles:
            return np.zeros((len(rows), len(visitors[visitor].rows)))

        return Predictions(stars, stars, contributions)

    def _stars(self, rated: RatedMovies) -> Floats:
        if not len(rated.rows):
            return np.full(len(self._factors), self._mean)
        own = self._factors[rated.rows]
        ridge = REGULARISATION * len(rated.rows) * np.eye(own.shape[1])
        taste = np.linalg.solve(own.T @ own + ridge, own.T @ rated.stars)
        stars: Floats = (self._factors @ taste).astype(np.float32)
        return stars


def fit_old_setting(fits: MllibFits, rated: npt.NDArray[np.bool_], mean: float) -> ByOldSetting:
    """Fit the old recommender; `rated` chooses the movies that a model has."""
    factors = fits.fit(Objective(Target.STARS, REGULARISATION), RANK, ITERATIONS)
    return ByOldSetting(factors.movies[rated].astype(np.float64), mean)
