"""Search titles for the movie that a visitor means by the text typed so far.

The title index (`recommender.title_index`) returns some hundred candidates, most rated first:
movies with a name that equals or begins with the text, and movies with all its words. If none of
these is a likely match, it also returns movies with similar words. The text is then compared with
every name of the candidates; rapidfuzz counts the letters that differ. docs/model.md has the
formula.
"""

import math
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from marquee.recommender.model import Model, ModelError, Movie
from marquee.recommender.picks import genres_of
from marquee.recommender.title_index import build_titles, open_titles
from marquee.recommender.title_words import (
    FIRST_YEAR,
    LAST_YEAR,
    LOOSE,
    keys_of,
    run_together,
    spell_for_comparison,
    spellings_of,
    without_loose,
    words_of,
)
from marquee.serving.search_terms import FILLERS, NAMED_SERIES, Topic, spelled_out, topic_of

MAX_QUERY = 100  # characters; the rest is ignored
MAX_WORDS = 12  # words; the rest is ignored
CANDIDATES = 60  # most candidates per index query
RUN_TOGETHER_LEAST = 4  # fewest letters, spaces left out, for which names are searched by prefix
LAST_CHARACTER = "\U0010ffff"  # prefix + this character is the upper bound of a prefix range
NEIGHBOURS = 8  # most title words that replace a mistyped word
LONG_ENOUGH = (4, 6, 10)  # shortest words in which 1, 2 and 3 letters may be wrong
MISSING_MOST = 5  # most words for which the search leaves out each word in turn
HIGHEST_PART = 20  # highest number that is taken for a part of a series
KNOWN_PART = 0.1  # least ratings of a film of a series, as a share of its most rated film's

# Weights of the score's components: words found, beginning of the name, how much of it was typed.
WORDS, BEGINNING, WHOLE = 0.55, 0.2, 0.25
EXACT = 0.12  # added if the text is the whole name
POPULARITY = 0.4  # added for the most rated movie; others get a share on a log scale
OTHER_YEAR = 0.8  # subtracted if a wrong year was typed; half of it if it is off by one
LOOSE_WEIGHT = 0.3  # weight of a letter in an article or "and"
NUMBER_WEIGHT = 4  # least weight of a number, in letters
NEARLY = 0.6  # least similarity of two words that counts
# Least share of the typed letters that a name must have, so that its movie is not a weak match: of
# a single word, where one wrong letter counts more, and of several.
FITTING_WORD, FITTING_WORDS = 0.7, 0.8
BEFORE_ALL = 0.01  # added to the highest score for the part of a series that was typed
# Words between the name of a series and the number of its part.
PART_WORDS = frozenset(("part", "vol", "volume", "episode", "chapter", "number", "no"))
LIKELY = 1.3  # score of a likely match, from which the search does not look for similar words


@dataclass(frozen=True, slots=True)
class SearchText:
    """A search text, split into its elements."""

    words: tuple[str, ...]
    year: str | None = None  # a number after the first word that can be a year
    part: int | None = None  # part of a series: a number as the last of several words

    @property
    def undated(self) -> tuple[str, ...]:
        """The words without the year."""
        return tuple(word for word in self.words if word != self.year)


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a movie, split into its elements."""

    words: tuple[str, ...]
    compared: tuple[str, ...]  # the words in the spelling for comparison
    keys: tuple[str, ...]  # the words run together, in both spellings (`keys_of`)


def typed(text: str) -> SearchText:
    """Split a search text into words; `dune 2021` contains a year, `rocky 2` a part."""
    words = spelled_out(words_of(text[:MAX_QUERY]))[:MAX_WORDS]
    year = next((word for word in words[1:] if _is_year(word)), None)
    last = spellings_of(words[-1])[0] if len(words) > 1 else ""
    part = int(last) if _is_number(last) and int(last) <= HIGHEST_PART else None
    return SearchText(words, year, part)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _is_year(word: str) -> bool:
    return _is_number(word) and FIRST_YEAR <= int(word) <= LAST_YEAR


class TitleSearch:
    """Searches the titles of a model."""

    def __init__(self, model: Model, index: bytes | None = None) -> None:
        """Open the title index.

        Args:
            model: the model whose titles are searched.
            index: the model folder's title index. If None, it is built here, which takes a while.

        Raises:
            ModelError: if the index is damaged, of another version or of another model.
        """
        self._index = open_titles(build_titles(model) if index is None else index)
        weakref.finalize(self, self._index.close)  # frees the index when its model is replaced
        self._movies = model.movies
        ranked = self._all("SELECT movie_id, names FROM ranks ORDER BY place")
        self._ids = [0, *(movie_id for movie_id, _ in ranked)]
        self._lines = ["", *(lines for _, lines in ranked)]
        rows = model.rating.rows
        if set(self._ids[1:]) != rows.keys():
            raise ModelError("the title index does not list the model's movies; train again")
        self._support = [0, *(int(model.rating.support[rows[i]]) for i in self._ids[1:])]
        self._most = math.log1p(max(self._support))
        # The words of popular movies come first, so that they win among equally similar words.
        self._vocabulary = [
            row[0] for row in self._all("SELECT word FROM vocabulary ORDER BY place")
        ]
        self._known = frozenset(self._vocabulary)
        self._beginnings: dict[int, list[str]] = {}
        self._series = {
            keys_of(words_of(series.name))[0]: series.movie_ids for series in model.series
        }
        self.genres = sorted(genres_of(model))
        years = [movie.year for movie in model.movies.values() if movie.year is not None]
        self.years = (min(years), max(years)) if years else None

    def search(self, text: str, count: int) -> list[int]:
        """Return the ids of the `count` best matches, best first; weak matches are left out.

        If the text names a genre, a decade or a year, its movies follow those with that title. If
        it names a series, the result is its movies, in their order.
        """
        query = typed(text)
        if not query.words:
            return []
        topic = self.topic(text)
        if topic is not None:
            named = self._titled(query, topic)
            places = dict.fromkeys([*named, *self._about(topic, count)])
        elif query.words in NAMED_SERIES:
            places = dict.fromkeys(self._named_series(query.words))
        else:
            places = dict.fromkeys(self._by_title(query))
        return [self._ids[place] for place in [*places][:count]]

    def called(self, words: tuple[str, ...]) -> tuple[list[int], list[int]]:
        """Return the ids of the movies with a name of these words, most rated first.

        Args:
            words: of a whole name, as `words_of` returns them.

        Returns:
            The movies that have a name of exactly these words, and the movies that have one in
            another spelling: without an article, with spaces left out, or with other numerals.
        """
        if not words:
            return [], []
        select = "SELECT place FROM names WHERE key = ?"
        places = {place for key in {*run_together(words)} for place in self._places(select, key)}
        line = " ".join(words)
        exact, other = list[int](), list[int]()
        for place in sorted(places):
            is_exact = line in self._lines[place].split("\n")
            (exact if is_exact else other).append(self._ids[place])
        return exact, other

    def topic(self, text: str) -> Topic | None:
        """Return the genre and years that the text names; None if it is no genre, decade or year.

        Years in which the catalogue has no movies are no topic.
        """
        return topic_of(typed(text).words, self.genres, self.years)

    def _by_title(self, query: SearchText) -> list[int]:
        """Return places of movies with a title like the text, best match first."""
        found = self._scored(query, self._literal(query))
        part: dict[int, float] = {}
        if query.part is not None and not self._says_part(query, found):
            part = self._part_of_series(query, query.part)
        if not part and max(found.values(), default=0) < LIKELY:
            found = self._scored(query, self._nearly(query) - found.keys()) | found
        found = {place: score for place, score in found.items() if self._fits(query, place)}
        highest = max(found.values(), default=0.0)
        found |= dict.fromkeys(part, highest + BEFORE_ALL)
        return sorted(found, key=lambda place: (-found[place], place))

    def _titled(self, query: SearchText, topic: Topic) -> list[int]:
        """Return places of movies whose title is a topic's text, or begins with it if a year."""
        key = keys_of(query.words)
        return [
            place
            for place in self._by_title(query)
            for name in _names(self._lines[place])
            if name.keys == key or (topic.is_a_year and name.words[:1] == query.words)
        ]

    def _about(self, topic: Topic, count: int) -> list[int]:
        """Return places of the `count` most rated movies of a topic, most rated first."""
        found: list[int] = []
        for place in range(1, len(self._ids)):
            movie = self._movie(place)
            first, last = topic.first_year, topic.last_year
            in_years = first is None or last is None or first <= (movie.year or 0) <= last
            if in_years and (topic.genre is None or topic.genre in movie.genres):
                found.append(place)
                if len(found) == count:
                    break
        return found

    def _named_series(self, words: tuple[str, ...]) -> list[int]:
        """Return places of a named series' movies that the catalogue has, in their order."""
        return [
            place
            for title, year in NAMED_SERIES[words]
            for place in sorted(self._titled_in(title, year))[:1]
        ]

    def _titled_in(self, title: str, year: int) -> set[int]:
        """Return places of movies of this title and year; the year may be off by one."""
        key = keys_of(words_of(title))[0]
        found = self._places("SELECT place FROM names WHERE key = ?", key)
        return {place for place in found if abs((self._movie(place).year or 0) - year) <= 1}

    def _fits(self, query: SearchText, place: int) -> bool:
        """Return whether a movie is more than a weak match.

        A name must have enough of the typed letters, not counting the number of a part. A movie of
        another year than the one typed does not fit if the catalogue ends before that year.
        """
        words = query.undated if query.year is not None else query.words
        bare = words[:-1] if query.part is not None else words
        least = FITTING_WORD if len(bare) == 1 else FITTING_WORDS
        is_later = query.year is not None and self.years is not None
        is_later = is_later and int(query.year or 0) > (self.years or (0, 0))[1]
        return any(
            (not is_later or query.year in name.words) and _share_found(bare, name) >= least
            for name in _names(self._lines[place])
        )

    def _literal(self, query: SearchText) -> set[int]:
        """Return places of movies with a name that equals, begins with or contains the text.

        A place is the movie's rank by support, beginning at 1.
        """
        found = self._starting(query.words)
        for words in dict.fromkeys([query.words, query.undated]):
            found |= self._named(words) | self._holding([_written(word) for word in words], words)
        if query.year is not None:
            dated = [_written(word) for word in query.undated]
            found |= self._holding(dated, query.undated, f'year : "{query.year}"')
        return found

    def _named(self, words: tuple[str, ...]) -> set[int]:
        """Return places of movies with a name that equals or begins with the words run together."""
        found: set[int] = set()
        for key in keys_of(words):
            found |= self._places("SELECT place FROM names WHERE key = ?", key)
            if len(key) >= RUN_TOGETHER_LEAST:
                select = "SELECT place FROM names WHERE key >= ? AND key < ? ORDER BY place"
                found |= self._places(select, key, key + LAST_CHARACTER)
        return found

    def _starting(self, words: tuple[str, ...]) -> set[int]:
        """Return places of movies with a title that begins with the first word.

        If it is the only word, it may still be incomplete.
        """
        ending = "*" if len(words) == 1 else ""
        return self._matching(f'title : ^ "{words[0]}" {ending}')

    def _holding(
        self, written: Sequence[str], words: Sequence[str], *more: str, missing: int | None = None
    ) -> set[int]:
        """Return places of movies with all these words, except loose words and the missing one.

        Args:
            written: the FTS5 expression of each word.
            words: the words.
            more: further FTS5 conditions.
            missing: position of a word that may be absent.
        """
        needed = without_loose(tuple(words))
        wanted = [
            f"({expression})"
            for number, (word, expression) in enumerate(zip(words, written, strict=True))
            if word in needed and number != missing
        ]
        titles = [f"{{title joined}} : ({' AND '.join(wanted)})"] if wanted else []
        return self._matching(" AND ".join([*titles, *more]))

    def _nearly(self, query: SearchText) -> set[int]:
        """Return places of movies with words similar to those typed, or with all words but one."""
        words = query.undated
        last = len(words) - 1
        literal = [_written(word, begun=number == last) for number, word in enumerate(words)]
        found: set[int] = set()
        for one, two in pairwise(range(len(words))):
            if (both := words[one] + words[two]) in self._known:
                rest = [each for number, each in enumerate(literal) if number not in (one, two)]
                found |= self._matching(" AND ".join(f"({each})" for each in (f'"{both}"', *rest)))
        # Words that no title contains are mistyped, so they are replaced first. If that finds
        # nothing, the other words are replaced as well.
        for only_unknown in (True, False):
            nearly = [
                each
                if only_unknown and self._is_known(word, begun=number == last)
                else self._meant(word, begun=number == last)
                for number, (word, each) in enumerate(zip(words, literal, strict=True))
            ]
            found |= self._holding(nearly, words)
            if found:
                return found
        if 1 < len(words) <= MISSING_MOST:
            for missing in range(len(words)):
                found |= self._holding(nearly, words, missing=missing)
        return found

    def _is_known(self, word: str, *, begun: bool) -> bool:
        """Return whether a title contains the word, or, if `begun`, a word that begins with it."""
        if word in self._known or not begun:
            return word in self._known
        select = "SELECT place FROM vocabulary WHERE word >= ? AND word < ?"
        return bool(self._places(select, word, word + LAST_CHARACTER))

    def _meant(self, word: str, *, begun: bool) -> str:
        """Return the FTS5 expression for a word that may be mistyped.

        It matches the word, similar words of titles, and the two words that the word consists of if
        a space was left out. `begun` says that the word may be incomplete.
        """
        either = [_written(word, begun=begun)]
        edits = _edits_of(word)
        if edits:
            either += [f'"{near}"' for near in self._near(word, self._vocabulary, edits)]
            if begun:
                either += [f'"{near}" *' for near in self._near(word, self._begun(word), edits)]
        either += [
            f'("{word[:cut]}" AND "{word[cut:]}")'
            for cut in range(2, len(word) - 1)
            if word[:cut] in self._known and word[cut:] in self._known
        ]
        return " OR ".join(either)

    def _near(self, word: str, among: Sequence[str], edits: int) -> list[str]:
        """Return the most similar words in `among` that differ by at most `edits` letters."""
        found = process.extract(
            word, among, scorer=OSA.distance, score_cutoff=edits, limit=NEIGHBOURS
        )
        return [near for near, _, _ in found]

    def _begun(self, word: str) -> list[str]:
        """Return the distinct prefixes of title words that have the same length as this word."""
        length = len(word)
        if length not in self._beginnings:
            longer = (known[:length] for known in self._vocabulary if len(known) > length)
            self._beginnings[length] = list(dict.fromkeys(longer))
        return self._beginnings[length]

    def _says_part(self, query: SearchText, places: Iterable[int]) -> bool:
        """Return whether one of these movies has a name with all the words and then the number.

        `Part`, `Vol.` and the like may stand between the words and the number. The last film of
        "Harry Potter" is one of two parts itself, which makes it no answer to `harry potter 1`.

        Args:
            query: its last word is the number.
            places: the places of the movies.
        """
        series, number = without_loose(query.words[:-1]), spellings_of(query.words[-1])[0]
        return any(
            _words_found(query.words, name) == 1 and _follows(series, number, name)
            for place in places
            for name in _names(self._lines[place])
        )

    def _part_of_series(self, query: SearchText, part: int) -> dict[int, float]:
        """Return the given part of a series with its score, for a title without the number.

        `harry potter 3` means the third part of the model's series "Harry Potter". If the model has
        no such series, it is the third, by year, of the well-known films whose titles begin so.
        """
        series = query.words[:-1]
        if series in NAMED_SERIES:
            return dict.fromkeys(self._named_series(series)[max(part - 1, 0) : part], 0.0)
        key = keys_of(series)[0]
        if key in self._series:
            parts_of_it = self._series[key][max(part - 1, 0) : part]
            return {self._ids.index(movie_id): 0.0 for movie_id in parts_of_it}
        found = self._scored(replace(query, words=series), self._named(series))
        films = [
            (year, place)
            for place in found
            if (year := self._movie(place).year) is not None
            and any(name.keys[0].startswith(key) for name in _names(self._lines[place]))
        ]
        known = KNOWN_PART * max((self._support[place] for _, place in films), default=0)
        parts = sorted(film for film in films if self._support[film[1]] >= known)
        return {place: found[place] for _, place in parts[max(part - 1, 0) : part]}

    def _scored(self, query: SearchText, places: Iterable[int]) -> dict[int, float]:
        return {place: self._score(query, place) for place in places}

    def _score(self, query: SearchText, place: int) -> float:
        """Return the score of the movie's best name, plus its share of POPULARITY."""
        year = self._movie(place).year
        likeness = max(
            (_dated_likeness(query, name, year) for name in _names(self._lines[place])), default=0
        )
        return likeness + POPULARITY * math.log1p(self._support[place]) / self._most

    def _movie(self, place: int) -> Movie:
        return self._movies[self._ids[place]]

    def _matching(self, expression: str) -> set[int]:
        """Return places of the most rated movies that match an FTS5 expression."""
        if not expression:
            return set()
        select = "SELECT rowid FROM movies WHERE movies MATCH ? ORDER BY rowid"
        return self._places(select, expression)

    def _places(self, select: str, *values: str) -> set[int]:
        return {row[0] for row in self._all(f"{select} LIMIT {CANDIDATES}", *values)}

    def _all(self, select: str, *values: str) -> list[Any]:
        return self._index.execute(select, values).fetchall()


def _written(word: str, *, begun: bool = False) -> str:
    """Return the FTS5 expression for a word in all its spellings.

    Words contain no quotation marks, so they need no escaping. With `begun` the expression also
    matches longer words that begin with this word.
    """
    each = [f'"{spelling}"' for spelling in spellings_of(word)]
    return " OR ".join([*each, f'"{word}" *'] if begun else each)


def _edits_of(word: str) -> int:
    """Return how many letters of a word may be wrong: 0 to 3, by its length."""
    return bisect_right(LONG_ENOUGH, len(word))


@lru_cache(maxsize=8192)
def _names(lines: str) -> tuple[Name, ...]:
    """Return the names in the column `ranks.names`, one per line."""
    each = (tuple(line.split(" ")) for line in lines.split("\n") if line)
    return tuple(Name(words, spell_for_comparison(words), keys_of(words)) for words in each)


def _dated_likeness(query: SearchText, name: Name, year: int | None) -> float:
    """Return the similarity of a name, reduced if a year was typed that does not fit.

    A year fits if it is in the name or is the movie's year.
    """
    if query.year is None or query.year in name.words:
        return _likeness(query.words, name)
    away = 2 if year is None else min(2, abs(year - int(query.year)))
    return _likeness(query.undated, name) - OTHER_YEAR * away / 2


def _likeness(words: tuple[str, ...], name: Name) -> float:
    """Return the similarity of the typed words and a name.

    It lies between 0 and 1, plus EXACT if the words are the whole name.
    """
    found = _share_found(words, name)
    beginning = whole = exact = 0.0
    for key, other in _pairs(words, name):
        beginning = max(beginning, OSA.normalized_similarity(key, other[: len(key)]))
        # A prefix match is not penalised for its untyped remainder.
        whole = max(whole, 1.0 if other.startswith(key) else min(1.0, len(key) / len(other)))
        exact = max(exact, EXACT if key == other else 0.0)
    return WORDS * found + BEGINNING * beginning + WHOLE * whole * found + exact


def _follows(series: tuple[str, ...], number: str, name: Name) -> bool:
    """Return whether the number follows the words of a series, in a name that begins with them."""
    words = without_loose(name.compared)
    begun = spell_for_comparison(series)
    rest = [word for word in words[len(begun) :] if word not in PART_WORDS]
    return words[: len(begun)] != begun or rest[:1] == [number]


def _share_found(words: tuple[str, ...], name: Name) -> float:
    """Return the share of the typed letters in the name: 0 to 1; spaces may be left out."""
    is_inside = any(
        len(key) >= RUN_TOGETHER_LEAST and key in other for key, other in _pairs(words, name)
    )
    return max(_words_found(words, name), 0.97 if is_inside else 0.0)


def _pairs(words: tuple[str, ...], name: Name) -> tuple[tuple[str, str], ...]:
    """Return pairs of strings to compare letter by letter: the typed words and the name.

    Loose words are left out, unless all typed words are loose.
    """
    if all(word in LOOSE for word in words):
        return (("".join(words), "".join(name.words)),)
    return tuple(zip(keys_of(words), name.keys, strict=True))


def _words_found(words: tuple[str, ...], name: Name) -> float:
    """Return the weighted share of the typed letters that match words of the name: 0 to 1."""
    total = found = 0.0
    for number, word in enumerate(words):
        weight = _weight(word) if len(words) > 1 else 1.0
        total += weight
        found += weight * _word_found(word, name, begun=number == len(words) - 1)
    return found / total


def _weight(word: str) -> float:
    """Return the weight of a word, in letters."""
    if word in LOOSE or word in FILLERS:
        return LOOSE_WEIGHT * len(word)
    return max(len(word), NUMBER_WEIGHT) if _is_number(spellings_of(word)[0]) else len(word)


def _word_found(word: str, name: Name, *, begun: bool) -> float:
    """Return how well the best word of the name matches a typed word: 0 to 1.

    `begun` says that the typed word may be incomplete.
    """
    if word in name.words or spellings_of(word)[0] in name.compared:
        return 1.0
    best = 0.0
    word = word if _is_number(spellings_of(word)[0]) else spellings_of(word)[0]
    for other in name.words:
        if begun and other.startswith(word):
            best = max(best, 0.9 + 0.1 * len(word) / len(other))
        else:
            best = max(best, OSA.normalized_similarity(word, other, score_cutoff=NEARLY))
            if begun and len(other) > len(word) >= RUN_TOGETHER_LEAST:
                start = other[: len(word)]
                likeness = OSA.normalized_similarity(word, start, score_cutoff=NEARLY)
                best = max(best, 0.9 * likeness)
    return best
