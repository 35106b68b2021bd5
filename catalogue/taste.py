"""The taste model: invented people who like some genres, dislike others, and rate films so.

Every step of it, and why it is so: README.md in this folder. Seeded: the same seed gives the
same ratings.
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
MIDDLE = 3.0  # stars for a middling film, by a person who has no feelings about its genres
FELT_GENRES = (3, 4)  # how many genres a person likes, and as many she dislikes
FEELING = 1.9  # stars that a liked genre adds and a disliked one takes
FEELING_SPREAD = 0.3  # standard deviations, stars
INDIFFERENCE_SPREAD = 0.2
QUALITY_SPREAD = 0.15
LENIENCY_SPREAD = 0.2
MOOD_SPREAD = 0.25
SECOND_GENRE = 0.3  # share of a feeling that a film's later genres carry
FAME_SPREAD = 0.3
CURIOSITY = 0.4  # how much likelier a film is watched for each star of feeling
LOWEST, HIGHEST = 0.5, 5.0
FIRST_DAY, LAST_DAY = 1_577_836_800, 1_767_139_200  # 2020-01-01 and 2025-12-31, epoch seconds

type Doubles = npt.NDArray[np.float64]

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
        return self.genres[0]


@dataclass(frozen=True, slots=True)
class Given:
    """A rating that an invented person gave."""

    user_id: int
    movie_id: int
    stars: float
    rated_at: int  # epoch seconds


def films(source: Path = MOVIES) -> list[Film]:
    """The films of the catalogue, by id. Raises ValueError for a title without its year."""
    with source.open(newline="", encoding="utf-8") as lines:
        return [_film(row) for row in csv.DictReader(lines)]


def groups(catalogue: Sequence[Film]) -> dict[str, list[Film]]:
    """The films of each genre group."""
    found: dict[str, list[Film]] = {}
    for film in catalogue:
        found.setdefault(film.group, []).append(film)
    return found


def draw(catalogue: Sequence[Film], users: int = USERS, seed: int = SEED) -> Iterator[Given]:
    """Draw every person's ratings, person by person."""
    chance = np.random.default_rng(seed)
    shares = genre_shares(catalogue)
    quality = chance.normal(0, QUALITY_SPREAD, len(catalogue))
    fame = np.exp(chance.normal(0, FAME_SPREAD, len(catalogue)))
    for user_id in range(1, users + 1):
        feelings = shares @ _feelings(chance, shares.shape[1])
        watched = _watched(chance, fame, feelings)
        leniency = chance.normal(0, LENIENCY_SPREAD)
        mood = chance.normal(0, MOOD_SPREAD, len(watched))
        stars = MIDDLE + quality[watched] + leniency + feelings[watched] + mood
        halves = np.clip(np.round(2 * stars) / 2, LOWEST, HIGHEST)
        moments = np.sort(chance.integers(FIRST_DAY, LAST_DAY, len(watched)))
        for film, given, moment in zip(watched, halves, moments, strict=True):
            yield Given(user_id, catalogue[film].movie_id, float(given), int(moment))


def genre_shares(catalogue: Sequence[Film]) -> Doubles:
    """Films by genres: 1 for a film's group, SECOND_GENRE for each further genre, else 0."""
    names = sorted({genre for film in catalogue for genre in film.genres})
    shares = np.zeros((len(catalogue), len(names)))
    for row, film in enumerate(catalogue):
        for place, genre in enumerate(film.genres):
            shares[row, names.index(genre)] = SECOND_GENRE if place else 1.0
    return shares


def _feelings(chance: np.random.Generator, genres: int) -> Doubles:
    """Stars that each genre adds for one person."""
    feelings = chance.normal(0, INDIFFERENCE_SPREAD, genres)
    liked, disliked = chance.integers(FELT_GENRES[0], FELT_GENRES[1], 2, endpoint=True)
    felt = chance.permutation(genres)[: liked + disliked]
    feelings[felt[:liked]] = chance.normal(FEELING, FEELING_SPREAD, liked)
    feelings[felt[liked:]] = chance.normal(-FEELING, FEELING_SPREAD, disliked)
    return feelings


def _watched(chance: np.random.Generator, fame: Doubles, feelings: Doubles) -> npt.NDArray[np.intp]:
    """Films that a person has seen, in the order of her seeing them."""
    odds = fame * np.exp(CURIOSITY * feelings)
    number = int(chance.integers(FEWEST, MOST, endpoint=True))
    return chance.choice(len(fame), min(number, len(fame)), replace=False, p=odds / odds.sum())


def _film(row: dict[str, str]) -> Film:
    found = _TITLE.fullmatch(row["title"])
    if not found:
        raise ValueError(f"title {row['title']!r} does not end with its year in parentheses")
    return Film(
        int(row["movieId"]), found["title"], int(found["year"]), tuple(row["genres"].split("|"))
    )
