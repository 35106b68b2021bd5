"""The named models behind one interface: from ratings to stars and scores of all movies.

docs/model.md describes the model of each name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from marquee.contracts import ALS_RANKS
from marquee.recommender.fold_in import (
    Doubles,
    RankingFolding,
    RatedMovies,
    RatingFolding,
    Rows,
)
from marquee.recommender.genres import GenreFolding
from marquee.recommender.item_weights import ItemFolding
from marquee.recommender.model import Floats, ItemWeights, Model, Profiles
from marquee.recommender.taste_weights import (
    Learning,
    ProfileFolding,
    Weight,
    by_genres,
    by_tags,
    counting,
    least_squares,
    shrunk_mean,
)

RANKING, RATING, POPULARITY = "ranking", "rating", "popularity"
FACTORS, ITEMS = "factors", "items"
MEAN, MEDIAN = "mean", "median"
GENRES, TAGS, GENRES_LS, TAGS_LS = "genres", "tags", "genres-ls", "tags-ls"
# Weights in the picks' score, relative to the ranking model's score of about 0 to 1.
STARS_WEIGHT = 0.1  # per predicted star above the global mean
GENRES_WEIGHT = 0.3  # of the genre score, which lies between -1 and 1
# Weights in the picks' score where there are item weights, relative to their standardised score.
FACTORS_WEIGHT = 0.4  # of the standardised ranking score
BLENDED_STARS_WEIGHT = 1.0  # per predicted star above the global mean
BLENDED_GENRES_WEIGHT = 5.0  # of the genre score
TINY = 1e-6
SUPPORT_HALF = 40.0  # prior strength of a movie's stars above the global mean, in ratings


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predicted stars and scores of M movies for V visitors.

    `contributions(v, rows)` returns the contribution of each of visitor v's n ratings to the scores
    of these movies, shape (len(rows), n). It is zero if the model does not depend on the ratings.
    """

    stars: Floats  # V by M, not clipped to the data set's scale
    scores: Floats  # V by M; higher is better, and only the order is meaningful
    contributions: Callable[[int, Rows], Doubles]


class Scorer(Protocol):
    """A named model."""

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Return the stars and scores of all movies for each visitor."""


class UnknownModelError(ValueError):
    """No model has that name, or data that it needs is missing; the message lists usable names."""


class ByFactors:
    """Scores by the ranking model, plus small weights of predicted stars and genres."""

    def __init__(self, model: Model) -> None:
        self._rating = RatingFolding(model.rating)
        self._ranking = RankingFolding(model.ranking)
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        self._genres = GenreFolding(movies, model.rating.support, model.ranking.liked)
        # Concatenated, so that one matrix product gives the ranking score plus the genre score.
        self._vectors = np.concatenate(
            [model.ranking.factors, np.float32(GENRES_WEIGHT) * self._genres.vectors], axis=1
        )
        # This part is the same for every visitor: it changes the order but is never a reason.
        typical = self._ranking.score(model.ranking.typical[None])[0]
        self._same_for_all = np.float32(model.ranking.typical_weight) * typical - np.float32(
            STARS_WEIGHT * model.rating.global_mean
        )

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Return weighted sums of the ranking score, the predicted stars and the genre score.

        Contributions are sums with the same weights.
        """
        tastes, matrices = self._rating.fold(visitors)
        ranking_tastes, ranking_matrices = self._ranking.fold(visitors)
        stars = self._rating.predict(tastes)
        leanings = self._genres.fold(visitors)
        scores: Floats = np.concatenate([ranking_tastes, leanings], axis=1) @ self._vectors.T
        scores += np.float32(STARS_WEIGHT) * stars
        scores += self._same_for_all

        def contributions(visitor: int, rows: Rows) -> Doubles:
            by_stars = self._rating.contributions(visitors[visitor], matrices[visitor], rows)
            by_genres = self._genres.contributions(visitors[visitor], rows)
            by_ranking = self._ranking.contributions(ranking_matrices[visitor], rows)
            return by_ranking + STARS_WEIGHT * by_stars + GENRES_WEIGHT * by_genres

        return Predictions(stars, scores, contributions)


class ByItems:
    """Scores by the item weights alone; movies without weights come after all others."""

    def __init__(self, model: Model) -> None:
        self._items = ItemFolding(_items(ITEMS, model), len(model.rating.movie_ids))
        self._movies = _items(ITEMS, model).movies
        self._rating = RatingFolding(model.rating)

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Add up the weights of the rated movies; the stars are those of the rating model."""
        tastes, _ = self._rating.fold(visitors)
        stars = self._rating.predict(tastes)
        own = self._items.score(visitors)
        least = own.min(axis=1, initial=0.0, keepdims=True)
        scores = np.repeat(least - 1, stars.shape[1], axis=1)
        scores[:, self._movies] = own

        def contributions(visitor: int, rows: Rows) -> Doubles:
            return self._items.contributions(visitors[visitor], rows)

        return Predictions(stars, scores, contributions)


class ByRanking:
    """Scores by item weights and the ranking model together, predicted stars and genres.

    The scores of the item weights and those of the ranking model are standardised for each visitor:
    their standard deviation over the movies with weights becomes 1. The more movies a visitor has
    rated, the larger the former; the latter stay between about 0 and 1. A movie without weights
    gets its standardised ranking score in place of the standardised item score.
    """

    def __init__(self, model: Model) -> None:
        items = _items(RANKING, model)
        self._movies = items.movies
        self._items = ItemFolding(items, len(model.rating.movie_ids))
        self._rating = RatingFolding(model.rating)
        self._ranking = RankingFolding(model.ranking)
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        self._genres = GenreFolding(movies, model.rating.support, model.ranking.liked)
        typical = self._ranking.score(model.ranking.typical[None])[0]
        self._typical = np.float32(model.ranking.typical_weight) * typical
        self._mean = np.float32(model.rating.global_mean)
        self._others = np.ones(len(movies), dtype=bool)
        self._others[items.movies] = False

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Return the weighted sums; contributions are sums with the same weights."""
        tastes, matrices = self._rating.fold(visitors)
        ranking_tastes, ranking_matrices = self._ranking.fold(visitors)
        stars = self._rating.predict(tastes)
        items, item_scale = self._standardised(self._items.score(visitors))
        ranking = self._ranking.score(ranking_tastes) + self._typical
        factor_scale = _scale(ranking[:, self._movies])
        ranking -= ranking[:, self._movies].mean(axis=1, keepdims=True)
        ranking /= factor_scale
        scores: Floats = np.float32(FACTORS_WEIGHT) * ranking
        scores[:, self._movies] += items
        scores[:, self._others] += ranking[:, self._others]
        scores += np.float32(BLENDED_STARS_WEIGHT) * (stars - self._mean)
        scores += np.float32(BLENDED_GENRES_WEIGHT) * self._genres.score(
            self._genres.fold(visitors)
        )

        def contributions(visitor: int, rows: Rows) -> Doubles:
            rated = visitors[visitor]
            by_stars = self._rating.contributions(rated, matrices[visitor], rows)
            by_genres = self._genres.contributions(rated, rows)
            by_items = self._items.contributions(rated, rows) / item_scale[visitor, 0]
            by_ranking = self._ranking.contributions(ranking_matrices[visitor], rows)
            weight = FACTORS_WEIGHT + self._others[rows, None]
            return np.asarray(
                by_items
                + weight * by_ranking / factor_scale[visitor, 0]
                + BLENDED_STARS_WEIGHT * by_stars
                + BLENDED_GENRES_WEIGHT * by_genres
            )

        return Predictions(stars, scores, contributions)

    def _standardised(self, scores: Floats) -> tuple[Floats, Floats]:
        scale = _scale(scores)
        return (scores - scores.mean(axis=1, keepdims=True)) / scale, scale


def _scale(scores: Floats) -> Floats:
    """Return the standard deviation of each row, shape (V, 1); 1 where all scores are equal."""
    deviation = scores.std(axis=1, keepdims=True)
    return np.where(deviation > TINY, deviation, 1).astype(np.float32)


class ByRating:
    """Scores by the predicted stars above the global mean, shrunk by the movie's support."""

    def __init__(self, model: Model) -> None:
        self._rating = RatingFolding(model.rating)
        self._mean = np.float32(model.rating.global_mean)
        self._shrinkage = shrinkage_by_support(model)

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Fold the visitors into the rating model; stars, scores and contributions come from it."""
        tastes, matrices = self._rating.fold(visitors)
        stars = self._rating.predict(tastes)

        def contributions(visitor: int, rows: Rows) -> Doubles:
            by_stars = self._rating.contributions(visitors[visitor], matrices[visitor], rows)
            return by_stars * self._shrinkage[rows][:, None]

        return Predictions(stars, (stars - self._mean) * self._shrinkage, contributions)


class ByPopularity:
    """Scores by support, the same for every visitor; the stars are those for the mean taste."""

    def __init__(self, model: Model) -> None:
        self._scores = model.rating.support.astype(np.float32)
        self._stars = RatingFolding(model.rating).predict(_mean_taste(model))[0]

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Return the same stars and scores for each visitor; contributions are zero."""
        return same_for_all(visitors, self._stars, self._scores)


class ByAverage:
    """Scores by given stars, the same for every visitor.

    The score is the stars above the global mean, shrunk by the movie's support. `stars` has one
    number for each of the M movies.
    """

    def __init__(self, model: Model, stars: Floats) -> None:
        self._stars = stars
        self._scores = (stars - np.float32(model.rating.global_mean)) * shrinkage_by_support(model)

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Return the same stars and scores for each visitor; contributions are zero."""
        return same_for_all(visitors, self._stars, self._scores)


class ByProfile:
    """Scores by the stars expected from genre or tag preferences, shrunk by support."""

    def __init__(self, model: Model, folding: ProfileFolding) -> None:
        self._folding = folding
        self._mean = np.float32(model.rating.global_mean)
        self._shrinkage = shrinkage_by_support(model)

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        """Estimate each visitor's genre or tag weights and predict stars from them."""
        by_rating = [self._folding.weight_contributions(rated) for rated in visitors]
        weights = np.stack([each.sum(axis=1) for each in by_rating])
        stars = self._folding.predict(weights)

        def contributions(visitor: int, rows: Rows) -> Doubles:
            return (
                self._folding.contributions(by_rating[visitor], rows)
                * self._shrinkage[rows][:, None]
            )

        return Predictions(stars, (stars - self._mean) * self._shrinkage, contributions)


def same_for_all(visitors: Sequence[RatedMovies], stars: Floats, scores: Floats) -> Predictions:
    """Return the same stars (M) and scores (M) for each visitor; no rating contributes to them."""

    def contributions(visitor: int, rows: Rows) -> Doubles:
        return np.zeros((len(rows), len(visitors[visitor].rows)))

    shape = (len(visitors), len(stars))
    return Predictions(np.broadcast_to(stars, shape), np.broadcast_to(scores, shape), contributions)


def shrinkage_by_support(model: Model) -> Floats:
    """Return the shrinkage factor of each movie, n ÷ (n + 40) for n ratings: M, from 0 to 1."""
    support = model.rating.support.astype(np.float32)
    return support / (support + np.float32(SUPPORT_HALF))


def _mean_taste(model: Model) -> Floats:
    """Return the mean taste, all zeros: 1 by K."""
    width = sum(part.loadings.shape[1] for part in model.rating.parts)
    return np.zeros((1, width), dtype=np.float32)


def profile_folding(name: str, model: Model) -> ProfileFolding:
    """Return the profile folding of a model in PROFILE_NAMES.

    Raises:
        UnknownModelError: if no such model has this name, or `model` lacks its data.
    """
    learning = _PROFILES.get(name)
    if learning is None:
        raise _unknown(f"{name!r} has no profile", PROFILE_NAMES)
    profiles = _profiles(name, model)
    base = shrunk_mean(profiles, model.rating)
    if name in (TAGS, TAGS_LS):
        described, what = by_tags(profiles, base), "tags"
    else:
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        described, what = by_genres(movies, base), "genres"
    if not described.names:
        raise _unknown(f"the data set {model.dataset!r} has no {what}", names_for(model))
    return ProfileFolding(described, learning)


def profile_of(name: str, model: Model, rated: RatedMovies) -> tuple[Weight, ...]:
    """Return the visitor's genre or tag weights by a model in PROFILE_NAMES.

    Raises:
        UnknownModelError: if no such model has this name, or `model` lacks its data.
    """
    return profile_folding(name, model).profile(rated)


def _profiles(name: str, model: Model) -> Profiles:
    if model.profiles is None:
        lacking = f"model {model.model_id!r} was trained without what {name!r} needs"
        raise _unknown(f"{lacking} (train with 'make train')", names_for(model))
    return model.profiles


def _items(name: str, model: Model) -> ItemWeights:
    if model.items is None:
        lacking = f"model {model.model_id!r} was trained without item weights, which {name} needs"
        raise _unknown(f"{lacking} (train with 'make train')", names_for(model))
    return model.items


def _by_ranking(model: Model) -> Scorer:
    """Return the picks' model; that of an older release has no item weights."""
    return ByFactors(model) if model.items is None else ByRanking(model)


def _by_mean(model: Model) -> Scorer:
    return ByAverage(model, _profiles(MEAN, model).mean)


def _by_median(model: Model) -> Scorer:
    return ByAverage(model, _profiles(MEDIAN, model).median)


def _by_profile(model: Model, *, name: str) -> Scorer:
    return ByProfile(model, profile_folding(name, model))


def _by_size(model: Model, *, rank: int) -> Scorer:
    """Return explicit ALS of another rank, folded in like the parts of the rating model."""
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
    RANKING: _by_ranking,
    FACTORS: ByFactors,
    ITEMS: ByItems,
    RATING: ByRating,
    POPULARITY: ByPopularity,
    MEAN: _by_mean,
    MEDIAN: _by_median,
    **{name: partial(_by_profile, name=name) for name in _PROFILES},
    **{f"als-{rank}": partial(_by_size, rank=rank) for rank in ALS_RANKS},
}
MODEL_NAMES = tuple(_MODELS)
OLD = "old"  # the recommender that Marquee replaces
MLLIB = "mllib"  # the ranking model's picks, with ALS fitted by Spark MLlib
EVALUATED = (*MODEL_NAMES, OLD, MLLIB)  # the models that the evaluation compares


def models_named(text: str | None) -> list[str]:
    """Return the model names in a list such as `a,b,c`.

    For an empty list, return all names but MLLIB, which takes longer than all others together.

    Raises:
        UnknownModelError: if a name is unknown; the message lists the valid names.
    """
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in EVALUATED:
            raise UnknownModelError(
                f"there is no model {name!r}: use one or more of {', '.join(EVALUATED)}"
            )
    return list(dict.fromkeys(names)) or [name for name in EVALUATED if name != MLLIB]


def scorer_named(name: str, model: Model) -> Scorer:
    """Return the model of that name.

    Raises:
        UnknownModelError: if there is no such model or `model` lacks its data; the message says
            what is missing.
    """
    if name not in _MODELS:
        raise _unknown(f"there is no model {name!r}", names_for(model))
    return _MODELS[name](model)


def names_for(model: Model) -> tuple[str, ...]:
    """Return the names of the models for which this model folder has all data."""
    has_tags = model.profiles is not None and bool(model.profiles.tag_names)
    has_genres = any(movie.genres for movie in model.movies.values())
    lacking = {
        *(() if model.profiles is not None else (MEAN, MEDIAN, *_PROFILES)),
        *(() if model.items is not None else (ITEMS,)),
        *(() if has_tags else (TAGS, TAGS_LS)),
        *(() if has_genres else (GENRES, GENRES_LS)),
        *(f"als-{rank}" for rank in ALS_RANKS if rank not in model.sizes),
    }
    return tuple(name for name in _MODELS if name not in lacking)


def _unknown(reason: str, names: Sequence[str]) -> UnknownModelError:
    return UnknownModelError(f"{reason}: use one of {', '.join(names)}")
