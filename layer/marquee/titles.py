"""The title index of a model folder: `movies.sqlite`, what the API searches titles with.

Travels to EMR: standard library and numpy only. Titles and what people type go through the same
functions here, so that both are cut into the same words. Movies are numbered by how many people
rated them: the full-text index gives its rows in that order, and a search that looks at the first
few hundred rows has seen the movies that people mean. docs/model.md says how they are ranked.
"""

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from marquee.model import Integers, Model, ModelError, Movie

TITLES_VERSION = 1
_SQLITE = b"SQLite format 3\0"  # how its databases begin
FIRST_YEAR, LAST_YEAR = 1870, 2100  # numbers between are years where other words stand beside them

# Words that people leave out or put in as they like. Not `la` and `die`: what would be left of
# L.A. Confidential and Die Hard?
_ARTICLES = frozenset(
    ("the", "a", "an", "le", "les", "un", "une", "el", "los", "las", "una", "il", "der", "das")
)
_LAST_ARTICLES = _ARTICLES | {"la", "die"}
LOOSE = _ARTICLES | {"and"}
_NUMBERS = (
    ("1", "one"),
    ("2", "two", "ii"),
    ("3", "three", "iii"),
    ("4", "four", "iv"),
    ("5", "five", "v"),
    ("6", "six", "vi"),
    ("7", "seven", "vii"),
    ("8", "eight", "viii"),
    ("9", "nine", "ix"),
    ("10", "ten", "x"),
    ("11", "eleven", "xi"),
    ("12", "twelve", "xii"),
    ("13", "thirteen", "xiii"),
    ("20", "twenty", "xx"),
    ("21", "twentyone", "xxi"),
)
# What is written otherwise and means the same: the first is how they are compared. `I` stays a
# word, since it is one more often than it is a number.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    word: group for group in (*_NUMBERS, ("mister", "mr"), ("doctor", "dr")) for word in group
}

# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "&": " and "}
)
# Whatever stands for an apostrophe: quotation marks, the modifier letter, accents by themselves.
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4", "'"))
_ELISIONS = re.compile(r"(?<![^\W_])(?:[cdjlmns]|qu)'(?=[^\W_]{2})")
_APOSTROPHES = re.compile(r"(?<=\w)'(?=\w)")
_FRACTIONS = re.compile(r"(?<=\d)([¼-¾⅐-⅞])")
_WORD = re.compile(r"[^\W_]+")
# Letters that stand alone are one word: M*A*S*H, E.T., L.A.
_SPELLED_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[.*·-]\s?|\s)){1,9}[^\W\d_](?![^\W_])")
_JOINED = re.compile(r"[^\W_]+(?:[-·/:'.][^\W_]+)+")
_BRACKETS = re.compile(r"(?<=\s)\(([^()]+)\)")
_LAST_BRACKETS = re.compile(r"\s+\(([^()]*(?:\([^()]*\)[^()]*)*)\)$")
# What stands in brackets and is no title: which edition or part it is (Netflix has more of these
# than of titles), or how the title goes on, as in `I Do (But I Don't)`.
_NO_TITLE = re.compile(
    r"^(?:part|season|series|ep|episode|vol|volume|disc|chapter|but|and)\b"
    r"|\b(?:edition|version|cut|feature|documentary|theatre|play|ballet|wide-?screen|full-?screen"
    r"|uncensored|unrated|rerelease|animated|silent|imax|mini-?series|series|tv|pilot|episode"
    r"|sequence|material|specials)$"
    r"|^[\d\s,-]+s?$",
    re.IGNORECASE,
)
# What no title ends with: `Birdman: Or (The Unexpected Virtue of Ignorance)` stays whole.
_UNFINISHED = re.compile(r"(?:[:,&-]|\b(?:or|and|of))$", re.IGNORECASE)
_ALSO = re.compile(r"^(?:a\.?k\.?a\.?:?|aka|or)\s+", re.IGNORECASE)
_LAST_ARTICLE = re.compile(r"^(.+), (\w+)$")


def fold(text: str) -> str:
    """Lower case without accents; letters and what stands between them stay."""
    spaced = _FRACTIONS.sub(r" \1", text.translate(_QUOTES))
    apart = unicodedata.normalize("NFKD", spaced.casefold()).translate(_LETTERS)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a title or of what somebody typed, folded.

    `M*A*S*H` is one word, and so is the name in `Schindler's`; a hyphen parts two. What French
    and Italian elide (`d'Amélie`) is left out.
    """
    plain = _APOSTROPHES.sub("", _ELISIONS.sub("", fold(text)))
    spelled = _SPELLED_OUT.sub(lambda found: "".join(_WORD.findall(found[0])), plain)
    return tuple(_WORD.findall(spelled))


def alike(word: str) -> tuple[str, ...]:
    """The ways to write a word: `4`, `four` and `iv`."""
    return SPELLINGS.get(word, (word,))


def compared(words: Iterable[str]) -> tuple[str, ...]:
    """The words as they are compared: numbers in digits."""
    return tuple(alike(word)[0] for word in words)


def without_loose(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that matter; all of them where there are no others."""
    return tuple(word for word in words if word not in LOOSE) or words


def titles_apart(movies: Iterable[tuple[str, int | None]]) -> list[tuple[str, tuple[str, ...]]]:
    """The title that people say of each movie, and its alternative titles; given: title and year.

    MovieLens puts those behind it, in brackets: `Amelie (Fabuleux destin d'Amélie Poulain, Le)` is
    `Amelie`, alternatively `Le Fabuleux destin d'Amélie Poulain`. Brackets that hold no title stay:
    `Duplex (Widescreen)`. Where two movies of a year would be called the same, both keep theirs
    whole.
    """
    found = [(whole, year, *_apart(whole)) for whole, year in movies]
    times = Counter((fold(title), year) for _, year, title, _ in found)
    return [
        (title, others) if times[fold(title), year] == 1 else (whole, ())
        for whole, year, title, others in found
    ]


def _apart(title: str) -> tuple[str, tuple[str, ...]]:
    said, others = title, list[str]()
    while found := _LAST_BRACKETS.search(said):
        if _NO_TITLE.search(found[1]):
            return title, ()
        said = said[: found.start()]
        others.append(_article_first(_ALSO.sub("", found[1].strip())))
    if not words_of(said) or _UNFINISHED.search(said):
        return title, ()
    titles: dict[tuple[str, ...], str] = {}
    for each in (_article_first(said), *reversed(others)):
        titles.setdefault(without_loose(words_of(each)), each)
    first, *rest = (each for words, each in titles.items() if words)
    return first, tuple(rest)


def names_of(title: str) -> tuple[str, ...]:
    """The names to find a title by: `Seven (a.k.a. Se7en)` has two.

    A trailing article comes to the front, as it does in the title when it is prepared.
    """
    bare = " ".join(_BRACKETS.sub(" ", title).split())
    inner = (_ALSO.sub("", found.strip()) for found in _BRACKETS.findall(title))
    names = (_article_first(name) for name in (bare, *inner))
    return tuple(dict.fromkeys(name for name in names if words_of(name))) or (title,)


def _article_first(name: str) -> str:
    found = _LAST_ARTICLE.match(name)
    return f"{found[2]} {found[1]}" if found and fold(found[2]) in _LAST_ARTICLES else name


def joined_words(name: str) -> tuple[str, ...]:
    """Words that a name parts by a hyphen and people write as one: `Spider-Man`, `WALL·E`."""
    joined = ("".join(_WORD.findall(found)) for found in _JOINED.findall(fold(name)))
    return tuple(word for word in joined if word not in words_of(name))


def by_popularity(movie_ids: Integers, support: Integers) -> list[int]:
    """The movies' ids, those that most people rated first; ties in the order of ids."""
    ids: list[int] = movie_ids[np.lexsort((movie_ids, -support.astype(np.int64)))].tolist()
    return ids


def build_titles(model: Model) -> bytes:
    """The title index of a model's movies, as the bytes of an SQLite database.

    Raises sqlite3.OperationalError where this Python's SQLite was built without FTS5.
    """
    ordered = by_popularity(model.rating.movie_ids, model.rating.support)
    connection = sqlite3.connect(":memory:")
    try:
        _create(connection)
        _fill(connection, [model.movies[movie_id] for movie_id in ordered])
        connection.execute("INSERT INTO movies (movies) VALUES ('optimize')")
        connection.commit()
        connection.execute("VACUUM")
        return connection.serialize()
    finally:
        connection.close()


def open_titles(content: bytes) -> sqlite3.Connection:
    """An index in memory, to read from. Raises ModelError where the bytes are none of ours."""
    if not content.startswith(_SQLITE):
        raise ModelError("the title index is damaged (it is no SQLite database); train again")
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        connection.deserialize(content)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise ModelError(f"the title index is damaged ({error}); train again") from error
    if version != TITLES_VERSION:
        connection.close()
        raise ModelError(
            f"the title index has version {version}, this release reads {TITLES_VERSION}; "
            "train again"
        )
    return connection


def _create(connection: sqlite3.Connection) -> None:
    """`movies` holds no text, only which words a movie has; its row ids are `ranks.place`.

    `ranks.names` are the movie's names, a line each, in words with spaces between.
    """
    connection.executescript(f"""
        PRAGMA user_version = {TITLES_VERSION};
        CREATE TABLE ranks (place INTEGER PRIMARY KEY, movie_id INTEGER NOT NULL, names TEXT);
        CREATE TABLE names (key TEXT, place INTEGER, PRIMARY KEY (key, place)) WITHOUT ROWID;
        CREATE TABLE vocabulary (word TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
        CREATE VIRTUAL TABLE movies USING fts5 (
            title, joined, year,
            content='', columnsize=0, prefix='1 2 3', tokenize="unicode61 remove_diacritics 0"
        );
    """)


def _fill(connection: sqlite3.Connection, movies: list[Movie]) -> None:
    vocabulary: dict[str, int] = {}
    for place, movie in enumerate(movies, start=1):
        titles = (movie.title, *movie.alternative_titles)
        given = dict.fromkeys(name for title in titles for name in names_of(title))
        names = [words_of(name) for name in given]
        joined = [word for name in given for word in joined_words(name)]
        for word in (*joined, *(word for name in names for word in name)):
            vocabulary.setdefault(word, place)
        lines = "\n".join(" ".join(name) for name in names)
        connection.execute("INSERT INTO ranks VALUES (?, ?, ?)", (place, movie.movie_id, lines))
        connection.executemany(
            "INSERT OR IGNORE INTO names VALUES (?, ?)",
            [(key, place) for name in names if name for key in keys_of(name)],
        )
        connection.execute(
            "INSERT INTO movies (rowid, title, joined, year) VALUES (?, ?, ?, ?)",
            (
                place,
                lines,
                " ".join(joined),
                "" if movie.year is None else str(movie.year),
            ),
        )
    connection.executemany("INSERT INTO vocabulary VALUES (?, ?)", sorted(vocabulary.items()))


@lru_cache(maxsize=8192)
def keys_of(words: tuple[str, ...]) -> tuple[str, str]:
    """A name run together, without its loose words: as it is written, and numbers in digits."""
    bare = without_loose(words)
    return "".join(bare), "".join(compared(bare))
