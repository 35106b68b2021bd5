"""Choose a visitor's picks by score, and the reasons of each pick."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, pairwise

import numpy as np
import numpy.typing as npt

from marquee.contracts import PICKS, Pick
from marquee.recommender.fold_in import Doubles, RatedMovies, Rows, rated_from
from marquee.recommender.model import LIKED, Floats, Model
from marquee.recommender.scorers import RANKING, Predictions, Scorer, scorer_named
from marquee.recommender.unseen_parts import UnseenParts

REASONS = 3  # most reasons per pick
SUPPORT_LEAST = 5  # ratings; a movie with fewer is never picked …
SURELY_SUPPORTED = 50  # … unless fewer movies than this have that many
VISITORS_AT_ONCE = 64  # batch size whose visitors-by-movies arrays still fit the processor's cache
GROUP = 32  # top-k prefilter: one candidate per group of this many movies

type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PickFilter:
    """A filter of the picks by genre and year; with nothing set, it is false and passes any movie.

    A movie without a year passes no filter by year.
    """

    genres: frozenset[str] = frozenset()  # at least one of these
    first_year: int | None = None
    last_year: int | None = None

    def __bool__(self) -> bool:
        return bool(self.genres) or self.first_year is not None or self.last_year is not None


class Recommender:
    """Picks movies by a named model, or by `scorer` if one is given.

    Of a series, only the first unseen part is picked; see `UnseenParts`. Without this rule, picks
    that are parts of one series are in the order of the series.
    """

    def __init__(self, model: Model, name: str = RANKING, scorer: Scorer | None = None) -> None:
        self._model = model
        self._scorer = scorer or scorer_named(name, model)
        self._supported = candidates_of(model.rating.support)
        series = [
            tuple(model.rating.rows[movie_id] for movie_id in each.movie_ids)
            for each in model.series
        ]
        self._series_of = {row: rows for rows in series for row in rows}
        self._unseen_parts = UnseenParts(series)

    def knows(self, movie_id: int) -> bool:
        """Return whether the movie had ratings in training; ratings of other movies are ignored."""
        return movie_id in self._model.rating.rows

    def predict(self, ratings: Mapping[int, float]) -> Floats:
        """Return predicted stars, M in the order of `movie_ids`, clipped to the scale."""
        scored = self._scorer.scored([self._rated(ratings)])
        return self._within_scale(scored.stars[0])

    def picks(
        self,
        ratings: Mapping[int, float],
        count: int = PICKS,
        only: PickFilter | None = None,
        dismissed: Collection[int] = (),
        *,
        series_in_order: bool = True,
    ) -> list[Pick]:
        """Return the best movies that are neither rated nor dismissed, best first.

        Without ratings these are movies that people like in general.

        Args:
            ratings: stars by movie_id; movies that the model does not know are ignored.
            count: the largest number of picks.
            only: the filter; None means any movie.
            dismissed: ids of the dismissed movies.
            series_in_order: whether to pick of each series the first unseen part only.
        """
        return self.picks_for_all(
            [ratings], count, only, [dismissed], series_in_order=series_in_order
        )[0]

    def picks_for_all(
        self,
        visitors: Sequence[Mapping[int, float]],
        count: int = PICKS,
        only: PickFilter | None = None,
        dismissed: Sequence[Collection[int]] | None = None,
        *,
        series_in_order: bool = True,
    ) -> list[list[Pick]]:
        """Return the picks of many visitors, in their order.

        Scores are computed for 64 visitors at a time. `dismissed` holds each visitor's dismissed
        movies; the other arguments are those of `picks`.
        """
        all_dismissed = dismissed or [()] * len(visitors)
        candidates = self._supported & self._mask(only) if only else self._supported
        rated = [self._rated(each) for each in visitors]
        found: list[list[Pick]] = [[] for _ in rated]
        # Fold-in is faster for visitors with equally many ratings, so they go in one batch.
        order = sorted(range(len(rated)), key=lambda number: len(rated[number].rows))
        for numbers in batched(order, VISITORS_AT_ONCE, strict=False):
            some = [rated[number] for number in numbers]
            scored = self._scorer.scored(some)
            closed = [self._closed(rated[number], all_dismissed[number]) for number in numbers]
            open_ = open_scores(scored.scores, closed, candidates)
            if series_in_order:
                self._unseen_parts.keep_first(open_, [each.rows for each in some])
            best = top(open_, count)
            for place, number in enumerate(numbers):
                scores = open_[place][best[place]]
                rows = self._in_order(best[place])
                found[number] = self._picks(place, some[place], rows, scores, scored)
        return found

    def _rated(self, ratings: Mapping[int, float]) -> RatedMovies:
        return rated_from(ratings, self._model.rating.rows)

    def _closed(self, rated: RatedMovies, dismissed: Collection[int]) -> Rows:
        """Return the rows of the movies that the visitor has rated or dismissed."""
        known = self._model.rating.rows
        rows = [known[movie_id] for movie_id in dismissed if movie_id in known]
        return np.concatenate([rated.rows, np.array(rows, dtype=np.intp)])

    def _in_order(self, best: Rows) -> Rows:
        """Return the picks with those of each series in the order of its parts.

        They share the places that they had by their scores.
        """
        places: dict[tuple[int, ...], list[int]] = {}
        for place, row in enumerate(best.tolist()):
            if row in self._series_of:
                places.setdefault(self._series_of[row], []).append(place)
        ordered = best.copy()
        for parts, own in places.items():
            ordered[own] = sorted(best[own].tolist(), key=parts.index)
        return ordered

    def _picks(
        self, number: int, rated: RatedMovies, best: Rows, scores: Floats, scored: Predictions
    ) -> list[Pick]:
        """Return the picks of visitor `number`; `scores` are those of their places, descending."""
        return [
            Pick(movie_id, round(score, 4), round(stars, 2), because)
            for movie_id, score, stars, because in zip(
                self._model.rating.movie_ids[best].tolist(),
                scores.tolist(),
                self._within_scale(scored.stars[number][best]).tolist(),
                self._because(rated, scored.contributions(number, best)),
                strict=True,
            )
        ]

    def _because(self, rated: RatedMovies, contributions: Doubles) -> list[tuple[int, ...]]:
        """Return the reasons of each pick: liked movies that raised its score, greatest first.

        `contributions` are those of the n ratings, shape (picks, n).
        """
        liked = np.flatnonzero(rated.stars >= LIKED)
        of_liked = contributions[:, liked]
        most = np.argsort(-of_liked, axis=1, kind="stable")[:, :REASONS]
        ids = self._model.rating.movie_ids[rated.rows[liked]].tolist()
        return [
            tuple(ids[place] for place in places if of_pick[place] > 0)
            for places, of_pick in zip(most.tolist(), of_liked.tolist(), strict=True)
        ]

    def _within_scale(self, stars: Floats) -> Floats:
        return np.clip(stars, self._model.rating.lowest, self._model.rating.highest)

    def _mask(self, only: PickFilter) -> Mask:
        first, last = only.first_year, only.last_year
        movies = (self._model.movies[i] for i in self._model.rating.movie_ids.tolist())
        return np.array(
            [
                (not only.genres or not only.genres.isdisjoint(movie.genres))
                and (first is None or (movie.year is not None and movie.year >= first))
                and (last is None or (movie.year is not None and movie.year <= last))
                for movie in movies
            ],
            dtype=bool,
        )


def genres_of(model: Model) -> frozenset[str]:
    """Return all genres of the model's movies, which a visitor can filter by."""
    return frozenset(genre for movie in model.movies.values() for genre in movie.genres)


def candidates_of(support: npt.NDArray[np.int32]) -> Mask:
    """Return which movies have enough support to be picked: M."""
    return support >= least_support(support)


def least_support(support: npt.NDArray[np.int32]) -> int:
    """Return the number of ratings that a movie needs to be picked.

    It is 5, or fewer if fewer than 50 movies have that many. Then at least 50 movies, or all if
    there are no more, have enough.
    """
    if len(support) <= SURELY_SUPPORTED:
        return min(SUPPORT_LEAST, int(support.min()))
    return min(SUPPORT_LEAST, int(np.partition(support, -SURELY_SUPPORTED)[-SURELY_SUPPORTED]))


def best_open(scores: Floats, closed: Sequence[Rows], candidates: Mask, count: int) -> list[Rows]:
    """Return the rows of each visitor's `count` best open candidates, best first.

    Args:
        scores: V by M.
        closed: for each visitor, the rows of the movies that must not be picked.
        candidates: which movies may be picked, M.
        count: the largest number of rows per visitor.
    """
    return top(open_scores(scores, closed, candidates), count)


def open_scores(scores: Floats, closed: Sequence[Rows], candidates: Mask) -> Floats:
    """Return the scores, V by M, with minus infinity for movies that must not be picked.

    The arguments are those of `best_open`.
    """
    open_ = np.where(candidates, scores, np.float32(-np.inf))
    for number, rows in enumerate(closed):
        open_[number, rows] = -np.inf
    return open_


def top(values: Floats, count: int) -> list[Rows]:
    """Return the columns of the `count` highest values of each row of a V by M array.

    They come in descending order of values, ties in the order of columns. Values of minus infinity
    are left out.
    """
    visitors, movies = values.shape
    # The `count`th highest group maximum is a lower bound: at least `count` values reach it, so
    # lower values need not be sorted.
    groups = max(movies // GROUP, count)
    least = np.full(visitors, np.finfo(np.float32).min)
    if groups < movies:
        deep = movies // groups
        highest = values[:, : groups * deep].reshape(visitors, deep, groups).max(axis=1)
        least = np.maximum(least, np.partition(highest, -count, axis=1)[:, -count])
    visitor, row = np.divmod(np.flatnonzero(values >= least[:, None]), movies)
    order = np.lexsort((-values[visitor, row], visitor))
    starts = np.searchsorted(visitor, np.arange(visitors + 1))
    return [row[order[start:end][:count]] for start, end in pairwise(starts.tolist())]
