"""Item-to-item weights: how much liking one movie adds to the score of each other movie.

EDLAE (Steck, *Autoencoders that don't overfit towards the identity*, NeurIPS 2020), the closed form
of EASE (Steck, *Embarrassingly shallow autoencoders for sparse data*, WWW 2019) with dropout. A
visitor's score of a movie is a sum over the rated movies, so each rating's contribution is known
exactly and fold-in is an addition. docs/model.md has the formulas.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from marquee.recommender.fold_in import Doubles, RatedMovies, Rows
from marquee.recommender.model import LIKED, Floats, ItemWeights

MIDDLING = 3.0  # stars from which a rating counts half
MIDDLING_LIKING = 0.5
LOW_LIKING = 0.2  # a visitor chose the movie, even if they did not like it


def likings(stars: npt.NDArray[np.floating]) -> Floats:
    """Return how much each rating counts as a like, from 0.2 to 1, shape as `stars`."""
    graded = np.where(stars >= LIKED, 1.0, np.where(stars >= MIDDLING, MIDDLING_LIKING, LOW_LIKING))
    return graded.astype(np.float32)


class ItemFolding:
    """Scores movies for visitors by item weights."""

    def __init__(self, weights: ItemWeights, movies: int) -> None:
        """Prepare to score `movies` movies, those of the rating model."""
        self._weights = weights
        self.places = np.full(movies, -1, dtype=np.intp)  # M, the place in `weights`, or -1
        self.places[weights.movies] = np.arange(len(weights.movies))

    def score(self, visitors: Sequence[RatedMovies]) -> Floats:
        """Return the scores of the W movies with weights, V by W."""
        found = np.zeros((len(visitors), len(self._weights.movies)), dtype=np.float32)
        for number, rated in enumerate(visitors):
            known, graded = self._known(rated)
            found[number] = self._weights.combined(self.places[rated.rows][known], graded[known])
        return found

    def contributions(self, rated: RatedMovies, rows: Rows) -> Doubles:
        """Return the contribution of each of n ratings to some movies' scores: len(rows) by n.

        It is 0 for a movie without weights.
        """
        known, graded = self._known(rated)
        at = self.places[rows]
        found = np.zeros((len(rows), len(rated.rows)))
        weights = self._weights.between(self.places[rated.rows][known], at)
        found[:, known] = (graded[known, None] * weights).T
        return found

    def _known(self, rated: RatedMovies) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Return which of n ratings are of movies with weights, and how much each counts."""
        return self.places[rated.rows] >= 0, likings(rated.stars)
