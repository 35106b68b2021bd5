"""Every model that can be named, behind one face: ratings in, stars and scores for all movies out.

Travels to EMR: standard library and numpy only. What each name means: docs/model.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from marquee.fold_in import (
    STARS_WEIGHT,
    Doubles,
    RankingFolding,
    Rated,
    RatingFolding,
    Rows,
)
from marquee.model import Floats, Model

RANKING, RATING, POPULARITY = "ranking", "rating", "popularity"
SUPPORT_HALF = 40.0  # ratings at which half of a movie's lead over the mean is believed


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model expects of V visitors and M movies.

    `shares(v, rows)` says what each of visitor v's n ratings added to the scores of these movies,
    movies by n; zeros where the model has no such reasons.
    """

    stars: Floats  # V by M, not yet kept within the data set's scale
    scores: Floats  # V by M; higher is better, and only the order means anything
    shares: Callable[[int, Rows], Doubles]


class Scorer(Protocol):
    """A model that can be named."""

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        """Score all movies for each visitor."""


class UnknownModelError(ValueError):
    """No model has that name, or the data set lacks what it needs; the message says which do."""


class ByRanking:
    """What she would love next, by the ranking model, and a little by the stars expected."""

    def __init__(self, model: Model, rating: RatingFolding | None = None) -> None:
        self._rating = rating or RatingFolding(model.rating)
        self._ranking = RankingFolding(model.ranking)
        self._mean = np.float32(model.rating.global_mean)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        pulls = [self._rating.pulls(rated) for rated in visitors]
        moved = [self._ranking.pull(rated) for rated in visitors]
        stars = self._rating.predict(
            np.stack([self._rating.taste(*each) for each in zip(visitors, pulls, strict=True)])
        )
        scores = self._ranking.score(np.stack([self._ranking.taste(each) for each in moved]))
        scores += np.float32(STARS_WEIGHT) * (stars - self._mean)

        def shares(visitor: int, rows: Rows) -> Doubles:
            by_stars = self._rating.shares(visitors[visitor], pulls[visitor], rows)
            return self._ranking.shares(moved[visitor], rows) + STARS_WEIGHT * by_stars

        return Scored(stars, scores, shares)


class ByRating:
    """The stars expected of her; a movie's lead over the mean is believed by its support."""

    def __init__(self, model: Model, rating: RatingFolding | None = None) -> None:
        self._rating = rating or RatingFolding(model.rating)
        self._mean = np.float32(model.rating.global_mean)
        self._belief = believed(model)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        pulls = [self._rating.pulls(rated) for rated in visitors]
        stars = self._rating.predict(
            np.stack([self._rating.taste(*each) for each in zip(visitors, pulls, strict=True)])
        )

        def shares(visitor: int, rows: Rows) -> Doubles:
            return self._rating.shares(visitors[visitor], pulls[visitor], rows)

        return Scored(stars, (stars - self._mean) * self._belief, shares)


class ByPopularity:
    """The same for everybody: the movies that most people rated, with the stars of the mean."""

    def __init__(self, model: Model) -> None:
        self._scores = model.rating.support.astype(np.float32)
        self._stars = RatingFolding(model.rating).predict(_nobody(model))[0]

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        return same_for_all(visitors, self._stars, self._scores)


def same_for_all(visitors: Sequence[Rated], stars: Floats, scores: Floats) -> Scored:
    """A model that knows no visitors: M stars and M scores, the same for each of them."""

    def shares(visitor: int, rows: Rows) -> Doubles:
        return np.zeros((len(rows), len(visitors[visitor].rows)))

    shape = (len(visitors), len(stars))
    return Scored(np.broadcast_to(stars, shape), np.broadcast_to(scores, shape), shares)


def believed(model: Model) -> Floats:
    """The share of a movie's lead over the mean that its number of ratings makes believable."""
    support = model.rating.support.astype(np.float32)
    return support / (support + np.float32(SUPPORT_HALF))


def _nobody(model: Model) -> Floats:
    width = sum(part.loadings.shape[1] for part in model.rating.parts)
    return np.zeros((1, width), dtype=np.float32)


_MODELS: Mapping[str, Callable[[Model], Scorer]] = {
    RANKING: ByRanking,
    RATING: ByRating,
    POPULARITY: ByPopularity,
}
MODEL_NAMES = tuple(_MODELS)


def scorer_named(name: str, model: Model) -> Scorer:
    """The model of that name; raises UnknownModelError naming those that there are."""
    if name not in _MODELS:
        raise UnknownModelError(f"there is no model {name!r}: use one of {', '.join(_MODELS)}")
    return _MODELS[name](model)
