"""Choose the movies that a visitor is asked about: each the one whose answer tells most.

Travels to EMR: standard library and numpy only. An answer narrows what is not yet known of a
visitor's taste; a movie is worth asking about by how much it is expected to narrow the stars
predicted for the movies that people watch, times the chance that she has seen it at all. Rashid
et al., *Getting to know you*, 2002, call such strategies popularity times entropy; docs/model.md.
"""

from collections.abc import Collection

import numpy as np

from marquee.fold_in import Doubles
from marquee.model import RatingModel, Seen
from marquee.seen import chances_given

QUESTIONS = 35


class Questioner:
    """Asks greedily; knows of a visitor which movies she answered and which she has not seen."""

    def __init__(self, rating: RatingModel, seen: Seen) -> None:
        self._seen = seen
        self._ids = seen.movie_ids.tolist()
        self._rows = {movie_id: number for number, movie_id in enumerate(self._ids)}
        self._noise = rating.noise
        support = rating.support.astype(np.int64)
        at = np.array([rating.rows[movie_id] for movie_id in self._ids], dtype=np.intp)
        # Asking is planned for both parts at once: what each would learn is added.
        self._loadings = [part.loadings[at].astype(np.float64) for part in rating.parts]
        watched = [part.loadings.astype(np.float64) for part in rating.parts]
        weights = support / support.sum()
        self._importance = [loadings.T * weights @ loadings for loadings in watched]

    def next(
        self, answered: Collection[int] = (), unseen: Collection[int] = (), count: int = QUESTIONS
    ) -> tuple[int, ...]:
        """The next `count` movies to ask about, best first; fewer where there are no more.

        What she answered or has not seen also tells what else she has probably seen: asking one by
        one takes fewer questions than asking for many at once.
        """
        told = [self._rows[movie_id] for movie_id in answered if movie_id in self._rows]
        skipped = [self._rows[movie_id] for movie_id in unseen if movie_id in self._rows]
        chance = chances_given(self._seen, told, skipped)
        open_ = np.ones(len(self._ids), dtype=bool)
        open_[[*told, *skipped]] = False
        unknown = [np.eye(loadings.shape[1]) for loadings in self._loadings]
        for number in told:
            self._learn(unknown, number, 1.0)
        chosen: list[int] = []
        while len(chosen) < count and open_.any():
            worth = np.where(open_, chance * self._told(unknown), -1.0)
            number = int(np.argmax(worth))
            chosen.append(self._ids[number])
            open_[number] = False
            self._learn(unknown, number, float(chance[number]))
        return tuple(chosen)

    def _told(self, unknown: list[Doubles]) -> Doubles:
        """For each candidate the variance of predicted stars that its answer takes away."""
        told = np.zeros(len(self._ids))
        for covariance, loadings, importance in zip(
            unknown, self._loadings, self._importance, strict=True
        ):
            spread = loadings @ covariance
            about = (spread * loadings).sum(axis=1) + self._noise
            told += ((spread @ importance) * spread).sum(axis=1) / about
        return told

    def _learn(self, unknown: list[Doubles], number: int, chance: float) -> None:
        """Take from what is unknown what the answer tells, times the chance that there is one."""
        for part, loadings in enumerate(self._loadings):
            spread = unknown[part] @ loadings[number]
            about = float(loadings[number] @ spread) + self._noise
            unknown[part] = unknown[part] - chance * np.outer(spread, spread) / about


def choose_questionnaire(
    rating: RatingModel, seen: Seen, count: int = QUESTIONS
) -> tuple[int, ...]:
    """The movies to ask a visitor about of whom nothing is known."""
    return Questioner(rating, seen).next(count=count)
