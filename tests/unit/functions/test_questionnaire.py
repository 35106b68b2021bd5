"""The questionnaire's next movies, chosen by the answers so far."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from marquee.recommender.likely_seen import seen_in
from marquee.recommender.questionnaire import Questioner, Topics
from marquee.serving.forms import MAX_QUESTIONS
from tests.models import random_model
from tests.unit.aws import Aws, context, event
from tests.unit.functions.test_picks import put

MODEL = random_model(60)


@pytest.fixture(scope="module")
def api(account: Aws) -> Iterator[Any]:
    account.wipe()
    put(account, MODEL)
    function = account.load("ingest")

    def ask(method: str = "POST", **body: object) -> tuple[int, dict[str, Any]]:
        request = event("ingest") | {"path": "/questionnaire", "httpMethod": method}
        request["body"] = json.dumps(body)
        answer = function.handler(request, context("ingest"))
        return answer["statusCode"], json.loads(answer["body"])

    yield ask
    account.wipe()


def ids(answer: dict[str, Any]) -> list[int]:
    return [movie["movie_id"] for movie in answer["movies"]]


def test_without_answers_the_most_informative_movies_are_asked_about(api: Any) -> None:
    status, answer = api()
    assert status == 200
    asked = Questioner(MODEL.rating, seen_in(MODEL), MODEL.movies).next(count=MAX_QUESTIONS)
    assert ids(answer) == [*asked]


def test_the_questionnaire_continues_after_answers_and_repeats_no_movie(api: Any) -> None:
    _, first = api(count=6)
    answered, unseen = ids(first)[:4], ids(first)[4:]
    status, more = api(answered=answered, unseen=unseen, count=1)
    assert (status, len(more["movies"])) == (200, 1)
    assert not {*ids(more)} & {*ids(first)}
    questioner = Questioner(MODEL.rating, seen_in(MODEL), MODEL.movies)
    assert ids(more) == [*questioner.next(answered, unseen, count=1)]


def test_no_movie_is_asked_about_once_all_are_answered(api: Any) -> None:
    status, answer = api(answered=[*MODEL.movies])
    assert (status, answer["movies"]) == (200, [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": MAX_QUESTIONS + 1}, "count"),
        ({"answered": ["Alien"]}, "answered[0]"),
        ({"answered": [1] * 501}, "answered"),
        ({"unseen": 7}, "unseen"),
        ({"rated": []}, "rated"),
        ({"genres": ["No such genre"]}, "genres[0]"),
        ({"genres": ["Drama"] * 51}, "genres"),
        ({"decades": [1995]}, "decades[0]"),
        ({"decades": ["1990s"]}, "decades[0]"),
        ({"decades": [1990] * 21}, "decades"),
    ],
)
def test_a_wrong_field_is_named(api: Any, body: dict[str, Any], field: str) -> None:
    status, answer = api(**body)
    assert (status, [error["field"] for error in answer["errors"]]) == (422, [field])


def test_movies_of_the_chosen_genres_and_decades_are_asked_about_first(api: Any) -> None:
    example = MODEL.movies[sorted(MODEL.movies)[-1]]
    assert example.year is not None
    decade = example.year - example.year % 10
    topics = Topics(frozenset(example.genres[:1]), frozenset({decade}))
    chosen = topics.movies_of(MODEL)
    assert 0 < len(chosen) < len(MODEL.movies)

    status, answer = api(genres=list(topics.genres), decades=[decade], count=MAX_QUESTIONS)

    assert status == 200
    first = min(len(chosen), MAX_QUESTIONS)
    assert {*ids(answer)[:first]} <= chosen
    assert len(answer["movies"]) == MAX_QUESTIONS


@pytest.mark.parametrize(
    ("decades", "message"),
    [
        ([1990] * 21, "Choose at most 20 decades."),
        ([1995], "Give a decade by its first year, such as 1990."),
        ([10], "Give a year from 1870 to 2100."),
    ],
)
def test_an_error_about_decades_says_how_to_fix_it(
    api: Any, decades: list[int], message: str
) -> None:
    _, answer = api(decades=decades)
    assert [error["message"] for error in answer["errors"]] == [message]
