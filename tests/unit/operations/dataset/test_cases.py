"""What becomes of each shape of data: how much of it is read, or the sentence that refuses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from marquee.datasets import DatasetError
from operations.dataset.guards import objections
from tests.unit.operations.dataset.cases import CASES, write_cases
from tests.unit.operations.dataset.made import read

SECONDS, DATES, NONE = "seconds since 1970", "dates", "none"


@dataclass(frozen=True)
class Works:
    """The counts and decisions of a data set that can be imported."""

    rows: int = 560
    ratings: int = 560
    users: int = 40
    rated: int = 40
    movies: int = 40
    scale: str = "1 to 5"
    times: str = SECONDS
    note: str = ""  # a part of one of the notes
    mapped: str = ""  # whose ids are numbered: user or movie
    left_out: Mapping[str, int] = field(default_factory=dict)
    stops: tuple[str, ...] = ()  # how the reasons begin that only FORCE=1 goes on in spite of


TABLE: Mapping[str, Works | str] = {
    **dict.fromkeys(
        (
            *("good", "utf16", "utf8bom", "crlf", "cr-only", "cp1252"),
            *("h-user_id", "h-quoted", "h-quoted-all", "quoted-rows", "h-spaces", "h-extra"),
            *("h-index", "h-none", "h-semicolon", "h-tab", "wide", "movies-extra", "movies-order"),
            *("float-ids", "float-ts", "lead-zero", "trail-space", "big-ids", "all-same"),
            *("nested", "zipdl", "downloads", "gz", "gz-hidden", "tar", "upper", "copies", "macos"),
            *("links", "ml100k", "ml100k-space", "ml100k-file", "ml100k-unknown", "ml1m-quote"),
            *("newline-title", "with space", "données-é", "数据", "it's", "-dash", "catalogue"),
        ),
        Works(),
    ),
    "no-timestamp": Works(times=NONE),
    "empty-ts": Works(times=NONE),
    "epoch-ms": Works(times="milliseconds since 1970"),
    "iso-date": Works(times=DATES),
    "us-date": Works(times=NONE, note="'1/2/2004' could begin with the day or the month"),
    "tt-ids": Works(note="movies are found by the numbers in their ids"),
    "decimal-comma": Works(scale="0.5 to 5", note="'3,5' is read as 3.5"),
    "ten-scale": Works(scale="1 to 10"),
    "hundred-scale": Works(scale="0 to 100"),
    "negative": Works(scale="-10 to 10", note="0 is the middle and becomes 2.5 stars"),
    "zeros": Works(ratings=369, left_out={"0 stands for no rating": 191}),
    "uuid-users": Works(mapped="user"),
    "big-movie-ids": Works(mapped="movie"),
    "half-bad": "ratings.csv reaches 10, but 20 of 40 users never rate above 5: two scales seem to"
    " be mixed. Double the ratings that are on the scale of 5",
    "header-only": "ratings.csv contains no row of ratings: name a file that has some",
    "empty-movies": "movies.csv, the file of titles, is empty",
    "empty-ratings": "found no ratings in ratings.csv, movies.csv (ratings.csv is empty)",
    "no-movies": "ratings.csv has ratings but no titles, and movies.csv is missing: put it into the"
    " same folder, with a movie's id and title in each row",
    "empty-folder": "empty-folder contains no files",
    "sevenz": "ml.7z is a 7-Zip archive, which cannot be opened here: unpack it, and name the"
    " folder",
    "xlsx": "ratings.xlsx is an Excel workbook: export it as CSV, and name that file",
    "ratings-is-dir": "found no ratings in movies.csv and the folder ratings.csv",
    "broken-link": "ratings.csv is a link to /nowhere/ratings.csv, which cannot be reached",
    "kaggle20m": Works(times=DATES),
    "kaggle-tmd": Works(
        ratings=549,
        rated=39,
        movies=39,
        note="movies_metadata.csv has TMDB's ids",
        left_out={
            "movies: movie id is not a whole number from 0 up, unlike the others": 1,
            "movie is not in the movies file": 11,
        },
    ),
    "nf-orig": Works(
        rows=195,
        ratings=195,
        users=39,
        rated=5,
        movies=5,
        times=DATES,
        stops=("only 5 movies have",),
    ),
    "letterboxd": "ratings.csv is one person's export from Letterboxd, and recommendations need the"
    " ratings of many people: open the site ('make site-url'), go to My movies, choose 'Bring your"
    " ratings' and give it the zip that Letterboxd made, or the ratings.csv in it",
    "imdb": "ratings.csv is one person's export from IMDb",
    "amazon": Works(mapped="user", note="the ids of movies are their titles"),
    "jester": "jester-data-1.csv holds Jester's ratings of jokes, with one row per person and 51"
    " columns of ratings, and names no movies",
    "yahoo": Works(times=NONE, note="the one from 1 to 5 (column 4) is taken"),
    "tweetings": Works(scale="0 to 10"),
    "tweetings-zero": "movies.dat, the file of titles, is empty",
    "tweetings-items": Works(scale="0 to 10"),
    "dat-space": Works(times=NONE),
    "clean-nodates": Works(times=NONE),
    **dict.fromkeys(
        ("prize", "prize-qualifying", "prize-quotedtitles", "prize-titlehdr"),
        Works(rows=780, ratings=780, users=39, rated=30, movies=30, times=DATES),
    ),
    "prize-usdate": Works(
        rows=1170,
        ratings=1170,
        users=39,
        rated=30,
        movies=30,
        times=NONE,
        note="could begin with the day or the month",
    ),
    "ml100k-nogenre": Works(note="u.genre is missing"),
    "odd-titles": Works(
        ratings=530,
        rated=38,
        movies=38,
        note="movies.csv lists 2 movies again",
        left_out={"movies: title is empty": 2, "movie is not in the movies file": 30},
    ),
    "huge-line": Works(
        rows=561,
        left_out={
            "movies: line is longer than 100,000 characters": 1,
            "line is longer than 100,000 characters": 1,
        },
    ),
    "one-row": Works(1, 1, 1, 1, 3, stops=("only 0 movies have", "only 1 user rated")),
    "isolated": Works(rows=40, ratings=40, stops=("only 0 movies have",)),
    "power": Works(40, 40, 1, stops=("only 0 movies have", "only 1 user rated")),
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder)
    return folder


def test_each_case_has_an_expected_outcome() -> None:
    assert set(TABLE) == {*CASES, "links", "broken-link"}


@pytest.mark.parametrize("name", [name for name in TABLE if isinstance(TABLE[name], Works)])
def test_the_case_is_read_with_its_counts(cases: Path, name: str) -> None:
    expected = TABLE[name]
    assert isinstance(expected, Works)
    report = read(cases / name).report
    assert expected == Works(
        report.rows,
        report.ratings,
        report.users,
        report.movies_rated,
        report.movies,
        report.scale,
        report.times,
        expected.note if any(expected.note in note for note in report.notes) else "",
        " ".join(text.partition(" ")[0] for text in report.ids),
        dict(report.left_out),
        expected.stops,
    )
    stops = objections(report)
    assert len(stops) == len(expected.stops)
    assert all(map(str.startswith, stops, expected.stops))
    assert bool(report.notes) == bool(expected.note)


@pytest.mark.parametrize("name", [name for name in TABLE if isinstance(TABLE[name], str)])
def test_the_case_is_refused_in_its_sentence(cases: Path, name: str) -> None:
    with pytest.raises(DatasetError) as error:
        read(cases / name)
    assert str(TABLE[name]) in str(error.value)
    assert "\n" not in str(error.value)
