"""The same ratings, written in random dialects, are read back as the same ratings."""

import csv
import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.operations.dataset.made import Read, put, read, sample

RATINGS = sample(120)
TITLES = {movie: f"Made Up, The {movie}: Été (19{50 + movie})" for movie in range(1, 21)}

USERS: dict[str, Callable[[int], str]] = {
    "number": str,
    "padded": lambda user: f"{user:07d}",
    "decimal": lambda user: f"{user}.0",
    "text": lambda user: f"A{user}XQ",
    "uuid": lambda user: f"6f1c2b3a-0000-4000-8000-{user:012d}",
}
MOVIES: dict[str, Callable[[int], str]] = {
    "number": str,
    "padded": lambda movie: f"{movie:07d}",
    "imdb": lambda movie: f"tt{movie + 110_000:07d}",
    "large": lambda movie: str(movie + 3_000_000_000),
}
TIMES: dict[str, Callable[[int], str]] = {
    "seconds": str,
    "decimal": lambda seconds: f"{seconds}.0",
    "milliseconds": lambda seconds: f"{seconds}000",
    "iso": lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    "zulu": lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "none": lambda _: "",
}
NAMES = {
    "user": ("userId", "user_id", "User ID", "USER", "customer id", "reviewerID"),
    "movie": ("movieId", "movie_id", "Movie ID", "item", "film_id", "ItemID"),
    "rating": ("rating", "Rating", "score", "STARS", "overall"),
    "time": ("timestamp", "date", "rated_at", "Time"),
}


@dataclass(frozen=True)
class Way:
    """A way to write the ratings."""

    users: str
    movies: str
    times: str
    scale: int  # by which the stars are multiplied
    separator: str
    decimal_comma: bool
    quoting: int
    header: bool
    order: tuple[str, ...]  # of the columns
    names: tuple[str, ...]
    more_columns: bool
    encoding: str
    ending: str
    packing: str


@st.composite
def ways(draw: st.DrawFn) -> Way:
    separator = draw(st.sampled_from([",", ";", "\t", "|", "::"]))
    header = draw(st.booleans())
    columns = ("user", "movie", "rating", "time")
    return Way(
        users=draw(st.sampled_from(sorted(USERS))),
        movies=draw(st.sampled_from(sorted(MOVIES))),
        times=draw(st.sampled_from(sorted(TIMES))),
        scale=draw(st.sampled_from([1, 2, 20])),
        separator=separator,
        decimal_comma=separator != "," and draw(st.booleans()),
        quoting=csv.QUOTE_MINIMAL if separator == "::" else draw(st.integers(0, 1)),
        header=header,
        # Without a header, only the usual order can be recognised.
        order=tuple(draw(st.permutations(columns))) if header else columns,
        names=tuple(draw(st.sampled_from(NAMES[column])) for column in columns),
        more_columns=header and draw(st.booleans()),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        ending=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        packing=draw(st.sampled_from(["none", "gz", "zip", "folder", "folder in zip"])),
    )


def table(rows: Sequence[Sequence[str]], way: Way) -> bytes:
    """Return rows as text in the way's dialect."""
    if way.separator == "::":
        lines = [way.separator.join(row) for row in rows]
        return "".join(f"{line}{way.ending}" for line in lines).encode(way.encoding)
    written = io.StringIO()
    csv.writer(
        written,
        delimiter=way.separator,
        quoting=csv.QUOTE_ALL if way.quoting else csv.QUOTE_MINIMAL,
        lineterminator=way.ending,
    ).writerows(rows)
    return written.getvalue().encode(way.encoding)


def ratings_table(way: Way) -> bytes:
    names = dict(zip(("user", "movie", "rating", "time"), way.names, strict=True))
    rows = [["", *(names[column] for column in way.order), "review"]] if way.header else []
    for place, (user, movie, stars, seconds) in enumerate(RATINGS):
        rating = f"{stars * way.scale:g}"
        fields = {
            "user": USERS[way.users](user),
            "movie": MOVIES[way.movies](movie),
            "rating": rating.replace(".", ",") if way.decimal_comma else rating,
            "time": TIMES[way.times](seconds),
        }
        rows.append([str(place), *(fields[column] for column in way.order), "so, so"])
    if not way.more_columns:
        rows = [row[1:-1] for row in rows]
    return table(rows, way)


def movies_table(way: Way) -> bytes:
    rows = [["movieId", "title", "genres"]]
    rows += [[MOVIES[way.movies](movie), title, "Drama"] for movie, title in TITLES.items()]
    return table(rows, way)


def read_way(way: Way) -> Read:
    files = {"ratings.csv": ratings_table(way), "movies.csv": movies_table(way)}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if way.packing == "gz":
            put(folder, {f"{name}.gz": gzip.compress(data) for name, data in files.items()})
        elif "zip" in way.packing:
            within = "ml-x/" if "folder" in way.packing else ""
            with zipfile.ZipFile(folder / "ml-x.zip", "w") as archive:
                for name, content in files.items():
                    archive.writestr(f"{within}{name}", content)
        else:
            put(folder / "ml-x" if way.packing == "folder" else folder, files)
        return read(folder)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ways())
def test_the_same_ratings_are_read_from_every_dialect(way: Way) -> None:
    found = read_way(way)
    users: dict[int, int] = {}
    numbered = way.users in {"text", "uuid"}
    expected = [
        (
            users.setdefault(user, len(users) + 1) if numbered else user,
            TITLES[movie],
            stars,
            "" if way.times == "none" else str(seconds),
        )
        for user, movie, stars, seconds in RATINGS
    ]
    titles = {number: title for number, (title, _) in found.movies.items()}
    assert [(user, titles[movie], *rest) for user, movie, *rest in found.ratings] == expected
    assert (found.report.left_out, found.report.duplicates) == ({}, 0)
