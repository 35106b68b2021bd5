"""Which files are read: a named file is that file, a folder is its data set."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from marquee.datasets import DatasetError
from tests.unit.operations.dataset.made import GOOD, HEADER, MOVIES, RATINGS, put, read, read_files

OTHER = f"{HEADER}\n9,1,1.0,1100000009\n"
U_ITEM = "1|First (1995)|01-Jan-1995||http://x|0|0|1\n2|Second (1996)|01-Jan-1996||http://x|0|1|0\n"
U_100K = {
    "u.data": "1\t1\t4\t881250949\n2\t2\t3\t881250950\n2\t1\t5\t881250951\n",
    "u.item": U_ITEM,
    "u.genre": "unknown|0\nAction|1\nComedy|2\n",
    "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
}
PRIZE = "1:\n10,4,2005-01-02\n11,3,2005-01-03\n2:\n10,1,2005-02-01\n"
PRIZE_TITLES = "1,2003,First\n2,NULL,Second, Part Two\n"


@pytest.mark.parametrize("name", ["ratings (1).csv", "mine.txt", "u1.base", "ratings.csv.gz.csv"])
def test_a_file_that_is_named_is_read_and_not_its_neighbour(tmp_path: Path, name: str) -> None:
    put(tmp_path, {**GOOD, name: OTHER})
    assert read(tmp_path / name).ratings == [(9, 1, 1.0, "1100000009")]


def test_the_files_next_to_a_named_file_give_its_titles_tags_and_links(tmp_path: Path) -> None:
    more = {
        "tags.csv": "userId,movieId,tag,timestamp\n9,1,funny,1100000000\n",
        "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n",
    }
    put(tmp_path, {**GOOD, **more, "mine.csv": OTHER})
    found = read(tmp_path / "mine.csv")
    assert found.movies[1] == ("First Made Up (1995)", "Comedy|Drama")
    assert found.files["tags.csv"][1:] == [["9", "1", "funny", "1100000000"]]
    assert found.files["links.csv"][1:] == [["1", "0114709", "862"]]


def test_a_split_of_100k_that_is_named_has_no_official_tests(tmp_path: Path) -> None:
    put(tmp_path, {**U_100K, "u1.base": "1\t1\t2\t881250949\n", "u1.test": "2\t2\t3\t881250950\n"})
    found = read(tmp_path / "u1.base")
    assert found.ratings == [(1, 1, 2.0, "881250949")]
    assert set(found.files) == {"ratings.csv", "movies.csv"}


def test_the_official_tests_of_100k_are_kept_for_the_evaluation(tmp_path: Path) -> None:
    tests = {
        "u1.test": "1\t1\t4\t881250949\n",
        "u2.test": "2\t2\t3\t1\n",
        "ua.test": "1\t1\t4\t1\n",
    }
    found = read_files(tmp_path, {**U_100K, **tests})
    assert found.files["u1.test"] == [["1", "1", "4"]]
    assert found.report.official_tests == {"u1.test": 1, "u2.test": 1}
    assert found.report.ignored == ["u.user", "ua.test"]


def test_official_tests_get_the_integers_of_the_data_set(tmp_path: Path) -> None:
    files = {
        name: text.replace("\t", "\tm", 1) for name, text in U_100K.items() if name == "u.data"
    }
    files |= {"u.item": "m" + U_ITEM.replace("\n2|", "\nm2|"), "u1.test": "2\tm2\t3\t881250950\n"}
    found = read_files(tmp_path, {**U_100K, **files})
    assert found.files["u1.test"] == [["2", "2", "3"]]


def test_the_names_of_genres_come_from_u_genre(tmp_path: Path) -> None:
    assert read_files(tmp_path, U_100K).movies == {
        1: ("First (1995)", "Comedy"),
        2: ("Second (1996)", "Action"),
    }


@pytest.mark.parametrize(
    ("files", "read_too"),
    [
        ({"combined_data_1.txt": PRIZE, "movie_titles.csv": PRIZE_TITLES}, set[str]()),
        (
            {
                "combined_data_1.txt": PRIZE,
                "combined_data_2.txt": "2:\n12,5,2005-03-01\n",
                "movie_titles.txt": PRIZE_TITLES,
            },
            {(12, 2, 5.0)},
        ),
        (
            {
                "training_set/mv_0000001.txt": PRIZE.partition("2:")[0],
                "training_set/mv_0000002.txt": "2:\n10,1,2005-02-01\n",
                "movie_titles.txt": PRIZE_TITLES,
                "probe.txt": "1:\n10\n2:\n10\n",
                "qualifying.txt": "1:\n10,2005-01-02\n",
            },
            set[str](),
        ),
    ],
)
def test_the_netflix_prize_is_read_in_both_of_its_forms(
    tmp_path: Path, files: dict[str, str], read_too: set[tuple[int, int, float]]
) -> None:
    found = read_files(tmp_path, files)
    assert {rating[:3] for rating in found.ratings} == {
        (10, 1, 4.0),
        (11, 1, 3.0),
        (10, 2, 1.0),
        *read_too,
    }
    assert found.movies[2] == ("Second, Part Two", "(no genres listed)")


@pytest.mark.parametrize("files", [GOOD, {"a/b/c/ratings.csv": RATINGS, "a/b/movies.csv": MOVIES}])
def test_one_inner_folder_after_another_is_entered(
    tmp_path: Path, files: Mapping[str, str | bytes]
) -> None:
    put(tmp_path / "outer" / "inner", files)
    assert read(tmp_path).report.ratings == 3


def test_hidden_files_and_leftovers_of_a_system_are_not_looked_at(tmp_path: Path) -> None:
    left: dict[str, str | bytes] = {"__MACOSX/x": "x", "Thumbs.db": b"\0"}
    left |= {"._ratings.csv": b"\0\5", ".DS_Store": b"\0"}
    assert read_files(tmp_path, {**GOOD, **left}).report.ignored == []


def test_names_of_files_may_be_in_upper_case(tmp_path: Path) -> None:
    assert read_files(tmp_path, {name.upper(): text for name, text in GOOD.items()}).ratings


def test_a_copy_next_to_the_ratings_is_ignored(tmp_path: Path) -> None:
    found = read_files(tmp_path, {**GOOD, "ratings (1).csv": OTHER, "ratings copy.csv": OTHER})
    assert found.report.ignored == ["ratings (1).csv", "ratings copy.csv"]
    assert found.report.ratings == 3


def test_an_archive_next_to_the_ratings_is_ignored(tmp_path: Path) -> None:
    found = read_files(tmp_path, {**GOOD, "ml-x.zip": b"PK\3\4", "notes.txt": "Dear diary\n"})
    assert found.report.ignored == ["ml-x.zip", "notes.txt"]


def test_parts_of_one_table_are_all_read(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {"movies.csv": MOVIES}
    parts |= {f"part-{n:05d}.csv": f"{HEADER}\n{n},1,4.0,1100000000\n" for n in (1, 2)}
    assert len(read_files(tmp_path, parts).ratings) == 2


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "far", GOOD)
    (tmp_path / "near").mkdir()
    for name in GOOD:
        (tmp_path / "near" / name).symlink_to(tmp_path / "far" / name)
    assert read(tmp_path / "near").report.ratings == 3


def test_the_titles_that_were_published_with_the_ratings_are_read(tmp_path: Path) -> None:
    files = {**U_100K, "movies.csv": MOVIES, "movie_titles.csv": PRIZE_TITLES}
    assert read_files(tmp_path, files).movies[1] == ("First (1995)", "Comedy")


REFUSED: Mapping[str, tuple[Mapping[str, str | bytes], str]] = {
    "no files": ({}, "contains no files; accepted: a table with the columns userId"),
    "notes": ({"notes.txt": "Dear diary\n"}, "found no ratings in notes.txt .*'Dear diary'"),
    "empty ratings": ({**GOOD, "ratings.csv": ""}, r"ratings.csv, .*\(ratings.csv is empty\)"),
    "blank ratings": ({**GOOD, "ratings.csv": "\n \n"}, "ratings.csv is empty"),
    "web page": ({**GOOD, "ratings.csv": "<!doctype html>\n"}, "begins with '<!doctype html>'"),
    "only movies": ({"movies.csv": MOVIES}, "movies.csv contains movies"),
    "no titles": ({"ratings.csv": RATINGS}, "no titles, and movies.csv is missing: put it into"),
    "no titles of the prize": ({"combined_data_1.txt": PRIZE}, "movie_titles.csv is missing"),
    "no titles of 100k": ({"u.data": U_100K["u.data"]}, "u.data .* u.item is missing"),
    "empty titles": ({**GOOD, "movies.csv": ""}, "movies.csv, the file of titles, is empty"),
    "zipped titles": ({**GOOD, "movies.csv": b"7z\xbc\xaf\x27\x1c"}, "movies.csv, .*7-Zip archive"),
    "two tables": (
        {"mine.csv": RATINGS, "yours.csv": OTHER, "movies.csv": MOVIES},
        "several files of ratings .'mine.csv', 'yours.csv'.: name the one to import",
    ),
    "two folders": (
        {"a/ratings.csv": RATINGS, "b/ratings.csv": RATINGS},
        "no ratings itself, but the folders 'a', 'b': name one",
    ),
    "two archives": (
        {"a.zip": b"PK\3\4", "b.zip": b"PK\3\4"},
        "several archives .'a.zip', 'b.zip'",
    ),
    "a folder named like a file": (
        {"ratings.csv/x/y": "x", "movies.csv": MOVIES},
        "found no ratings in .*movies.csv and the folder ratings.csv",
    ),
    "many files": ({f"f{n}.bin": b"\0\0\1" for n in range(8)}, "f4.bin and 3 more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_without_usable_files_is_refused_in_one_sentence(
    tmp_path: Path, case: str
) -> None:
    files, message = REFUSED[case]
    with pytest.raises(DatasetError, match=message) as error:
        read_files(tmp_path, files)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("movies.csv", "movies.csv contains movies, not ratings: name the file of ratings"),
        ("notes.txt", "notes.txt begins with 'Dear diary'; accepted"),
        ("nothing.csv", "nothing.csv does not exist: name the folder"),
    ],
)
def test_a_named_file_that_holds_no_ratings_is_refused(
    tmp_path: Path, name: str, message: str
) -> None:
    put(tmp_path, {**GOOD, "notes.txt": "Dear diary\n"})
    with pytest.raises(DatasetError, match=message):
        read(tmp_path / name)


def test_a_link_that_leads_nowhere_is_refused_with_its_target(tmp_path: Path) -> None:
    put(tmp_path, {"movies.csv": MOVIES})
    (tmp_path / "ratings.csv").symlink_to("/nowhere/ratings.csv")
    for path in (tmp_path, tmp_path / "ratings.csv"):
        with pytest.raises(DatasetError, match=r"is a link to /nowhere/ratings.csv, which cannot"):
            read(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, {"movies.csv": MOVIES})
    os.mkfifo(tmp_path / "ratings.csv")
    for path in (tmp_path, tmp_path / "ratings.csv"):
        with pytest.raises(DatasetError, match=r"ratings.csv is neither a file nor a folder"):
            read(path)


@pytest.mark.parametrize("name", ["ratings.csv", "movies.csv"])
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, GOOD)
    opened = Path.open

    def denied(path: Path, mode: str = "r", **options: Any) -> object:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(DatasetError, match=f"{name}.* cannot be read .Permission denied.: make it"):
        read(tmp_path)
