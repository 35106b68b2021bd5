"""How a model sees a visitor: what she likes, where she differs, where she stands, how surely.

Standard library and numpy only. The formulas and what their figures mean: docs/model.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marquee.fold_in import Doubles, Rated, Rows, pull, rated_from
from marquee.model import Floats, GaussianFactors, Integers, Model
from marquee.profiling import Described, ProfileFolding, Weight, by_genres, by_tags, damped_mean
from marquee.scoring import (
    GENRES,
    GENRES_LS,
    MEAN,
    MEDIAN,
    POPULARITY,
    RANKING,
    RATING,
    TAGS,
    TAGS_LS,
    profile_folding,
)

SURPRISES = 10
MOST_WEIGHTS = 40  # genres or tags that are told, the heaviest
FAMOUS = 200  # most rated movies that an axis may be named after
ENDS = 3  # movies at each end of an axis
ON_THE_MAP = 40  # movies
RATED_ON_THE_MAP = 25  # of these, those of hers that most people rated
FADING = 20.0  # ratings at which a movie is believed to be half as far out as its loadings say

_ALIKE = frozenset({POPULARITY, MEAN, MEDIAN})  # these see everybody alike
# Where genres and tags come from in the models that learn nothing else.
_COUNTING = {GENRES: GENRES, TAGS: TAGS}
_LEAST_SQUARES = {GENRES: GENRES_LS, TAGS: TAGS_LS}
_LEARNERS: Mapping[str, Mapping[str, str]] = {
    GENRES: _COUNTING,
    TAGS: _COUNTING,
    GENRES_LS: _LEAST_SQUARES,
    TAGS_LS: _LEAST_SQUARES,
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """A movie that she rated unlike everyone."""

    movie_id: int
    stars: float
    everyone: float  # mean stars
    expected: float  # stars, of her by the model, now that it knows her ratings

    @property
    def difference(self) -> float:
        return self.stars - self.everyone


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction of taste, told by the famous movies farthest out."""

    low: tuple[str, ...]  # titles, the farthest out first
    high: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.low[0]} or {self.high[0]}"


@dataclass(frozen=True, slots=True)
class Point:
    """A movie on the map."""

    movie_id: int
    x: float
    y: float
    stars: float | None  # hers


@dataclass(frozen=True, slots=True)
class TasteMap:
    """The two directions in which tastes differ most, in standard deviations from the middle."""

    axes: tuple[Axis, Axis]
    x: float  # where the visitor is thought to be
    y: float
    spread: float  # how far off that may be, as a standard deviation; 1 of whom nothing is known
    movies: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Certainty:
    """How much a model knows of her."""

    share: float  # from 0 to 1: of what it does not know of a new visitor
    stars_error: float  # by which a rating of hers is expected to differ from what was predicted


@dataclass(frozen=True, slots=True)
class Portrait:
    """How a model sees a visitor; what it cannot tell is empty or None."""

    rated: int
    genres: tuple[Weight, ...]
    tags: tuple[Weight, ...]
    tags_note: str | None  # why there are no tags
    surprises: tuple[Surprise, ...]
    map: TasteMap | None
    certainty: Certainty | None


class Portraitist:
    """Portrays visitors by the models of a model folder."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._folded: dict[str, _Folded] = {}
        self._profiles: dict[str, ProfileFolding] = {}

    def portrait(self, name: str, ratings: Mapping[int, float], expected: Floats) -> Portrait:
        """How the model of that name, one that the folder has, sees a visitor.

        `expected` are the stars that it expects of her for all M movies (`Recommender.predict`).
        """
        rated = rated_from(ratings, self._model.rating.rows)
        folded = self._folding(name)
        return Portrait(
            rated=len(rated.rows),
            genres=self._weights(name, GENRES, rated, expected),
            tags=self._weights(name, TAGS, rated, expected),
            tags_note=self._tags_note(name),
            surprises=self._surprises(rated, expected),
            map=None if folded is None else folded.map_of(rated),
            certainty=None if folded is None else folded.certainty_of(rated),
        )

    def _folding(self, name: str) -> "_Folded | None":
        """What a visitor is folded into; None where the model has no factors."""
        if name not in self._folded:
            if name in (RANKING, RATING):
                parts = self._model.rating.parts
            elif name.startswith("als-"):
                parts = (self._model.sizes[int(name.removeprefix("als-"))],)
            else:
                return None
            self._folded[name] = _Folded(self._model, parts)
        return self._folded[name]

    def _weights(self, name: str, kind: str, rated: Rated, expected: Floats) -> tuple[Weight, ...]:
        """What she gives genres or tags beyond the movies' means, the greatest first."""
        described = self._described[kind]
        if name in _ALIKE or not described.names:
            return ()
        if name in _LEARNERS:
            found = self._profile(_LEARNERS[name][kind]).profile(rated)
        else:
            found = described.leads(rated, expected)
        heaviest = sorted(found, key=lambda each: (-abs(each.stars), each.name))[:MOST_WEIGHTS]
        return tuple(sorted(heaviest, key=lambda each: (-each.stars, each.name)))

    def _profile(self, name: str) -> ProfileFolding:
        if name not in self._profiles:
            self._profiles[name] = profile_folding(name, self._model)
        return self._profiles[name]

    def _tags_note(self, name: str) -> str | None:
        if name in _ALIKE:
            return f"The model {name} sees everybody alike."
        if self._model.profiles is None:
            return "This model was trained without tags; train it again."
        if not self._described[TAGS].names:
            return f"The data set {self._model.dataset} has no tags."
        return None

    def _surprises(self, rated: Rated, expected: Floats) -> tuple[Surprise, ...]:
        found = [
            Surprise(int(movie_id), float(stars), float(everyone), float(hers))
            for movie_id, stars, everyone, hers in zip(
                self._model.rating.movie_ids[rated.rows],
                rated.stars,
                self._everyone[rated.rows],
                expected[rated.rows],
                strict=True,
            )
        ]
        found.sort(key=lambda each: (-abs(each.difference), each.movie_id))
        return tuple(found[:SURPRISES])

    @cached_property
    def _described(self) -> Mapping[str, "_Groups"]:
        """The movies by their genres and by their tags."""
        model = self._model
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        genres = by_genres(movies, self._base)
        none = Described((), np.zeros((len(movies), 0), dtype=np.float32), self._base)
        tags = none if model.profiles is None else by_tags(model.profiles, self._base)
        return {
            kind: _Groups(each, model.rating.support)
            for kind, each in ((GENRES, genres), (TAGS, tags))
        }

    @cached_property
    def _everyone(self) -> Doubles:
        """Mean stars of each movie; what is expected of anybody where the model has no means."""
        profiles = self._model.profiles
        if profiles is not None:
            return profiles.mean.astype(np.float64)
        return np.mean([part.offset for part in self._model.rating.parts], axis=0, dtype=np.float64)

    @cached_property
    def _base(self) -> Doubles:
        profiles = self._model.profiles
        return self._everyone if profiles is None else damped_mean(profiles, self._model.rating)


class _Groups:
    """The movies by genres or tags, for models that know neither."""

    def __init__(self, described: Described, support: Integers) -> None:
        self.names, self._base, self._support = described.names, described.base, support
        self._has = described.average > 0
        # Few movies have any one tag: only those pairs are gone through.
        self._rows, self._columns = np.nonzero(self._has)
        self._people = np.maximum(self._summed(np.ones(len(support))), 1)

    def leads(self, rated: Rated, expected: Floats) -> tuple[Weight, ...]:
        """What a model expects her to give the movies of a genre beyond their means and her own.

        Movies count by how many people rated them. Of the genres or tags of movies that she rated.
        """
        lead = expected - self._base
        own = np.average(lead, weights=self._support)
        stars = self._summed(lead - own) / self._people
        counts = self._has[rated.rows].sum(axis=0)
        return tuple(
            Weight(name, float(each), int(count))
            for name, each, count in zip(self.names, stars, counts, strict=True)
            if count
        )

    def _summed(self, values: Doubles) -> Doubles:
        """The values of each group's movies, times the movies' ratings, added up: T."""
        weighted = (values * self._support)[self._rows]
        return np.bincount(self._columns, weights=weighted, minlength=len(self.names))


class _Folded:
    """What a model with factors knows of a visitor: her place, and how surely she is there."""

    def __init__(self, model: Model, parts: Sequence[GaussianFactors]) -> None:
        self._model, self._noise = model, model.rating.noise
        # Whoever was measured on was well known: what was wrong then was no lack of ratings.
        measured = model.metrics.get("test_rmse")
        self._unexplained = max(self._noise, 0.0 if measured is None else measured**2)
        self._offsets = [part.offset for part in parts]
        self._loadings = [part.loadings for part in parts]
        self._ones = [np.ones(part.loadings.shape[1]) for part in parts]
        support = model.rating.support.astype(np.float64)
        self._watched = support / support.sum()
        # What a movie's stars vary by, over visitors, of the movies that people watch.
        self._importance = [self._second_moment(loadings) for loadings in self._loadings]

    def certainty_of(self, rated: Rated) -> Certainty:
        before = sum(np.trace(importance) for importance in self._importance)
        after = sum(
            np.sum(importance * self._unknown(rated, number))
            for number, importance in enumerate(self._importance)
        )
        variance = after / len(self._importance) + self._unexplained
        share = 1 - after / before if before else 0.0
        return Certainty(share=float(np.clip(share, 0, 1)), stars_error=float(variance**0.5))

    def map_of(self, rated: Rated) -> TasteMap | None:
        """Where she is on the map of the first part; None where its movies do not spread so far."""
        if self._axes is None:
            return None
        place = self._pull(rated, 0) @ (rated.stars - self._offsets[0][rated.rows])
        x, y = place @ self._axes
        unknown = np.sum(self._axes * (self._unknown(rated, 0) @ self._axes), axis=0)
        return TasteMap(
            axes=self._named,
            x=float(x),
            y=float(y),
            spread=float(np.sqrt(unknown.mean())),
            movies=self._points(rated),
        )

    def _second_moment(self, loadings: Floats) -> Doubles:
        weighted = (loadings * self._watched[:, None].astype(np.float32)).T
        return np.asarray(weighted @ loadings, dtype=np.float64)

    def _pull(self, rated: Rated, part: int) -> Doubles:
        own = self._loadings[part][rated.rows].astype(np.float64)
        return pull(own, self._ones[part], self._noise)

    def _unknown(self, rated: Rated, part: int) -> Doubles:
        """The covariance of her taste, given her ratings: K by K, the identity before any."""
        own = self._loadings[part][rated.rows].astype(np.float64)
        return np.eye(own.shape[1]) - self._pull(rated, part) @ own

    @cached_property
    def _axes(self) -> Doubles | None:
        """The two directions in which watched movies spread most: K by 2, of length one."""
        centred = self._centred
        if centred.shape[1] < 2:  # noqa: PLR2004 - a map has two dimensions
            return None
        _, directions = np.linalg.eigh(self._second_moment(centred))
        axes = directions[:, :-3:-1]
        # The most rated movie is on the right and at the top: the same map after each training.
        known = centred[np.argmax(self._watched)] @ axes
        return np.asarray(axes * np.where(known < 0, -1.0, 1.0), dtype=np.float64)

    @cached_property
    def _centred(self) -> Floats:
        loadings = self._loadings[0]
        return np.asarray(loadings - self._watched @ loadings, dtype=np.float32)

    @cached_property
    def _places(self) -> Doubles:
        """Where the movies are: M by 2, in standard deviations of those that people watch."""
        axes = self._axes
        assert axes is not None  # noqa: S101 - asked for by those who have axes
        places = self._centred @ axes
        deviation = np.sqrt(self._watched @ places**2)
        support = self._model.rating.support[:, None]
        believed = support / (support + FADING)
        return np.asarray(places / np.where(deviation > 0, deviation, 1) * believed)

    @cached_property
    def _famous(self) -> Rows:
        rating = self._model.rating
        return np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))[:FAMOUS]

    @cached_property
    def _named(self) -> tuple[Axis, Axis]:
        return self._axis(0), self._axis(1)

    def _axis(self, number: int) -> Axis:
        ordered = self._famous[np.argsort(self._places[self._famous, number], kind="stable")]
        return Axis(low=self._titles(ordered[:ENDS]), high=self._titles(ordered[::-1][:ENDS]))

    def _titles(self, rows: Rows) -> tuple[str, ...]:
        ids = self._model.rating.movie_ids[rows].tolist()
        return tuple(self._model.movies[movie_id].title for movie_id in ids)

    def _points(self, rated: Rated) -> tuple[Point, ...]:
        """Movies of hers, and the most famous others."""
        rating = self._model.rating
        stars = dict(zip(rated.rows.tolist(), rated.stars.tolist(), strict=True))
        hers = sorted(stars, key=lambda row: (-rating.support[row], row))[:RATED_ON_THE_MAP]
        others = [row for row in self._famous.tolist() if row not in stars]
        rows = [*hers, *others][:ON_THE_MAP]
        return tuple(
            Point(int(rating.movie_ids[row]), x, y, stars.get(row))
            for row, (x, y) in zip(rows, self._places[rows].tolist(), strict=True)
        )
