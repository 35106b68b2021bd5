"""Decide what each file holds, and which files of a folder to read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from marquee.datasets import DatasetError, official_tests
from operations.dataset import columns as by
from operations.dataset.archives import (
    DAMAGED,
    Archives,
    damaged,
    is_archive,
    is_gzip,
    not_supported,
    unzipped,
)
from operations.dataset.columns import Columns
from operations.dataset.dialect import SEPARATORS, Dialect, is_preamble, records
from operations.dataset.files import DataFile, Folder, file_on_disk, folder_on_disk
from operations.dataset.text import first_lines, wide_encoding
from operations.dataset.values import id_key, number

ACCEPTED = (
    "a table with the columns userId, movieId, rating and perhaps timestamp, next to a movies.csv"
    " with movieId, title and genres, or the files of MovieLens, MovieTweetings, the Netflix Prize,"
    " The Movies Dataset, Amazon or Yahoo as they were published"
)
DELETIONS = "deleted.csv"  # the name of a file of deletions
SAMPLE = 200  # rows that are looked at
_DEEPEST = 6  # folders and archives within each other
_SHOWN = 5  # files named in an error message
_HALF = 0.5  # share of the lines that must have a form
_STRAY_ZEROS = 0.002  # share of the bytes that can be zero in a text with errors
_MATRIX = 30  # columns

_PRIZE = re.compile(r"\s*\d+\s*:\s*|[^,]+,[^,]+,[^,]+")
PRIZE_HEADER = re.compile(r"\s*([^,:\s]+)\s*:\s*")
_PRIZE_NAME = re.compile(r"(combined_data_\d+|mv_\d+)\.txt")
_PRIZE_TITLE = re.compile(r"\s*\d+,\s*(?:\d{4}(?:\.0)?|NULL|),.*[^\d\s.,:+-].*")
_FLAGS = re.compile(r"\d+\|.+(?:\|[01])+\s*")
_NUMBERED_GENRE = re.compile(r".+\|\d+\s*")
_TAG = re.compile(r"\d+(?:::|,)\d+(?:::|,).*(?:::|,)\d+\s*")
_CLEANED = re.compile(r"\d+\t\d+\t\d+(?:\.\d+)?\t\d{4}-\d\d-\d\d\s*")
_SPLIT = re.compile(r"u[1-5ab]\.(?:base|test)")
_TRUSTED = re.compile(r"ratings?\.(?:csv|dat)|u\.data|u[1-5ab]\.(?:base|test)")
_YAHOO_RATINGS = re.compile(r"ydata-ymovies-.*ratings.*")
_YAHOO_MOVIES = re.compile(r"ydata-ymovies-.*movie-content.*")
_MOVIE_NAME = re.compile(r"movie|film|title|item|show|catalog")
_RATING_NAME = re.compile(r"rating|rate|score|review|vote|u\.data|combined_data|mv_\d")
_NOT_MOVIES = re.compile(r"user|people|person|rating|readme|info|genome|occupation|score|review")
_COPY = re.compile(r"\(\d+\)|copy|backup", re.IGNORECASE)
_MOVIE_FILES = re.compile(
    r"movies?\.(?:csv|dat|tsv|txt)|movie_titles\.(?:csv|txt)|u\.item|movies_metadata\.csv"
)


_COMMAS, _NO_COLUMNS = Dialect(","), Columns(0)


@dataclass(frozen=True, slots=True)
class RecognisedFile:
    """A file, and what its first lines show.

    Attributes:
        file: the file, unpacked if it is gzipped.
        kind: ratings, movies, tags, links, genres, deletions or archive; empty if it is none of
            these.
        dialect: how its fields are separated.
        columns: where its columns are.
        skip: the number of the line before the first row.
        style: prize (rows below lines that name a movie), yahoo or empty.
        decimal: whether commas separate both the columns and the decimals of ratings.
        problem: what the file is instead, to follow its name in a message.
        refusal: the reason why ratings of this kind cannot be imported.
        sample: the first rows.
    """

    file: DataFile
    kind: str = ""
    dialect: Dialect = _COMMAS
    columns: Columns = _NO_COLUMNS
    skip: int = 0
    style: str = ""
    decimal: bool = False
    problem: str = ""
    refusal: str = ""
    sample: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.name


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """The files of a data set, and the names of those that are not read."""

    ratings: tuple[RecognisedFile, ...]
    movies: RecognisedFile | None
    genres: RecognisedFile | None = None
    tags: RecognisedFile | None = None
    links: RecognisedFile | None = None
    tests: tuple[RecognisedFile, ...] = ()
    ignored: tuple[str, ...] = ()
    deletions: RecognisedFile | None = None


def sources_of(path: Path, archives: Archives, *, to_add: bool = False) -> DatasetFiles:
    """Return the files of the data set that a path names: a folder, an archive or a file.

    A file that is named is the file of ratings; movies, tags and links may be next to it.

    If the files are to be added to another data set (`to_add`), a file of deletions is one of them.
    Then neither ratings (where there are deletions) nor titles are needed.

    Raises:
        DatasetError: if there are no ratings that can be imported; the message says what was found
            and how to fix it.
    """
    if not path.exists() and not path.is_symlink():
        raise DatasetError(f"{path} does not exist: name the folder that contains the ratings")
    if path.is_dir():
        return _sources_in(folder_on_disk(path), f"{path}", archives, to_add=to_add)
    named = look(file_on_disk(path, path.name))
    if named.kind == "archive":
        return _sources_in(archives.open(named.file), path.name, archives, to_add=to_add)
    if named.refusal:
        raise DatasetError(named.refusal)
    only_deletions = to_add and named.kind == "deletions"
    if named.kind != "ratings" and not only_deletions:
        raise DatasetError(_not_ratings(named))
    around = folder_on_disk(path.parent)
    others = [look(file) for file in around.files if file.name != path.name]
    companions = [each for each in others if each.kind not in {"ratings", "archive"}]
    if only_deletions:
        chosen = _with_companions((), [named, *companions], to_add=True)
    else:
        chosen = _with_companions((named,), companions, to_add=to_add)
    return replace(chosen, tests=(), ignored=())


def look(file: DataFile) -> RecognisedFile:
    """Look at the first bytes of a file and say what it holds."""
    try:
        head = file.head()
        if is_gzip(head):
            file = unzipped(file)
            head = file.head()
    except DAMAGED as error:
        return RecognisedFile(file, problem=str(damaged("", error)).strip())
    except OSError as error:
        return RecognisedFile(file, problem=f"cannot be read ({error.strerror}): make it readable")
    if is_archive(head):
        return RecognisedFile(file, "archive", problem="is an archive: name it to open it")
    if problem := not_supported(head) or _not_text(head):
        return RecognisedFile(file, problem=problem)
    lines = first_lines(file, head)
    skip = 0
    while lines and (is_preamble(lines[0][1]) or not lines[0][1].strip()):
        skip = lines.pop(0)[0]
    if not lines:
        return RecognisedFile(file, problem="is empty")
    lines = lines[: 2 * SAMPLE]
    return _recognised(file, lines, skip)


def _recognised(file: DataFile, lines: Sequence[tuple[int, str]], skip: int) -> RecognisedFile:
    if file.plain_name == DELETIONS:
        return _deletions(file, lines)
    found = _with_header(file, lines) or _known(file, lines, skip) or _by_content(file, lines, skip)
    return found or RecognisedFile(file, problem=f"begins with {lines[0][1].strip()[:60]!r}")


def _not_text(head: bytes) -> str | None:
    if not head.strip():
        return "is empty"
    if wide_encoding(head):
        return None
    if head.count(0) > len(head) * _STRAY_ZEROS:
        return "is a binary file"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in {b"{", b"["}:
        return "is JSON: convert it to CSV with the columns userId, movieId, rating and timestamp"
    return None


# What a header shows


def _with_header(file: DataFile, lines: Sequence[tuple[int, str]]) -> RecognisedFile | None:
    number, line = lines[0]
    best: tuple[tuple[bool, int], Dialect, Columns] | None = None
    for separator in SEPARATORS:
        dialect = Dialect(separator)
        fields = dialect.fields(line)
        if not by.looks_like_header(fields):
            continue
        found = by.named_columns(fields)
        worth = (found.kind is not None, _roles(found))
        if worth[1] > 1 and (best is None or worth > best[0]):
            best = (worth, dialect, found)
    if best is None:
        return None
    _, dialect, found = best
    if refusal := _personal_export(file, found):
        return RecognisedFile(file, "ratings", refusal=refusal)
    rows = _rows(lines[1:], dialect)
    fitted, decimal = _fitted(found, rows)
    if found.kind is None:
        return RecognisedFile(file, problem=_missing_columns(found))
    return RecognisedFile(
        file,
        found.kind,
        dialect,
        fitted,
        skip=number,
        decimal=decimal,
        sample=rows,
    )


def _deletions(file: DataFile, lines: Sequence[tuple[int, str]]) -> RecognisedFile:
    """Recognise a file of deletions: its header names the user and, unless it is alone, the movie.

    A column that only might be the movie is refused: rows without a movie delete all of a user's
    ratings.
    """
    number, line = lines[0]
    read = {dialect: by.named_columns(dialect.fields(line)) for dialect in map(Dialect, SEPARATORS)}
    usable = {
        dialect: found
        for dialect, found in read.items()
        if found.user is not None and (found.movie is not None or found.width == 1)
    }
    if not usable:
        names = max(read.values(), key=lambda found: found.width).names
        return RecognisedFile(
            file,
            "deletions",
            refusal=f"{file.name} has the columns {_listed(names)} in line {number}, and needs"
            " userId and movieId, or userId alone: give the columns these names",
        )
    dialect, columns = max(usable.items(), key=lambda each: each[1].movie is not None)
    return RecognisedFile(file, "deletions", dialect, columns, skip=number)


def _roles(found: Columns) -> int:
    roles = ("user", "movie", "rating", "time", "title", "genres", "year", "tag", "imdb", "tmdb")
    return sum(getattr(found, role) is not None for role in roles)


def _fitted(found: Columns, rows: Sequence[Sequence[str]]) -> tuple[Columns, bool]:
    """Adapt the columns of a header to rows that have one field more than it.

    The field is the row's own number, as R writes it, or the decimals of a rating.
    """
    wider = [row for row in rows if len(row) == found.width + 1]
    if not wider or len(wider) < len(rows) * _HALF:
        return found, False
    if by.are_row_numbers([row[0] for row in wider]):
        return found.shifted(), False
    place = found.rating
    decimal = place is not None and all(
        row[place].strip().isdecimal() and row[place + 1].strip().isdecimal() for row in wider
    )
    return found, decimal


def _personal_export(file: DataFile, found: Columns) -> str | None:
    names = {name.lower() for name in found.names}
    site = give = None
    if "letterboxd uri" in names:
        site, give = "Letterboxd", "the zip that Letterboxd made, or the ratings.csv in it"
    elif {"const", "your rating"} <= names:
        site, give = "IMDb", "this file"
    elif found.user is None and found.rating is not None and _roles(found) > 1:
        # With both, these are titles with their mean ratings.
        if (found.movie is None) == (found.title is None):
            return None
        if not {"rating", "your rating", "my rating", "stars"} & names or "votes" in names:
            return None
        return (
            f"{file.name} has no column for the user (its columns are {_listed(found.names)}): name"
            " it userId. If these are one person's ratings, rate the movies on the site instead"
            " ('make site-url'): recommendations need the ratings of many people"
        )
    if site is None:
        return None
    return (
        f"{file.name} is one person's export from {site}, and recommendations need the ratings of"
        " many people: open the site ('make site-url'), go to My movies, choose 'Bring your"
        f" ratings' and give it {give}"
    )


def _missing_columns(found: Columns) -> str:
    wanted = {"user": "userId", "movie": "movieId", "rating": "rating"}
    missing = [name for role, name in wanted.items() if getattr(found, role) is None]
    return (
        f"has the columns {_listed(found.names)} in line 1, but none for {' or '.join(missing)}:"
        " give the columns these names"
    )


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name[:40]) for name in names]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""  # noqa: PLR2004
    return ", ".join(shown[:12]) + more


# Layouts without a header


def _known(file: DataFile, lines: Sequence[tuple[int, str]], skip: int) -> RecognisedFile | None:
    texts = [text for _, text in lines if text.strip()]
    return _known_ratings(file, lines, texts, skip) or _known_movies(file, texts, skip)


def _known_ratings(
    file: DataFile, lines: Sequence[tuple[int, str]], texts: Sequence[str], skip: int
) -> RecognisedFile | None:
    tabs = Dialect("\t")
    if _is_prize(file.plain_name, texts):
        columns = Columns(3, user=0, movie=0, rating=1, time=2)
        return RecognisedFile(file, "ratings", _COMMAS, columns, skip, "prize")
    if _YAHOO_RATINGS.fullmatch(file.plain_name):
        columns = Columns(4, user=0, movie=1, rating=3)
        return RecognisedFile(file, "ratings", tabs, columns, skip, "yahoo")
    if file.plain_name in {"tags.dat", "tags.csv"} and _share(_TAG, texts) >= _HALF:
        columns = Columns(4, user=0, movie=1, tag=2, time=3)
        return RecognisedFile(
            file, "tags", Dialect("::" if "::" in texts[0] else ","), columns, skip
        )
    if _share(_CLEANED, texts) >= _HALF:
        columns = Columns(4, movie=0, user=1, rating=2, time=3)
        return RecognisedFile(file, "ratings", tabs, columns, skip, sample=_rows(lines, tabs))
    return None


def _known_movies(file: DataFile, texts: Sequence[str], skip: int) -> RecognisedFile | None:
    if _share(_FLAGS, texts) >= _HALF:
        columns = Columns(len(texts[0].split("|")), movie=0, title=1, year=2, flags=5)
        return RecognisedFile(file, "movies", Dialect("|"), columns, skip)
    if "genre" in file.plain_name and _share(_NUMBERED_GENRE, texts) >= _HALF:
        return RecognisedFile(file, "genres", Dialect("|"), Columns(2), skip)
    if _YAHOO_MOVIES.fullmatch(file.plain_name):
        width, genres = len(texts[0].split("\t")), 10
        columns = Columns(width, movie=0, title=1, genres=genres if width > genres else None)
        return RecognisedFile(file, "movies", Dialect("\t"), columns, skip)
    if _share(_PRIZE_TITLE, texts) >= _HALF:
        return RecognisedFile(file, "movies", _COMMAS, Columns(3, movie=0, year=1, title=2), skip)
    return None


def _is_prize(name: str, texts: Sequence[str]) -> bool:
    rows = [text for text in texts if not PRIZE_HEADER.fullmatch(text)]
    if len(rows) == len(texts) or not (PRIZE_HEADER.fullmatch(texts[0]) or _PRIZE_NAME.match(name)):
        return False
    return bool(rows) and _share(_PRIZE, rows) >= _HALF


def _by_content(
    file: DataFile, lines: Sequence[tuple[int, str]], skip: int
) -> RecognisedFile | None:
    name = file.plain_name
    for separator in SEPARATORS:
        dialect = Dialect(separator)
        rows = _rows(lines, dialect)
        width = by.common_width(rows)
        if width is None or width < 2:  # noqa: PLR2004
            continue
        if width >= _MATRIX and _numeric(rows):
            return RecognisedFile(file, "ratings", refusal=_matrix(file, width))
        if found := by.rating_columns(rows, trusted=bool(_TRUSTED.fullmatch(name))):
            return RecognisedFile(file, "ratings", dialect, found, skip, sample=rows)
        header, rest = rows[0], rows[1:]
        if by.looks_like_header(header) and by.rating_columns(rest):
            return RecognisedFile(file, problem=_missing_columns(by.named_columns(header)))
        is_movies = _MOVIE_NAME.search(name) and not _NOT_MOVIES.search(name)
        if is_movies and (found := by.movie_columns(rows)):
            if separator == "::":
                # In the only layout with this separator, a title may contain it.
                found = replace(found, width=min(found.width, 3))
            return RecognisedFile(file, "movies", dialect, found, skip, sample=rows)
    return None


def _numeric(rows: Sequence[Sequence[str]]) -> bool:
    fields = [field for row in rows[:20] for field in row if field.strip()]
    return sum(number(field) is not None for field in fields) > len(fields) * 0.8


def _matrix(file: DataFile, width: int) -> str:
    what = "Jester's ratings of jokes" if "jester" in file.plain_name else "a matrix"
    return (
        f"{file.name} holds {what}, with one row per person and {width} columns of ratings, and"
        " names no movies: write one row per rating, with the columns userId, movieId and rating,"
        " and a movies.csv with the titles"
    )


def _rows(lines: Iterable[tuple[int, str]], dialect: Dialect) -> tuple[tuple[str, ...], ...]:
    found = []
    for _, _, fields in records(lines, dialect):
        found.append(tuple(fields))
        if len(found) == SAMPLE:
            break
    return tuple(found)


def _share(form: re.Pattern[str], texts: Sequence[str]) -> float:
    return sum(bool(form.fullmatch(text)) for text in texts) / len(texts) if texts else 0.0


# Choosing among the files of a folder


def _sources_in(folder: Folder, shown: str, archives: Archives, *, to_add: bool) -> DatasetFiles:
    looked = _look_all(folder.files)
    problems = dict(folder.problems)
    at, entered = folder, ""
    wanted = {"ratings", "deletions"} if to_add else {"ratings"}
    for _ in range(_DEEPEST):
        if any(each.kind in wanted for each in looked):
            break
        packed = [each for each in looked if each.kind == "archive"]
        inner = _inner(at, packed, shown, archives)
        if inner is None:
            break
        entered += "".join(f"{name}/" for name in at.folders)
        at = inner
        looked = [each for each in looked if each not in packed or len(packed) > 1]
        looked += _look_all(at.files)
        problems |= at.problems
    if not any(each.kind in wanted for each in looked):
        raise DatasetError(_nothing_found(looked, problems, shown, entered))
    chosen = _chosen_ratings(looked, problems, shown)
    others = [each for each in looked if each not in chosen]
    sources = _with_companions(chosen, others, problems, to_add=to_add)
    used = {each.name for each in (*sources.ratings, *sources.tests, *_companions(sources))}
    left = {each.name for each in looked} | set(problems)
    return replace(sources, ignored=tuple(sorted(left - used)))


def _companions(sources: DatasetFiles) -> list[RecognisedFile]:
    found = (sources.movies, sources.genres, sources.tags, sources.links, sources.deletions)
    return [each for each in found if each is not None]


def _inner(
    at: Folder, packed: Sequence[RecognisedFile], shown: str, archives: Archives
) -> Folder | None:
    """Return the only inner folder, or else the content of the only archive; None if neither."""
    if len(at.folders) == 1:
        return next(iter(at.folders.values()))()
    if len(at.folders) > 1:
        raise DatasetError(
            f"{shown} contains no ratings itself, but the folders {_listed(at.folders)}: name one"
            " of them"
        )
    if len(packed) > 1:
        raise DatasetError(
            f"{shown} contains several archives ({_listed(each.name for each in packed)}): name one"
            " of them"
        )
    return archives.open(packed[0].file) if packed else None


def _look_all(files: Iterable[DataFile]) -> list[RecognisedFile]:
    """Look at each file; of the Netflix Prize's file for each movie, only at the first."""
    found: list[RecognisedFile] = []
    per_movie: RecognisedFile | None = None
    for file in files:
        is_of_one_movie = re.fullmatch(r"mv_\d+\.txt", file.plain_name) and not file.name.endswith(
            ".gz"
        )
        if is_of_one_movie and per_movie:
            found.append(replace(per_movie, file=file))
            continue
        found.append(look(file))
        if is_of_one_movie and found[-1].style == "prize":
            per_movie = found[-1]
    return found


def _chosen_ratings(
    looked: Sequence[RecognisedFile], problems: dict[str, str], shown: str
) -> tuple[RecognisedFile, ...]:
    ratings = [each for each in looked if each.kind == "ratings"]
    if not ratings:
        return ()
    best = min(map(_rank, ratings))
    first = [each for each in ratings if _rank(each) == best]
    for each in first:
        if each.refusal:
            raise DatasetError(each.refusal)
    if len(first) > 1:
        originals = [each for each in first if not _COPY.search(each.file.plain_name)]
        first = originals or first
    if len({re.sub(r"\d+", "#", each.file.plain_name) for each in first}) > 1 or (
        len(first) > 1 and any(_COPY.search(each.file.plain_name) for each in first)
    ):
        raise DatasetError(
            f"{shown} contains several files of ratings ({_listed(each.name for each in first)}):"
            " name the one to import"
        )
    broken = {name: problem for name, problem in problems.items() if _RATING_NAME.search(name)}
    if broken and best > _rank_of_name("ratings.csv"):
        raise DatasetError(next(iter(broken.values())))
    return tuple(first)


def _rank(each: RecognisedFile) -> int:
    if each.refusal:
        return 9
    return 0 if each.style == "prize" else _rank_of_name(each.file.plain_name)


def _rank_of_name(name: str) -> int:
    if _SPLIT.fullmatch(name):
        return 8
    if _TRUSTED.fullmatch(name):
        return 1
    return 2 if _RATING_NAME.search(name) and not _COPY.search(name) else 3


def _with_companions(
    ratings: tuple[RecognisedFile, ...],
    others: Sequence[RecognisedFile],
    problems: dict[str, str] | None = None,
    *,
    to_add: bool,
) -> DatasetFiles:
    genres = _first(others, "genres")
    tests = {each.file.plain_name: each for each in others if each.kind == "ratings"}
    published = not to_add and ratings[0].file.plain_name == "u.data"
    official = official_tests(tests) if published else ()
    movies = _movies(ratings, others, problems or {}, needed=not to_add)
    return DatasetFiles(
        _oriented(ratings, movies),
        movies,
        genres,
        _first(others, "tags"),
        _first(others, "links"),
        tuple(tests[name] for name in official),
        deletions=_deletions_among(others, problems or {}) if to_add else None,
    )


def _deletions_among(
    others: Sequence[RecognisedFile], problems: Mapping[str, str]
) -> RecognisedFile | None:
    """Return the file of deletions; one that is there and cannot be read is an error."""
    for name, problem in problems.items():
        if name.rpartition("/")[2].lower() == DELETIONS:
            raise DatasetError(problem)
    for each in others:
        if each.file.plain_name == DELETIONS and each.problem not in {"", "is empty"}:
            raise DatasetError(f"{each.name} {each.problem}")
    found = _first(others, "deletions")
    if found is not None and found.refusal:
        raise DatasetError(found.refusal)
    return found


def _first(looked: Iterable[RecognisedFile], kind: str) -> RecognisedFile | None:
    """Return the file of a kind that has the shortest name: links.csv before links_small.csv."""
    found = [each for each in looked if each.kind == kind]
    return min(found, key=lambda each: (len(each.file.plain_name), each.name), default=None)


def _movies(
    ratings: Sequence[RecognisedFile],
    others: Sequence[RecognisedFile],
    problems: dict[str, str],
    *,
    needed: bool,
) -> RecognisedFile | None:
    found = [each for each in others if each.kind == "movies"]
    named = [each for each in found if _MOVIE_FILES.fullmatch(each.file.plain_name)]
    if chosen := _suiting(ratings, named) or _first(found, "movies"):
        return chosen
    for each in others:
        if each.problem and _MOVIE_FILES.fullmatch(each.file.plain_name):
            raise DatasetError(f"{each.name}, the file of titles, {each.problem}")
    for name, problem in problems.items():
        if _MOVIE_FILES.fullmatch(name.rpartition("/")[2].lower()):
            raise DatasetError(problem)
    if needed:
        _need_no_titles(ratings[0])
    return None


def _need_no_titles(ratings: RecognisedFile) -> None:
    """Raise DatasetError if ratings hold neither titles nor ids that can stand for titles."""
    if ratings.columns.title is not None or _ids_are_names(ratings):
        return
    names = {"prize": "movie_titles.csv", "yahoo": "ydata-ymovies-movie-content-descr-v1_0.txt"}
    by_name = {"u.data": "u.item", "ratings.dat": "movies.dat"}
    wanted = names.get(ratings.style) or by_name.get(ratings.file.plain_name, "movies.csv")
    raise DatasetError(
        f"{ratings.name} has ratings but no titles, and {wanted} is missing: put it into the same"
        " folder, with a movie's id and title in each row"
    )


def _suiting(
    ratings: Sequence[RecognisedFile], named: Sequence[RecognisedFile]
) -> RecognisedFile | None:
    """Return the file of titles that was published with the ratings, if there are several."""
    pairs = {"u.data": "u.item", "ratings.dat": "movies.dat"}
    wanted = ""
    for each in ratings[:1]:
        wanted = "movie_titles" if each.style == "prize" else pairs.get(each.file.plain_name, "")
    suiting = [each for each in named if wanted and each.file.plain_name.startswith(wanted)]
    return _first(suiting or named, "movies")


def _ids_are_names(ratings: RecognisedFile) -> bool:
    """Return whether movies have ids of text, which can stand for titles."""
    place = ratings.columns.movie
    if place is None or not ratings.sample:
        return False
    ids = [row[place].strip() for row in ratings.sample if len(row) > place]
    padded = 9  # digits: an ISBN or an Amazon product may begin with zeros
    return any(
        not id_key(each).isdigit() or (each.startswith("0") and len(each) > padded) for each in ids
    )


def _oriented(
    ratings: tuple[RecognisedFile, ...], movies: RecognisedFile | None
) -> tuple[RecognisedFile, ...]:
    """Exchange user and movie of cleaned Netflix ratings without dates, which begin with the movie.

    They have no header, and are separated by tabs next to the Prize's titles.
    """
    prize_titles = movies is not None and "movie_titles" in movies.file.plain_name
    if not ratings:
        return ratings
    first = ratings[0]
    bare = not first.columns.names and first.dialect.separator == "\t" and first.style == ""
    if not (prize_titles and bare and first.columns.user == 0 and first.columns.time is None):
        return ratings
    return tuple(replace(each, columns=replace(each.columns, user=1, movie=0)) for each in ratings)


def _not_ratings(looked: RecognisedFile) -> str:
    if looked.kind:
        return (
            f"{looked.name} contains {looked.kind}, not ratings: name the file of ratings, or the"
            " folder"
        )
    return f"{looked.name} {looked.problem}; accepted: {ACCEPTED}"


def _nothing_found(
    looked: Sequence[RecognisedFile], problems: dict[str, str], shown: str, entered: str
) -> str:
    broken = [sentence for name, sentence in problems.items() if _RATING_NAME.search(name.lower())]
    if broken:
        return broken[0]
    if not looked:
        return f"{shown} contains no files; accepted: {ACCEPTED}"
    likely = sorted(
        looked,
        key=lambda each: (
            not _RATING_NAME.search(each.file.plain_name),
            bool(each.kind),
            each.name,
        ),
    )
    first = likely[0]
    holds = first.problem or f"contains {first.kind}"
    names = ", ".join(each.name for each in likely[:_SHOWN])
    more = f" and {len(likely) - _SHOWN} more" if len(likely) > _SHOWN else ""
    folder = f" and the folder {entered.rstrip('/')}" if entered else ""
    return f"found no ratings in {names}{more}{folder} ({first.name} {holds}); accepted: {ACCEPTED}"
