"""Following a questionnaire: the parts that need no service."""

import json
from pathlib import Path
from typing import Any

import pytest

from marquee.requests.phone import to_e164
from operations.errors import OperationError
from operations.flow import LOCAL_PHONE, RATED_MOVIES, rate, read_form

MOVIES: list[dict[str, Any]] = [
    {"movie_id": number, "title": f"Film {number}", "genres": ["Comedy" if number % 2 else "Drama"]}
    for number in range(1, 21)
]


def test_the_same_seed_gives_the_same_ratings() -> None:
    assert rate(MOVIES, 7) == rate(MOVIES, 7)


def test_another_seed_gives_other_ratings() -> None:
    assert rate(MOVIES, 7) != rate(MOVIES, 8)


def test_each_movie_is_rated_once() -> None:
    rated = [rating["movie_id"] for rating in rate(MOVIES, 3)]

    assert len(set(rated)) == len(rated) == RATED_MOVIES


@pytest.mark.parametrize("seed", range(20))
def test_stars_are_whole_and_from_one_to_five(seed: int) -> None:
    assert {rating["stars"] for rating in rate(MOVIES, seed)} <= {1, 2, 3, 4, 5}


def test_only_movies_of_one_genre_are_liked() -> None:
    genres = {movie["movie_id"]: movie["genres"][0] for movie in MOVIES}

    liked = {genres[rating["movie_id"]] for rating in rate(MOVIES, 3) if rating["stars"] >= 4}

    assert len(liked) == 1


def test_movies_without_genres_can_be_rated() -> None:
    movies = [{**movie, "genres": []} for movie in MOVIES]

    assert len(rate(movies, 1)) == RATED_MOVIES


def test_an_empty_questionnaire_fails_with_one_sentence() -> None:
    with pytest.raises(OperationError, match="has no movies"):
        rate([], 1)


def test_the_service_accepts_the_phone_number_of_local_flows() -> None:
    assert to_e164(LOCAL_PHONE) == LOCAL_PHONE


def test_a_form_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "form.json"
    file.write_text(json.dumps({"name": "Ada"}))

    assert read_form(file) == {"name": "Ada"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "is not a JSON form"), ("[]", "contains no JSON object"), ("", "is not a JSON form")],
)
def test_a_file_without_a_form_fails_with_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "form.json"
    file.write_text(text)

    with pytest.raises(OperationError, match=sentence):
        read_form(file)


def test_a_missing_file_fails_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="There is no file"):
        read_form(tmp_path / "missing.json")
