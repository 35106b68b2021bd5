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
def test_given_the_files_of_a_layout_when_recognised_then_it_is_that_layout(name: str) -> None:
    assert recognise(LAYOUTS[name]).form.name == name


@pytest.mark.parametrize("name", LAYOUTS)
def test_given_the_files_of_a_layout_when_recognised_then_all_are_read(name: str) -> None:
    layout = recognise(LAYOUTS[name])
    assert (sorted(layout.files), layout.ignored) == (sorted(LAYOUTS[name]), ())


def test_given_all_layouts_together_when_recognised_then_the_netflix_prize_wins() -> None:
    everything = {name: head for files in LAYOUTS.values() for name, head in files.items()}
    assert recognise(everything).form.name == "netflix-prize"


def test_given_the_prize_beside_its_cleaned_copy_when_recognised_then_the_copy_is_ignored() -> None:
    layout = recognise({**LAYOUTS["netflix-prize"], **LAYOUTS["netflix-cleaned"]})
    assert layout.ignored == ("ratings_43k.tsv",)


def test_given_several_prize_files_when_recognised_then_all_are_read_in_order() -> None:
    layout = recognise(
        {"combined_data_4.txt": PRIZE, "combined_data_1.txt": PRIZE, "movie_titles.csv": TITLES}
    )
    assert layout.ratings == ("combined_data_1.txt", "combined_data_4.txt")


def test_given_links_beside_the_ratings_when_recognised_then_they_are_read_too() -> None:
    links = b"movieId,imdbId,tmdbId\r\n1,0114709,862\r\n"
    layout = recognise({**LAYOUTS["movielens-csv"], "links.csv": links})
    assert (layout.links, layout.files) == ("links.csv", ("ratings.csv", "movies.csv", "links.csv"))


def test_given_tags_links_and_a_readme_when_recognised_then_they_are_named_as_ignored() -> None:
    layout = recognise({**LAYOUTS["movielens-csv"], "tags.csv": b"a,b\n", "README.txt": b"Hello\n"})
    assert layout.ignored == ("README.txt", "tags.csv")


def test_given_the_splits_of_100k_when_recognised_then_only_u_data_is_read() -> None:
    layout = recognise({**LAYOUTS["movielens-100k"], "u1.base": U_DATA, "ua.test": U_DATA})
    assert layout.ratings == ("u.data",)


def test_given_the_official_tests_of_100k_when_recognised_then_they_are_told_apart() -> None:
    splits = {"u2.test": U_DATA, "u1.test": U_DATA, "u1.base": U_DATA, "ua.test": U_DATA}
    layout = recognise({**LAYOUTS["movielens-100k"], **splits})
    assert layout.official_tests == ("u1.test", "u2.test")
    assert layout.ignored == ("u1.base", "ua.test")
    assert not set(layout.official_tests) & set(layout.files)


def test_given_files_named_like_them_in_another_layout_when_recognised_then_they_are_ignored() -> (
    None
):
    layout = recognise({**LAYOUTS["movielens-csv"], "u1.test": U_DATA})
    assert (layout.official_tests, layout.ignored) == ((), ("u1.test",))


def test_given_an_incomplete_layout_when_recognised_then_the_whole_one_beside_it_wins() -> None:
    layout = recognise({"combined_data_1.txt": PRIZE, **LAYOUTS["movielens-csv"]})
    assert layout.form.name == "movielens-csv"


def test_given_a_byte_order_mark_when_recognised_then_it_does_no_harm() -> None:
    marked = {"ratings.csv": b"\xef\xbb\xbf" + ML_RATINGS, "movies.csv": ML_MOVIES}
    assert recognise(marked).form.name == "movielens-csv"


def test_given_tags_beside_the_ratings_when_recognised_then_they_are_read_too() -> None:
    tags = b"userId,movieId,tag,timestamp\r\n2,60756,funny,1445714994\r\n"
    layout = recognise({**LAYOUTS["movielens-csv"], "tags.csv": tags})
    assert (layout.tags, layout.files) == ("tags.csv", ("ratings.csv", "movies.csv", "tags.csv"))


def test_given_a_few_bad_lines_when_recognised_then_the_layout_is_still_seen() -> None:
    bad = b"garbage\n" + CLEANED + CLEANED
    assert recognise({"x.tsv": bad, "movie_titles.csv": TITLES}).form.name == "netflix-cleaned"


def test_given_a_prize_file_that_begins_without_a_header_when_recognised_then_it_is_seen() -> None:
    headless = {
        "combined_data_1.txt": b"1488844,3,2005-09-06\n" + PRIZE,
        "movie_titles.csv": TITLES,
    }
    assert recognise(headless).form.name == "netflix-prize"


def test_given_a_head_cut_within_a_line_when_recognised_then_the_cut_line_does_not_count() -> None:
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
def test_given_files_of_the_wrong_kind_when_recognised_then_one_sentence_says_what_and_the_mend(
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
def test_given_ratings_without_dates_when_recognised_then_the_error_shows_the_line(
    name: str, content: bytes, movies: str
) -> None:
    """Without dates it is unknown which of a user's two ratings of a movie counts."""
    begins = re.escape(repr(content.decode().splitlines()[0]))
    with pytest.raises(DatasetError, match=rf"{re.escape(name)} begins with {begins}, but"):
        recognise({name: content, movies: b""})


def test_given_a_folder_when_recognised_then_hidden_files_are_not_looked_at(tmp_path: Path) -> None:
    for name, head in {**LAYOUTS["movielens-csv"], ".DS_Store": b"\0"}.items():
        (tmp_path / name).write_bytes(head)
    assert recognise_folder(tmp_path).ignored == ()


def test_given_a_file_when_recognised_then_its_folder_is(tmp_path: Path) -> None:
    for name, head in LAYOUTS["movielens-csv"].items():
        (tmp_path / name).write_bytes(head)
    assert recognise_folder(tmp_path / "ratings.csv").form.name == "movielens-csv"


def test_given_a_path_that_is_not_there_when_recognised_then_the_error_names_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        recognise_folder(tmp_path / "nowhere")
