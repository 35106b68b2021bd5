"""Recognising the layout of raw ratings."""

import re
from pathlib import Path

import pytest

from marquee.datasets import HEAD_BYTES, DatasetError, recognise, recognise_folder

TITLES = b"1,2003,Dinosaur Planet\n2,NULL,Fame, Fortune and Love\n"
PRIZE = b"1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n"
CLEANED = b"1\t1488844\t3\t2005-09-06\n1\t822109\t5\t2005-05-13\n"
ML_RATINGS = b"userId,movieId,rating,timestamp\r\n1,1,4.0,964982703\r\n"
ML_MOVIES = b"movieId,title,genres\r\n1,Toy Story (1995),Animation|Comedy\r\n"
DAT_RATINGS = b"1::1193::5::978300760\n1::661::3::978302109\n"
DAT_MOVIES = "1::Misérables, Les (1995)::Drama|Musical\n".encode("latin-1")
U_DATA = b"196\t242\t3\t881250949\n186\t302\t3\t891717742\n"
U_ITEM = b"1|Toy Story (1995)|01-Jan-1995||http://x|0|0|1\n"
U_GENRE = b"unknown|0\nAction|1\nComedy|2\n"

LAYOUTS = {
    "netflix-prize": {"combined_data_1.txt": PRIZE, "movie_titles.csv": TITLES},
    "netflix-cleaned": {"ratings_43k.tsv": CLEANED, "movie_titles.csv": TITLES},
    "movielens-csv": {"ratings.csv": ML_RATINGS, "movies.csv": ML_MOVIES},
    "movielens-dat": {"ratings.dat": DAT_RATINGS, "movies.dat": DAT_MOVIES},
    "movielens-100k": {"u.data": U_DATA, "u.item": U_ITEM, "u.genre": U_GENRE},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_files_of_a_layout_are_recognised_as_that_layout(name: str) -> None:
    assert recognise(LAYOUTS[name]).form.name == name


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_files_of_a_layout_are_read(name: str) -> None:
    layout = recognise(LAYOUTS[name])
    assert (sorted(layout.files), layout.ignored) == (sorted(LAYOUTS[name]), ())


def test_the_netflix_prize_wins_among_all_layouts_together() -> None:
    everything = {name: head for files in LAYOUTS.values() for name, head in files.items()}
    assert recognise(everything).form.name == "netflix-prize"


def test_a_cleaned_copy_next_to_the_prize_is_ignored() -> None:
    layout = recognise({**LAYOUTS["netflix-prize"], **LAYOUTS["netflix-cleaned"]})
    assert layout.ignored == ("ratings_43k.tsv",)


def test_several_prize_files_are_all_read_in_order() -> None:
    layout = recognise(
        {"combined_data_4.txt": PRIZE, "combined_data_1.txt": PRIZE, "movie_titles.csv": TITLES}
    )
    assert layout.ratings == ("combined_data_1.txt", "combined_data_4.txt")


def test_links_next_to_the_ratings_are_read_too() -> None:
    links = b"movieId,imdbId,tmdbId\r\n1,0114709,862\r\n"
    layout = recognise({**LAYOUTS["movielens-csv"], "links.csv": links})
    assert (layout.links, layout.files) == ("links.csv", ("ratings.csv", "movies.csv", "links.csv"))


def test_unreadable_tags_and_a_readme_are_named_as_ignored() -> None:
    layout = recognise({**LAYOUTS["movielens-csv"], "tags.csv": b"a,b\n", "README.txt": b"Hello\n"})
    assert layout.ignored == ("README.txt", "tags.csv")


def test_only_u_data_is_read_of_the_100k_layout_with_its_splits() -> None:
    layout = recognise({**LAYOUTS["movielens-100k"], "u1.base": U_DATA, "ua.test": U_DATA})
    assert layout.ratings == ("u.data",)


def test_the_official_tests_of_100k_are_recognised() -> None:
    splits = {"u2.test": U_DATA, "u1.test": U_DATA, "u1.base": U_DATA, "ua.test": U_DATA}
    layout = recognise({**LAYOUTS["movielens-100k"], **splits})
    assert layout.official_tests == ("u1.test", "u2.test")
    assert layout.ignored == ("u1.base", "ua.test")
    assert not set(layout.official_tests) & set(layout.files)


def test_official_tests_next_to_the_canonical_files_are_recognised() -> None:
    layout = recognise({**LAYOUTS["movielens-csv"], "u1.test": U_DATA})
    assert (layout.official_tests, layout.ignored) == (("u1.test",), ())


def test_official_tests_in_another_layout_are_ignored() -> None:
    layout = recognise({**LAYOUTS["movielens-dat"], "u1.test": U_DATA})
    assert (layout.official_tests, layout.ignored) == ((), ("u1.test",))


def test_a_complete_layout_wins_over_an_incomplete_one() -> None:
    layout = recognise({"combined_data_1.txt": PRIZE, **LAYOUTS["movielens-csv"]})
    assert layout.form.name == "movielens-csv"


def test_a_byte_order_mark_does_no_harm() -> None:
    marked = {"ratings.csv": b"\xef\xbb\xbf" + ML_RATINGS, "movies.csv": ML_MOVIES}
    assert recognise(marked).form.name == "movielens-csv"


def test_tags_next_to_the_ratings_are_read_too() -> None:
    tags = b"userId,movieId,tag,timestamp\r\n2,60756,funny,1445714994\r\n"
    layout = recognise({**LAYOUTS["movielens-csv"], "tags.csv": tags})
    assert (layout.tags, layout.files) == ("tags.csv", ("ratings.csv", "movies.csv", "tags.csv"))


def test_a_few_bad_lines_do_not_hide_the_layout() -> None:
    bad = b"garbage\n" + CLEANED + CLEANED
    assert recognise({"x.tsv": bad, "movie_titles.csv": TITLES}).form.name == "netflix-cleaned"


def test_a_prize_file_that_begins_without_a_header_is_recognised() -> None:
    headless = {
        "combined_data_1.txt": b"1488844,3,2005-09-06\n" + PRIZE,
        "movie_titles.csv": TITLES,
    }
    assert recognise(headless).form.name == "netflix-prize"


def test_the_cut_last_line_of_a_head_does_not_count() -> None:
    line = b"1\t1488844\t3\t2005-09-06\n"
    head = (line * 300)[: HEAD_BYTES - 1] + b"\t"
    assert recognise({"x.tsv": head, "movie_titles.csv": TITLES}).form.name == "netflix-cleaned"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "the folder contains no files; accepted layouts: the Netflix Prize"),
        ({"notes.txt": b"Dear diary\n"}, "found no ratings in notes.txt .*'Dear diary'.*accepted"),
        ({"ml.zip": b"PK\x03\x04..."}, r"ml.zip is a zip archive \(unpack it first\)"),
        ({"ratings.dat": b"\0\1\2"}, "ratings.dat is a binary file, but MovieLens ::"),
        ({"ratings.csv": b""}, "ratings.csv is empty, but MovieLens csv"),
        ({"ratings.csv": b"<html>\n", "movies.csv": ML_MOVIES}, "ratings.csv begins with '<html>'"),
        ({"ratings.csv": ML_RATINGS}, "ratings.csv looks like .* but movies.csv is missing"),
        ({"combined_data_1.txt": PRIZE}, "but movie_titles.csv is missing: put it into the same"),
        ({"combined_data_2.txt": b"<html>", "movie_titles.csv": TITLES}, "begins with '<html>'"),
        ({"ratings.csv": ML_RATINGS, "movies.csv": b"PK\x03\x04"}, "movies.csv is a zip archive"),
        ({f"f{i}.bin": b"\0" for i in range(8)}, r"f4.bin and 3 more \(f0.bin is a binary file\)"),
    ],
)
def test_files_of_another_kind_fail_with_one_sentence_that_says_how_to_fix_it(
    files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(DatasetError, match=message) as error:
        recognise(files)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "movies"),
    [
        ("ratings.csv", b"userId,movieId,rating\n1,1,4.0\n", "movies.csv"),
        ("ratings.dat", b"1::1::4\n", "movies.dat"),
        ("u.data", b"196\t242\t3\n", "u.item"),
        ("combined_data_1.txt", b"1:\n10,4\n11,5\n", "movie_titles.csv"),
    ],
)
def test_the_error_of_ratings_without_dates_shows_the_line(
    name: str, content: bytes, movies: str
) -> None:
    """Without dates it is unknown which of a user's two ratings of a movie counts."""
    begins = re.escape(repr(content.decode().splitlines()[0]))
    with pytest.raises(DatasetError, match=rf"{re.escape(name)} begins with {begins}, but"):
        recognise({name: content, movies: b""})


def test_hidden_files_of_a_folder_are_ignored(tmp_path: Path) -> None:
    for name, head in {**LAYOUTS["movielens-csv"], ".DS_Store": b"\0"}.items():
        (tmp_path / name).write_bytes(head)
    assert recognise_folder(tmp_path).ignored == ()


def test_a_file_stands_for_its_folder(tmp_path: Path) -> None:
    for name, head in LAYOUTS["movielens-csv"].items():
        (tmp_path / name).write_bytes(head)
    assert recognise_folder(tmp_path / "ratings.csv").form.name == "movielens-csv"


def test_the_error_of_a_missing_path_names_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        recognise_folder(tmp_path / "nowhere")
