"""Following a questionnaire: the parts that need no service."""

import json
from pathlib import Path
from typing import Any

import pytest

from marquee.phone import to_e164
from operations.errors import OperationError
from operations.flow import LOCAL_PHONE, RATED_MOVIES, rate, read_form

MOVIES: list[dict[str, Any]] = [
    {"movie_id": number, "title": f"Film {number}", "genres": ["Comedy" if number % 2 else "Drama"]}
    for number in range(1, 21)
]


def test_the_same_seed_rates_the_same() -> None:
    assert rate(MOVIES, 7) == rate(MOVIES, 7)


def test_another_seed_rates_otherwise() -> None:
    assert rate(MOVIES, 7) != rate(MOVIES, 8)


def test_each_movie_is_rated_once() -> None:
    rated = [rating["movie_id"] for rating in rate(MOVIES, 3)]

    assert len(set(rated)) == len(rated) == RATED_MOVIES


@pytest.mark.parametrize("seed", range(20))
def test_stars_are_whole_and_from_one_to_five(seed: int) -> None:
    assert {rating["stars"] for rating in rate(MOVIES, seed)} <= {1, 2, 3, 4, 5}


def test_one_genre_is_loved_and_the_others_are_not() -> None:
    genres = {movie["movie_id"]: movie["genres"][0] for movie in MOVIES}

    loved = {genres[rating["movie_id"]] for rating in rate(MOVIES, 3) if rating["stars"] >= 4}

    assert len(loved) == 1


def test_movies_without_genres_can_be_rated() -> None:
    movies = [{**movie, "genres": []} for movie in MOVIES]

    assert len(rate(movies, 1)) == RATED_MOVIES


def test_given_an_empty_questionnaire_then_one_sentence_says_so() -> None:
    with pytest.raises(OperationError, match="has no movies"):
        rate([], 1)


def test_the_phone_number_of_local_flows_is_one_that_the_service_takes() -> None:
    assert to_e164(LOCAL_PHONE) == LOCAL_PHONE


def test_a_form_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "form.json"
    file.write_text(json.dumps({"name": "Ada"}))

    assert read_form(file) == {"name": "Ada"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "is not a JSON form"), ("[]", "contains no JSON object"), ("", "is not a JSON form")],
)
def test_given_something_else_then_one_sentence_says_what(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "form.json"
    file.write_text(text)

    with pytest.raises(OperationError, match=sentence):
        read_form(file)


def test_given_no_file_then_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="There is no file"):
        read_form(tmp_path / "missing.json")
