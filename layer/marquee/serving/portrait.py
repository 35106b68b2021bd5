"""Describe how a model sees a visitor: preferences, surprises, place on the map, certainty.

This module uses only the standard library and numpy. docs/model.md gives the formulas and explains
the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marquee.recommender.fold_in import Doubles, RatedMovies, Rows, fold_in_matrix, rated_from
from marquee.recommender.model import Floats, GaussianFactors, Integers, Model
from marquee.recommender.scorers import (
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
from marquee.recommender.taste_weights import (
    MovieTraits,
    ProfileFolding,
    Weight,
    by_genres,
    by_tags,
    shrunk_mean,
)

SURPRISES = 10
MOST_WEIGHTS = 40  # most genres or tags in a portrait, those with the largest absolute weights
FAMOUS = 200  # most rated movies, after which an axis may be named
ENDS = 3  # movies that name each end of an axis
ON_THE_MAP = 40  # movies on the map
RATED_ON_THE_MAP = 25  # most movies on the map that the visitor has rated
FADING = 20.0  # prior strength of a movie's place on the map, in ratings

_SAME_FOR_ALL = frozenset(
    {POPULARITY, MEAN, MEDIAN}
)  # the models that are the same for every visitor
# For each model of genres or tags, the models that estimate its genre and tag weights.
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
    """A rating far from the movie's mean."""

    movie_id: int
    stars: float  # the visitor's
    everyone: float  # the movie's mean stars
    expected: float  # predicted stars, given all of the visitor's ratings, this one included

    @property
    def difference(self) -> float:
        """The visitor's stars minus the movie's mean."""
        return self.stars - self.everyone


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of the map, named after the popular movies at its two ends."""

    low: tuple[str, ...]  # titles, the farthest out first
    high: tuple[str, ...]

    @property
    def name(self) -> str:
        """The outermost titles of both ends, low end first, such as `Heat or Clueless`."""
        return f"{self.low[0]} or {self.high[0]}"


@dataclass(frozen=True, slots=True)
class Point:
    """A movie on the map."""

    movie_id: int
    x: float
    y: float
    stars: float | None  # the visitor's; None if not rated


@dataclass(frozen=True, slots=True)
class TasteMap:
    """A map of the two directions in which tastes differ most.

    Coordinates are in standard deviations from the middle.
    """

    axes: tuple[Axis, Axis]
    x: float  # the visitor's estimated place
    y: float
    spread: float  # standard deviation of that place; 1 before the first rating
    movies: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Certainty:
    """How certain a model is about a visitor.

    `share` is how much of the variance of a new visitor's predicted stars the ratings have removed.
    """

    share: float  # from 0 to 1
    stars_error: float  # expected error of predicted stars: root mean square, in stars


@dataclass(frozen=True, slots=True)
class Portrait:
    """How a model sees a visitor; parts that the model cannot compute are empty or None."""

    rated: int  # rated movies that the model knows
    genres: tuple[Weight, ...]  # greatest first
    tags: tuple[Weight, ...]  # greatest first
    tags_note: str | None  # the reason if there are no tags
    surprises: tuple[Surprise, ...]
    map: TasteMap | None
    certainty: Certainty | None


class Portraitist:
    """Computes portraits of visitors with the models of a model folder."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._folded: dict[str, _Folded] = {}
        self._profiles: dict[str, ProfileFolding] = {}

    def portrait(self, name: str, ratings: Mapping[int, float], expected: Floats) -> Portrait:
        """Return the portrait of a visitor by the model of that name.

        Args:
            name: a name in `marquee.recommender.scorers.names_for(model)`.
            ratings: the visitor's stars by movie_id.
            expected: the stars that this model predicts for the visitor for all M movies
                (`Recommender.predict`).
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
        """Return the folding of the model of that name; None if the model has no factors."""
        if name not in self._folded:
            if name in (RANKING, RATING):
                parts = self._model.rating.parts
            elif name.startswith("als-"):
                parts = (self._model.sizes[int(name.removeprefix("als-"))],)
            else:
                return None
            self._folded[name] = _Folded(self._model, parts)
        return self._folded[name]

    def _weights(
        self, name: str, kind: str, rated: RatedMovies, expected: Floats
    ) -> tuple[Weight, ...]:
        """Return the visitor's heaviest weights of genres or tags (`kind`), greatest first.

        Models of genres or tags have weights. For the others the weights are derived from the
        predicted stars.
        """
        described = self._described[kind]
        if name in _SAME_FOR_ALL or not described.names:
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
        if name in _SAME_FOR_ALL:
            return f"The {name} model is the same for everyone."
        if self._model.profiles is None:
            return "This model was trained without tags; it needs to be trained again."
        if not self._described[TAGS].names:
            return f"The data set {self._model.dataset} has no tags."
        return None

    def _surprises(self, rated: RatedMovies, expected: Floats) -> tuple[Surprise, ...]:
        found = [
            Surprise(int(movie_id), float(stars), float(everyone), float(predicted))
            for movie_id, stars, everyone, predicted in zip(
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
        """The groups of movies by genres and by tags, under the keys GENRES and TAGS."""
        model = self._model
        movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
        genres = by_genres(movies, self._base)
        none = MovieTraits((), np.zeros((len(movies), 0), dtype=np.float32), self._base)
        tags = none if model.profiles is None else by_tags(model.profiles, self._base)
        return {
            kind: _Groups(each, model.rating.support)
            for kind, each in ((GENRES, genres), (TAGS, tags))
        }

    @cached_property
    def _everyone(self) -> Doubles:
        """Mean stars of each movie, M; predicted stars for the mean taste if there are no means."""
        profiles = self._model.profiles
        if profiles is not None:
            return profiles.mean.astype(np.float64)
        return np.mean([part.offset for part in self._model.rating.parts], axis=0, dtype=np.float64)

    @cached_property
    def _base(self) -> Doubles:
        """Shrunk mean of each movie, M; as `_everyone` if there are no means."""
        profiles = self._model.profiles
        return self._everyone if profiles is None else shrunk_mean(profiles, self._model.rating)


class _Groups:
    """The movies by genre or tag, to derive weights from a model without genres and tags."""

    def __init__(self, described: MovieTraits, support: Integers) -> None:
        self.names, self._base, self._support = described.names, described.base, support
        self._has = described.average > 0
        # Few movies have any one tag, so sums run over the pairs of movie and tag only.
        self._rows, self._columns = np.nonzero(self._has)
        self._people = np.maximum(self._summed(np.ones(len(support))), 1)

    def leads(self, rated: RatedMovies, expected: Floats) -> tuple[Weight, ...]:
        """Return a weight for each genre or tag of the visitor's rated movies.

        A movie's lead is its predicted stars minus its shrunk mean. The weight is the average lead
        of the movies of the genre, minus the average lead of all movies. Movies count in
        proportion to their support.
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
        """Return, for each group, the sum of its movies' values times their support: T."""
        weighted = (values * self._support)[self._rows]
        return np.bincount(self._columns, weights=weighted, minlength=len(self.names))


class _Folded:
    """Fold-in of a visitor into the parts of a model with factors, for map and certainty.

    K is the rank of a part.
    """

    def __init__(self, model: Model, parts: Sequence[GaussianFactors]) -> None:
        self._model, self._noise = model, model.rating.noise
        # The test RMSE is measured on users with many ratings, so the error that it shows is not
        # due to a lack of ratings: more ratings do not remove it.
        measured = model.metrics.get("test_rmse")
        self._unexplained = max(self._noise, 0.0 if measured is None else measured**2)
        self._offsets = [part.offset for part in parts]
        self._loadings = [part.loadings for part in parts]
        self._ones = [np.ones(part.loadings.shape[1]) for part in parts]
        support = model.rating.support.astype(np.float64)
        self._watched = support / support.sum()
        # K by K per part. With the covariance S of a taste, the sum of importance * S is the
        # variance of predicted stars, averaged over the movies that people watch.
        self._importance = [self._second_moment(loadings) for loadings in self._loadings]

    def certainty_of(self, rated: RatedMovies) -> Certainty:
        """Return how certain the model is about a visitor with these ratings."""
        before = sum(np.trace(importance) for importance in self._importance)
        after = sum(
            np.sum(importance * self._unknown(rated, number))
            for number, importance in enumerate(self._importance)
        )
        variance = after / len(self._importance) + self._unexplained
        share = 1 - after / before if before else 0.0
        return Certainty(share=float(np.clip(share, 0, 1)), stars_error=float(variance**0.5))

    def map_of(self, rated: RatedMovies) -> TasteMap | None:
        """Return the map of the first part with the visitor's place on it.

        None if the first part has fewer than two factors.
        """
        if self._axes is None:
            return None
        place = self._fold_in(rated, 0) @ (rated.stars - self._offsets[0][rated.rows])
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
        """Return the sum over movies of popularity share times loadings ⊗ loadings: K by K."""
        weighted = (loadings * self._watched[:, None].astype(np.float32)).T
        return np.asarray(weighted @ loadings, dtype=np.float64)

    def _fold_in(self, rated: RatedMovies, part: int) -> Doubles:
        """Return the fold-in matrix of this part, K by n."""
        own = self._loadings[part][rated.rows].astype(np.float64)
        return fold_in_matrix(own, self._ones[part], self._noise)

    def _unknown(self, rated: RatedMovies, part: int) -> Doubles:
        """Return the covariance of the visitor's taste, given the ratings: K by K.

        Before the first rating it is the identity.
        """
        own = self._loadings[part][rated.rows].astype(np.float64)
        return np.eye(own.shape[1]) - self._fold_in(rated, part) @ own

    @cached_property
    def _axes(self) -> Doubles | None:
        """The two directions in which watched movies differ most, as unit vectors: K by 2."""
        centred = self._centred
        if centred.shape[1] < 2:  # noqa: PLR2004 - a map has two dimensions
            return None
        _, directions = np.linalg.eigh(self._second_moment(centred))
        axes = directions[:, :-3:-1]
        # Eigenvectors have an arbitrary sign. Placing the most rated movie at the top right keeps
        # the map the same way round after each training.
        known = centred[np.argmax(self._watched)] @ axes
        return np.asarray(axes * np.where(known < 0, -1.0, 1.0), dtype=np.float64)

    @cached_property
    def _centred(self) -> Floats:
        """The loadings minus their mean over the watched movies: M by K."""
        loadings = self._loadings[0]
        return np.asarray(loadings - self._watched @ loadings, dtype=np.float32)

    @cached_property
    def _places(self) -> Doubles:
        """The movies' places on the map, M by 2, in standard deviations of the watched movies.

        They are shrunk towards the middle by support.
        """
        axes = self._axes
        assert axes is not None  # noqa: S101 - asked for by those who have axes
        places = self._centred @ axes
        deviation = np.sqrt(self._watched @ places**2)
        support = self._model.rating.support[:, None]
        shrinkage = support / (support + FADING)
        return np.asarray(places / np.where(deviation > 0, deviation, 1) * shrinkage)

    @cached_property
    def _famous(self) -> Rows:
        """Rows of the FAMOUS most rated movies, most rated first."""
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

    def _points(self, rated: RatedMovies) -> tuple[Point, ...]:
        """Return the visitor's most popular rated movies, then the most popular others."""
        rating = self._model.rating
        stars = dict(zip(rated.rows.tolist(), rated.stars.tolist(), strict=True))
        rated_rows = sorted(stars, key=lambda row: (-rating.support[row], row))[:RATED_ON_THE_MAP]
        others = [row for row in self._famous.tolist() if row not in stars]
        rows = [*rated_rows, *others][:ON_THE_MAP]
        return tuple(
            Point(int(rating.movie_ids[row]), x, y, stars.get(row))
            for row, (x, y) in zip(rows, self._places[rows].tolist(), strict=True)
        )
