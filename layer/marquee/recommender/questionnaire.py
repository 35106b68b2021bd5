"""Choose the questionnaire's movies: at each point, the one whose answer reveals most.

An answer reduces the uncertainty about a visitor's taste. The value of asking about a movie is the
expected reduction of the variance of predicted stars, averaged over the movies that people watch,
times the probability that the visitor has seen the movie. Rashid et al., *Getting to know you*,
2002, call such strategies popularity times entropy. docs/model.md has the formula.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marquee.recommender.fold_in import Doubles, Rows
from marquee.recommender.likely_seen import (
    CANDIDATES,
    LEAST_CHANCE,
    chances_given,
    kinds_of,
)
from marquee.recommender.model import Model, Movie, RatingModel, SeenModel

QUESTIONS = 35  # movies in a questionnaire
DECADE = 10  # years


@dataclass(frozen=True, slots=True)
class Topics:
    """The kinds of movies that a visitor wants to be asked about first; with nothing set, false.

    Attributes:
        genres: a movie has at least one of these; if empty, any.
        decades: first years of the decades in which a movie was released; if empty, any.
    """

    genres: frozenset[str] = frozenset()
    decades: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.genres or self.decades)

    def include(self, movie: Movie) -> bool:
        """Return whether a movie belongs to the topics. One without a year has no decade."""
        if self.genres and self.genres.isdisjoint(movie.genres):
            return False
        if not self.decades:
            return True
        return movie.year is not None and movie.year - movie.year % DECADE in self.decades

    def movies_of(self, model: Model) -> frozenset[int]:
        """Return the ids of the model's movies that belong to the topics; none without topics."""
        if not self:
            return frozenset()
        return frozenset(movie_id for movie_id, each in model.movies.items() if self.include(each))


class Questioner:
    """Chooses questions greedily, given the movies that a visitor has rated or skipped.

    The visitor's stars are not needed: the variance of the taste depends only on which movies were
    rated.
    """

    def __init__(
        self, rating: RatingModel, seen: SeenModel, movies: Mapping[int, Movie] | None = None
    ) -> None:
        """Prepare the questions.

        Args:
            rating: the model whose uncertainty the answers reduce.
            seen: the model of which movies a visitor has seen.
            movies: movies by id. With them, the answers also show which genres and years the
                visitor knows.
        """
        self._rating, self._seen = rating, seen
        self._kinds = kinds_of(rating, movies or {})
        self._candidates = np.array([rating.rows[id_] for id_ in seen.movie_ids.tolist()], np.intp)
        self._places = {row: place for place, row in enumerate(self._candidates.tolist())}
        self._support = rating.support.astype(np.int64)
        # The chance that a user has seen a movie is proportional to its support.
        users = self._support[self._candidates].sum() / seen.chance.sum(dtype=np.float64)
        self._chance = np.clip(self._support / users, LEAST_CHANCE, 1.0)
        # The questions serve both parts of the rating model: their variance reductions are added.
        self._loadings = self._loadings_of(self._candidates)
        watched = [part.loadings.astype(np.float64) for part in rating.parts]
        weights = self._support / self._support.sum()
        self._importance = [loadings.T * weights @ loadings for loadings in watched]

    def next(
        self,
        answered: Collection[int] = (),
        unseen: Collection[int] = (),
        count: int = QUESTIONS,
        first: Collection[int] = (),
    ) -> tuple[int, ...]:
        """Return the next `count` movies to ask about, best first; fewer if there are no more.

        Rated and skipped movies also indicate which others the visitor has probably seen. Calling
        this after every answer therefore takes fewer questions than one call for many movies.

        Args:
            answered: ids of the movies that the visitor has rated.
            unseen: ids of the movies that the visitor has skipped.
            count: the largest number of movies.
            first: ids of the movies to ask about before all others. Of those that are not among the
                candidates of the questionnaire, the CANDIDATES most rated ones are asked about.
        """
        rated, skipped, wanted = (self._known(ids) for ids in (answered, unseen, first))
        extra = self._most_rated(np.setdiff1d(wanted, self._candidates))
        rows = np.concatenate([self._candidates, extra])
        chance = np.concatenate(
            [
                chances_given(self._seen, self._places_of(rated), self._places_of(skipped)),
                self._chance[extra],
            ]
        )
        familiarity = self._kinds.familiarity(rated, skipped, self._chance, rows)
        chance = np.clip(chance * familiarity, LEAST_CHANCE, 1.0)
        loadings = [
            np.concatenate(both)
            for both in zip(self._loadings, self._loadings_of(extra), strict=True)
        ]
        unknown = [np.eye(each.shape[1]) for each in loadings]
        for row in rated:
            self._learn(unknown, [part.loadings[row] for part in self._rating.parts], 1.0)
        open_ = ~np.isin(rows, [*rated, *skipped])
        preferred = np.isin(rows, wanted)
        chosen: list[int] = []
        while len(chosen) < count and open_.any():
            among = open_ & preferred
            reductions = self._reductions(unknown, loadings)
            worth = np.where(among if among.any() else open_, chance * reductions, -1.0)
            place = int(np.argmax(worth))
            chosen.append(int(self._rating.movie_ids[rows[place]]))
            open_[place] = False
            self._learn(unknown, [each[place] for each in loadings], float(chance[place]))
        return tuple(chosen)

    def _known(self, movie_ids: Collection[int]) -> Rows:
        """Return the rows in the rating model of the movies that it knows, in their order."""
        rows = self._rating.rows
        return np.array([rows[each] for each in movie_ids if each in rows], dtype=np.intp)

    def _places_of(self, rows: Rows) -> list[int]:
        """Return the places among the candidates of those rows that are candidates."""
        return [self._places[row] for row in rows.tolist() if row in self._places]

    def _most_rated(self, rows: Rows) -> Rows:
        """Return the CANDIDATES most rated of these rows."""
        return rows[np.argsort(-self._support[rows], kind="stable")[:CANDIDATES]]

    def _loadings_of(self, rows: Rows) -> list[Doubles]:
        return [part.loadings[rows].astype(np.float64) for part in self._rating.parts]

    def _reductions(self, unknown: list[Doubles], loadings: list[Doubles]) -> Doubles:
        """Return, for each of N movies, by how much its answer reduces the variance.

        This is the variance of predicted stars in squared stars, averaged over the movies that
        people watch and summed over the parts.

        Args:
            unknown: for each part, the covariance of the taste so far, K by K.
            loadings: for each part, those of the movies, N by K.
        """
        reductions = np.zeros(len(loadings[0]))
        for covariance, each, importance in zip(unknown, loadings, self._importance, strict=True):
            spread = each @ covariance
            about = (spread * each).sum(axis=1) + self._rating.noise
            reductions += ((spread @ importance) * spread).sum(axis=1) / about
        return reductions

    def _learn(self, unknown: list[Doubles], loadings: Sequence[Doubles], chance: float) -> None:
        """Reduce the covariances in `unknown` by the answer about one movie.

        Args:
            unknown: for each part, the covariance of the taste so far, K by K.
            loadings: for each part, those of the movie, K.
            chance: the probability that the visitor has seen the movie, which multiplies the
                reduction.
        """
        for part, each in enumerate(loadings):
            spread = unknown[part] @ each.astype(np.float64)
            about = float(each @ spread) + self._rating.noise
            unknown[part] = unknown[part] - chance * np.outer(spread, spread) / about


def choose_questionnaire(
    rating: RatingModel, seen: SeenModel, count: int = QUESTIONS
) -> tuple[int, ...]:
    """Return the movies to ask a new visitor about, best first."""
    return Questioner(rating, seen).next(count=count)
