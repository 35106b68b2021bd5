"""Write the canonical files of a data set."""

import csv
import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from operations.dataset.ids import KeptReading
from operations.dataset.matching import KnownIds, Links

RATINGS, MOVIES, TAGS, LINKS = "ratings.csv", "movies.csv", "tags.csv", "links.csv"
DELETED = "deleted.csv"  # only on the way to the data set that it changes
IDS = "ids.json"  # is kept next to the canonical files, and is none of them
NO_GENRES = "(no genres listed)"
RATINGS_HEADER = "userId,movieId,rating,timestamp\n"
TAGS_HEADER = ("userId", "movieId", "tag", "timestamp")


class Output:
    """Writes the canonical files into a folder; without one, what is written goes nowhere."""

    def __init__(self, stack: ExitStack, into: Path | None) -> None:
        self._stack = stack
        self._into = into

    @functools.cached_property
    def ratings(self) -> Callable[[str], object]:
        """Writes text into ratings.csv, which begins with its header."""
        write = self.text(RATINGS)
        write(RATINGS_HEADER)
        return write

    @functools.cached_property
    def tags(self) -> Callable[[Sequence[object]], object]:
        """Writes a row into tags.csv, which begins with its header."""
        return self._rows(TAGS, TAGS_HEADER)

    def movies(self, known: KnownIds, links: Links) -> None:
        """Write movies.csv, and links.csv if a movie has an id in another catalogue."""
        write = self._rows(MOVIES, ("movieId", "title", "genres"))
        linked: list[tuple[object, str, str]] = []
        for key, movie in known.movies.items():
            number = known.movie_ids.integer(key)
            write((number, movie.title, "|".join(movie.genres) or NO_GENRES))
            imdb, tmdb = links.get(key, ("", ""))
            imdb, tmdb = imdb or movie.imdb, tmdb or movie.tmdb
            if imdb or tmdb:
                linked.append((number, imdb, tmdb))
        if linked:
            write_link = self._rows(LINKS, ("movieId", "imdbId", "tmdbId"))
            for link in linked:
                write_link(link)

    def ids(self, kept: KeptReading) -> None:
        """Write ids.json."""
        self.text(IDS)(kept.to_json().decode())

    def text(self, name: str) -> Callable[[str], object]:
        """Return a function that writes text into a new file of that name."""
        file = self._open(name)
        return file.write if file else len

    def _rows(self, name: str, header: Sequence[str]) -> Callable[[Sequence[object]], object]:
        file = self._open(name)
        if file is None:
            return len
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        return writer.writerow

    def _open(self, name: str) -> TextIO | None:
        if self._into is None:
            return None
        path = self._into / name
        return self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
