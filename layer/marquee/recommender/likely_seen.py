"""Estimate which movies a visitor has seen, given some that they have seen and some they have not.

Whether a visitor has seen a movie is modelled as a number, 1 or 0, that correlates with those of
other movies through a few factors. The model is probabilistic principal component analysis with a
separate noise for each movie (factor analysis), fitted by eigenvectors. docs/model.md has the
formulas.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.recommender.fold_in import Doubles, Rows, fold_in_matrix
from marquee.recommender.model import Floats, Integers, Model, Movie, RatingModel, SeenModel

CANDIDATES = 300  # most rated movies, which the questionnaire can ask about
FACTORS = 16  # rank
PRIOR_STRENGTH = 50.0  # prior strength of the covariance, in users; the prior has no correlations
LEAST_NOISE = 0.02  # variance
LEAST_CHANCE = 0.005  # a movie is never certainly unseen
YEARS_TOGETHER = 5
# Prior strength of a visitor's familiarity with a kind, in movies that a user is expected to have
# seen. Of 1 and 3, 3 needed fewer questions for visitors who know all kinds (docs/measurements.md).
FAMILIARITY_PRIOR = 3.0


def questionnaire_candidates(rating: RatingModel) -> Rows:
    """Return the rows of the movies that a visitor can be asked about, most rated first: Q."""
    return np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))[:CANDIDATES]


def independent(rating: RatingModel, users: int) -> SeenModel:
    """Return a model without correlations: each movie's probability is its share of the users."""
    rows = questionnaire_candidates(rating)
    chance = rating.support[rows] / max(users, int(rating.support.max()))
    return _seen(rating.movie_ids[rows], chance, np.zeros((len(rows), 0)))


def seen_in(model: Model) -> SeenModel:
    """Return the model folder's `seen`, or the model without correlations if it has none."""
    return model.seen or independent(model.rating, model.counts.users)


def fit_seen(rating: RatingModel, users: int, rated: npt.NDArray[np.bool_]) -> SeenModel:
    """Fit the model to a sample of users.

    Args:
        rating: the rating model.
        users: the number of all users.
        rated: whether each of N sampled users has rated each of the Q candidates of the
            questionnaire, N by Q. With fewer than two users the result has no correlations.
    """
    alone = independent(rating, users)
    count = len(rated)
    if count <= 1:  # a covariance needs two users
        return alone
    together = np.cov(rated.T.astype(np.float64)).reshape(rated.shape[1], -1)
    together *= count / (count + PRIOR_STRENGTH)  # shrunk, as few users support little
    variances, directions = np.linalg.eigh(together)
    largest = np.sqrt(np.maximum(variances[-FACTORS:], 0))
    return _seen(alone.movie_ids, alone.chance, directions[:, -FACTORS:] * largest)


def _seen(movie_ids: Integers, chance: npt.NDArray[np.floating], loadings: Doubles) -> SeenModel:
    """Build the model; each noise is the rest of the variance of a 0-or-1 variable."""
    noise = np.maximum(chance * (1 - chance) - (loadings**2).sum(axis=1), LEAST_NOISE)
    return SeenModel(
        movie_ids,
        chance.astype(np.float32),
        loadings.astype(np.float32),
        noise.astype(np.float32),
    )


def chances_given(seen: SeenModel, answered: Collection[int], unseen: Collection[int]) -> Doubles:
    """Return the probability that a visitor has seen each of the Q movies, from 0.005 to 1.

    Args:
        seen: the model.
        answered: rows in `seen` of movies that the visitor has rated.
        unseen: rows in `seen` of movies that the visitor has skipped.
    """
    chance = seen.chance.astype(np.float64)
    rows = np.array([*answered, *unseen], dtype=np.intp)
    if len(rows):
        found = np.repeat([1.0, 0.0], [len(answered), len(unseen)])
        root = np.sqrt(seen.noise[rows].astype(np.float64))
        # `fold_in_matrix` takes one noise for all movies. Dividing by the root of each movie's
        # noise makes all of them 1.
        loadings = seen.loadings.astype(np.float64)
        matrix = fold_in_matrix(loadings[rows] / root[:, None], np.ones(loadings.shape[1]), 1.0)
        chance += loadings @ (matrix @ ((found - chance[rows]) / root))
    return np.clip(chance, LEAST_CHANCE, 1.0)


@dataclass(frozen=True, eq=False)
class MovieKinds:
    """The genres and the release years, by five, of M movies: K kinds.

    Attributes:
        weight: M by K. The years of a movie have the weight 1, its genres have it together.
    """

    weight: Floats

    def familiarity(self, rated: Rows, skipped: Rows, chance: Doubles, rows: Rows) -> Doubles:
        """Return how many times as likely as a user the visitor has seen each of N movies.

        For each kind, this is the number of rated movies divided by the number that a user would
        have rated of those asked about, both with a prior: the posterior mean of a Poisson rate
        with the prior Gamma(FAMILIARITY_PRIOR, FAMILIARITY_PRIOR). A movie has the weighted product
        of its kinds.

        Args:
            rated: rows of the movies that the visitor has rated.
            skipped: rows of the movies that the visitor has not seen.
            chance: the share of the users who have seen a movie, M.
            rows: the N movies.
        """
        asked = np.concatenate([rated, skipped])
        seen = self.weight[rated].sum(axis=0, dtype=np.float64)
        expected = chance[asked] @ self.weight[asked].astype(np.float64)
        rate = (seen + FAMILIARITY_PRIOR) / (expected + FAMILIARITY_PRIOR)
        familiarity: Doubles = np.exp(self.weight[rows] @ np.log(rate))
        return familiarity


def kinds_of(rating: RatingModel, movies: Mapping[int, Movie]) -> MovieKinds:
    """Return the kinds of the rating model's movies; those missing in `movies` have none."""
    numbers: dict[str | int, int] = {}
    weights: list[tuple[int, int, float]] = []
    for row, movie_id in enumerate(rating.movie_ids.tolist()):
        movie = movies.get(movie_id)
        if movie is None:
            continue
        for genre in movie.genres:
            number = numbers.setdefault(genre, len(numbers))
            weights.append((row, number, 1 / len(movie.genres)))
        if movie.year is not None:
            number = numbers.setdefault(movie.year // YEARS_TOGETHER, len(numbers))
            weights.append((row, number, 1.0))
    weight = np.zeros((len(rating.movie_ids), len(numbers)), dtype=np.float32)
    for row, number, each in weights:
        weight[row, number] = each
    return MovieKinds(weight)
