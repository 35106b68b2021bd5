"""Predict which share of a list of picks a visitor will like.

Each pick has a margin: how far its predicted stars lie above those of a liked movie, in standard
deviations of the visitor's rating. A logistic function, which training calibrates on held-out
ratings, turns margins into probabilities; their mean is the share. docs/model.md has the formulas
and how well they predict.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from marquee.contracts import Pick
from marquee.recommender.fold_in import Doubles, RatedMovies, RatingFolding, Rows, rated_from
from marquee.recommender.model import LIKED, LikedShareCalibration, RatingModel


class Margins:
    """Computes the margins of picks from a visitor's ratings."""

    def __init__(self, rating: RatingModel) -> None:
        self._rating = rating
        self._folding = RatingFolding(rating)

    def of(self, ratings: Mapping[int, float], picks: Sequence[Pick]) -> Doubles:
        """Return the margin of each pick that the model knows, shape (n,).

        A margin is (s - LIKED) / sqrt(v + noise). s are the pick's predicted stars, and v is the
        variance of the predicted stars that the visitor's ratings leave.

        Args:
            ratings: the visitor's stars by movie_id.
            picks: the picks.
        """
        rows = self._rating.rows
        known = [(rows[pick.movie_id], pick.stars) for pick in picks if pick.movie_id in rows]
        at = np.array([row for row, _ in known], dtype=np.intp)
        stars = np.array([stars for _, stars in known], dtype=np.float64)
        variance = self._variance(rated_from(ratings, rows), at)
        return (stars - LIKED) / np.sqrt(variance + self._rating.noise)

    def _variance(self, rated: RatedMovies, rows: Rows) -> Doubles:
        """Return the variance of some movies' predicted stars given the ratings: len(rows).

        With the fold-in matrix W, the taste has the covariance I - W L, where L holds the loadings
        of the rated movies (Bishop 2006, eq. 2.117). It is averaged over the model's parts.
        """
        by_part = []
        for part, matrix in zip(self._rating.parts, self._folding.matrices(rated), strict=True):
            own = part.loadings[rows].astype(np.float64)
            explained = own @ matrix @ part.loadings[rated.rows].astype(np.float64)
            by_part.append(((own - explained) * own).sum(axis=1))
        return np.maximum(np.mean(by_part, axis=0), 0.0)


class LikedShare:
    """Predicts shares with a calibration."""

    def __init__(self, rating: RatingModel, calibration: LikedShareCalibration) -> None:
        self._margins, self._calibration = Margins(rating), calibration

    def of(self, ratings: Mapping[int, float], picks: Sequence[Pick]) -> float | None:
        """Return the share of the picks that the visitor will like, from 0 to 1.

        None if there is no pick that the model knows. The arguments are those of `Margins.of`.
        """
        margins = self._margins.of(ratings, picks)
        return float(liked_chances(self._calibration, margins).mean()) if len(margins) else None


def liked_chances(calibration: LikedShareCalibration, margins: Doubles) -> Doubles:
    """Return the probability that a pick is liked, for each margin."""
    return 1 / (1 + np.exp(-calibration.intercept - calibration.slope * margins))
