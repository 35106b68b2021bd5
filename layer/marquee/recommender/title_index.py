"""Build and open the title index of a model folder, `movies.sqlite`, which the API searches.

Movies are
numbered by popularity, and the full-text index returns its rows in that order. The first few
hundred rows of a search therefore contain the movies that people are likely to mean. docs/model.md
describes how search results are ordered.
"""

import sqlite3

import numpy as np

from marquee.recommender.model import Integers, Model, ModelError, Movie
from marquee.recommender.title_words import joined_words, keys_of, names_of, words_of

TITLES_VERSION = 1
_SQLITE = b"SQLite format 3\0"  # the first bytes of an SQLite database


def by_popularity(movie_ids: Integers, support: Integers) -> list[int]:
    """Return movie ids by descending support; ties in the order of ids.

    Args:
        movie_ids: M.
        support: number of ratings, M.
    """
    ids: list[int] = movie_ids[np.lexsort((movie_ids, -support.astype(np.int64)))].tolist()
    return ids


def build_titles(model: Model) -> bytes:
    """Return the title index of a model's movies, as the bytes of an SQLite database.

    Raises:
        sqlite3.OperationalError: if this Python's SQLite was built without FTS5.
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
    """Open a title index in memory for reading; other threads may use the connection too.

    Raises:
        ModelError: if the bytes are damaged or of another version of the index.
    """
    if not content.startswith(_SQLITE):
        raise ModelError("the title index is damaged (it is not an SQLite database); train again")
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
    """Create the tables.

    - `ranks`: a movie's rank by support (`place`, from 1) and its names. `names` has one name per
      line, and each name's words are separated by spaces.
    - `names`: the keys (`keys_of`) of all names.
    - `vocabulary`: every word, with the place of the most rated movie that has it.
    - `movies`: the full-text index. It stores no text, only which words a movie has. Its row ids
      are `ranks.place`.
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
    """Insert the movies, which are in the order of their ranks."""
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
