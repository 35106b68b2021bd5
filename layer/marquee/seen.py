"""Which movies somebody has probably seen, given some that she has and some that she has not.

Travels to EMR: standard library and numpy only. Having seen a movie is taken for a number, 1 or 0,
that goes up and down with those of other movies by a few factors: probabilistic principal
component analysis with a noise for each movie (factor analysis), fitted by its eigenvectors;
docs/model.md.
"""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from marquee.fold_in import Doubles, Rows, pull
from marquee.model import Integers, Model, RatingModel, Seen

CANDIDATES = 300  # most rated movies to ask about
FACTORS = 16
DAMPING = 50.0  # users, of whom nothing goes with anything, beside those that are counted
LEAST_NOISE = 0.02
LEAST_CHANCE = 0.005  # nobody is quite sure not to have seen a movie


def candidates_of(rating: RatingModel) -> Rows:
    """Rows of the movies that a visitor can be asked about: the most rated, those first."""
    return np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))[:CANDIDATES]


def independent(rating: RatingModel, users: int) -> Seen:
    """Where nothing is known of what goes with what: each movie by its share of the users."""
    rows = candidates_of(rating)
    chance = rating.support[rows] / max(users, int(rating.support.max()))
    return _seen(rating.movie_ids[rows], chance, np.zeros((len(rows), 0)))


def seen_in(model: Model) -> Seen:
    """What the model knows of what goes with what, which may be nothing."""
    return model.seen or independent(model.rating, model.counts.users)


def fitted_seen(rating: RatingModel, users: int, rated: npt.NDArray[np.bool_]) -> Seen:
    """Learn what goes with what from some of the users: N by the `candidates_of` the model."""
    alone = independent(rating, users)
    count = len(rated)
    if count <= 1:  # a covariance takes two
        return alone
    together = np.cov(rated.T.astype(np.float64)).reshape(rated.shape[1], -1)
    together *= count / (count + DAMPING)  # few people tell little
    variances, directions = np.linalg.eigh(together)
    largest = np.sqrt(np.maximum(variances[-FACTORS:], 0))
    return _seen(alone.movie_ids, alone.chance, directions[:, -FACTORS:] * largest)


def _seen(movie_ids: Integers, chance: npt.NDArray[np.floating], loadings: Doubles) -> Seen:
    noise = np.maximum(chance * (1 - chance) - (loadings**2).sum(axis=1), LEAST_NOISE)
    return Seen(
        movie_ids,
        chance.astype(np.float32),
        loadings.astype(np.float32),
        noise.astype(np.float32),
    )


def chances_given(seen: Seen, answered: Collection[int], unseen: Collection[int]) -> Doubles:
    """The chance of each candidate to have been seen, given rows of some that were or were not."""
    chance = seen.chance.astype(np.float64)
    rows = np.array([*answered, *unseen], dtype=np.intp)
    if len(rows):
        found = np.repeat([1.0, 0.0], [len(answered), len(unseen)])
        root = np.sqrt(seen.noise[rows].astype(np.float64))
        # A noise for each movie: in units of it all are 1.
        loadings = seen.loadings.astype(np.float64)
        moved = pull(loadings[rows] / root[:, None], np.ones(loadings.shape[1]), 1.0)
        chance += loadings @ (moved @ ((found - chance[rows]) / root))
    return np.clip(chance, LEAST_CHANCE, 1.0)
