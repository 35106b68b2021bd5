"""Add ratings to a data set: both are canonical files, and so is the result.

The files of the data set are read once, line by line. Memory grows with the ratings that are added,
with users and movies.
"""

import csv
import shutil
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from marquee.datasets import official_tests
from operations.dataset.guards import RATINGS_OF_A_MOVIE
from operations.dataset.output import (
    DELETED,
    IDS,
    LINKS,
    MOVIES,
    RATINGS,
    RATINGS_HEADER,
    TAGS,
    TAGS_HEADER,
)
from operations.dataset.pair_counts import PairCounts
from operations.dataset.report import AppendCounts

_MOVIE_BITS = 31  # movies have ids below 2 ** 31
_NO_TIME, _NO_RATING = -1, -2  # instead of seconds since 1970


def append_files(active: Path, new: Path, into: Path, counts: AppendCounts) -> None:
    """Add canonical files to those of a data set, and write the result into a folder.

    Of a pair of user and movie that both have, the rating of the data set stays only if both have a
    time and its time is later. Then the deletions take ratings away, also new ones. Adding the same
    files again changes nothing.

    Args:
        active: the folder of the data set's canonical files.
        new: the folder of the files to add, with the movies, links and ids of both.
        into: the folder to write into.
        counts: gets the counts.
    """
    deletions = Deletions(new / DELETED)
    with ExitStack() as stack:
        tally = stack.enter_context(closing(PairCounts(into)))
        write = _writer(stack, into, RATINGS)
        before, added = active / RATINGS, new / RATINGS
        _add_ratings(before, added, deletions, write, counts=counts, tally=tally)
        if (active / TAGS).exists() or (new / TAGS).exists():
            _add_tags(active / TAGS, new / TAGS, deletions, _writer(stack, into, TAGS), counts)
        for name in official_tests(path.name for path in active.iterdir()):
            _keep_test(active / name, deletions, _writer(stack, into, name))
    counts.unknown_deletions += deletions.unmatched()
    for name in (MOVIES, LINKS, IDS):
        if (new / name).exists():
            shutil.copyfile(new / name, into / name)


class Deletions:
    """The pairs and the users whose ratings are deleted."""

    def __init__(self, path: Path) -> None:
        """Read the deletions that were written with the data set's ids, if the file exists."""
        self._users: set[int] = set()
        self._pairs: set[tuple[int, int]] = set()
        self._deleted: set[tuple[int, int]] = set()
        self._withheld: set[tuple[int, int]] = set()
        for line in _lines(path):
            user, movie = line.split(",")
            if movie:
                self._pairs.add((int(user), int(movie)))
            else:
                self._users.add(int(user))

    def names_user(self, user: int) -> bool:
        """Return whether all of a user's ratings are deleted."""
        return user in self._users

    def names(self, user: int, movie: int) -> bool:
        """Return whether a rating is deleted."""
        return user in self._users or (user, movie) in self._pairs

    def take(self, user: int, movie: int) -> bool:
        """Return whether a rating of the data set is deleted, and note that it had one."""
        taken = self.names(user, movie)
        if taken:
            self._deleted.add((user, movie))
        return taken

    def withhold(self, user: int, movie: int) -> bool:
        """Return whether a new rating is left out, and note that there was one."""
        taken = self.names(user, movie)
        if taken and (user, movie) not in self._deleted:
            self._withheld.add((user, movie))
        return taken

    @property
    def deleted(self) -> int:
        """The number of different ratings of the data set that were taken."""
        return len(self._deleted)

    @property
    def withheld(self) -> int:
        """The number of new ratings that were withheld, and that the data set did not have."""
        return len(self._withheld)

    def unmatched(self) -> int:
        """Return how many different deletions have matched no rating."""
        matched = self._deleted | self._withheld
        users = {user for user, _ in matched}
        return len(self._users - users) + len(self._pairs - matched)


class NewRatings:
    """The ratings to add, one of each pair: the latest one, and of undated ones the last.

    A rating with a time counts more than one without, as in the prepare step.
    """

    def __init__(self, path: Path) -> None:
        self._users: dict[int, int] = {}  # numbers from 0
        keys, times, halves = array("q"), array("q"), array("b")
        for line in _lines(path):
            user, movie, stars, time = _rating(line)
            person = self._users.setdefault(user, len(self._users))
            keys.append((person << _MOVIE_BITS) + movie)
            times.append(time)
            halves.append(round(2 * stars))
        places = np.lexsort((times, keys))  # keeps equal ones in the order of the file
        ordered = np.array(keys, dtype=np.int64)[places]
        is_last = np.append(ordered[1:] != ordered[:-1], [True] * min(1, len(places)))
        chosen = places[is_last.astype(bool)]
        self._in_order_of_file: list[int] = np.argsort(chosen).tolist()
        self._keys = array("q", (keys[place] for place in chosen.tolist()))
        self._times = array("q", (times[place] for place in chosen.tolist()))
        self._halves = array("b", (halves[place] for place in chosen.tolist()))
        self._former_times = array("q", [_NO_RATING]) * len(chosen)
        self._former_halves = bytearray(len(chosen))
        self._is_there = bytearray(len(chosen))

    def stays(self, user: int, movie: int, stars: float, time: int) -> bool:
        """Note a rating that the data set has; return whether it stays where it is.

        It does if no new one replaces it, or if it is the same as the new one.
        """
        place = self._find(user, movie)
        if place is None:
            return True
        halves = round(2 * stars)
        if time >= self._former_times[place]:
            self._former_times[place], self._former_halves[place] = time, halves
        if (time, halves) == (self._times[place], self._halves[place]):
            again = self._is_there[place]
            self._is_there[place] = True
            return not again
        return _is_later(time, self._times[place])

    def remaining(
        self, deletions: Deletions, counts: AppendCounts
    ) -> Iterator[tuple[int, int, float, int]]:
        """Yield user, movie, stars and time of those to write, in the order of their file."""
        users = list(self._users)
        for place in self._in_order_of_file:
            person, movie = divmod(self._keys[place], 1 << _MOVIE_BITS)
            if deletions.withhold(users[person], movie):
                continue
            former, time, halves = (
                self._former_times[place],
                self._times[place],
                self._halves[place],
            )
            if _is_later(former, time):
                counts.older += 1
                continue
            same = (former, self._former_halves[place]) == (time, halves)
            counts.added += former == _NO_RATING
            counts.same += same
            counts.changed += former != _NO_RATING and not same
            if not self._is_there[place]:
                yield users[person], movie, halves / 2, time

    def _find(self, user: int, movie: int) -> int | None:
        person = self._users.get(user)
        if person is None:
            return None
        key = (person << _MOVIE_BITS) + movie
        place = bisect_left(self._keys, key)
        return place if place < len(self._keys) and self._keys[place] == key else None


def _is_later(former: int, time: int) -> bool:
    """Return whether a rating of the data set is later than a new one; both need a time."""
    return time >= 0 and former > time


def _add_ratings(
    active: Path,
    new: Path,
    deletions: Deletions,
    write: Callable[[str], object],
    *,
    counts: AppendCounts,
    tally: PairCounts,
) -> None:
    added = NewRatings(new)
    write(RATINGS_HEADER)
    for line in _lines(active):
        user, movie, stars, time = _rating(line)
        counts.before_ratings += 1
        if not deletions.take(user, movie) and added.stays(user, movie, stars, time):
            write(f"{line}\n")
            tally.add(user, movie)
    counts.deleted = deletions.deleted
    for user, movie, stars, time in added.remaining(deletions, counts):
        write(f"{user},{movie},{stars},{'' if time == _NO_TIME else time}\n")
        tally.add(user, movie)
    counts.withheld = deletions.withheld
    counts.ratings = tally.ratings - tally.repeated()
    counts.users, counts.movies_rated = tally.users, tally.movies
    counts.movies_with_five_ratings = tally.movies_rated_by(RATINGS_OF_A_MOVIE)


def _add_tags(
    active: Path,
    new: Path,
    deletions: Deletions,
    write: Callable[[str], object],
    counts: AppendCounts,
) -> None:
    """Add tags that the data set does not have, and delete those of users who are deleted."""
    rows = _csv_rows(new)
    added = {
        (row[0], row[1], row[2].lower()): row
        for row in rows
        if not deletions.names_user(int(row[0]))
    }
    writer = csv.writer(_Writes(write), lineterminator="\n")
    writer.writerow(TAGS_HEADER)
    for row in _csv_rows(active):
        if deletions.names_user(int(row[0])):
            counts.tags_deleted += 1
            continue
        added.pop((row[0], row[1], row[2].lower()), None)
        writer.writerow(row)
    counts.tags_added = len(added)
    writer.writerows(added.values())


def _keep_test(path: Path, deletions: Deletions, write: Callable[[str], object]) -> None:
    """Copy a published test set without the pairs that are deleted."""
    with path.open(encoding="utf-8", newline="") as lines:
        for line in lines:
            user, movie, _ = line.split("\t")
            if not deletions.names(int(user), int(movie)):
                write(line)


class _Writes:
    """A file whose only method is to write."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _writer(stack: ExitStack, into: Path, name: str) -> Callable[[str], object]:
    return stack.enter_context((into / name).open("w", encoding="utf-8", newline="")).write


def _rating(line: str) -> tuple[int, int, float, int]:
    """Return user, movie, stars and time of a canonical row."""
    user, movie, stars, time = line.split(",")
    return int(user), int(movie), float(stars), int(time) if time else _NO_TIME


def _lines(path: Path) -> Iterator[str]:
    """Yield the rows of a canonical file without its header; none if there is no file."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        if path.name != DELETED:
            next(file, None)
        for line in file:
            yield line.rstrip("\n")


def _csv_rows(path: Path) -> Iterator[Sequence[str]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        yield from rows
