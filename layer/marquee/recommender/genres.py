"""Genre vectors of movies, and a visitor's genre preference estimated from liked movies.

docs/model.md describes how the ranking uses it.
"""

from collections.abc import Sequence

import numpy as np

from marquee.recommender.fold_in import Doubles, RatedMovies, Rows
from marquee.recommender.model import Floats, Integers, Movie

LIKED_PRIOR_STRENGTH = 3.0  # prior strength of the genre preference, in liked movies


def genre_flags(movies: Sequence[Movie]) -> tuple[tuple[str, ...], Floats]:
    """Return the sorted names of all T genres, and an M by T array: 1 if a movie has the genre."""
    names = tuple(sorted({genre for movie in movies for genre in movie.genres}))
    column = {name: number for number, name in enumerate(names)}
    flags = np.zeros((len(movies), len(names)), dtype=np.float32)
    for row, movie in enumerate(movies):
        flags[row, [column[genre] for genre in movie.genres]] = 1
    return names, flags


class GenreFolding:
    """Scores how well movies match the genres of a visitor's liked movies.

    A movie's vector is its genre flags scaled to length 1, minus the mean of those unit vectors
    over all ratings. The vector of a movie without genres is zero. A visitor's genre preference
    is the sum of the vectors of their n liked movies ÷ (n + 3). The genre score of a movie is the
    dot product of the preference and the movie's row of `vectors` (M by T). It lies between -1
    and 1, and is above 0 if the movie has more of the preferred genres than movies that people
    usually watch.

    Args:
        movies: all M movies, in the order of the rating model.
        support: the number of ratings of each movie, M.
        liked: stars from which a movie counts as liked.
    """

    def __init__(self, movies: Sequence[Movie], support: Integers, liked: float) -> None:
        _, flags = genre_flags(movies)
        lengths = np.linalg.norm(flags, axis=1, keepdims=True)
        units = flags / np.maximum(lengths, 1)
        watched = support @ units / max(int(support.sum()), 1)
        self.vectors: Floats = np.where(lengths > 0, units - watched, 0).astype(np.float32)
        self._liked = liked

    def fold(self, visitors: Sequence[RatedMovies]) -> Floats:
        """Return the genre preferences of V visitors, V by T."""
        leanings = np.zeros((len(visitors), self.vectors.shape[1]), dtype=np.float32)
        for number, rated in enumerate(visitors):
            leanings[number] = self._worth(rated) @ self.vectors[rated.rows]
        return leanings

    def score(self, preferences: Floats) -> Floats:
        """Return genre scores, V by M, of the preferences that `fold` returned."""
        scores: Floats = preferences @ self.vectors.T
        return scores

    def contributions(self, rated: RatedMovies, rows: Rows) -> Doubles:
        """Return the contribution of each of n ratings to some movies' scores: len(rows) by n."""
        similarities = self.vectors[rows] @ self.vectors[rated.rows].T
        return np.asarray(similarities * self._worth(rated), dtype=np.float64)

    def _worth(self, rated: RatedMovies) -> Floats:
        """Return the weight of each of n ratings in the preference: 0 for movies not liked."""
        liked = (rated.stars >= self._liked).astype(np.float32)
        worth: Floats = liked / (liked.sum() + np.float32(LIKED_PRIOR_STRENGTH))
        return worth
