"""Count ratings, users, movies, and repeated pairs of user and movie."""

from array import array

import numpy as np

_MOST_PAIRS = 30_000_000  # ratings up to which repeated ones are counted, at 8 bytes each
_MOVIE_BITS = 31  # as many movies as there can be ids; users have the other 32 bits


class PairCounts:
    """Counts ratings in memory that grows with users and movies, and up to a bound with ratings."""

    def __init__(self) -> None:
        self._users: dict[int, int] = {}  # numbers from 0, in the order of their first rating
        self._movies: dict[int, int] = {}
        self._pairs = array("q")  # number of the user, times 2 ** 31, plus number of the movie
        self.ratings = 0

    def add(self, user: int, movie: int) -> None:
        """Count a rating."""
        self.ratings += 1
        person = self._users.setdefault(user, len(self._users))
        film = self._movies.setdefault(movie, len(self._movies))
        if self.ratings <= _MOST_PAIRS:
            self._pairs.append((person << _MOVIE_BITS) + film)

    @property
    def users(self) -> int:
        """The number of users."""
        return len(self._users)

    @property
    def movies(self) -> int:
        """The number of rated movies."""
        return len(self._movies)

    def repeated(self) -> int | None:
        """Return how many ratings repeat a pair; None if there are too many to say."""
        if self.ratings > _MOST_PAIRS:
            return None
        return len(self._pairs) - len(np.unique(np.array(self._pairs, dtype=np.int64)))

    def movies_rated_by(self, users: int) -> int:
        """Return how many movies at least this many users rated."""
        different = np.unique(np.array(self._pairs, dtype=np.int64))
        support = np.bincount(different & (2**_MOVIE_BITS - 1))
        return int((support >= users).sum())
