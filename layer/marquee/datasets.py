"""Recognise the layout of raw ratings from the files' names and first bytes.

The import command and the prepare step both use it. This module also runs on EMR, so it uses only
the standard library.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096  # number of first bytes of each file that `recognise` needs

# Test files of the five published splits of MovieLens 100K. Their layout is that of u.data. The
# import command writes them next to its canonical csv files.
_OFFICIAL_TEST = re.compile(r"u[1-5]\.test")

_WITH_OFFICIAL_TESTS = {"movielens-100k", "movielens-csv"}
_SHOWN = 5  # files named in an error message
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PACKED = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class DatasetError(ValueError):
    """The layout of the files is not supported; the message says which layouts are."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """The name and the line format by which a file is recognised."""

    called: str  # name to show in messages
    name: re.Pattern[str]
    line: re.Pattern[str]
    first_line: str = ""  # the header, if the file has one; then `line` is not used

    def fits(self, head: bytes) -> bool:
        """Return whether the first bytes of a file, `head`, have this form.

        The first line must be the header, ignoring case. If the form has no header, at least half
        of the lines must match.
        """
        lines = _lines(head)
        if self.first_line:
            return bool(lines) and lines[0].lower() == self.first_line.lower()
        looking = sum(bool(self.line.fullmatch(line)) for line in lines)
        return bool(lines) and 2 * looking >= len(lines)


@dataclass(frozen=True, slots=True)
class Form:
    """A supported layout: its files and the columns of its ratings."""

    name: str
    described: str
    ratings: FileForm
    movies: FileForm
    genres: FileForm | None
    separator: str
    columns: tuple[str, ...]  # of movie_id, user_id, rating, and date or seconds
    lowest: float  # lowest stars of the scale; the highest is 5
    step: float  # stars; ratings are whole multiples of it
    tags: FileForm | None = None  # optional file with columns user_id, movie_id, tag, seconds
    links: FileForm | None = None  # optional file with columns movie_id, imdb, tmdb


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a folder to read, and their layout."""

    form: Form
    ratings: tuple[str, ...]
    movies: str
    genres: str | None
    ignored: tuple[str, ...]
    tags: str | None = None
    # Published test sets, to hold out in an evaluation. Their ratings are also in `ratings`.
    official_tests: tuple[str, ...] = ()
    links: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files to read the data set from."""
        optional = (name for name in (self.genres, self.tags, self.links) if name)
        return (*self.ratings, self.movies, *optional)


def _file(called: str, name: str, line: str, first_line: str = "") -> FileForm:
    return FileForm(called, re.compile(name, re.IGNORECASE), re.compile(line), first_line)


_NETFLIX_TITLES = _file("movie_titles.csv", r"movie_titles\.(csv|txt)", r"\d+,(\d{4}|NULL),.+")

# In order of preference: if a folder holds several layouts, an original comes before data derived
# from it.
FORMS = (
    Form(
        name="netflix-prize",
        described="the Netflix Prize (combined_data_*.txt with movie_titles.csv)",
        ratings=_file(
            "combined_data_*.txt", r"combined_data_\d+\.txt", r"\d+:|\d+,\d+,\d{4}-\d\d-\d\d"
        ),
        movies=_NETFLIX_TITLES,
        genres=None,
        separator=",",
        columns=("user_id", "rating", "date"),
        lowest=1,
        step=1,
    ),
    Form(
        name="netflix-cleaned",
        described="cleaned Netflix ratings (movie, user, rating and date separated by tabs, "
        "with movie_titles.csv)",
        ratings=_file("*.tsv", r".+\.(tsv|txt|csv)", r"\d+\t\d+\t\d+(\.\d+)?\t\d{4}-\d\d-\d\d"),
        movies=_NETFLIX_TITLES,
        genres=None,
        separator="\t",
        columns=("movie_id", "user_id", "rating", "date"),
        lowest=1,
        step=1,
    ),
    Form(
        name="movielens-csv",
        described="MovieLens csv (ratings.csv with movies.csv)",
        ratings=_file("ratings.csv", r"ratings\.csv", "", "userId,movieId,rating,timestamp"),
        movies=_file("movies.csv", r"movies\.csv", "", "movieId,title,genres"),
        genres=None,
        separator=",",
        columns=("user_id", "movie_id", "rating", "seconds"),
        lowest=0.5,
        step=0.5,
        tags=_file("tags.csv", r"tags\.csv", "", "userId,movieId,tag,timestamp"),
        links=_file("links.csv", r"links\.csv", "", "movieId,imdbId,tmdbId"),
    ),
    Form(
        name="movielens-dat",
        described="MovieLens :: (ratings.dat with movies.dat)",
        ratings=_file("ratings.dat", r"ratings\.dat", r"\d+::\d+::\d+(\.\d+)?::\d+"),
        movies=_file("movies.dat", r"movies\.dat", r"\d+::.+::.*"),
        genres=None,
        separator="::",
        columns=("user_id", "movie_id", "rating", "seconds"),
        lowest=0.5,
        step=0.5,
        tags=_file("tags.dat", r"tags\.dat", r"\d+::\d+::.*::\d+"),
    ),
    Form(
        name="movielens-100k",
        described="MovieLens 100K (u.data with u.item and u.genre)",
        ratings=_file("u.data", r"u\.data", r"\d+\t\d+\t\d+\t\d+"),
        movies=_file("u.item", r"u\.item", r"\d+\|.+(\|[01])+"),
        genres=_file("u.genre", r"u\.genre", r".+\|\d+"),
        separator="\t",
        columns=("user_id", "movie_id", "rating", "seconds"),
        lowest=1,
        step=1,
    ),
)

ACCEPTED = "; ".join(form.described for form in FORMS)


def recognise(heads: Mapping[str, bytes]) -> Layout:
    """Return the layout of the files in a folder.

    Args:
        heads: the first HEAD_BYTES bytes of each file, by file name.

    Raises:
        DatasetError: if no layout fits; one sentence that names the file, its content and the
            accepted layouts.
    """
    if not heads:
        raise DatasetError(f"the folder contains no files; accepted layouts: {ACCEPTED}")
    problems: list[str] = []
    for form in FORMS:
        ratings = _ratings_of(form, heads)
        if not ratings:
            continue
        try:
            return _layout(form, ratings, heads)
        except DatasetError as problem:
            problems.append(str(problem))
    raise DatasetError(problems[0] if problems else _nothing_found(heads))


def official_tests(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names among `names` of the test files of MovieLens 100K's splits, u1 first."""
    return tuple(sorted(name for name in names if _OFFICIAL_TEST.fullmatch(name)))


def recognise_folder(path: Path) -> Layout:
    """Return the layout of a local folder, or of the folder that contains a local file.

    Files whose names begin with `.` or `_` are ignored.

    Raises:
        DatasetError: if the path does not exist or no layout fits.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise DatasetError(f"{path} does not exist: name the folder that contains the ratings")
    heads = {}
    for file in sorted(folder.iterdir()):
        if file.is_file() and not file.name.startswith((".", "_")):
            with file.open("rb") as content:
                heads[file.name] = content.read(HEAD_BYTES)
    return recognise(heads)


def _ratings_of(form: Form, heads: Mapping[str, bytes]) -> list[str]:
    """Return the files whose names match the form's ratings.

    If the form allows any name (`*.tsv`), the lines must match, too.
    """
    named = [name for name in sorted(heads) if form.ratings.name.fullmatch(name)]
    if "*" not in form.ratings.called or form.name == "netflix-prize":
        return named
    return [name for name in named if form.ratings.fits(heads[name])]


def _layout(form: Form, ratings: list[str], heads: Mapping[str, bytes]) -> Layout:
    for name in ratings:
        _check(form, form.ratings, name, heads[name])
    movies = _beside(form, form.movies, ratings[0], heads)
    genres = _beside(form, form.genres, ratings[0], heads) if form.genres else None
    tags, links = (_optional(file, heads) for file in (form.tags, form.links))
    tests = official_tests(heads) if form.name in _WITH_OFFICIAL_TESTS else ()
    used = {*ratings, movies, genres, tags, links, *tests}
    ignored = tuple(name for name in sorted(heads) if name not in used)
    return Layout(form, tuple(ratings), movies, genres, ignored, tags, tests, links)


def _optional(file: FileForm | None, heads: Mapping[str, bytes]) -> str | None:
    """Return the name of an optional file (tags or links); None if no file matches."""
    if file is None:
        return None
    named = (name for name in sorted(heads) if file.name.fullmatch(name))
    return next((name for name in named if file.fits(heads[name])), None)


def _beside(form: Form, file: FileForm, ratings: str, heads: Mapping[str, bytes]) -> str:
    found = [name for name in sorted(heads) if file.name.fullmatch(name)]
    if not found:
        raise DatasetError(
            f"{ratings} looks like {form.described}, but {file.called} is missing: "
            "put it into the same folder"
        )
    _check(form, file, found[0], heads[found[0]])
    return found[0]


def _check(form: Form, file: FileForm, name: str, head: bytes) -> None:
    if file.fits(head):
        return
    wanted = f"the first line {file.first_line!r}" if file.first_line else "lines of its own format"
    raise DatasetError(
        f"{name} {_what_it_holds(head)}, but {form.described} needs {wanted}; "
        f"accepted layouts: {ACCEPTED}"
    )


def _nothing_found(heads: Mapping[str, bytes]) -> str:
    names = sorted(heads)
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        shown += f" and {len(names) - _SHOWN} more"
    first = names[0]
    return (
        f"found no ratings in {shown} ({first} {_what_it_holds(heads[first])}); "
        f"accepted layouts: {ACCEPTED}"
    )


def _what_it_holds(head: bytes) -> str:
    if not head:
        return "is empty"
    for magic, kind in _PACKED.items():
        if head.startswith(magic):
            return f"is a {kind} archive (unpack it first)"
    if b"\0" in head:
        return "is a binary file"
    lines = _lines(head)
    return f"begins with {lines[0][:60]!r}" if lines else "is blank"


def _lines(head: bytes) -> list[str]:
    """Return the complete lines of a file's first bytes, without blank lines."""
    lines = head.removeprefix(_BYTE_ORDER_MARK).decode("latin-1").splitlines()
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines.pop()
    return [line.rstrip() for line in lines if line.strip()]
