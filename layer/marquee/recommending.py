"""From scores to picks: the best movies that a visitor has not rated, each with its reasons.

Travels to EMR: standard library and numpy only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marquee.contracts import PICKS, Pick
from marquee.fold_in import Rated, Rows, rated_from
from marquee.model import Floats, Model
from marquee.scoring import RANKING, Scored, Scorer, scorer_named

LOVED = 4.0  # stars from which a rating may be a reason
REASONS = 3
SUPPORT_LEAST = 5  # ratings: a movie with fewer is never picked …
SURELY_SUPPORTED = 50  # … unless fewer movies than this have as many
VISITORS_AT_ONCE = 256  # bounds the visitors-by-movies arrays of a batch

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
        self, ratings: Mapping[int, float], count: int = PICKS, wanted: Wanted | None = None
    ) -> list[Pick]:
        """The best unseen movies, best first; with no ratings, those that everybody likes."""
        return self.picks_for_all([ratings], count, wanted)[0]

    def picks_for_all(
        self,
        visitors: Sequence[Mapping[int, float]],
        count: int = PICKS,
        wanted: Wanted | None = None,
    ) -> list[list[Pick]]:
        """`picks` for many visitors, their scores in one product a few hundred at a time."""
        candidates = self._supported & self._mask(wanted) if wanted else self._supported
        found: list[list[Pick]] = []
        for start in range(0, len(visitors), VISITORS_AT_ONCE):
            batch = [self._rated(each) for each in visitors[start : start + VISITORS_AT_ONCE]]
            scored = self._scorer.scored(batch)
            found += [
                self._best(number, rated, scored, candidates, count)
                for number, rated in enumerate(batch)
            ]
        return found

    def _rated(self, ratings: Mapping[int, float]) -> Rated:
        return rated_from(ratings, self._model.rating.rows)

    def _best(
        self, number: int, rated: Rated, scored: Scored, candidates: Mask, count: int
    ) -> list[Pick]:
        allowed = candidates.copy()
        allowed[rated.rows] = False
        best = top(scored.scores[number], allowed, count)
        because = self._because(rated, scored, number, best)
        stars = self._within_scale(scored.stars[number][best])
        return [
            Pick(
                movie_id=int(self._model.rating.movie_ids[row]),
                score=round(float(scored.scores[number][row]), 4),
                stars=round(float(star), 2),
                because=reasons,
            )
            for row, star, reasons in zip(best, stars, because, strict=True)
        ]

    def _because(
        self, rated: Rated, scored: Scored, number: int, best: Rows
    ) -> list[tuple[int, ...]]:
        """For each of the best movies, the loved movies that moved its score most."""
        shares = scored.shares(number, best)
        shares[:, rated.stars < LOVED] = -np.inf
        order = np.argsort(-shares, axis=1, kind="stable")[:, :REASONS]
        moved = np.take_along_axis(shares, order, axis=1) > 0
        ids = self._model.rating.movie_ids[rated.rows[order]]
        return [tuple(row[taken].tolist()) for row, taken in zip(ids, moved, strict=True)]

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


def top(values: Floats, allowed: Mask, count: int) -> Rows:
    """Rows of the `count` highest allowed values, highest first; ties in the order of rows."""
    count = min(count, int(np.count_nonzero(allowed)))
    if not count:
        return np.empty(0, dtype=np.intp)
    masked = np.where(allowed, values, -np.inf)
    least = np.partition(masked, -count)[-count]
    better, tied = np.flatnonzero(masked > least), np.flatnonzero(masked == least)
    rows = np.concatenate([better, tied[: count - len(better)]])
    return rows[np.lexsort((rows, -masked[rows]))]
