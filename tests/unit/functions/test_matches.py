"""Movies that another site's export names, found through the API."""

from collections.abc import Iterator
from typing import Any

import pytest

from marquee.recommender.links import ExternalIds, pack_links
from marquee.recommender.model_folder import LINKS, TITLES
from marquee.recommender.title_index import build_titles
from tests.unit.api import Api
from tests.unit.aws import Aws
from tests.unit.functions.test_movies import ALIEN, ALIENS, AMELIE, MODEL
from tests.unit.functions.test_picks import put


@pytest.fixture(scope="module")
def api(account: Aws, warm: Api) -> Iterator[Api]:
    account.wipe()
    links = {ALIEN: ExternalIds("0078748", 348)}
    put(account, MODEL, {TITLES: build_titles(MODEL), LINKS: pack_links(links)})
    yield warm
    account.wipe()


def match(api: Api, *entries: Any) -> tuple[int, dict[str, Any]]:
    status, answer, _ = api.call("POST", "/movies/matches", {"entries": list(entries)})
    return status, answer


def test_every_entry_gets_its_movie_or_a_reason_in_its_order(api: Api) -> None:
    status, answer = match(
        api,
        {"title": "Amélie", "year": 2001},
        {"title": "No such title", "year": 1999, "imdb_id": "tt0078748"},
        {"title": "Aliens"},
        {"title": "Aliens", "year": 1999},
        {"title": "Oppenheimer", "year": 2023, "imdb_id": None},
    )
    assert (status, answer["dataset"], answer["model_id"]) == (200, MODEL.dataset, MODEL.model_id)
    found = [each["movie"] and each["movie"]["movie_id"] for each in answer["matches"]]
    assert found == [AMELIE, ALIEN, ALIENS, None, None]
    reasons = [each["reason"] for each in answer["matches"]]
    assert reasons == [None, None, None, "no_such_year", "unknown"]
    amelie = {"movie_id": AMELIE, "title": "Amelie", "year": 2001, "genres": [], "part": None}
    assert answer["matches"][0]["movie"] == amelie


def test_a_hundred_entries_are_matched_in_one_call(api: Api) -> None:
    entry = {"title": "Alien", "year": 1979}
    status, answer = match(api, *[entry] * 100)
    assert (status, len(answer["matches"])) == (200, 100)
    status, answer = match(api, *[entry] * 101)
    message = "Give at most 100 movies in one form."
    assert (status, answer["errors"]) == (422, [{"field": "entries", "message": message}])


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "title", "This field is missing."),
    ({"title": ""}, "title", "Type some letters."),
    ({"title": "x" * 201}, "title", "Type at most 200 characters."),
    ({"title": "x", "year": 1869}, "year", "Give a year from 1870 to 2100."),
    ({"title": "x", "year": "1999"}, "year", "Give a whole number."),
    (
        {"title": "x", "imdb_id": "0114709"},
        "imdb_id",
        "Give an IMDb id as IMDb writes it, such as tt0114709.",
    ),
    ({"title": "x", "stars": 5}, "stars", "There is no such field; leave it out."),
]


@pytest.mark.parametrize(("entry", "field", "message"), WRONG)
def test_a_refusal_names_the_entry_and_the_field(
    api: Api, entry: dict[str, Any], field: str, message: str
) -> None:
    status, answer = match(api, {"title": "Alien"}, entry)
    expected = {"field": f"entries[1].{field}", "message": message}
    assert (status, answer["errors"]) == (422, [expected])


def test_a_form_without_entries_is_refused(api: Api) -> None:
    status, answer = match(api)
    expected = {"field": "entries", "message": "Give at least 1 movie."}
    assert (status, answer["errors"]) == (422, [expected])


def test_titles_are_matched_without_a_title_index_and_links(aws: Aws) -> None:
    put(aws, MODEL)
    _, answer = match(Api(aws), {"title": "Alien", "year": 1979, "imdb_id": "tt0078748"})
    assert answer["matches"][0]["movie"]["movie_id"] == ALIEN


def test_before_the_first_model_the_answer_is_503(aws: Aws) -> None:
    assert match(Api(aws), {"title": "Alien"})[0] == 503


def test_an_invalid_entry_is_the_only_error(api: Api) -> None:
    status, answer = match(api, {"title": "Alien", "year": 0})
    assert (status, [error["field"] for error in answer["errors"]]) == (422, ["entries[0].year"])


def test_no_title_gets_into_the_logs(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    match(api, {"title": "A Very Private Film", "year": 1999})
    match(api, {"title": "A Very Private Film", "year": 0})
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "entries[0].year" in logged
    assert "Private" not in logged
