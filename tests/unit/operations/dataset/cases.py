"""Write made-up ratings in about a hundred shapes that people publish or ask about.

`PYTHONPATH=layer python -m tests.unit.operations.dataset.cases DIR` writes each case into a
folder below DIR, to try `make import DATA=DIR/<case> CHECK=1` with.
"""

import gzip
import io
import random
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.unit.operations.dataset.made import HEADER, MOVIES_HEADER, put

MOVIES = 40
USERS = 40
LARGE = 3_000_000_000

type Rating = tuple[int, int, float, int]  # user, movie, rating, seconds
type Files = Mapping[str, str | bytes]
type Write = Callable[[int, int, float, int], str]


def made_ratings(lowest: float = 1, highest: float = 5, step: float = 1) -> list[Rating]:
    """Return 14 ratings by each user, who like the movies whose numbers are as odd as theirs."""
    choose = random.Random(1)  # noqa: S311 - invented ratings
    found = []
    for user in range(1, USERS + 1):
        for movie in choose.sample(range(1, MOVIES + 1), 14):
            like = 1 if user % 2 == movie % 2 else -1
            quarter = (highest - lowest) / 4
            middle = (lowest + highest) / 2
            value = middle + like * quarter + choose.uniform(-1, 1) * quarter
            rating = min(highest, max(lowest, round(value / step) * step))
            found.append((user, movie, rating, 1_100_000_000 + user * 1000 + movie))
    return found


def usual(user: int, movie: int, rating: float, seconds: int) -> str:
    """Return a row as MovieLens writes it."""
    return f"{user},{movie},{rating:.1f},{seconds}"


def table(
    write: Write = usual, header: str = HEADER, ratings: Sequence[Rating] | None = None
) -> str:
    """Return a file of ratings, written row by row."""
    rows = [write(*rating) for rating in ratings or made_ratings()]
    return "".join(f"{row}\n" for row in ([header] if header else []) + rows)


TITLES = {
    number: f"Made Up {chr(65 + number % 26)}{number} ({1970 + number})"
    for number in range(1, MOVIES + 1)
}
RATINGS = table()


def titles(
    write: Callable[[int, str], str] = lambda number, title: f"{number},{title},Drama|Comedy",
    header: str = MOVIES_HEADER,
    changed: Mapping[int, str] | None = None,
) -> str:
    """Return a file of titles, written row by row; `changed` replaces titles."""
    rows = [write(number, title) for number, title in (TITLES | dict(changed or {})).items()]
    return "".join(f"{row}\n" for row in ([header] if header else []) + rows)


def both(ratings: str | bytes = RATINGS, movies: str | bytes | None = None) -> Files:
    """Return ratings.csv and movies.csv."""
    return {"ratings.csv": ratings, "movies.csv": titles() if movies is None else movies}


def encoded(encoding: str) -> Files:
    """Return ratings.csv and movies.csv in another encoding."""
    return {name: str(text).encode(encoding) for name, text in both().items()}


def replaced(before: str, after: str) -> Files:
    """Return ratings.csv and movies.csv with a text replaced in both."""
    return {name: str(text).replace(before, after) for name, text in both().items()}


def rows(write: Write, header: str = HEADER) -> Files:
    """Return ratings.csv with other rows, and movies.csv."""
    return both(table(write, header))


def zipped(files: Files, folder: str = "") -> bytes:
    """Return a zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}{name}", content)
    return made.getvalue()


def tarred(files: Files, folder: str = "") -> bytes:
    """Return a tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{folder}{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


ODD_TITLES = {
    1: '"""Made Up"" Cats (1998)"',
    2: '"Made, Up; The (1999)"',
    3: "Made Up 1984",
    4: '"Made Up\t(with tab) (2001)"',
    5: "(500) Made Up (2009)",
    6: "2012 (2009)",
    7: '"Up, The (Haut, Le) (1999)"',
    8: "Made Up (1999) (2000)",
    9: "Made Up (2007-)",
    10: "Made Up (2007\u2013 )",
    11: "Made Up (NULL)",
    12: '"Bad quote (1999)',
    13: 'Made "Up" Mid (1999)',
    14: 'Made Up \\"slash\\" (1999)',
    15: "   ",
    16: "Made Up \U0001f3ac 映画 (2003)",
    17: "(1995)",
    18: "Made Up &amp; Co (2000)",
    19: "=cmd()|x (2000)",
    20: '"<b>Up</b> (2001)"',
}
LETTERBOXD = "Date,Name,Year,Letterboxd URI"
IMDB = "Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Year,Genres,Directors"
METADATA = "adult,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_title,title"
NETFLIX_TITLES = "".join(f"{n},{1990 + n},Made Up {n}\n" for n in range(1, 6))


def metadata() -> str:
    """Return titles as The Movies Dataset has them, with one of its broken ids."""
    genres = "\"[{'id': 18, 'name': 'Drama'}]\""

    def row(number: int, title: str) -> str:
        identifier = "1997-08-20" if number == 3 else number
        return f"False,,0,{genres},,{identifier},tt{number:07d},{title[:-7]},{title[:-7]}"

    return titles(row, METADATA)


def netflix_original() -> Files:
    """Return the Netflix Prize as it was first published, with a file for each movie."""
    files = {
        f"training_set/mv_{n:07d}.txt": f"{n}:\n"
        + "".join(f"{user},{1 + (user + n) % 5},2005-09-0{n}\n" for user in range(1, 40))
        for n in range(1, 6)
    }
    return {**files, "movie_titles.txt": NETFLIX_TITLES}


def prize(movies: str | None = None, *, american: bool = False) -> Files:
    """Return the Netflix Prize in one file."""

    def date(movie: int) -> str:
        return f"{1 + movie % 9}/2/2004" if american else f"2005-09-0{1 + movie % 9}"

    ratings = "".join(
        f"{movie}:\n"
        + "".join(
            f"{user},{1 + (user * movie) % 5},{date(movie)}\n"
            for user in range(1, 40)
            if american or (user + movie) % 3
        )
        for movie in range(1, 31)
    )
    written = "".join(
        f'{n},{"NULL" if n % 7 == 0 else 1970 + n},Made, Up "{n}"\n' for n in range(1, 31)
    )
    return {"combined_data_1.txt": ratings, "movie_titles.csv": movies or written}


def ml_100k(separator: str = "\t", unknown: int = 0) -> Files:
    """Return MovieLens 100K; the movie `unknown` has no title, as the 267th of the original."""
    data = table(lambda u, m, r, t: separator.join(map(str, (u, m, int(r), t))), "")
    items = titles(
        lambda n, title: (
            f"{n}|unknown||||1|0|0"
            if n == unknown
            else f"{n}|{title}|01-Jan-{1970 + n}||http://x|0|1|1"
        ),
        "",
    )
    return {
        "u.data": data,
        "u.item": items.encode("latin-1"),
        "u.genre": "unknown|0\nAction|1\nDrama|2\n",
    }


def ml_1m_titles() -> str:
    """Return titles of MovieLens 1M with quotes, colons and letters beyond ASCII."""
    odd = {1: '"Made Up" Cats (1998)', 2: "Made: Up:: The Sequel (1999)", 3: "Straße Amélie (1999)"}
    return titles(lambda n, title: f"{n}::{title}::Drama", "", odd)


def tweetings() -> Files:
    """Return MovieTweetings, whose scale begins with 0."""
    padded = 110_000
    ratings = table(
        lambda u, m, r, t: f"{u}::{m + padded:07d}::{int(r)}::{t}", "", made_ratings(0, 10)
    )
    return {
        "ratings.dat": ratings,
        "movies.dat": titles(lambda n, title: f"{n + padded:07d}::{title}::Drama|Comedy", ""),
        "users.dat": "".join(f"{user}::{90_000 + user}\n" for user in range(1, USERS + 1)),
    }


def amazon() -> str:
    """Return ratings as Amazon's were published, without titles."""
    return table(lambda u, m, r, t: f"A3{u}QQ,{m:010d},{r:.1f},{t}", "")


def few(content: str) -> Files:
    """Return some ratings in the usual form, and three titles."""
    three = "1,A (1990),Drama\n2,B (1991),Drama\n3,C (1992),Drama\n"
    return both(f"{HEADER}\n{content}", f"{MOVIES_HEADER}\n{three}")


def wide(user: int, movie: int, rating: float, seconds: int) -> str:
    """Return a row with 196 more columns."""
    return f"{user},{movie},{rating:g},{seconds}" + ",0" * 196


def zeros() -> str:
    """Return ratings of which a third is 0."""
    ratings = [(u, m, 0 if (u + m) % 3 == 0 else r, t) for u, m, r, t in made_ratings()]
    return table(ratings=ratings)


NESTED = {f"ml-x/{name}": content for name, content in both().items()}
CASES: Mapping[str, Files] = {
    "good": both(),
    # Encodings and line endings
    "utf16": encoded("utf-16"),
    "utf8bom": encoded("utf-8-sig"),
    "crlf": replaced("\n", "\r\n"),
    "cr-only": replaced("\n", "\r"),
    "cp1252": both(movies=titles(changed={1: "“Made” Up’s Café € (1971)"}).encode("cp1252")),
    # Headers and separators
    "h-user_id": rows(usual, "user_id,movie_id,rating,timestamp"),
    "h-quoted": rows(usual, '"userId","movieId","rating","timestamp"'),
    "h-quoted-all": rows(
        lambda u, m, r, t: f'"{u}","{m}","{r:.1f}","{t}"', '"userId","movieId","rating","timestamp"'
    ),
    "quoted-rows": rows(lambda u, m, r, t: f'"{u}","{m}","{r:.1f}","{t}"'),
    "h-spaces": rows(
        lambda u, m, r, t: f"{u}, {m}, {r:.1f}, {t}", "userId, movieId, rating, timestamp"
    ),
    "h-extra": rows(lambda *row: f"{usual(*row)},ok", f"{HEADER},review"),
    "h-index": rows(lambda *row: f"0,{usual(*row)}", f",{HEADER}"),
    "h-none": rows(usual, ""),
    "h-semicolon": replaced(",", ";"),
    "h-tab": replaced(",", "\t"),
    "no-timestamp": rows(lambda u, m, r, _: f"{u},{m},{r:.1f}", "userId,movieId,rating"),
    "movies-extra": both(
        movies=titles(lambda n, title: f"{n},{title},Drama,1990", f"{MOVIES_HEADER},year")
    ),
    "movies-order": both(
        movies=titles(lambda n, title: f"{title},{n},Drama", "title,movieId,genres")
    ),
    "wide": rows(wide, HEADER + "".join(f",c{n}" for n in range(196))),
    # Times, ids and scales
    "epoch-ms": rows(lambda *row: f"{usual(*row)}000"),
    "iso-date": rows(lambda u, m, r, _: f"{u},{m},{r:.1f},2004-01-02 03:04:05"),
    "us-date": rows(lambda u, m, r, _: f"{u},{m},{r:.1f},1/2/2004"),
    "empty-ts": rows(lambda u, m, r, _: f"{u},{m},{r:.1f},"),
    "float-ids": rows(lambda u, m, r, t: f"{u},{m}.0,{r:.1f},{t}"),
    "float-ts": rows(lambda *row: f"{usual(*row)}.0"),
    "tt-ids": rows(lambda u, m, r, t: f"{u},tt{m:07d},{r:.1f},{t}"),
    "lead-zero": rows(lambda u, m, r, t: f"{u:05d},{m:07d},{r:.1f},{t}"),
    "decimal-comma": rows(
        lambda u, m, r, t: f"{u},{m},{str(r + 0.5 if r < 5 else 4.5).replace('.', ',')},{t}"
    ),
    "trail-space": rows(lambda u, m, r, t: f" {u} ,{m} , {r:.1f} ,{t}  "),
    "ten-scale": both(table(ratings=made_ratings(1, 10))),
    "hundred-scale": both(table(ratings=made_ratings(10, 100, 10))),
    "zeros": both(zeros()),
    "negative": both(table(ratings=made_ratings(-10, 10))),
    "uuid-users": rows(lambda u, m, r, t: f"A3{u}XYZ,{m},{r:.1f},{t}"),
    "big-ids": rows(lambda u, m, r, t: usual(u + LARGE, m, r, t)),
    "big-movie-ids": both(
        table(lambda u, m, r, t: usual(u, m + LARGE, r, t)),
        titles(lambda n, title: f"{n + LARGE},{title},Drama"),
    ),
    "half-bad": rows(lambda u, m, r, t: usual(u, m, r, t) if u % 2 else f"{u},{m},{r * 2:.0f},{t}"),
    # Files
    "header-only": both(f"{HEADER}\n"),
    "empty-movies": both(movies=""),
    "empty-ratings": both(""),
    "no-movies": {"ratings.csv": RATINGS},
    "empty-folder": {},
    "nested": NESTED,
    "zipdl": {"ml-x.zip": zipped(both(), "ml-x/")},
    "downloads": {**both(), "ml-x.zip": zipped(both(), "ml-x/"), "notes.txt": "hello\n"},
    "gz": {f"{name}.gz": gzip.compress(str(text).encode()) for name, text in both().items()},
    "gz-hidden": both(gzip.compress(RATINGS.encode())),
    "sevenz": {"ml.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(60)},
    "tar": {"ml.tar": tarred(both(), "ml/")},
    "xlsx": {"ratings.xlsx": zipped({"xl/workbook.xml": "<x/>"})},
    "ratings-is-dir": {"ratings.csv/.keep": "", "movies.csv": titles()},
    "upper": {"Ratings.CSV": RATINGS, "Movies.CSV": titles()},
    "copies": {**both(), "ratings (1).csv": RATINGS},
    "macos": {**both(), "__MACOSX/x": "", "._ratings.csv": b"\0\5\x16\7", ".DS_Store": b"\0\0"},
    # Data sets as they are published
    "kaggle20m": {
        "rating.csv": table(
            lambda u, m, r, _: f'{u},{m},{r:.1f},"2005-04-02 23:53:47"',
            '"userId","movieId","rating","timestamp"',
        ),
        "movie.csv": titles(
            lambda n, title: f'{n},"{title}","Drama"', '"movieId","title","genres"'
        ),
    },
    "kaggle-tmd": {"ratings_small.csv": RATINGS, "movies_metadata.csv": metadata()},
    "nf-orig": netflix_original(),
    "letterboxd": {
        "ratings.csv": f"{LETTERBOXD},Rating\n2020-01-01,Made Up,1999,https://boxd.it/x,4.5\n",
        "watched.csv": f"{LETTERBOXD}\n",
    },
    "imdb": {"ratings.csv": f"{IMDB}\ntt0000001,8,2020-01-01,Made Up,u,movie,7,1999,Drama,X\n"},
    "amazon": {"ratings_Movies_and_TV.csv": amazon()},
    "jester": {
        "jester-data-1.csv": "".join(
            "50"
            + "".join(f",{99 if (i * j) % 3 else (i - j) % 10 - 4.79}" for j in range(50))
            + "\n"
            for i in range(20)
        )
    },
    "yahoo": {
        "ydata-ymovies-user-movie-ratings-train-v1_0.txt": table(
            lambda u, m, r, _: f"{u}\t{1_800_000_000 + m}\t{int(r) * 2}\t{int(r)}", ""
        ),
        "ydata-ymovies-movie-content-descr-v1_0.txt": titles(
            lambda n, title: f"{1_800_000_000 + n}\t{title}\t\\N", ""
        ),
    },
    "tweetings": tweetings(),
    "tweetings-zero": {"ratings.dat": tweetings()["ratings.dat"], "movies.dat": ""},
    "tweetings-items": {
        "ratings.dat": tweetings()["ratings.dat"],
        "items.dat": tweetings()["movies.dat"],
    },
    "ml1m-quote": {
        "ratings.dat": table(lambda u, m, r, t: f"{u}::{m}::{int(r)}::{t}", ""),
        "movies.dat": ml_1m_titles().encode("latin-1"),
    },
    "dat-space": {
        "ratings.dat": table(lambda u, m, r, _: f"{u}  {m}  {int(r)}", ""),
        "movies.dat": ml_1m_titles(),
    },
    "prize": prize(),
    "prize-qualifying": {**prize(), "qualifying.txt": "1:\n3,2005-09-01\n", "probe.txt": "1:\n3\n"},
    "prize-quotedtitles": prize("".join(f'{n},{1970 + n},"Made, Up {n}"\n' for n in range(1, 31))),
    "prize-usdate": prize(american=True),
    "prize-titlehdr": prize(
        "movieId,year,title\n" + "".join(f"{n},{1970 + n}.0,Made Up {n}\n" for n in range(1, 31))
    ),
    "ml100k": ml_100k(),
    "ml100k-space": ml_100k("  "),
    "ml100k-nogenre": {name: text for name, text in ml_100k().items() if name != "u.genre"},
    "ml100k-file": {
        **ml_100k(),
        "u1.base": "1\t1\t5\t874965758\n",
        "ua.base": "1\t1\t5\t874965758\n",
    },
    "ml100k-unknown": ml_100k(unknown=3),
    "clean-nodates": {
        "r.tsv": table(lambda u, m, r, _: f"{m}\t{u}\t{int(r)}", ""),
        "movie_titles.csv": titles(lambda n, _: f"{n},{1970 + n},Up {n}", ""),
    },
    # Titles and rows
    "odd-titles": both(
        movies=titles(lambda n, title: f"{n},{title},Drama", changed=ODD_TITLES)
        + "21,Second listing (2001),Comedy\n022,Zero listing (2002),Comedy\n"
    ),
    "newline-title": both(movies=titles(changed={3: '"Made Up\nTwo lines (1999)"'})),
    "huge-line": both(
        RATINGS + "9" * 3_000_000 + "\n", titles() + "41," + "x" * 2_000_000 + ",Drama\n"
    ),
    "one-row": few("1,1,4.0,1100000000\n"),
    "all-same": both(table(lambda u, m, _, t: usual(u, m, 5, t))),
    "isolated": both(f"{HEADER}\n" + "".join(usual(n, n, 1 + n % 5, 10**9) + "\n" for n in TITLES)),
    "power": both(f"{HEADER}\n" + "".join(usual(1, n, 1 + n % 5, 10**9) + "\n" for n in TITLES)),
    # Names of folders
    **dict.fromkeys(("with space", "données-é", "数据", "it's", "-dash", "catalogue"), both()),
}


def write_cases(folder: Path) -> None:
    """Write each case into a folder of its own, and cases of links that need a disk."""
    for name, files in CASES.items():
        put(folder / name, files)
    put(folder / "broken-link", {"movies.csv": titles()})
    (folder / "broken-link" / "ratings.csv").symlink_to("/nowhere/ratings.csv")
    (folder / "links").mkdir()
    for name in both():
        (folder / "links" / name).symlink_to(folder / "good" / name)


if __name__ == "__main__":
    write_cases(Path(sys.argv[1]))
