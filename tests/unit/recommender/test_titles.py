"""Titles split into words, and the index made of them."""

import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.recommender.model import ModelError
from marquee.recommender.title_index import TITLES_VERSION, build_titles, by_popularity, open_titles
from marquee.recommender.title_words import joined_words, keys_of, names_of, titles_apart, words_of
from tests.films import FILMS, film_model


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Matrix", ["the", "matrix"]),
        ("M*A*S*H", ["mash"]),
        ("m a s h", ["mash"]),
        ("E.T. the Extra-Terrestrial", ["et", "the", "extra", "terrestrial"]),
        ("L.A. Confidential", ["la", "confidential"]),
        ("WALL·E", ["wall", "e"]),
        ("Schindler's List", ["schindlers", "list"]),
        ("Schindler\N{RIGHT SINGLE QUOTATION MARK}s List", ["schindlers", "list"]),
        ("Le fabuleux destin d'Amélie Poulain", ["le", "fabuleux", "destin", "amelie", "poulain"]),
        ("Mr. & Mrs. Smith", ["mr", "and", "mrs", "smith"]),
        ("Alien³", ["alien3"]),
        ("8½", ["8", "1", "2"]),
        ("Łódź Ærø STRASSE", ["lodz", "aero", "strasse"]),
        ("I, Robot", ["i", "robot"]),
        ("Malcolm X", ["malcolm", "x"]),
        ("千と千尋の神隠し", ["千と千尋の神隠し"]),
        (" ?!_* ", []),
    ],
)
def test_words_are_folded_and_single_letters_are_joined(text: str, words: list[str]) -> None:
    assert [*words_of(text)] == words


IN_BRACKETS = [
    ("Seven (a.k.a. Se7en)", ["Seven", "Se7en"]),
    (
        "Amelie (Fabuleux destin d'Amélie Poulain, Le)",
        ["Amelie", "Le Fabuleux destin d'Amélie Poulain"],
    ),
    (
        "Léon: The Professional (a.k.a. The Professional) (Léon)",
        ["Léon: The Professional", "The Professional", "Léon"],
    ),
]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        *IN_BRACKETS,
        ("Matrix, The", ["The Matrix"]),
        ("I, Robot", ["I, Robot"]),
        ("(500) Days of Summer", ["(500) Days of Summer"]),
        ("M*A*S*H (a.k.a. MASH)", ["M*A*S*H", "MASH"]),
        ("$ (Dollars)", ["Dollars"]),
        ("$", ["$"]),
    ],
)
def test_a_title_may_hold_other_names_in_brackets(title: str, names: list[str]) -> None:
    assert [*names_of(title)] == names


@pytest.mark.parametrize(
    ("title", "names"),
    [
        *IN_BRACKETS,
        (
            "Evangelion: 2.0 You Can (Not) Advance (Ha)",
            ["Evangelion: 2.0 You Can (Not) Advance", "Ha"],
        ),
        ("Cyclo (Xich lo (Cyclo))", ["Cyclo", "Xich lo (Cyclo)"]),
        ("The Bride of Frankenstein (Bride of Frankenstein)", ["The Bride of Frankenstein"]),
        ("Stalker ()", ["Stalker"]),
    ],
)
def test_alternative_titles_come_from_the_brackets_at_the_end_of_a_title(
    title: str, names: list[str]
) -> None:
    ((said, others),) = titles_apart([(title, 2001)])
    assert [said, *others] == names


@pytest.mark.parametrize(
    "title",
    [
        "Birdman: Or (The Unexpected Virtue of Ignorance)",
        "(500) Days of Summer",
        "$ (Dollars)",
        "I, Robot",
        "I Do (But I Don't)",
        "Duplex (Widescreen)",
        "The Human Centipede (First Sequence)",
        "Doctor Who: Earthshock (Ep. 122)",
        "Imitation of Life: Double Feature (1934, 1959)",
        "(Untitled)",
    ],
)
def test_a_title_without_alternatives_is_not_changed(title: str) -> None:
    assert titles_apart([(title, 2001)]) == [(title, ())]


def test_movies_of_a_year_that_would_share_a_short_title_keep_their_full_titles() -> None:
    movies = [("Promise (La promesse)", 1996), ("PROMISE (Wu ji)", 1996), ("Promise (Ha)", 2005)]
    assert titles_apart(movies) == [
        ("Promise (La promesse)", ()),
        ("PROMISE (Wu ji)", ()),
        ("Promise", ("Ha",)),
    ]


def test_words_with_hyphens_count_as_one_word_too() -> None:
    assert joined_words("Spider-Man: Far from Home") == ("spiderman",)
    assert joined_words("WALL·E") == ("walle",)
    assert joined_words("M*A*S*H") == ()


def test_keys_leave_out_articles_and_spell_numbers_in_digits() -> None:
    assert keys_of(("the", "godfather", "part", "ii")) == ("godfatherpartii", "godfatherpart2")
    assert keys_of(("the", "the")) == ("thethe", "thethe")


def test_movies_are_ordered_by_their_number_of_ratings_and_then_by_id() -> None:
    ids, support = np.array([2, 5, 9], np.int32), np.array([7, 8, 7], np.int32)
    assert by_popularity(ids, support) == [5, 2, 9]


def test_an_index_can_be_read_and_is_always_the_same() -> None:
    index = build_titles(film_model())
    assert index == build_titles(film_model())
    (count,) = open_titles(index).execute("SELECT count(*) FROM ranks").fetchone()
    assert count == len(FILMS)


@pytest.mark.parametrize("content", [b"", b"not a database, whatever its name says" * 50])
def test_bytes_that_are_not_an_index_are_an_error(content: bytes) -> None:
    with pytest.raises(ModelError, match="train again"):
        open_titles(content)


def test_an_index_of_another_version_is_an_error() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"PRAGMA user_version = {TITLES_VERSION + 1}")
    connection.execute("CREATE TABLE other (x)")
    with pytest.raises(ModelError, match=f"version {TITLES_VERSION + 1}, this release reads"):
        open_titles(connection.serialize())


@given(st.text())
def test_words_hold_no_characters_that_could_break_a_query(text: str) -> None:
    assert all(word and not set(word) & set("\"'*^(){}:+- \0\n") for word in words_of(text))
