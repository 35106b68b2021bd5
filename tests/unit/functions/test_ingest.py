"""The API with its handler, against a fake account."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from marquee.aws.buckets import RatingsBucket
from marquee.contracts import VisitorObject
from marquee.requests.register import Registrar
from tests.unit.api import FORM, PHONE, Api
from tests.unit.aws import DATASET, Aws, context, event, put_model

KEY = {"Idempotency-Key": "a-key-of-the-page"}


def test_the_sample_event_creates_a_visitor(api: Api) -> None:
    answer = api.module.handler(event("ingest"), context("ingest"))
    assert answer["statusCode"] == 201
    assert api.stored() == (1, 1)


def test_a_form_is_answered_with_ten_picks(api: Api) -> None:
    status, body, _ = api.call("POST", "/visitors", FORM)
    assert (status, body["status"], len(body["picks"])) == (201, "received", 10)


def test_picks_are_unseen_and_carry_titles_and_reasons(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", FORM)
    rated = {rating["movie_id"] for rating in FORM["ratings"]}
    assert not rated & {pick["movie_id"] for pick in body["picks"]}
    assert all(pick["title"] == f"Film {pick['movie_id']}" for pick in body["picks"])


def test_the_visitor_object_holds_neither_name_nor_phone(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", FORM)
    s3 = api.aws.client("s3")
    (listed,) = s3.list_objects_v2(Bucket="marquee-test-ratings")["Contents"]
    content = s3.get_object(Bucket="marquee-test-ratings", Key=listed["Key"])["Body"].read()
    assert VisitorObject.from_json(content).visitor_id == body["visitor_id"]
    assert b"Ada" not in content
    assert b"4155550123" not in content


def test_the_same_form_posted_again_with_its_key_is_the_same_visitor(api: Api) -> None:
    _, first, _ = api.call("POST", "/visitors", FORM, KEY)
    _, second, _ = api.call("POST", "/visitors", FORM, KEY)
    assert first == second
    assert api.stored()[0] == 1


def test_posting_again_completes_a_form_that_died_between_the_two_writes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_before_the_object(monkeypatch):
        api.call("POST", "/visitors", FORM, KEY)
    assert api.stored() == (1, 0)
    status, _, _ = api.call("POST", "/visitors", FORM, KEY)
    assert (status, *api.stored()) == (201, 1, 1)


OTHER_FORMS: list[dict[str, Any]] = [
    {"name": "Bob"},
    {"phone": "+12025550143"},
    {"phone": None, "consent": False},
    {"ratings": [*FORM["ratings"][:-1], {"movie_id": 9, "stars": 1}]},
    {"dismissed": [20]},
    {"saved": [20]},
]


@pytest.mark.parametrize("change", OTHER_FORMS, ids=lambda change: next(iter(change)))
def test_a_key_cannot_be_used_for_two_forms(api: Api, change: dict[str, Any]) -> None:
    api.call("POST", "/visitors", FORM, KEY)
    before = everything(api)
    assert_refused(api.call("POST", "/visitors", FORM | change, KEY))
    assert everything(api) == before


@pytest.mark.parametrize("change", OTHER_FORMS, ids=lambda change: next(iter(change)))
def test_a_key_whose_first_attempt_died_reveals_no_visitor_to_another_form(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    with dying_before_the_object(monkeypatch):
        api.call("POST", "/visitors", FORM, KEY)
    assert_refused(api.call("POST", "/visitors", FORM | change, KEY))
    assert api.stored() == (1, 0)


def test_a_key_reveals_no_visitor_to_another_form_after_a_day(api: Api) -> None:
    """Given that everything except the visitor's item has expired."""
    _, created, _ = api.call("POST", "/visitors", FORM, KEY)
    records = api.aws.table("IDEMPOTENCY_TABLE")
    for record in records.scan()["Items"]:
        records.delete_item(Key={"id": record["id"]})
    assert_refused(api.call("POST", "/visitors", FORM | {"name": "Bob"}, KEY))
    _, again, _ = api.call("POST", "/visitors", FORM, KEY)
    assert again == created


def test_two_simultaneous_forms_with_one_key_create_one_visitor(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given that both forms looked for the visitor before either of them was stored."""
    api.call("POST", "/visitors", FORM, KEY)
    look = Registrar.repeated

    def too_early(*_: Any) -> None:
        monkeypatch.setattr(Registrar, "repeated", look)

    monkeypatch.setattr(Registrar, "repeated", too_early)
    assert_refused(api.call("POST", "/visitors", FORM | {"name": "Bob"}, KEY))
    monkeypatch.setattr(Registrar, "repeated", too_early)
    assert api.call("POST", "/visitors", FORM, KEY)[0] == 201
    assert api.stored() == (1, 1)


def test_an_item_without_a_form_digest_is_revealed_to_no_form(api: Api) -> None:
    """Items of older releases, and items created without a key, hold no digest of a form."""
    _, created, _ = api.call("POST", "/visitors", FORM, KEY)
    api.aws.table("VISITORS_TABLE").update_item(
        Key={"visitor_id": created["visitor_id"]}, UpdateExpression="REMOVE form_digest"
    )
    assert_refused(api.call("POST", "/visitors", FORM, KEY))


def test_a_late_repeated_form_is_answered_with_the_stored_version(api: Api) -> None:
    _, created, _ = api.call("POST", "/visitors", FORM, KEY)
    own = {"Authorization": f"Bearer {created['token']}", "If-Match": '"1"'}
    path = f"/visitors/{created['visitor_id']}/ratings"
    assert api.call("PUT", path, {"ratings": FORM["ratings"][:2]}, own)[0] == 200
    before = everything(api)
    status, again, headers = api.call("POST", "/visitors", FORM, KEY)
    assert (status, again["version"], again["status"], headers["ETag"]) == (201, 2, "saved", '"2"')
    assert everything(api) == before


@contextmanager
def dying_before_the_object(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def die(*_: object) -> None:
        raise OSError("died")

    monkeypatch.setattr(RatingsBucket, "append", die)
    with pytest.raises(OSError, match="died"):
        yield
    monkeypatch.undo()


def everything(api: Api) -> list[Any]:
    """Return everything that is stored about anybody, except used proofs."""
    records = api.aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    limits = [record for record in records if record["id"].startswith("limit/")]
    items = api.aws.table("VISITORS_TABLE").scan()["Items"]
    listed = api.aws.client("s3").list_objects_v2(Bucket="marquee-test-ratings")
    objects = [(one["Key"], one["LastModified"]) for one in listed.get("Contents", [])]
    return [sorted(limits, key=str), items, objects]


def assert_refused(answer: tuple[int, dict[str, Any], dict[str, Any]]) -> None:
    status, body, _ = answer
    assert (status, [error["field"] for error in body["errors"]]) == (422, ["Idempotency-Key"])
    assert set(body) == {"errors", "more"}


def test_no_record_of_a_key_holds_the_key_the_phone_or_the_token(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", FORM, KEY)
    records = json.dumps(api.aws.table("IDEMPOTENCY_TABLE").scan()["Items"], default=str)
    (item,) = api.aws.table("VISITORS_TABLE").scan()["Items"]
    assert "challenge/" in records
    for kept in (records, str(item["form_digest"])):
        assert not [each for each in (PHONE[1:], body["token"], *KEY.values()) if each in kept]


def test_a_visitor_reads_their_own_page_with_their_token(api: Api) -> None:
    _, created, _ = api.call("POST", "/visitors", FORM)
    bearer = {"Authorization": f"Bearer {created['token']}"}
    status, body, _ = api.call("GET", f"/visitors/{created['visitor_id']}", headers=bearer)
    assert (status, body["status"], body["texts"], body["picks"]) == (200, "received", True, None)
    assert PHONE not in json.dumps(body)


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic abc"])
def test_without_the_right_token_a_visitor_is_not_found(api: Api, token: str) -> None:
    _, created, _ = api.call("POST", "/visitors", FORM)
    path = f"/visitors/{created['visitor_id']}"
    known = api.call("GET", path, headers={"Authorization": token})
    unknown = api.call("GET", f"/visitors/{'0' * 26}", headers={"Authorization": token})
    assert known[0] == 404
    assert known[1] == unknown[1]


def test_asking_for_picks_stores_nothing(api: Api) -> None:
    status, body, _ = api.call("POST", "/picks", {"ratings": FORM["ratings"]})
    assert (status, len(body["picks"]), api.stored()) == (200, 10, (0, 0))


def test_the_questionnaire_gives_movies_and_the_scale(api: Api) -> None:
    status, body, _ = api.call("GET", "/questionnaire")
    assert (status, len(body["movies"]), body["dataset"]) == (200, 20, DATASET)
    assert [answer["stars"] for answer in body["scale"]] == [5, 4, 3, 2, 1]


def test_health_names_the_model_and_its_age(api: Api) -> None:
    status, body, _ = api.call("GET", "/health")
    assert (status, body["status"], body["dataset"]) == (200, "ok", DATASET)


def test_the_api_says_that_there_is_no_model_yet(aws: Aws) -> None:
    status, body, headers = Api(aws).call("GET", "/questionnaire")
    assert (status, headers["Retry-After"]) == (503, "60")
    assert "still being set up" in body["errors"][0]["message"]


def test_a_corrupt_current_json_leaves_the_last_good_model_active(api: Api) -> None:
    before = api.call("GET", "/questionnaire")
    s3 = api.aws.client("s3")
    s3.put_object(Bucket="marquee-test-models", Key="current.json", Body=b"{")
    assert api.call("GET", "/questionnaire") == before


def test_only_the_site_may_call_from_a_browser(api: Api) -> None:
    origin = {"Origin": "https://d111111abcdef8.cloudfront.net"}
    _, _, headers = api.call("GET", "/questionnaire", headers=origin)
    assert headers["Access-Control-Allow-Origin"] == origin["Origin"]


def ratings(count: int) -> list[dict[str, int]]:
    return [{"movie_id": number, "stars": 3} for number in range(1, count + 1)]


WRONG_FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": None}),
    ("name", {"name": "   "}),
    ("name", {"name": "x" * 61}),
    ("name", {"name": "A\u0007da"}),
    ("name", {"name": 7}),
    ("phone", {"phone": "415 555 0123"}),
    ("phone", {"phone": "+1"}),
    ("phone", {"phone": "+999999999999"}),
    ("phone", {"phone": "call me"}),
    ("phone", {"phone": 14155550123}),
    ("consent", {"consent": False}),
    ("consent", {"consent": "yes"}),
    ("ratings", {"ratings": ratings(4)}),
    ("ratings", {"ratings": ratings(501)}),
    ("ratings", {"ratings": "five"}),
    ("ratings", {"ratings": ratings(5) + ratings(1)}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1, "stars": 6}, *ratings(6)[1:]]}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1, "stars": 0}, *ratings(6)[1:]]}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1, "stars": 3.5}, *ratings(6)[1:]]}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1, "stars": True}, *ratings(6)[1:]]}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1}, *ratings(6)[1:]]}),
    ("ratings[5].movie_id", {"ratings": [*ratings(5), {"movie_id": 999, "stars": 3}]}),
    ("ratings[0].movie_id", {"ratings": [{"movie_id": "1", "stars": 3}, *ratings(6)[1:]]}),
    ("ratings[0].seen", {"ratings": [{"movie_id": 1, "stars": 3, "seen": 1}, *ratings(6)[1:]]}),
    ("nickname", {"nickname": "ada"}),
]


@pytest.mark.parametrize(("field", "change"), WRONG_FIELDS)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    api: Api, field: str, change: dict[str, Any]
) -> None:
    status, body, _ = api.call("POST", "/visitors", FORM | change)
    assert status == 422
    assert [error["field"] for error in body["errors"]] == [field]
    assert api.stored() == (0, 0)


def test_a_missing_field_is_named(api: Api) -> None:
    form = {name: value for name, value in FORM.items() if name != "ratings"}
    status, body, _ = api.call("POST", "/visitors", form)
    assert (status, body["errors"]) == (
        422,
        [{"field": "ratings", "message": "This field is missing."}],
    )


def test_the_error_of_a_local_phone_format_asks_for_the_country_code(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", FORM | {"phone": "(415) 555-0123"})
    assert "country code" in body["errors"][0]["message"]


def test_the_phone_is_optional(api: Api) -> None:
    form = {"name": "Ada", "ratings": FORM["ratings"]}
    assert api.call("POST", "/visitors", form)[0] == 201
    (item,) = api.aws.table("VISITORS_TABLE").scan()["Items"]
    assert "phone" not in item


BODIES = [
    ("", 422),
    ("{", 400),
    ("not json", 400),
    ("[]", 422),
    ('"text"', 422),
    ("null", 422),
    ("[" * 30_000, 400),
    (json.dumps(FORM | {"name": "x" * 70_000}), 413),
    (json.dumps(FORM) + " " * 70_000, 413),
]


@pytest.mark.parametrize(("raw", "expected"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_not_a_form_is_rejected_and_not_stored(
    api: Api, raw: str, expected: int
) -> None:
    status, body, _ = api.call("POST", "/visitors", raw=raw)
    assert status == expected
    assert body["errors"][0]["message"]
    assert api.stored() == (0, 0)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
def test_a_body_of_another_type_is_rejected(api: Api, content_type: str) -> None:
    status, _, _ = api.call("POST", "/visitors", FORM, {"Content-Type": content_type})
    assert (status, api.stored()) == (415, (0, 0))


def test_an_invalid_idempotency_key_is_rejected(api: Api) -> None:
    status, body, _ = api.call("POST", "/visitors", FORM, {"Idempotency-Key": "no spaces"})
    assert (status, body["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_an_unknown_address_gets_a_plain_404(api: Api) -> None:
    assert api.call("GET", "/nothing")[0] == 404


def test_no_log_line_holds_the_phone(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    put_model(aws)
    api = Api(aws)  # not in a fixture, because a logger keeps the stdout at its creation
    api.call("POST", "/visitors", FORM)
    api.call("POST", "/visitors", FORM | {"phone": PHONE + "9"})
    out = "".join(capsys.readouterr())
    assert "visitor received" in out
    assert "4155550123" not in out


def test_every_log_line_of_a_form_carries_the_visitors_correlation_id(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    put_model(aws)
    api = Api(aws)
    _, body, _ = api.call("POST", "/visitors", FORM)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (received,) = [line for line in lines if line.get("message") == "visitor received"]
    assert received["correlation_id"] == body["visitor_id"]
