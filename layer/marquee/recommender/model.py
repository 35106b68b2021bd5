"""The parts of a model, checked when they are made: shapes, finite numbers, order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

LIKED = 4.0  # stars from which a rating counts as liking the movie
# Prior strengths, in ratings.
MOVIE_PRIOR_STRENGTH = 10.0  # of a movie's bias
USER_PRIOR_STRENGTH = 5.0  # of a user's bias

type Floats = npt.NDArray[np.float32]
type Integers = npt.NDArray[np.int32]
type ProfileCounts = npt.NDArray[np.uint8]
type Halves = npt.NDArray[np.float16]


class ModelError(ValueError):
    """The model folder is missing, half-written, damaged or of a newer format."""


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """A movie's place in its series."""

    series: str  # the name of the series
    number: int  # from 1; the one in the title, if the title has one


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie as visitors see it.

    `alternative_titles` is empty if the data set has none for the movie. `part` is None if the
    movie is not known to be a part of a series, and in a model that was not read from a folder.
    """

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    alternative_titles: tuple[str, ...] = ()
    part: SeriesPart | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Movies that continue each other, such as the parts of The Godfather."""

    name: str  # as the first words of a part's title write it
    movie_ids: tuple[int, ...]  # of the parts, in the order of release; at least two


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of a model's training data; `users` includes the visitors."""

    users: int
    movies: int
    ratings: int
    visitors: int


@dataclass(frozen=True, eq=False)
class GaussianFactors:
    """An ALS model prepared for fold-in, with a Gaussian prior for a visitor's taste.

    The predicted stars of a visitor with taste z (K numbers) are `offset + loadings @ z`. Before
    the visitor's first rating, z has the standard normal distribution (docs/model.md).
    """

    offset: Floats  # M, stars
    loadings: Floats  # M by K, stars

    @property
    def rank(self) -> int:
        """The number of factors, K."""
        return int(self.loadings.shape[1])

    def with_loadings(self, more: Floats) -> Self:
        """Return the factors with further coordinates of taste, whose loadings are M by any."""
        return replace(self, loadings=np.concatenate([self.loadings, more], axis=1))


@dataclass(frozen=True, eq=False)
class RatingModel:
    """The rating model: its predicted stars are the mean of its parts' predictions.

    All arrays have M movies in the order of `movie_ids`.

    Raises:
        ModelError: if shapes do not match, `movie_ids` is empty or not ascending, a number is not
            finite, or the noise is not positive.
    """

    movie_ids: Integers  # M, ascending
    support: Integers  # M, number of ratings in training
    parts: tuple[GaussianFactors, ...]
    noise: float  # variance of a rating around its prediction, squared stars
    global_mean: float  # stars
    lowest: float  # lowest and highest stars of the data set's scale
    highest: float

    def __post_init__(self) -> None:
        movies = self.movie_ids.shape[0]
        if not movies or bool(np.any(np.diff(self.movie_ids) <= 0)):
            raise ModelError("movie_ids is empty or not ascending; train again")
        check_shape("support", self.support, (movies,))
        if not self.parts:
            raise ModelError("the rating model has no parts; train again")
        for number, part in enumerate(self.parts):
            check_shape(f"offset {number}", part.offset, (movies,))
            check_shape(f"loadings {number}", part.loadings, (movies, part.loadings.shape[-1]))
        check_finite(
            *(array for part in self.parts for array in (part.offset, part.loadings)),
            np.array(self.scalars()),
        )
        if self.noise <= 0:
            raise ModelError(f"the noise of the rating model is {self.noise}; train again")

    def scalars(self) -> tuple[float, float, float, float]:
        """Return noise, global mean, lowest and highest stars, in the order of the .npz file."""
        return self.noise, self.global_mean, self.lowest, self.highest

    @cached_property
    def loadings(self) -> Floats:
        """The loadings of all parts, concatenated so that one matrix product covers all parts.

        The shape is M by the sum of the parts' ranks.
        """
        return np.concatenate([part.loadings for part in self.parts], axis=1)

    @cached_property
    def rows(self) -> dict[int, int]:
        """The row of each movie_id in the arrays."""
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}


@dataclass(frozen=True, eq=False)
class RankingModel:
    """The ranking model: implicit ALS over liked movies (Hu, Koren, Volinsky 2008).

    The factors V are rotated so that VᵀV is diagonal, with `energy` on its diagonal. Fold-in then
    needs no K by K matrix.

    Raises:
        ModelError: if shapes do not match or a number is not finite.
    """

    factors: Floats  # M by K, in the order of the rating model's movie_ids; 0 if nobody liked it
    energy: Floats  # K
    typical: Floats  # K, mean of the users' factors; stands for a visitor without liked movies
    typical_weight: float  # weight of the typical user's scores, which are added to all scores
    confidence: float  # alpha: a liked movie has confidence 1 + alpha, any other movie 1
    regularisation: float  # lambda of ALS-WR, which multiplies it by the number of liked movies
    liked: float  # stars from which a movie counts as liked

    def __post_init__(self) -> None:
        rank = self.factors.shape[-1]
        check_shape("ranking factors", self.factors, (self.factors.shape[0], rank))
        check_shape("energy", self.energy, (rank,))
        check_shape("typical", self.typical, (rank,))
        check_finite(self.factors, self.energy, self.typical, np.array(self.scalars()))

    def scalars(self) -> tuple[float, float, float, float]:
        """Return the four numbers that are not arrays, in the order of the .npz file."""
        return self.typical_weight, self.confidence, self.regularisation, self.liked


@dataclass(frozen=True, eq=False)
class SeenModel:
    """A factor model of which questionnaire movies a visitor has seen.

    The probability that a visitor has seen the movies is `chance + loadings @ z`. Before the
    first answer, z has the standard normal distribution (docs/model.md).

    Raises:
        ModelError: if shapes do not match, a number is not finite, or a noise is not positive.
    """

    movie_ids: Integers  # Q, most rated first
    chance: Floats  # Q, mean probability that a user has seen the movie, from 0 to 1
    loadings: Floats  # Q by R
    noise: Floats  # Q, variance of having seen the movie (0 or 1) around its prediction

    def __post_init__(self) -> None:
        count = self.movie_ids.shape[0]
        check_shape("chance", self.chance, (count,))
        check_shape("seen loadings", self.loadings, (count, self.loadings.shape[-1]))
        check_shape("seen noise", self.noise, (count,))
        check_finite(self.chance, self.loadings, self.noise)
        if bool(np.any(self.noise <= 0)):
            raise ModelError("the noise of the seen model is not positive; train again")


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """Item-to-item weights (EDLAE): row i has what liking movie i adds to others' scores.

    Without `columns`, each row has a weight for each of the W movies. With them, row i has the
    weights from `starts[i]` to `starts[i + 1]`, for the movies in `columns`; all others are 0.

    Raises:
        ModelError: if shapes do not match, a number is not finite, or an order is wrong.
    """

    movies: Integers  # W, ascending rows of the rating model's arrays
    weights: Halves  # W by W, or N
    starts: npt.NDArray[np.int64] | None = None  # W + 1
    columns: npt.NDArray[np.uint16] | None = None  # N, places in `movies`

    def __post_init__(self) -> None:
        count = len(self.movies)
        if bool(np.any(np.diff(self.movies) <= 0)):
            raise ModelError("the movies of the item weights are not ascending; train again")
        if self.columns is None or self.starts is None:
            check_shape("item weights", self.weights, (count, count))
        else:
            check_shape("starts of the item weights", self.starts, (count + 1,))
            check_shape("columns of the item weights", self.columns, self.weights.shape)
            ends = (int(self.starts[0]), int(self.starts[-1]))
            if ends != (0, len(self.weights)) or bool(np.any(np.diff(self.starts) < 0)):
                raise ModelError("the rows of the item weights do not fit together; train again")
            if int(self.columns.max(initial=0)) >= max(count, 1):
                raise ModelError("the item weights name movies that do not exist; train again")
        check_finite(self.weights)

    def row(self, place: int) -> Floats:
        """Return the row of one movie, given by its place in `movies`: W."""
        return self.combined(np.array([place]), np.ones(1, dtype=np.float32))

    def combined(self, places: npt.NDArray[np.intp], factors: Floats) -> Floats:
        """Return the sum of the rows of n movies, each times its factor: W.

        Args:
            places: the movies' places in `movies`, n.
            factors: n.
        """
        if self.columns is None or self.starts is None:
            return factors @ self.weights[places].astype(np.float32)
        at, number = _stored(self.starts, places)
        added = self.weights[at].astype(np.float32) * factors[number]
        summed = np.bincount(self.columns[at], added, minlength=len(self.movies))
        return summed.astype(np.float32)

    def between(self, places: npt.NDArray[np.intp], others: npt.NDArray[np.intp]) -> Floats:
        """Return the weights from n movies to k distinct others, all given by their places: n by k.

        A negative place in `others` stands for a movie without weights: its column is 0.
        """
        found = np.zeros((len(places), len(others)), dtype=np.float32)
        known = np.flatnonzero(others >= 0)
        if self.columns is None or self.starts is None:
            found[:, known] = self.weights[places[:, None], others[known]]
            return found
        column = np.full(len(self.movies), -1, dtype=np.intp)  # in `found`, by place
        column[others[known]] = known
        at, number = _stored(self.starts, places)
        to = column[self.columns[at]]
        found[number[to >= 0], to[to >= 0]] = self.weights[at[to >= 0]]
        return found


def _stored(
    starts: npt.NDArray[np.int64], places: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where the weights of some rows are stored, and the number of the row of each."""
    counts = starts[places + 1] - starts[places]
    number = np.repeat(np.arange(len(places)), counts)
    within = np.arange(len(number)) - (np.cumsum(counts) - counts)[number]
    return starts[places][number] + within, number


@dataclass(frozen=True, eq=False)
class Profiles:
    """Mean stars, median stars and tag counts of each movie.

    Arrays are in the order of the rating model's movie_ids. A data set without tags has no tag
    names.

    Raises:
        ModelError: if shapes do not match, a number is not finite, or tag counts are missing.
    """

    mean: Floats  # M, stars
    median: Floats  # M, stars
    tag_names: tuple[str, ...] = ()  # T, most used first
    tag_people: ProfileCounts | None = (
        None  # M by T, number of people who gave the tag, at most 255
    )

    def __post_init__(self) -> None:
        movies = self.mean.shape[0]
        check_shape("mean", self.mean, (movies,))
        check_shape("median", self.median, (movies,))
        check_finite(self.mean, self.median)
        if self.tag_people is not None:
            check_shape("tags", self.tag_people, (movies, len(self.tag_names)))
        elif self.tag_names:
            raise ModelError("the tags have names but no counts; train again")


@dataclass(frozen=True, slots=True)
class LikedShareCalibration:
    """Turns the margin of a pick into the probability that the visitor likes it.

    The probability is 1 ÷ (1 + exp(−intercept − slope · margin)) (Platt 1999); docs/model.md
    defines the margin.

    Raises:
        ModelError: if a number is not finite.
    """

    intercept: float
    slope: float

    def __post_init__(self) -> None:
        check_finite(np.array([self.intercept, self.slope]))


def check_shape(name: str, array: npt.NDArray[Any], wanted: tuple[int, ...]) -> None:
    """Raise ModelError, with `name` in its message, unless the array has the wanted shape."""
    if array.shape != wanted:
        raise ModelError(f"{name} has shape {array.shape}, not {wanted}; train again")


def check_finite(*arrays: npt.NDArray[Any]) -> None:
    """Raise ModelError if one of the arrays contains a NaN or an infinity."""
    if not all(bool(np.isfinite(array).all()) for array in arrays):
        raise ModelError("the model contains numbers that are not finite; train again")


@dataclass(frozen=True, eq=False)
class Model:
    """The contents of a model folder, without the files in BESIDE_FILE_NAMES."""

    model_id: str
    dataset: str
    trained_at: str
    counts: Counts
    rating: RatingModel
    ranking: RankingModel
    movies: Mapping[int, Movie]
    questionnaire: tuple[int, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seen: SeenModel | None = None
    profiles: Profiles | None = None
    sizes: Mapping[int, GaussianFactors] = field(default_factory=dict)  # explicit ALS by rank
    items: ItemWeights | None = None  # None in models of older releases
    data_version: str = ""  # of the data set; empty in models of releases without data versions
    series: tuple[Series, ...] = ()  # empty in models of older releases
    # None in models of older releases, and where too few held-out ratings are of picks.
    liked_share: LikedShareCalibration | None = None
