"""Shared lists: what the API publishes, for how long, and who can take it back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from marquee.requests.greeting import greeting_name
from marquee.requests.limits import LimitedAction
from marquee.serving.forms import ListForm
from tests.unit.api import Api
from tests.unit.aws import DATASET, context, event, put_model

FORM: dict[str, Any] = {
    "movies": [{"movie_id": 1, "reasons": [2, 3]}, {"movie_id": 4}],
    "first_name": "Ada Lovelace",
}
KEY = {"Idempotency-Key": "a-key-of-the-page"}
NOBODY = "0" * 26


def share(api: Api, **form: Any) -> dict[str, Any]:
    status, body, headers = api.call("POST", "/lists", FORM | form)
    assert (status, headers["Cache-Control"]) == (201, "no-store"), body
    return body


def owner(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['owner_secret']}"}


def page(api: Api, list_id: str) -> tuple[int, str, dict[str, str]]:
    called = event("ingest") | {
        "httpMethod": "GET", "path": f"/lists/{list_id}/page", "body": None,
    }  # fmt: skip
    answer = api.module.handler(called, context("ingest"))
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    return answer["statusCode"], answer["body"] or "", headers


def test_everybody_with_the_id_reads_the_list(api: Api) -> None:
    made = share(api)
    status, body, headers = api.call("GET", f"/lists/{made['list_id']}")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert body == {
        "first_name": "Ada",
        "movies": [
            {
                "movie_id": 1, "title": "Film 1", "year": 1971, "genres": ["Drama"],
                "part": None, "reasons": ["Film 2", "Film 3"],
            },
            {
                "movie_id": 4, "title": "Film 4", "year": 1974, "genres": ["Drama"],
                "part": None, "reasons": [],
            },
        ],
        "expires_at": made["expires_at"],
        "dataset": DATASET,
    }  # fmt: skip


def test_the_sample_event_shares_a_list(api: Api) -> None:
    answer = api.module.handler(event("ingest_list"), context("ingest"))
    assert (answer["statusCode"], json.loads(answer["body"])["first_name"]) == (201, "Ada")


def test_the_answer_has_the_address_to_share_and_the_secret_to_take_it_back(api: Api) -> None:
    made = share(api)
    assert made["page"] == f"/lists/{made['list_id']}/page"
    assert made["url"] == f"https://d111111abcdef8.cloudfront.net/#list/{made['list_id']}"
    assert len(made["owner_secret"]) == 22
    days = (datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)) / timedelta(days=1)
    assert round(days) == 90


def test_nothing_of_the_owner_is_stored(api: Api) -> None:
    made = share(api)
    (item,) = api.aws.table("LISTS_TABLE").scan()["Items"]
    assert item.keys() == {"list_id", "dataset", "movies", "expires_at", "first_name"}
    assert made["owner_secret"] not in str(item)
    assert "Lovelace" not in str(item)


def test_a_list_without_a_first_name_shows_none(api: Api) -> None:
    for blank in ({"first_name": None}, {"first_name": "  "}):
        made = share(api, **blank)
        assert made["first_name"] is None
        assert api.call("GET", f"/lists/{made['list_id']}")[1]["first_name"] is None


def test_the_same_form_with_the_same_key_makes_one_list(api: Api) -> None:
    first = api.call("POST", "/lists", FORM, KEY)
    again = api.call("POST", "/lists", FORM, KEY)
    assert (again[0], again[1]) == (201, first[1])
    assert api.aws.table("LISTS_TABLE").scan()["Count"] == 1


def test_another_form_with_the_same_key_is_refused(api: Api) -> None:
    api.call("POST", "/lists", FORM, KEY)
    status, body, _ = api.call("POST", "/lists", {"movies": [{"movie_id": 9}]}, KEY)
    assert (status, body["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_the_owner_takes_the_list_back_and_a_late_form_does_not_publish_it_again(api: Api) -> None:
    made = api.call("POST", "/lists", FORM, KEY)[1]
    path = f"/lists/{made['list_id']}"
    assert api.call("DELETE", path, headers=owner(made))[0] == 204
    assert api.call("DELETE", path, headers=owner(made))[0] == 204
    status, body, _ = api.call("GET", path)
    assert (status, "taken it back" in body["errors"][0]["message"]) == (410, True)
    status, body, _ = api.call("POST", "/lists", FORM, KEY)
    assert (status, body["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert api.call("GET", path)[0] == 410


def test_nobody_else_takes_a_list_back(api: Api) -> None:
    made, other = share(api), share(api)
    path = f"/lists/{made['list_id']}"
    for headers in ({}, {"Authorization": "Bearer x"}, owner(other)):
        assert api.call("DELETE", path, headers=headers)[0] == 404
    assert api.call("GET", path)[0] == 200


@pytest.mark.parametrize("unknown", [NOBODY, "x", "0" * 27, "%00"])
def test_an_unknown_list_is_not_found(api: Api, unknown: str) -> None:
    for method in ("GET", "DELETE"):
        status, body, _ = api.call(method, f"/lists/{unknown}")
        assert (status, body["errors"][0]["message"][:21]) == (404, "There is no such list")


def test_an_expired_list_is_not_found_before_dynamodb_deletes_it(api: Api) -> None:
    made = share(api)
    api.aws.table("LISTS_TABLE").update_item(
        Key={"list_id": made["list_id"]},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": 1},
    )
    assert api.call("GET", f"/lists/{made['list_id']}")[0] == 404
    assert page(api, made["list_id"])[0] == 303


def test_a_list_stays_readable_when_another_data_set_is_active(api: Api) -> None:
    made = share(api)
    put_model(api.aws, dataset="another", model_id="20261122t200000z-0a1b2c")
    status, body, _ = api.call("GET", f"/lists/{made['list_id']}")
    assert (status, body["dataset"]) == (200, None)
    assert body["movies"][0]["title"] == "Film 1"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"movies": []}, "movies"),
        ({"movies": [{"movie_id": n} for n in range(1, 22)]}, "movies"),
        ({"movies": [{"movie_id": 1}, {"movie_id": 1}]}, "movies"),
        ({"movies": [{"movie_id": 999}]}, "movies[0].movie_id"),
        ({"movies": [{"movie_id": 1, "reasons": [2, 999]}]}, "movies[0].reasons[1]"),
        ({"movies": [{"movie_id": 1, "reasons": [2, 3, 4, 5]}]}, "movies[0].reasons"),
        ({"movies": [{"movie_id": 1, "title": "Buy now"}]}, "movies[0].title"),
        ({"movies": [{"movie_id": 1, "reasons": ["Buy now"]}]}, "movies[0].reasons[0]"),
        ({"movies": [{"movie_id": 1}], "note": "Buy now"}, "note"),
        ({"first_name": "evil.com"}, "first_name"),
        ({"first_name": "$900"}, "first_name"),
        ({"first_name": "Ada<script>"}, "first_name"),
        ({"first_name": "A" * 61}, "first_name"),
    ],
)
def test_nobody_publishes_words_of_their_own(api: Api, form: dict[str, Any], field: str) -> None:
    status, body, _ = api.call("POST", "/lists", FORM | form)
    assert (status, [error["field"] for error in body["errors"]]) == (422, [field])
    assert api.aws.table("LISTS_TABLE").scan()["Count"] == 0


@given(st.text(max_size=60))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_first_name_is_what_a_greeting_would_show_or_is_refused(name: str) -> None:
    shown = greeting_name(name)
    if shown is None and name.strip():
        with pytest.raises(ValidationError):
            ListForm.model_validate({"movies": [{"movie_id": 1}], "first_name": name})
    else:
        form = ListForm.model_validate({"movies": [{"movie_id": 1}], "first_name": name})
        assert form.first_name == shown


def test_lists_of_one_network_are_limited_but_repeated_forms_are_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitors = api.module.visitors
    limits = replace(
        visitors.network_limits,
        most={LimitedAction.NETWORK_LISTS: 2},
        window=timedelta(days=100_000),
    )
    monkeypatch.setattr(visitors, "network_limits", limits)
    assert api.call("POST", "/lists", FORM, KEY)[0] == 201
    assert [api.call("POST", "/lists", FORM)[0] for _ in range(2)] == [201, 429]
    assert api.call("POST", "/lists", FORM, KEY)[0] == 201
    assert api.call("POST", "/lists", FORM, client="203.0.113.8")[0] == 201


def test_the_page_has_a_card_for_chats_and_leads_to_the_site(api: Api) -> None:
    made = share(api)
    status, html, headers = page(api, made["list_id"])
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert '<meta property="og:title" content="Ada’s movies on Marquee">' in html
    assert '<meta property="og:description" content="Film 1, Film 4">' in html
    assert (
        '<meta property="og:image" content="https://d111111abcdef8.cloudfront.net/card.png">'
        in html
    )
    assert f'<a href="{made["url"]}">' in html
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert made["owner_secret"] not in html


def test_the_page_of_a_list_that_is_gone_leads_to_the_view_that_says_so(api: Api) -> None:
    made = share(api)
    api.call("DELETE", f"/lists/{made['list_id']}", headers=owner(made))
    for list_id in (made["list_id"], NOBODY):
        status, html, headers = page(api, list_id)
        assert (status, html) == (303, "")
        assert headers["Location"].endswith(f"/#list/{list_id}")
    status, body, _ = page(api, "x")
    assert (status, "errors" in json.loads(body)) == (404, True)


def test_no_log_line_has_the_name_the_id_or_the_secret(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    made = share(api)
    api.call("GET", f"/lists/{made['list_id']}")
    api.call("DELETE", f"/lists/{made['list_id']}", headers=owner(made))
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "list shared" in logged
    assert "list taken back" in logged
    for hidden in ("Ada", made["list_id"], made["owner_secret"]):
        assert hidden not in logged
