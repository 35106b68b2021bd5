"""The preview of a text is the text that would be sent."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from marquee.recommender.model import Movie
from marquee.requests.identity import new_visitor_id, token_for
from marquee.requests.text_message import MAX_PARTS, compose, link_to, parts, preview_link
from tests.models import FIRST, random_model
from tests.unit.api import Api
from tests.unit.aws import Aws
from tests.unit.functions.test_picks import put

LONG = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb 🎬"
BASE = random_model(30)
MODEL = replace(BASE, movies={**BASE.movies, FIRST: Movie(FIRST, LONG, 1964, ())})
TEN = list(range(FIRST, FIRST + 10))


@pytest.fixture(scope="module")
def api(account: Aws, warm: Api) -> Iterator[Api]:
    account.wipe()
    put(account, MODEL)
    yield warm
    account.wipe()


def preview(api: Api, **form: object) -> tuple[int, dict[str, Any]]:
    status, answer, _ = api.call("POST", "/texts/preview", form)
    return status, answer


def test_the_preview_is_the_text_except_for_the_link(api: Api) -> None:
    status, answer = preview(api, name="Zoë 🎬", movie_ids=TEN)
    site = api.module.SETTINGS.site_url
    visitor_id = new_visitor_id()
    link = link_to(site, visitor_id, token_for(visitor_id, "secret"))
    sent = compose("Zoë 🎬", [MODEL.movies[movie_id].title for movie_id in TEN], link)
    assert status == 200
    assert answer["text"] == sent.replace(link, preview_link(site))
    assert answer["text"].startswith("Zoe, your Marquee picks:\n1. Dr. Strangelove")
    assert answer["parts"] == parts(sent) <= MAX_PARTS


@pytest.mark.parametrize(
    ("name", "greeting"), [("Ada 🎬", "Ada"), ("🎬", None), ("evil.com", None), ("", None)]
)
def test_the_preview_says_which_name_greets(api: Api, name: str, greeting: str | None) -> None:
    _, answer = preview(api, name=name, movie_ids=TEN)
    expected = f"{greeting}, your Marquee picks:" if greeting else "Your Marquee picks:"
    assert (answer["greeting"], answer["text"].splitlines()[0]) == (greeting, expected)


@pytest.mark.parametrize(
    ("form", "field", "message"),
    [
        ({"movie_ids": [FIRST, 7]}, "movie_ids[1]", "There is no movie 7; send the ids of the"),
        ({"movie_ids": [*TEN, FIRST]}, "movie_ids", "Give at most 10 movies in one form."),
        ({"movie_ids": []}, "movie_ids", "Give at least 1 movie."),
        ({"movie_ids": TEN, "name": "x" * 61}, "name", "Type at most 60 characters."),
    ],
)
def test_an_invalid_preview_is_refused_by_field(
    api: Api, form: dict[str, object], field: str, message: str
) -> None:
    status, answer = preview(api, **form)
    (error,) = answer["errors"]
    assert (status, error["field"]) == (422, field)
    assert error["message"].startswith(message)
