"""Find series of movies by titles and years: `Rocky`, `Rocky II`, `Rocky III`.

A title is read in several ways: as a part with a number, as a subtitle after a series' name, or as
a name alone. Titles that name the same series in one of these ways form a run of movies, and rules
decide whether a run is a series. docs/model.md lists them, with their precision.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

from marquee.recommender.model import ModelError, Movie, Series, SeriesPart
from marquee.recommender.title_words import (
    LOOSE,
    names_of,
    spell_for_comparison,
    words_of,
)

MOST_NUMBER = 40  # greater numbers in titles are years, addresses or times
MOST_FIRST_NUMBER = 3  # of a part whose predecessor is missing: `Rocky`, `Rocky III`
MOST_LEAST_NUMBER = 4  # of a series' parts, if its numbers count them: `Star Wars: Episode IV`
MOST_YEARS = 35  # between two parts, of which one has a number
MOST_YEARS_BY_NAME = 20  # between two parts without numbers
MOST_BY_SUBTITLE = 15  # parts without any number; more are a brand or a character, not a series
MOST_YEARS_BY_RETOLD_NAME = 5  # the same, where several movies have the series' name alone
FEW_WORDS = 2  # of a series' name before "and the"; a shorter name needs a third part

# Words before a part's number. After them, 1 and I are numbers too.
_COUNTED = frozenset(("part", "chapter", "episode", "ep", "volume", "vol", "season", "book"))
_FIRST = {"i": 1, "1": 1, "deux": 2}
# Words around a series' name which only a later part has.
_AFTER = tuple(
    tuple(words.split())
    for words in (
        "returns",
        "reloaded",
        "revolutions",
        "rises",
        "again",
        "forever",
        "strikes back",
        "strikes again",
        "rides again",
    )
)
_BEFORE = tuple(
    tuple(words.split()) for words in ("return of", "revenge of", "bride of", "son of", "another")
)
# Also said of other things; they count before names of at least two words.
_BEFORE_LONG_NAMES = tuple(
    tuple(words.split())
    for words in (
        "curse of",
        "trail of",
        "shadow of",
        "beneath",
        "escape from",
        "conquest of",
        "battle for",
        "after",
    )
)
_BEFORE_WITH_LEAST = (
    *((around, 1) for around in _BEFORE),
    *((around, 2) for around in _BEFORE_LONG_NAMES),
)
_KINDS_APART = ("Animation", "Documentary")  # genres that separate an adaptation from a series
_STAGE = frozenset(("Comedy", "Documentary"))  # genres of a comedian's recorded shows
_SUBTITLE = re.compile(r"\s*:\s+|\s+[-\u2013]\s+")
_EDITION = re.compile(
    r"\b(?:edition|version|bonus material|(?:director.?s|extended|final|special) cut)$",
    re.IGNORECASE,
)
_AND_THE = "and the"  # the first word of the key of a name that stands before "and the"
_SPACED = re.compile(r"\S+")
_NUMBER_IN_WORD = re.compile(r"^([^\W\d]{3,})(\d)$")  # Alien³

type Words = tuple[str, ...]


class _Kind(IntEnum):
    """How a title names a series; where a movie's names differ, the greatest counts."""

    NAME = 0  # the series' name alone
    SUBTITLE = 1  # the name, then a subtitle
    RELATED = 2  # words around the name which only a later part has
    NUMBERED = 3


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a movie's title as a part of a series."""

    key: Words  # the series' name for comparison
    kind: _Kind
    number: int | None = None
    name: str = ""  # the series' name as written, where it stands at the beginning


@dataclass(frozen=True, slots=True)
class _Part:
    movie: Movie
    year: int
    reading: _Reading

    @property
    def number(self) -> int:
        return self.reading.number or 0


def find_series(movies: Iterable[Movie]) -> tuple[Series, ...]:
    """Return the series among these movies, in the order of their first parts' ids.

    Parts are in the order of release, parts of one year in the order of their numbers. A movie is
    in at most one series. Movies without a year are in none, as their order is unknown; and so
    are editions of a movie.
    """
    by_key: dict[Words, dict[int, _Part]] = {}
    known = sorted(movies, key=lambda movie: movie.movie_id)
    for movie in known:
        if movie.year is None or _EDITION.search(movie.title):
            continue
        for reading in _readings_of(movie):
            parts = by_key.setdefault(reading.key, {})
            other = parts.get(movie.movie_id)
            if other is None or other.reading.kind < reading.kind:
                parts[movie.movie_id] = _Part(movie, movie.year, reading)
    found = [
        run
        for key, parts in by_key.items()
        if len(parts) > 1
        for run in _series_of(key, list(parts.values()))
    ]
    return tuple(sorted(_merged(found), key=lambda series: min(series.movie_ids)))


def _readings_of(movie: Movie) -> Iterator[_Reading]:
    titles = (movie.title, *movie.alternative_titles)
    for name in dict.fromkeys(name for title in titles for name in names_of(title)):
        yield from _readings_of_name(name)


def _readings_of_name(name: str) -> Iterator[_Reading]:
    words = words_of(name)
    yield _Reading(_key(words), _Kind.NAME, None, name)
    if numbered := _numbered(words):
        base, number = numbered
        yield _Reading(_key(base), _Kind.NUMBERED, number, _beginning(name, len(base)))
    for found in _SUBTITLE.finditer(name):
        head, tail = name[: found.start()], name[found.end() :]
        first, rest = words_of(head), words_of(tail)
        if not first or not rest:
            continue
        inner = _numbered(rest)
        if numbered := _numbered(first):
            base, number = numbered
            yield _Reading(_key(base), _Kind.NUMBERED, number, _beginning(head, len(base)))
        else:
            yield _Reading(_key(first), _Kind.SUBTITLE, inner[1] if inner else None, head)
    for place, pair in enumerate(pairwise(words)):
        if place and pair == ("and", "the"):
            key = (_AND_THE, *_key(words[:place]))
            yield _Reading(key, _Kind.SUBTITLE, None, _beginning(name, place))
    for around in _AFTER:
        if words[-len(around) :] == around and len(words) > len(around):
            yield _Reading(_key(words[: -len(around)]), _Kind.RELATED)
    for around, least in _BEFORE_WITH_LEAST:
        rest = _key(words[len(around) :])
        if words[: len(around)] == around and len(rest) >= least:
            yield _Reading(rest, _Kind.RELATED)


def _key(words: Words) -> Words:
    """Return the words for comparison; an article at the end is a letter, as in Project A."""
    spelled = spell_for_comparison(words)
    return (*(word for word in spelled[:-1] if word not in LOOSE), *spelled[-1:])


def _beginning(name: str, count: int) -> str:
    """Return the first `count` words of a name as written, without the punctuation after them."""
    ends = [found.end() for found in _SPACED.finditer(name)]
    fitting = [end for end in ends if len(words_of(name[:end])) <= count]
    return name[: max(fitting, default=len(name))].rstrip(" ,:-.#(")


def _numbered(words: Words) -> tuple[Words, int] | None:
    """Return the words before a part's number, and the number; None if there is no number."""
    spelled = spell_for_comparison(words)
    for place in range(1, len(words) - 1):
        if words[place] in _COUNTED and (number := _number(spelled[place + 1], 1)):
            return words[:place], number
    if len(words) > 1 and (number := _number(spelled[-1], 2)):
        return words[:-1], number
    if words and (found := _NUMBER_IN_WORD.match(words[-1])) and int(found[2]) > 1:
        return (*words[:-1], found[1]), int(found[2])
    return None


def _number(word: str, least: int) -> int | None:
    number = int(word) if word.isascii() and word.isdigit() else _FIRST.get(word, 0)
    return number if least <= number <= MOST_NUMBER else None


def _series_of(key: Words, parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield the runs of these parts that are series."""
    names = sum(part.reading.kind is _Kind.NAME for part in parts)
    for run in _runs(parts):
        fitting = _fitting(run)
        if len(fitting) > 1 and _is_series(key, fitting, names):
            yield fitting


def _runs(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Split parts into runs: a name alone, a repeated number and a long time begin a new one."""
    run: list[_Part] = []
    for part in sorted(parts, key=lambda part: (part.year, part.number, part.movie.movie_id)):
        kind = part.reading.kind
        repeated = kind is _Kind.NUMBERED and any(
            other.reading.kind is kind and other.number == part.number for other in run
        )
        if run and (
            kind is _Kind.NAME or repeated or part.year - run[-1].year > _most_years(run, part)
        ):
            yield run
            run = []
        run.append(part)
    yield run


def _most_years(run: Sequence[_Part], part: _Part) -> int:
    kinds = {part.reading.kind, *(other.reading.kind for other in run)}
    return MOST_YEARS if _Kind.NUMBERED in kinds else MOST_YEARS_BY_NAME


def _fitting(run: Sequence[_Part]) -> list[_Part]:
    """Return the parts whose genres fit the others'; data sets without genres lack none."""
    fitting = []
    for part in run:
        own = set(part.movie.genres)
        others = [set(other.movie.genres) for other in run if other is not part]
        shares = not own or any(own & each or not each for each in others)
        apart = part.reading.kind is not _Kind.NUMBERED and any(
            sum((genre in each) == (genre in own) for each in others) * 2 < len(others)
            for genre in _KINDS_APART
        )
        if shares and not apart:
            fitting.append(part)
    return fitting


def _is_series(key: Words, run: Sequence[_Part], names: int) -> bool:
    """Return whether a run is a series.

    Args:
        key: the name of the series.
        run: at least two parts.
        names: number of movies, in all runs, whose title is the name alone.
    """
    kinds = [part.reading.kind for part in run]
    has_name = _Kind.NAME in kinds
    numbers = sorted({part.number for part in run if part.reading.kind is _Kind.NUMBERED})
    if numbers:
        counted = sorted({*numbers, 1}) if has_name else numbers
        return any(after - before == 1 for before, after in pairwise(counted)) or (
            has_name and 1 < numbers[0] <= MOST_FIRST_NUMBER
        )
    if key[0] == _AND_THE:
        return len({part.movie.title for part in run}) > 1 and (
            len(key) > FEW_WORDS or len(run) > FEW_WORDS
        )
    if _Kind.RELATED in kinds:
        return has_name and run[0].year < run[-1].year
    return _is_series_by_subtitles(run, names, has_name=has_name)


def _is_series_by_subtitles(run: Sequence[_Part], names: int, *, has_name: bool) -> bool:
    """Return whether a run is a series that only subtitles and perhaps the name alone show."""
    numbered = sum(part.reading.number is not None for part in run)
    if numbered > 1 and numbered * 2 >= len(run):
        return True
    genres = [part.movie.genres for part in run]
    is_stage = not has_name and all(_STAGE.issuperset(each) for each in genres)
    # Without genres, a label, a show and a musician look the same as a series.
    if not any(genres) or is_stage or len(run) > MOST_BY_SUBTITLE:
        return False
    # Several movies with this name alone are a story that is told again, such as Robin Hood.
    gaps = [after.year - before.year for before, after in pairwise(run)]
    return names <= 1 or (has_name and len(gaps) > 1 and max(gaps) <= MOST_YEARS_BY_RETOLD_NAME)


def _merged(runs: Sequence[Sequence[_Part]]) -> Iterator[Series]:
    """Join runs that share a movie, and yield the series."""
    of_movie: dict[int, int] = {}
    groups: dict[int, list[_Part]] = {}
    for number, run in enumerate(runs):
        groups[number] = list(run)
        for other in {
            of_movie[part.movie.movie_id] for part in run if part.movie.movie_id in of_movie
        }:
            groups[number] += groups.pop(other)
        of_movie.update((part.movie.movie_id, number) for part in groups[number])
    for parts in groups.values():
        best: dict[int, _Part] = {}
        for part in parts:
            known = best.get(part.movie.movie_id)
            if known is None or known.number < part.number:
                best[part.movie.movie_id] = part
        ordered = sorted(
            best.values(), key=lambda part: (part.year, part.number, part.movie.movie_id)
        )
        yield Series(_name(ordered, parts), tuple(part.movie.movie_id for part in ordered))


def _name(ordered: Sequence[_Part], parts: Sequence[_Part]) -> str:
    """Return the name with which most parts' titles begin; longer names count for more."""
    names = {_key(words_of(part.reading.name)): part.reading.name for part in parts}
    names.pop((), None)
    titles = [_key(words_of(part.movie.title)) for part in ordered]

    def worth(words: Words) -> tuple[int, int]:
        beginning = sum(title[: len(words)] == words for title in titles)
        return beginning * len(words), beginning

    best = max(names, key=worth, default=())
    return names[best] if best and worth(best)[1] else ordered[0].movie.title


def pack_series(series: Iterable[Series]) -> bytes:
    """Return the series as JSON, `[["<name>", [movie_id, …]], …]`, parts in order."""
    rows = [[each.name, list(each.movie_ids)] for each in series]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


def unpack_series(content: bytes, movies: Mapping[int, Movie]) -> tuple[Series, ...]:
    """Read series from the bytes that `pack_series` returned.

    Args:
        content: the bytes.
        movies: the model's movies by id.

    Raises:
        ModelError: if the bytes are damaged, or name a movie twice or one that is not in `movies`.
    """
    try:
        found = tuple(
            Series(str(name), tuple(int(movie_id) for movie_id in movie_ids))
            for name, movie_ids in json.loads(content)
        )
    except (TypeError, ValueError) as error:
        raise ModelError(f"the series are damaged ({error}); train again") from error
    parts = [movie_id for each in found for movie_id in each.movie_ids]
    if unknown := [movie_id for movie_id in parts if movie_id not in movies]:
        raise ModelError(f"the series name unknown movies {unknown[:3]}; train again")
    if len(parts) != len(set(parts)):
        raise ModelError("the series name a movie twice; train again")
    return found


def with_parts(movies: Mapping[int, Movie], series: Iterable[Series]) -> dict[int, Movie]:
    """Return the movies, those that are parts of a series with their place in it.

    A part's number is the one in its title, such as 4 in `Star Wars: Episode IV`. A part without
    one follows the highest number of the parts before it, so that the first part has 1. Where all
    numbers in the titles are too great to count the parts, as in Ocean's Eleven, they are ignored.
    """
    placed = dict(movies)
    for each in series:
        named = [_number_in_title(movies[movie_id].title) for movie_id in each.movie_ids]
        counts_parts = min(filter(None, named), default=1) <= MOST_LEAST_NUMBER
        highest = 0
        for movie_id, in_title in zip(each.movie_ids, named, strict=True):
            number = (in_title if counts_parts else None) or highest + 1
            highest = max(highest, number)
            placed[movie_id] = replace(movies[movie_id], part=SeriesPart(each.name, number))
    return placed


def _number_in_title(title: str) -> int | None:
    """Return the part's number that a title names; None if it names none."""
    numbers = (
        reading.number
        for reading in _readings_of_name(title)
        if reading.kind in (_Kind.NUMBERED, _Kind.SUBTITLE)
    )
    return next((number for number in numbers if number is not None), None)
