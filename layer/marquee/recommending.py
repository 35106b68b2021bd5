"""From scores to picks: the best movies that a visitor has not rated, each with its reasons.

Travels to EMR: standard library and numpy only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, pairwise

import numpy as np
import numpy.typing as npt

from marquee.contracts import PICKS, Pick
from marquee.fold_in import Doubles, Rated, Rows, rated_from
from marquee.model import Floats, Model
from marquee.scoring import RANKING, Scored, Scorer, scorer_named

LOVED = 4.0  # stars from which a rating may be a reason
REASONS = 3
SUPPORT_LEAST = 5  # ratings: a movie with fewer is never picked …
SURELY_SUPPORTED = 50  # … unless fewer movies than this have as many
VISITORS_AT_ONCE = 64  # visitors-by-movies arrays of a batch that a processor's cache still holds
GROUP = 32  # movies of whom only the best is looked at, where few are wanted

type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which movies a visitor asks for; nothing set means any."""

    genres: frozenset[str] = frozenset()  # at least one of these
    first_year: int | None = None
    last_year: int | None = None

    def __bool__(self) -> bool:
        return bool(self.genres) or self.first_year is not None or self.last_year is not None


class Recommender:
    """Picks movies by one of the models that can be named."""

    def __init__(self, model: Model, name: str = RANKING, scorer: Scorer | None = None) -> None:
        self._model = model
        self._scorer = scorer or scorer_named(name, model)
        self._supported = candidates_of(model.rating.support)

    def knows(self, movie_id: int) -> bool:
        return movie_id in self._model.rating.rows

    def predict(self, ratings: Mapping[int, float]) -> Floats:
        """Predicted stars for every movie, in the order of `movie_ids`, within the scale."""
        scored = self._scorer.scored([self._rated(ratings)])
        return self._within_scale(scored.stars[0])

    def picks(
        self,
        ratings: Mapping[int, float],
        count: int = PICKS,
        wanted: Wanted | None = None,
        dismissed: Collection[int] = (),
    ) -> list[Pick]:
        """The best movies neither rated nor dismissed, best first; with no ratings, those that
        everybody likes.
        """
        return self.picks_for_all([ratings], count, wanted, [dismissed])[0]

    def picks_for_all(
        self,
        visitors: Sequence[Mapping[int, float]],
        count: int = PICKS,
        wanted: Wanted | None = None,
        dismissed: Sequence[Collection[int]] | None = None,
    ) -> list[list[Pick]]:
        """`picks` for many visitors, their scores in one product a few hundred at a time.

        `dismissed` holds the movies of each visitor that she wants in no picks.
        """
        unwanted = dismissed or [()] * len(visitors)
        candidates = self._supported & self._mask(wanted) if wanted else self._supported
        rated = [self._rated(each) for each in visitors]
        found: list[list[Pick]] = [[] for _ in rated]
        # Those who rated equally many movies are folded in together.
        order = sorted(range(len(rated)), key=lambda number: len(rated[number].rows))
        for numbers in batched(order, VISITORS_AT_ONCE, strict=False):
            some = [rated[number] for number in numbers]
            scored = self._scorer.scored(some)
            closed = [self._closed(rated[number], unwanted[number]) for number in numbers]
            best = best_open(scored.scores, closed, candidates, count)
            for place, number in enumerate(numbers):
                found[number] = self._picks(place, some[place], best[place], scored)
        return found

    def _rated(self, ratings: Mapping[int, float]) -> Rated:
        return rated_from(ratings, self._model.rating.rows)

    def _closed(self, rated: Rated, unwanted: Collection[int]) -> Rows:
        """Rows of the movies that a visitor has rated, and of those she wants in no picks."""
        known = self._model.rating.rows
        rows = [known[movie_id] for movie_id in unwanted if movie_id in known]
        return np.concatenate([rated.rows, np.array(rows, dtype=np.intp)])

    def _picks(self, number: int, rated: Rated, best: Rows, scored: Scored) -> list[Pick]:
        return [
            Pick(movie_id, round(score, 4), round(stars, 2), because)
            for movie_id, score, stars, because in zip(
                self._model.rating.movie_ids[best].tolist(),
                scored.scores[number][best].tolist(),
                self._within_scale(scored.stars[number][best]).tolist(),
                self._because(rated, scored.shares(number, best)),
                strict=True,
            )
        ]

    def _because(self, rated: Rated, shares: Doubles) -> list[tuple[int, ...]]:
        """For each of the best movies, the loved movies that moved its score most.

        `shares` is movies by n.
        """
        loved = np.flatnonzero(rated.stars >= LOVED)
        shares = shares[:, loved]
        most = np.argsort(-shares, axis=1, kind="stable")[:, :REASONS]
        ids = self._model.rating.movie_ids[rated.rows[loved]].tolist()
        return [
            tuple(ids[place] for place in places if share[place] > 0)
            for places, share in zip(most.tolist(), shares.tolist(), strict=True)
        ]

    def _within_scale(self, stars: Floats) -> Floats:
        return np.clip(stars, self._model.rating.lowest, self._model.rating.highest)

    def _mask(self, wanted: Wanted) -> Mask:
        first, last = wanted.first_year, wanted.last_year
        movies = (self._model.movies[i] for i in self._model.rating.movie_ids.tolist())
        return np.array(
            [
                (not wanted.genres or not wanted.genres.isdisjoint(movie.genres))
                and (first is None or (movie.year is not None and movie.year >= first))
                and (last is None or (movie.year is not None and movie.year <= last))
                for movie in movies
            ],
            dtype=bool,
        )


def genres_of(model: Model) -> frozenset[str]:
    """The genres that a visitor can ask for."""
    return frozenset(genre for movie in model.movies.values() for genre in movie.genres)


def candidates_of(support: npt.NDArray[np.int32]) -> Mask:
    """The movies that enough people rated to be picked."""
    return support >= least_support(support)


def least_support(support: npt.NDArray[np.int32]) -> int:
    """Ratings that a movie needs to be picked: 5, or fewer where that leaves too little choice."""
    if len(support) <= SURELY_SUPPORTED:
        return min(SUPPORT_LEAST, int(support.min()))
    return min(SUPPORT_LEAST, int(np.partition(support, -SURELY_SUPPORTED)[-SURELY_SUPPORTED]))


def best_open(scores: Floats, closed: Sequence[Rows], candidates: Mask, count: int) -> list[Rows]:
    """For each of V visitors the `count` best candidates that are not closed to her, best first.

    `scores` is V by M; `closed` are the rows of each visitor's movies that are left out.
    """
    open_ = np.where(candidates, scores, np.float32(-np.inf))
    for number, rows in enumerate(closed):
        open_[number, rows] = -np.inf
    return top(open_, count)


def top(values: Floats, count: int) -> list[Rows]:
    """For each row of V by M values where its `count` highest are, highest first; ties in order.

    Values of minus infinity are never among them.
    """
    visitors, movies = values.shape
    # Each of `count` groups of movies has a value that is no lower than the `count`th highest of
    # the groups' highest values: no movie below that needs to be sorted.
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
