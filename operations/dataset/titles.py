"""Read the movies of a data set: ids, titles, years, genres, and ids in other catalogues."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from operations.dataset.dialect import records
from operations.dataset.recognise import RecognisedFile
from operations.dataset.report import DatasetReport
from operations.dataset.text import LONGEST_LINE, Lines, LongLine
from operations.dataset.values import (
    LONGEST_TITLE,
    ends_with_year,
    id_key,
    number_in,
    split_genres,
    title_with_year,
)

# The genres of MovieLens 100K, in the order of the flags in u.item; u.genre lists them.
_GENRES_OF_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
)
_TOO_LONG = f"line is longer than {LONGEST_LINE:,} characters"


@dataclass(frozen=True, slots=True)
class DatasetMovie:
    """A movie of a data set; its title ends with the year in brackets, if that is known.

    `imdb` holds at least seven digits; both it and `tmdb` are empty if unknown.
    `line` is the number of its line in the file of titles.
    """

    title: str
    genres: tuple[str, ...] = ()
    imdb: str = ""
    tmdb: str = ""
    line: int = 0

    def or_else(self, former: "DatasetMovie") -> "DatasetMovie":
        """Return this movie, with the genres and ids of a former row where this one has none."""
        return replace(
            self,
            genres=self.genres or former.genres,
            imdb=self.imdb or former.imdb,
            tmdb=self.tmdb or former.tmdb,
        )


def read_movies(
    looked: RecognisedFile,
    genres: RecognisedFile | None,
    report: DatasetReport,
    encodings: set[str],
) -> dict[str, DatasetMovie]:
    """Return the movies of a file by id (as `id_key` returns it), and report unusable rows.

    If a movie is listed twice, the last row counts.
    """
    lines = Lines(looked.file)
    names = _genre_names(looked, genres, report)
    found: dict[str, DatasetMovie] = {}
    twice = 0
    for number, line, fields in records(lines, looked.dialect):
        if number <= looked.skip:
            continue
        read = _movie(looked, number, line, fields, names)
        if isinstance(read, str):
            report.leave_out(looked.name, number, f"movies: {read}", line)
            continue
        key, movie = read
        twice += key in found
        found[key] = movie
    encodings |= lines.encodings
    if twice:
        report.notes.append(
            f"{looked.name} lists {twice:,} movies again: the last row of a movie counts"
        )
    return found


def read_link_rows(looked: RecognisedFile) -> dict[str, tuple[str, str]]:
    """Return the IMDb and TMDB ids of movies by id; rows that cannot be read only cost a link."""
    columns = looked.columns
    found: dict[str, tuple[str, str]] = {}
    for number, _, fields in records(Lines(looked.file), looked.dialect):
        if number > looked.skip and len(fields) == columns.width and columns.movie is not None:
            imdb = _imdb(_number_at(fields, columns.imdb))
            tmdb = _number_at(fields, columns.tmdb)
            key = id_key(fields[columns.movie])
            if key and (imdb or tmdb):
                found[key] = (imdb, tmdb)
    return found


def _movie(
    looked: RecognisedFile, place: int, line: str, fields: list[str], names: Sequence[str]
) -> tuple[str, DatasetMovie] | str:
    """Return the id and the movie of a row, or why it cannot be used."""
    columns = looked.columns
    if line.__class__ is LongLine:
        return _TOO_LONG
    row = _of_width(looked, line, fields)
    if row is None or columns.movie is None or columns.title is None:
        return "wrong number of columns"
    key = id_key(row[columns.movie])
    year = row[columns.year] if columns.year is not None else ""
    title = title_with_year(row[columns.title], year)
    if not key:
        return "movie id is empty"
    if not title:
        return "title is empty"
    if len(title) > LONGEST_TITLE:
        return f"title is longer than {LONGEST_TITLE} characters"
    if columns.flags is not None:
        flags = row[columns.flags :]
        genres = [name for name, flag in zip(names, flags, strict=False) if flag.strip() == "1"]
        genres = [name for name in genres if name != "unknown"]
    else:
        genres = split_genres(row[columns.genres]) if columns.genres is not None else []
    imdb = _imdb(_number_at(row, columns.imdb)) or imdb_in(key)
    return key, DatasetMovie(title, tuple(genres), imdb, _number_at(row, columns.tmdb), place)


def imdb_in(key: str) -> str:
    """Return the IMDb id in an id such as `tt0114709`, without its letters; else nothing."""
    return _imdb(number_in(key) or "") if key.startswith("tt") else ""


def _imdb(number: str) -> str:
    """Return an IMDb id with its leading zeros."""
    return number.zfill(7) if number else ""


def _of_width(looked: RecognisedFile, line: str, fields: list[str]) -> list[str] | None:
    """Return a row of the right number of fields; a title may contain the separator."""
    width, title = looked.columns.width, looked.columns.title
    if len(fields) > width and not any(field.strip() for field in fields[width:]):
        return fields[:width]
    if len(fields) == width:
        return fields
    if len(fields) < width or title is None:
        return None
    raw = looked.dialect.plain_fields(line)
    separator = looked.dialect.separator
    more = len(raw) - width
    if more < 0:
        return None
    if separator == "," and title != width - 1:
        return _split_at_year(raw, looked, more)
    joined = _without_quotes(separator.join(raw[title : title + more + 1]))
    return [*raw[:title], joined, *raw[title + more + 1 :]]


def _split_at_year(raw: list[str], looked: RecognisedFile, more: int) -> list[str] | None:
    """Divide fields between title and genres where the title's year ends."""
    columns = looked.columns
    title, genres = columns.title, columns.genres
    if title is None or genres != title + 1 or columns.width != genres + 1:
        return None
    for end in range(title, title + more + 1):
        if ends_with_year(raw[end]):
            joined = _without_quotes(",".join(raw[title : end + 1]))
            return [*raw[:title], joined, "|".join(raw[end + 1 :])]
    return None


def _without_quotes(text: str) -> str:
    text = text.strip()
    whole = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if whole else text


def _number_at(row: Sequence[str], place: int | None) -> str:
    if place is None or place >= len(row):
        return ""
    text = row[place].strip().rstrip("/").rpartition("/")[2]
    return number_in(id_key(text)) or ""


def _genre_names(
    looked: RecognisedFile, genres: RecognisedFile | None, report: DatasetReport
) -> Sequence[str]:
    """Return the names of the genre flags of a file, in their order."""
    flags = looked.columns.flags
    if flags is None:
        return ()
    if genres is not None:
        return [name for _, name in sorted(_numbered_genres(genres))]
    if looked.columns.width - flags == len(_GENRES_OF_100K):
        return _GENRES_OF_100K
    report.notes.append(
        f"u.genre is missing, which names the genres of {looked.name}: the movies have no genres"
    )
    return ()


def _numbered_genres(genres: RecognisedFile) -> Iterator[tuple[int, str]]:
    for _, _, fields in records(Lines(genres.file), genres.dialect):
        if len(fields) > 1 and fields[1].strip().isdecimal():
            yield int(fields[1]), fields[0].strip()
