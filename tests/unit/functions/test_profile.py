"""The call that describes how a model sees the sender of ratings."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import MODEL_NAMES
from marquee.serving.portrait import Portraitist
from tests.models import FIRST, random_model
from tests.unit.api import Api
from tests.unit.aws import Aws
from tests.unit.functions.test_picks import RATINGS, put

MODEL = random_model(60)


@pytest.fixture(scope="module")
def api(account: Aws, warm: Api) -> Iterator[Any]:
    account.wipe()
    put(account, MODEL)

    def ask(**body: object) -> tuple[int, dict[str, Any]]:
        status, answer, _ = warm.call("POST", "/profile", raw=json.dumps(body))
        return status, answer

    yield ask
    account.wipe()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_model_answers_with_its_profile_of_the_visitor(api: Any, name: str) -> None:
    status, answer = api(ratings=RATINGS, model=name)
    given = {rating["movie_id"]: float(rating["stars"]) for rating in RATINGS}
    expected = Recommender(MODEL, name).predict(given)
    seen = Portraitist(MODEL).portrait(name, given, expected)
    assert status == 200
    assert (answer["model"], answer["rated"]) == (name, len(RATINGS))
    assert (answer["dataset"], answer["model_id"]) == (MODEL.dataset, MODEL.model_id)
    assert [each["name"] for each in answer["genres"]] == [each.name for each in seen.genres]
    assert [each["movie_id"] for each in answer["surprises"]] == [
        each.movie_id for each in seen.surprises
    ]
    assert (answer["map"] is None) == (seen.map is None)
    assert (answer["certainty"] is None) == (seen.certainty is None)


def test_the_ranking_model_answers_where_no_model_is_named(api: Any) -> None:
    status, answer = api(ratings=RATINGS)
    assert (status, answer["model"]) == (200, "ranking")
    assert {*answer["map"]} == {"axes", "you", "movies"}
    assert [{*axis} for axis in answer["map"]["axes"]] == [{"name", "low", "high"}] * 2
    assert {*answer["map"]["you"]} == {"x", "y", "spread"}
    assert {*answer["map"]["movies"][0]} == {"movie_id", "title", "x", "y", "stars"}
    assert 0 < answer["certainty"]["share"] < 1
    assert {*answer["surprises"][0]} == {
        *("movie_id", "title", "year", "genres", "part"),
        *("stars", "everyone", "expected", "difference"),
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ratings": RATINGS, "model": "magic"}, "model"),
        ({"ratings": RATINGS, "model": 7}, "model"),
        ({"ratings": RATINGS[:4]}, "ratings"),
        ({"ratings": [*RATINGS, {"movie_id": 7, "stars": 5}]}, f"ratings[{len(RATINGS)}].movie_id"),
        ({"ratings": [*RATINGS, {"movie_id": FIRST + 1, "stars": 6}]}, "ratings[6].stars"),
        ({"ratings": RATINGS, "name": "Ada"}, "name"),
        ({}, "ratings"),
    ],
)
def test_an_invalid_form_is_rejected_by_field(
    api: Any, body: dict[str, object], field: str
) -> None:
    status, answer = api(**body)
    assert (status, [error["field"] for error in answer["errors"]]) == (422, [field])


def test_a_request_before_the_first_model_is_answered_with_503(aws: Aws) -> None:
    assert Api(aws).call("POST", "/profile", {"ratings": RATINGS})[0] == 503
