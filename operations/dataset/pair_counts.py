"""Count ratings, users, movies, and repeated pairs of user and movie."""

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import numpy.typing as npt

_IN_MEMORY = 1 << 20  # pairs, at 8 bytes each
_MOVIE_BITS = 31  # as many movies as there can be ids; users have the other 32 bits
_SHARES_BITS = 6  # pairs on disk are divided into 2 ** 6 shares
_HASH = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 divided by the golden ratio (Knuth, 6.4)

type Pairs = npt.NDArray[np.int64]


class PairCounts:
    """Counts ratings in memory that grows with users and movies, but not with ratings.

    Beyond a million pairs, they are in a temporary file. It is divided so that equal pairs are in
    the same share, and only one share at a time is in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Count pairs; the temporary file is in this folder, or else in the system's."""
        # Numbers from 0, in the order of their first rating.
        self._users: defaultdict[int, int] = defaultdict(itertools.count().__next__)
        self._movies: defaultdict[int, int] = defaultdict(itertools.count().__next__)
        # Number of the user, times 2 ** 31, plus number of the movie.
        self._pairs = array("q")
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - close() closes it
        self._places: list[list[tuple[int, int]]] = []  # of each share: offsets and lengths
        self._different: tuple[int, int, Pairs] | None = None
        self.ratings = 0

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def add(self, user: int, movie: int) -> None:
        """Count a rating."""
        self._pairs.append((self._users[user] << _MOVIE_BITS) + self._movies[movie])
        self.ratings += 1
        if len(self._pairs) >= _IN_MEMORY:
            self._write()

    def add_all(self, users: Iterable[int], movies: Iterable[int]) -> None:
        """Count ratings, given the user and the movie of each."""
        before = len(self._pairs)
        numbers = zip(
            map(self._users.__getitem__, users), map(self._movies.__getitem__, movies), strict=True
        )
        self._pairs.extend([(user << _MOVIE_BITS) + movie for user, movie in numbers])
        self.ratings += len(self._pairs) - before
        if len(self._pairs) >= _IN_MEMORY:
            self._write()

    @property
    def users(self) -> int:
        """The number of users."""
        return len(self._users)

    @property
    def movies(self) -> int:
        """The number of rated movies."""
        return len(self._movies)

    def repeated(self) -> int:
        """Return how many ratings repeat a pair."""
        return self.ratings - self._counted()[0]

    def movies_rated_by(self, users: int) -> int:
        """Return how many movies at least this many users rated."""
        return int((self._counted()[1] >= users).sum())

    def _counted(self) -> tuple[int, Pairs]:
        """Return the number of different pairs, and for each movie the number of its users."""
        if self._different is None or self._different[0] != self.ratings:
            total, support = 0, np.zeros(len(self._movies), dtype=np.int64)
            for share in self._shares():
                different = np.unique(share)
                total += len(different)
                movies = different & (2**_MOVIE_BITS - 1)
                support += np.bincount(movies, minlength=len(support))
            self._different = (self.ratings, total, support)
        return self._different[1:]

    def _shares(self) -> Iterable[Pairs]:
        """Yield the pairs so that equal ones are in the same array."""
        if not self._places:
            yield np.array(self._pairs, dtype=np.int64)
            return
        self._write()
        for places in self._places:
            found = []
            for offset, length in places:
                self._file.seek(offset)
                found.append(np.frombuffer(self._file.read(length), dtype=np.int64))
            yield np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def _write(self) -> None:
        """Move the pairs in memory to their shares in the file."""
        pairs = np.array(self._pairs, dtype=np.int64)
        share_of = (pairs.view(np.uint64) * _HASH) >> np.uint64(64 - _SHARES_BITS)
        order = np.argsort(share_of, kind="stable")
        edges = np.searchsorted(share_of[order], np.arange(2**_SHARES_BITS + 1))
        self._places = self._places or [[] for _ in range(2**_SHARES_BITS)]
        for places, begin, end in zip(self._places, edges[:-1], edges[1:], strict=True):
            if begin == end:
                continue
            content = pairs[order[begin:end]].tobytes()
            places.append((self._file.seek(0, 2), len(content)))
            self._file.write(content)
        del self._pairs[:]
