"""The active data set, as ratings that are added to it must know it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from operations.dataset.ids import IdMapping, KeptReading
from operations.dataset.output import LINKS, MOVIES, NO_GENRES
from operations.dataset.titles import DatasetMovie
from operations.dataset.values import title_with_year

_HALF = 0.5  # share of the movies


@dataclass(frozen=True, slots=True)
class KnownDataSet:
    """A data set to which ratings are added.

    Attributes:
        reading: the integers of its ids, and what else was kept of reading it.
        movies: its movies, by their ids as they were written.
    """

    reading: KeptReading
    movies: dict[str, DatasetMovie]

    @property
    def named_by_ids(self) -> bool:
        """Whether ids stand for titles, because there was no file of titles."""
        if self.reading.movies.numbers:
            return False
        same = sum(title_with_year(key) == movie.title for key, movie in self.movies.items())
        return same > _HALF * len(self.movies)


def read_known(folder: Path, reading: KeptReading) -> KnownDataSet:
    """Read the movies of the canonical files in a folder."""
    links = {row[0]: (row[1], row[2]) for row in _rows(folder / LINKS)}
    keys = _keys(reading.movies)
    movies: dict[str, DatasetMovie] = {}
    for number, title, genres in _rows(folder / MOVIES):
        imdb, tmdb = links.get(number, ("", ""))
        listed = () if genres == NO_GENRES else tuple(genres.split("|"))
        movies[keys.get(number, number)] = DatasetMovie(title, listed, imdb, tmdb)
    return KnownDataSet(reading, movies)


def _keys(mapping: IdMapping) -> dict[str, str]:
    """Return the ids as they were written, by their integers as text."""
    return {f"{number}": key for key, number in mapping.by_key.items()}


def _rows(path: Path) -> list[list[str]]:
    """Return the rows of a canonical csv file without its header; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]
