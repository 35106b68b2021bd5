"""Keep rows of ratings in a compact form on disk, until all of a file is known.

Ids, the scale and the order of day and month can only be decided from all rows. So a row is kept as
numbers, 20 bytes, and read again in this form: a file of ratings is read and split into fields only
once. In memory are each different id and rating, and one batch of rows.
"""

import functools
import itertools
import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from operations.dataset.report import EXAMPLES_OF_A_REASON, TEXT_SHOWN
from operations.dataset.rows import RatingRow
from operations.dataset.values import Times, is_missing

BATCH = 1 << 15  # rows
ROW = np.dtype([("user", "<u4"), ("movie", "<u4"), ("rating", "<u4"), ("time", "<i8")])
# As the user: the row cannot be divided into fields, and its rating is the number of the reason.
UNDIVIDED = 2**32 - 1
# As the time: there is none, it cannot be read, or its text is kept because it has slashes.
NO_TIME, UNREADABLE_TIME, SLASHED_TIME = -1, -2, -3

type TextNumbers = npt.NDArray[np.int64]
type SpooledRows = npt.NDArray[np.void]


class CountedTexts:
    """Different texts, numbered from 0 in the order of their first row, with their rows."""

    def __init__(self) -> None:
        self.numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
        self._counts: TextNumbers = np.zeros(64, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def items(self) -> Iterator[tuple[str, int]]:
        """Yield each text with its number of rows."""
        return zip(self.numbers, self._counts.tolist(), strict=False)

    def rows(self) -> int:
        """Return the number of rows of all texts."""
        return int(self._counts.sum())

    def forget(self) -> None:
        """Free the memory of the texts."""
        self.numbers.clear()

    def count(self, numbers: TextNumbers) -> npt.NDArray[np.bool_]:
        """Count rows with these texts; return which are among the first rows of their text."""
        if len(self.numbers) > len(self._counts):
            grown = np.zeros(2 * len(self.numbers), dtype=np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        before = self._counts[numbers]
        first = np.zeros(len(numbers), dtype=np.bool_)
        few = np.flatnonzero(before < EXAMPLES_OF_A_REASON)
        if len(few):
            order = few[np.argsort(numbers[few], kind="stable")]
            same = numbers[order]
            starts = np.flatnonzero(np.append(True, same[1:] != same[:-1]))
            lengths = np.diff(np.append(starts, len(same)))
            ranks = np.arange(len(same)) - np.repeat(starts, lengths)
            first[order] = before[order] + ranks < EXAMPLES_OF_A_REASON
        self._counts += np.bincount(numbers, minlength=len(self._counts))
        return first


class KeptLine(NamedTuple):
    """The beginning of a line that may become an example of those that are left out."""

    row: int
    place: int
    text: str


class RatingSpool:
    """Rows of ratings as numbers, in temporary files without a name.

    Attributes:
        users: the users' ids as they are written.
        movies: the movies' ids as they are written.
        ratings: the ratings as they are written.
        reasons: why rows cannot be divided into fields.
        times: what the times show of the order of day and month.
        first_time: the first time that is not missing; empty if there is none.
    """

    def __init__(self, folder: Path | None) -> None:
        """Make the temporary files in a folder; None takes the system's."""
        # close() closes them.
        self._rows = TemporaryFile(dir=folder)  # noqa: SIM115
        self._lines, self._slashed = (
            TemporaryFile("w+", dir=folder, encoding="utf-8", newline="\n")  # noqa: SIM115
            for _ in range(2)
        )
        self.users, self.movies, self.ratings = CountedTexts(), CountedTexts(), CountedTexts()
        self.reasons = CountedTexts()
        self.times = Times()
        self.first_time = ""
        self._count = 0
        self._swapped = False

    def close(self) -> None:
        """Delete the temporary files."""
        for file in (self._rows, self._lines, self._slashed):
            file.close()

    def __len__(self) -> int:
        return self._count

    def swap(self) -> None:
        """Take the first column of ids for movies and the second one for users."""
        self.users, self.movies = self.movies, self.users
        self._swapped = not self._swapped

    def add(self, rows: Iterable[RatingRow], progress: Callable[[int], None]) -> None:
        """Add the rows of a file; after each batch, `progress` is called with all rows so far."""
        users, movies, ratings = self.users.numbers, self.movies.numbers, self.ratings.numbers
        code = functools.lru_cache(100_000)(self._code)
        batch = _Batch()
        add_user, add_movie = batch.users.append, batch.movies.append
        add_rating, add_time = batch.ratings.append, batch.times.append
        add_line, add_place = batch.lines.append, batch.places.append
        for place, line, user, movie, rating, time in rows:
            if user is None:
                add_user(UNDIVIDED)
                add_movie(0)
                add_rating(self.reasons.numbers[movie])
                add_time(NO_TIME)
            else:
                add_user(users[user])
                add_movie(movies[movie])
                add_rating(ratings[rating])
                # Ten digits are seconds from 2001 to 2286.
                if len(time) == 10 and time.isdecimal() and time.isascii():  # noqa: PLR2004
                    seconds = int(time)
                else:
                    seconds = code(time)
                    if seconds == SLASHED_TIME:
                        self._slashed.write(f"{time.strip()}\n")
                add_time(seconds)
                if not self.first_time and seconds != NO_TIME:
                    self.first_time = time
            add_place(place)
            add_line(line[:TEXT_SHOWN])
            if len(batch.lines) == BATCH:
                self._write(batch)
                progress(self._count)
        self._write(batch)

    def batches(self) -> Iterator[SpooledRows]:
        """Yield all rows in their order, as arrays of ROW."""
        self._rows.seek(0)
        while content := self._rows.read(BATCH * ROW.itemsize):
            rows: SpooledRows = np.frombuffer(content, dtype=ROW)
            yield _with_swapped_ids(rows) if self._swapped else rows

    def kept_lines(self) -> Iterator[KeptLine]:
        """Yield the first lines of each id, rating and reason, in the order of the rows."""
        self._lines.seek(0)
        for text in self._lines:
            yield KeptLine(*json.loads(text))

    def slashed_times(self) -> Iterator[str]:
        """Yield the times with slashes, one for each row whose time is SLASHED_TIME."""
        self._slashed.seek(0)
        for text in self._slashed:
            yield text.removesuffix("\n")

    def _code(self, time: str) -> int:
        """Return the seconds of a time, or which of the three codes it has."""
        if self.times.look(time):
            return SLASHED_TIME
        seconds = self.times.seconds(time)
        if seconds is not None:
            return seconds
        return NO_TIME if is_missing(time) else UNREADABLE_TIME

    def _write(self, batch: "_Batch") -> None:
        rows: Any = np.empty(len(batch.lines), dtype=ROW)
        rows["user"], rows["movie"] = batch.users, batch.movies
        rows["rating"], rows["time"] = batch.ratings, batch.times
        divided = rows["user"] != UNDIVIDED
        keep = np.zeros(len(rows), dtype=np.bool_)
        for texts, column in (
            (self.users, "user"),
            (self.movies, "movie"),
            (self.ratings, "rating"),
        ):
            keep[divided] |= texts.count(rows[column][divided].astype(np.int64))
        keep[~divided] = self.reasons.count(rows["rating"][~divided].astype(np.int64))
        for place in np.flatnonzero(keep).tolist():
            kept = (self._count + place, batch.places[place], batch.lines[place])
            self._lines.write(f"{json.dumps(kept)}\n")
        self._rows.write(rows.tobytes())
        self._count += len(rows)
        batch.clear()


class _Batch:
    """The columns of rows that are not written yet."""

    def __init__(self) -> None:
        self.users, self.movies, self.ratings = array("I"), array("I"), array("I")
        self.times, self.places = array("q"), array("q")
        self.lines: list[str] = []

    def clear(self) -> None:
        for column in (self.users, self.movies, self.ratings, self.times, self.places):
            del column[:]
        self.lines.clear()


def _with_swapped_ids(rows: Any) -> SpooledRows:
    """Return rows whose users and movies are swapped, except where they are not divided."""
    swapped = rows.copy()
    divided = rows["user"] != UNDIVIDED
    swapped["user"][divided], swapped["movie"][divided] = (
        rows["movie"][divided],
        rows["user"][divided],
    )
    return swapped  # type: ignore[no-any-return]
