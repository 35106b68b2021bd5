"""Choose the questionnaire's movies: at each point, the one whose answer reveals most.

An answer reduces the uncertainty about a visitor's taste. The value of asking about a movie is the
expected reduction of the variance of predicted stars, averaged over the movies that people watch,
times the probability that the visitor has seen the movie. Rashid et al., *Getting to know you*,
2002, call such strategies popularity times entropy. docs/model.md has the formula.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from marquee.recommender.fold_in import Doubles
from marquee.recommender.likely_seen import chances_given
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

    def __init__(self, rating: RatingModel, seen: SeenModel) -> None:
        self._seen = seen
        self._ids = seen.movie_ids.tolist()
        self._rows = {movie_id: number for number, movie_id in enumerate(self._ids)}
        self._noise = rating.noise
        support = rating.support.astype(np.int64)
        at = np.array([rating.rows[movie_id] for movie_id in self._ids], dtype=np.intp)
        # The questions serve both parts of the rating model: their variance reductions are added.
        self._loadings = [part.loadings[at].astype(np.float64) for part in rating.parts]
        watched = [part.loadings.astype(np.float64) for part in rating.parts]
        weights = support / support.sum()
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
            first: ids of the movies to ask about before all others.
        """
        rated = [self._rows[movie_id] for movie_id in answered if movie_id in self._rows]
        skipped = [self._rows[movie_id] for movie_id in unseen if movie_id in self._rows]
        chance = chances_given(self._seen, rated, skipped)
        open_ = np.ones(len(self._ids), dtype=bool)
        open_[[*rated, *skipped]] = False
        preferred = np.zeros(len(self._ids), dtype=bool)
        preferred[[self._rows[movie_id] for movie_id in first if movie_id in self._rows]] = True
        unknown = [np.eye(loadings.shape[1]) for loadings in self._loadings]
        for number in rated:
            self._learn(unknown, number, 1.0)
        chosen: list[int] = []
        while len(chosen) < count and open_.any():
            among = open_ & preferred
            worth = np.where(
                among if among.any() else open_, chance * self._reductions(unknown), -1.0
            )
            number = int(np.argmax(worth))
            chosen.append(self._ids[number])
            open_[number] = False
            self._learn(unknown, number, float(chance[number]))
        return tuple(chosen)

    def _reductions(self, unknown: list[Doubles]) -> Doubles:
        """Return, for each candidate, by how much its answer reduces the variance.

        This is the variance of predicted stars in squared stars, averaged over the movies that
        people watch and summed over the parts.

        Args:
            unknown: for each part, the covariance of the taste so far, K by K.
        """
        reductions = np.zeros(len(self._ids))
        for covariance, loadings, importance in zip(
            unknown, self._loadings, self._importance, strict=True
        ):
            spread = loadings @ covariance
            about = (spread * loadings).sum(axis=1) + self._noise
            reductions += ((spread @ importance) * spread).sum(axis=1) / about
        return reductions

    def _learn(self, unknown: list[Doubles], number: int, chance: float) -> None:
        """Reduce the covariances in `unknown` by the answer to a question.

        The reduction is multiplied by `chance`, the probability that the visitor has seen the
        movie.
        """
        for part, loadings in enumerate(self._loadings):
            spread = unknown[part] @ loadings[number]
            about = float(loadings[number] @ spread) + self._noise
            unknown[part] = unknown[part] - chance * np.outer(spread, spread) / about


def choose_questionnaire(
    rating: RatingModel, seen: SeenModel, count: int = QUESTIONS
) -> tuple[int, ...]:
    """Return the movies to ask a new visitor about, best first."""
    return Questioner(rating, seen).next(count=count)
