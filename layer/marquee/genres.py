"""Movies by their genres, and how much a visitor leans to those of the movies she loved.

Travels to EMR: standard library and numpy only. docs/model.md says what it is for.
"""

from collections.abc import Sequence

import numpy as np

from marquee.fold_in import Doubles, Rated, Rows
from marquee.model import Floats, Integers, Movie

LOVED_DAMPING = 3.0  # loved movies' worth of doubt about what genres she leans to


def genre_flags(movies: Sequence[Movie]) -> tuple[tuple[str, ...], Floats]:
    """The names of all T genres, and M by T: 1 where a movie has the genre."""
    names = tuple(sorted({genre for movie in movies for genre in movie.genres}))
    column = {name: number for number, name in enumerate(names)}
    flags = np.zeros((len(movies), len(names)), dtype=np.float32)
    for row, movie in enumerate(movies):
        flags[row, [column[genre] for genre in movie.genres]] = 1
    return names, flags


class GenreFolding:
    """How much movies are of the genres of those she loved, as against what people watch anyway.

    A movie's genres are a vector of length one less the mean of those vectors over all ratings; of
    a movie without genres it is zero. Her leaning is the sum over her n loved movies ÷ (n + 3).
    Her score of a movie, between -1 and 1, is the product of her leaning and its line of `vectors`,
    which are M by T: above 0 for more of her genres.
    """

    def __init__(self, movies: Sequence[Movie], support: Integers, loved: float) -> None:
        _, flags = genre_flags(movies)
        lengths = np.linalg.norm(flags, axis=1, keepdims=True)
        units = flags / np.maximum(lengths, 1)
        watched = support @ units / max(int(support.sum()), 1)
        self.vectors: Floats = np.where(lengths > 0, units - watched, 0).astype(np.float32)
        self._loved = loved

    def fold(self, visitors: Sequence[Rated]) -> Floats:
        """The leanings of V visitors, V by T."""
        leanings = np.zeros((len(visitors), self.vectors.shape[1]), dtype=np.float32)
        for number, rated in enumerate(visitors):
            leanings[number] = self._worth(rated) @ self.vectors[rated.rows]
        return leanings

    def shares(self, rated: Rated, rows: Rows) -> Doubles:
        """What each of her n ratings adds to the scores of these movies: movies by n."""
        alike = self.vectors[rows] @ self.vectors[rated.rows].T
        return np.asarray(alike * self._worth(rated), dtype=np.float64)

    def _worth(self, rated: Rated) -> Floats:
        """How much each of her n ratings tells of her leaning: nothing if she did not love it."""
        loved = (rated.stars >= self._loved).astype(np.float32)
        worth: Floats = loved / (loved.sum() + np.float32(LOVED_DAMPING))
        return worth
