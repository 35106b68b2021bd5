"""Every model that can be named, behind one face: ratings in, stars and scores for all movies out.

Travels to EMR: standard library and numpy only. What each name means: docs/model.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from marquee.contracts import ALS_RANKS
from marquee.fold_in import (
    Doubles,
    RankingFolding,
    Rated,
    RatingFolding,
    Rows,
)
from marquee.genres import GenreFolding
from marquee.model import Floats, Model, Profiles
from marquee.profiling import (
    Learning,
    ProfileFolding,
    Weight,
    by_genres,
    by_tags,
    counting,
    damped_mean,
    least_squares,
)

RANKING, RATING, POPULARITY = "ranking", "rating", "popularity"
MEAN, MEDIAN = "mean", "median"
GENRES, TAGS, GENRES_LS, TAGS_LS = "genres", "tags", "genres-ls", "tags-ls"
# Beside the ranking model's score of 0 to 1:
STARS_WEIGHT = 0.1  # of a predicted star over the mean
GENRES_WEIGHT = 0.3  # of how much a movie is of her genres, -1 to 1
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
    """What she would love next, by the ranking model, and a little by stars and genres."""

    def __init__(self, model: Model) -> None:
        self._rating = RatingFolding(model.rating)
        self._ranking = RankingFolding(model.ranking)
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        self._genres = GenreFolding(movies, model.rating.support, model.ranking.loved)
        # One product tells both: what is loved by people like her, and what is of her genres.
        self._vectors = np.concatenate(
            [model.ranking.factors, np.float32(GENRES_WEIGHT) * self._genres.vectors], axis=1
        )
        # The same for everybody, so that it moves the order and is nobody's reason.
        typical = self._ranking.score(model.ranking.typical[None])[0]
        self._everybody = np.float32(model.ranking.typical_weight) * typical - np.float32(
            STARS_WEIGHT * model.rating.global_mean
        )

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        tastes, pulls = self._rating.fold(visitors)
        loves, moved = self._ranking.fold(visitors)
        stars = self._rating.predict(tastes)
        leanings = self._genres.fold(visitors)
        scores: Floats = np.concatenate([loves, leanings], axis=1) @ self._vectors.T
        scores += np.float32(STARS_WEIGHT) * stars
        scores += self._everybody

        def shares(visitor: int, rows: Rows) -> Doubles:
            by_stars = self._rating.shares(visitors[visitor], pulls[visitor], rows)
            by_genres = self._genres.shares(visitors[visitor], rows)
            by_love = self._ranking.shares(moved[visitor], rows)
            return by_love + STARS_WEIGHT * by_stars + GENRES_WEIGHT * by_genres

        return Scored(stars, scores, shares)


class ByRating:
    """The stars expected of her; a movie's lead over the mean is believed by its support."""

    def __init__(self, model: Model) -> None:
        self._rating = RatingFolding(model.rating)
        self._mean = np.float32(model.rating.global_mean)
        self._belief = believed(model)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        tastes, pulls = self._rating.fold(visitors)
        stars = self._rating.predict(tastes)

        def shares(visitor: int, rows: Rows) -> Doubles:
            by_stars = self._rating.shares(visitors[visitor], pulls[visitor], rows)
            return by_stars * self._belief[rows][:, None]

        return Scored(stars, (stars - self._mean) * self._belief, shares)


class ByPopularity:
    """The same for everybody: the movies that most people rated, with the stars of the mean."""

    def __init__(self, model: Model) -> None:
        self._scores = model.rating.support.astype(np.float32)
        self._stars = RatingFolding(model.rating).predict(_nobody(model))[0]

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        return same_for_all(visitors, self._stars, self._scores)


class ByAverage:
    """The same for everybody: a movie's stars, its lead over the mean believed by its support."""

    def __init__(self, model: Model, stars: Floats) -> None:
        self._stars = stars
        self._scores = (stars - np.float32(model.rating.global_mean)) * believed(model)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        return same_for_all(visitors, self._stars, self._scores)


class ByProfile:
    """The stars that her liking of genres or tags lets expect, believed by the movie's support."""

    def __init__(self, model: Model, folding: ProfileFolding) -> None:
        self._folding = folding
        self._mean = np.float32(model.rating.global_mean)
        self._belief = believed(model)

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        moved = [self._folding.moved(rated) for rated in visitors]
        weights = np.stack([each.sum(axis=1) for each in moved])
        stars = self._folding.predict(weights)

        def shares(visitor: int, rows: Rows) -> Doubles:
            return self._folding.shares(moved[visitor], rows) * self._belief[rows][:, None]

        return Scored(stars, (stars - self._mean) * self._belief, shares)


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


def profile_folding(name: str, model: Model) -> ProfileFolding:
    """The learning of that name over genres or tags; raises UnknownModelError."""
    learning = _PROFILES.get(name)
    if learning is None:
        raise _unknown(f"{name!r} tells no profile", PROFILE_NAMES)
    profiles = _profiles(name, model)
    base = damped_mean(profiles, model.rating)
    if name in (TAGS, TAGS_LS):
        described, what = by_tags(profiles, base), "tags"
    else:
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        described, what = by_genres(movies, base), "genres"
    if not described.names:
        raise _unknown(f"the data set {model.dataset!r} has no {what}", names_for(model))
    return ProfileFolding(described, learning)


def profile_of(name: str, model: Model, rated: Rated) -> tuple[Weight, ...]:
    """How a model of genres or tags sees a visitor; raises UnknownModelError."""
    return profile_folding(name, model).profile(rated)


def _profiles(name: str, model: Model) -> Profiles:
    if model.profiles is None:
        lacking = f"model {model.model_id!r} was trained without what {name!r} needs"
        raise _unknown(f"{lacking} (train with 'make train')", names_for(model))
    return model.profiles


def _by_mean(model: Model) -> Scorer:
    return ByAverage(model, _profiles(MEAN, model).mean)


def _by_median(model: Model) -> Scorer:
    return ByAverage(model, _profiles(MEDIAN, model).median)


def _by_profile(model: Model, *, name: str) -> Scorer:
    return ByProfile(model, profile_folding(name, model))


def _by_size(model: Model, *, rank: int) -> Scorer:
    """Explicit ALS of another size, folded in like the parts of the rating model."""
    if rank not in model.sizes:
        lacking = f"model {model.model_id!r} was trained without ALS of rank {rank}"
        raise _unknown(f"{lacking} (train with 'make train')", names_for(model))
    rating = replace(model.rating, parts=(model.sizes[rank],))
    return ByRating(replace(model, rating=rating))


_PROFILES: Mapping[str, Learning] = {
    GENRES: counting,
    TAGS: counting,
    GENRES_LS: least_squares,
    TAGS_LS: least_squares,
}
PROFILE_NAMES = tuple(_PROFILES)
_MODELS: Mapping[str, Callable[[Model], Scorer]] = {
    RANKING: ByRanking,
    RATING: ByRating,
    POPULARITY: ByPopularity,
    MEAN: _by_mean,
    MEDIAN: _by_median,
    **{name: partial(_by_profile, name=name) for name in _PROFILES},
    **{f"als-{rank}": partial(_by_size, rank=rank) for rank in ALS_RANKS},
}
MODEL_NAMES = tuple(_MODELS)


def scorer_named(name: str, model: Model) -> Scorer:
    """The model of that name; raises UnknownModelError that says what is missing."""
    if name not in _MODELS:
        raise _unknown(f"there is no model {name!r}", names_for(model))
    return _MODELS[name](model)


def names_for(model: Model) -> tuple[str, ...]:
    """The models that this model folder and its data set have what they need for."""
    has_tags = model.profiles is not None and bool(model.profiles.tag_names)
    has_genres = any(movie.genres for movie in model.movies.values())
    lacking = {
        *(() if model.profiles is not None else (MEAN, MEDIAN, *_PROFILES)),
        *(() if has_tags else (TAGS, TAGS_LS)),
        *(() if has_genres else (GENRES, GENRES_LS)),
        *(f"als-{rank}" for rank in ALS_RANKS if rank not in model.sizes),
    }
    return tuple(name for name in _MODELS if name not in lacking)


def _unknown(reason: str, names: Sequence[str]) -> UnknownModelError:
    return UnknownModelError(f"{reason}: use one of {', '.join(names)}")
