"""The taste model: invented people who like some genres, dislike others and rate accordingly.

README.md in this folder explains every step and its reasons. The same seed gives the same ratings.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalogue import MOVIES

SEED = 1977
USERS = 600
FEWEST, MOST = 45, 75  # films that a person rates
MIDDLE = 3.0  # stars of an average film from a person who is indifferent to its genres
FELT_GENRES = (3, 4)  # least and most genres that a person likes; the same for dislikes
FEELING = 1.9  # stars that a liked genre adds and a disliked genre subtracts
FEELING_SPREAD = 0.3  # standard deviations, stars
INDIFFERENCE_SPREAD = 0.2
QUALITY_SPREAD = 0.15
LENIENCY_SPREAD = 0.2
MOOD_SPREAD = 0.25
SECOND_GENRE = 0.3  # weight of a film's genres after the first
POPULARITY_SPREAD = 0.3
CURIOSITY = 0.4  # rise of the log odds of watching a film, per star of feeling
LOWEST, HIGHEST = 0.5, 5.0
FIRST_DAY, LAST_DAY = 1_577_836_800, 1_767_139_200  # 2020-01-01 and 2025-12-31, epoch seconds

type _Doubles = npt.NDArray[np.float64]

_TITLE = re.compile(r"(?P<title>.+) \((?P<year>\d{4})\)")


@dataclass(frozen=True, slots=True)
class Film:
    """A film of the catalogue; its first genre is its group."""

    movie_id: int
    title: str
    year: int
    genres: tuple[str, ...]

    @property
    def group(self) -> str:
        """The genre group: the first genre."""
        return self.genres[0]


@dataclass(frozen=True, slots=True)
class InventedRating:
    """A rating that an invented person gave."""

    user_id: int
    movie_id: int
    stars: float
    rated_at: int  # epoch seconds


def films(source: Path = MOVIES) -> list[Film]:
    """Read the films of the catalogue.

    Raises:
        ValueError: a title does not end with a year.
    """
    with source.open(newline="", encoding="utf-8") as lines:
        return [_film(row) for row in csv.DictReader(lines)]


def groups(catalogue: Sequence[Film]) -> dict[str, list[Film]]:
    """Return the films of each group, that is, by first genre."""
    found: dict[str, list[Film]] = {}
    for film in catalogue:
        found.setdefault(film.group, []).append(film)
    return found


def draw_ratings(
    catalogue: Sequence[Film], users: int = USERS, seed: int = SEED
) -> Iterator[InventedRating]:
    """Draw random ratings of invented people; the same seed gives the same ratings.

    Args:
        catalogue: the films that people can rate.
        users: the number of people; their ids are 1 to `users`.
        seed: the seed of the random choices.

    Yields:
        The ratings, one person after the other; each person's ratings in the order of time.
    """
    chance = np.random.default_rng(seed)
    shares = genre_shares(catalogue)
    quality = chance.normal(0, QUALITY_SPREAD, len(catalogue))
    popularity = np.exp(chance.normal(0, POPULARITY_SPREAD, len(catalogue)))
    for user_id in range(1, users + 1):
        feelings = shares @ _feelings(chance, shares.shape[1])
        watched = _watched(chance, popularity, feelings)
        leniency = chance.normal(0, LENIENCY_SPREAD)
        mood = chance.normal(0, MOOD_SPREAD, len(watched))
        stars = MIDDLE + quality[watched] + leniency + feelings[watched] + mood
        halves = np.clip(np.round(2 * stars) / 2, LOWEST, HIGHEST)
        moments = np.sort(chance.integers(FIRST_DAY, LAST_DAY, len(watched)))
        for film, given, moment in zip(watched, halves, moments, strict=True):
            yield InventedRating(user_id, catalogue[film].movie_id, float(given), int(moment))


def genre_shares(catalogue: Sequence[Film]) -> _Doubles:
    """Return genre weights, shape (films, genres).

    The weight is 1 for a film's first genre, SECOND_GENRE for its other genres, and else 0.
    """
    names = sorted({genre for film in catalogue for genre in film.genres})
    shares = np.zeros((len(catalogue), len(names)))
    for row, film in enumerate(catalogue):
        for place, genre in enumerate(film.genres):
            shares[row, names.index(genre)] = SECOND_GENRE if place else 1.0
    return shares


def _feelings(chance: np.random.Generator, genres: int) -> _Doubles:
    """Draw the stars that each genre adds for one person."""
    feelings = chance.normal(0, INDIFFERENCE_SPREAD, genres)
    liked, disliked = chance.integers(FELT_GENRES[0], FELT_GENRES[1], 2, endpoint=True)
    felt = chance.permutation(genres)[: liked + disliked]
    feelings[felt[:liked]] = chance.normal(FEELING, FEELING_SPREAD, liked)
    feelings[felt[liked:]] = chance.normal(-FEELING, FEELING_SPREAD, disliked)
    return feelings


def _watched(
    chance: np.random.Generator, popularity: _Doubles, feelings: _Doubles
) -> npt.NDArray[np.intp]:
    """Draw the films that a person has watched, in the order of watching."""
    odds = popularity * np.exp(CURIOSITY * feelings)
    number = int(chance.integers(FEWEST, MOST, endpoint=True))
    return chance.choice(
        len(popularity), min(number, len(popularity)), replace=False, p=odds / odds.sum()
    )


def _film(row: dict[str, str]) -> Film:
    found = _TITLE.fullmatch(row["title"])
    if not found:
        raise ValueError(f"title {row['title']!r} does not end with its year in parentheses")
    return Film(
        int(row["movieId"]), found["title"], int(found["year"]), tuple(row["genres"].split("|"))
    )
