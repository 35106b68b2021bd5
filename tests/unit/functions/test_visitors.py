"""A visitor's page: reading, changes in two tabs, later texts, limits, forgetting."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from marquee.aws import wiring
from marquee.aws.settings import SendTextSettings
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import VisitorObject
from marquee.recommender.liked_share import LikedShare
from marquee.requests.limits import LimitedAction
from tests.unit.api import FORM, PHONE, Api
from tests.unit.aws import DATASET, MODEL_ID, Aws, context, event, model_of_dataset, put_model
from tests.unit.memory import good_result

RATINGS = FORM["ratings"]
QUIET = {"name": "Ada", "ratings": RATINGS}
CONSENT = {"phone": PHONE, "consent": True}
OTHER_PHONE = "+12025550143"
NOBODY = "0" * 26


@dataclass
class Tab:
    """A visitor's page in a tab of their browser."""

    api: Api
    visitor_id: str
    token: str
    etag: str = '"1"'

    @property
    def path(self) -> str:
        return f"/visitors/{self.visitor_id}"

    def see(self) -> dict[str, Any]:
        status, body, headers = self.call("GET")
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        self.etag = headers["ETag"]
        return body

    def call(
        self, method: str, to: str = "", body: object = None, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, Any]]:
        bearer = {"Authorization": f"Bearer {self.token}"} | headers
        return self.api.call(method, self.path + to, body, bearer)

    def rate(self, **form: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
        return self._put("/ratings", {"ratings": RATINGS} | form)

    def give_phone(self, **form: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
        return self._put("/phone", CONSENT | form)

    def _put(self, to: str, form: object) -> tuple[int, dict[str, Any], dict[str, Any]]:
        answer = self.call("PUT", to, form, **{"If-Match": self.etag})
        self.etag = answer[2].get("ETag", self.etag)
        return answer


def register(api: Api, form: dict[str, Any] = QUIET) -> Tab:
    status, body, headers = api.call("POST", "/visitors", form)
    assert (status, headers["ETag"]) == (201, '"1"')
    return Tab(api, body["visitor_id"], body["token"])


@pytest.fixture
def ada(api: Api) -> Tab:
    return register(api)


@pytest.fixture
def texted_ada(api: Api) -> Tab:
    return register(api, FORM)


@pytest.fixture
def at_most_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the limit of changes to one, in a window that ends during no test."""
    visitors = api.module.visitors
    limit = replace(visitors.change_limit, most=1, window=timedelta(days=100_000))
    monkeypatch.setattr(visitors, "change_limit", limit)


def objects(aws: Aws) -> dict[str, VisitorObject]:
    s3, bucket = aws.client("s3"), "marquee-test-ratings"
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    read = {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"] for one in listed}
    return {key: VisitorObject.from_json(body.read()) for key, body in read.items()}


def item(tab: Tab) -> dict[str, Any]:
    table = tab.api.aws.table("VISITORS_TABLE")
    return dict(table.get_item(Key={"visitor_id": tab.visitor_id})["Item"])


def recommend(tab: Tab) -> None:
    table = VisitorsTable(boto3.resource("dynamodb"), tab.api.aws.environment["VISITORS_TABLE"])
    picks = good_result(tab.visitor_id, 1).picks
    assert table.mark_recommended(tab.visitor_id, 1, MODEL_ID, picks)


def fields(body: dict[str, Any]) -> list[str]:
    return [error["field"] for error in body["errors"]]


# GET


def test_a_page_holds_all_data_of_the_visitor_except_the_phone(texted_ada: Tab) -> None:
    recommend(texted_ada)
    body = texted_ada.see()
    movie = {"movie_id": 1, "title": "Film 1", "year": 1971, "genres": ["Drama"], "part": None}
    rated_at = body["ratings"][0]["rated_at"]
    assert body["ratings"][0] == movie | {"stars": 5, "rated_at": rated_at}
    assert [one["movie_id"] for one in body["ratings"]] == [one["movie_id"] for one in RATINGS]
    assert (body["name"], body["version"], body["status"]) == ("Ada", 1, "recommended")
    assert (body["texts"], body["phone_ends"], body["reason"]) == (True, "23", None)
    assert (len(body["picks"]), body["model_id"], body["dismissed"]) == (10, MODEL_ID, [])
    assert body["expires_at"].endswith("Z")
    assert PHONE[1:] not in json.dumps(body)


def test_the_liked_share_of_a_visitors_picks_is_that_of_the_active_model(ada: Tab) -> None:
    assert ada.see()["liked_share"] is None
    recommend(ada)
    model, picks = model_of_dataset(DATASET), good_result(ada.visitor_id, 1).picks
    assert model.liked_share is not None
    given = {rating["movie_id"]: float(rating["stars"]) for rating in RATINGS}
    expected = LikedShare(model.rating, model.liked_share).of(given, picks)
    assert ada.see()["liked_share"] == pytest.approx(expected, abs=0.005)


def test_movies_of_an_inactive_data_set_are_shown_by_their_ids(ada: Tab) -> None:
    put_model(ada.api.aws, dataset="another")
    assert ada.see()["ratings"][0]["title"] == "Movie 1"


# GET profile


def test_a_profile_is_computed_from_the_stored_ratings(ada: Tab) -> None:
    status, body, headers = ada.call("GET", "/profile?model=rating")
    _, sent, _ = ada.api.call("POST", "/profile", {"ratings": RATINGS, "model": "rating"})
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert (body, body["rated"]) == (sent, len(RATINGS))


def test_a_profile_is_that_of_the_ranking_model_where_none_is_named(ada: Tab) -> None:
    assert ada.call("GET", "/profile")[1]["model"] == "ranking"


def test_a_visitor_who_removed_all_ratings_has_an_empty_profile(ada: Tab) -> None:
    ada.rate(ratings=[])
    status, body, _ = ada.call("GET", "/profile")
    assert (status, body["rated"], body["certainty"]["share"]) == (200, 0, 0)


def test_ratings_of_an_inactive_data_set_are_ignored(ada: Tab) -> None:
    put_model(ada.api.aws, dataset="another")
    assert ada.call("GET", "/profile")[1]["rated"] == 0


def test_a_profile_by_an_unknown_model_is_rejected(ada: Tab) -> None:
    status, body, _ = ada.call("GET", "/profile?model=magic")
    assert (status, fields(body)) == (422, ["model"])


def test_a_profile_requires_the_token_of_the_visitor(ada: Tab) -> None:
    other = register(ada.api)
    assert replace(ada, token=other.token).call("GET", "/profile")[0] == 404


# PUT ratings


def test_a_change_is_answered_with_the_page_of_the_next_version(ada: Tab) -> None:
    recommend(ada)
    wanted = [{"movie_id": movie_id, "stars": 3} for movie_id in range(6, 12)]
    status, body, headers = ada.rate(ratings=wanted, dismissed=[20, 21, 20, 6])
    assert (status, headers["ETag"], body["version"]) == (200, '"2"', 2)
    assert (body["status"], body["picks"], body["model_id"]) == ("received", None, None)
    assert [{key: one[key] for key in ("movie_id", "stars")} for one in body["ratings"]] == wanted
    assert [movie["title"] for movie in body["dismissed"]] == ["Film 20", "Film 21"]
    assert ada.see() == body


def dated(movie_id: int, stars: int, rated_at: str) -> dict[str, Any]:
    return {"movie_id": movie_id, "stars": stars, "rated_at": rated_at}


def times_of(body: dict[str, Any]) -> dict[int, str]:
    return {one["movie_id"]: one["rated_at"] for one in body["ratings"]}


def test_a_visitor_gets_back_the_times_of_their_ratings_and_the_movies_not_seen(api: Api) -> None:
    ratings = [
        dated(1, 5, "2026-11-20T10:00:00.000Z"),
        dated(2, 1, "2026-11-20T11:00:00+01:00"),
        *RATINGS[2:],
    ]
    ada = register(api, QUIET | {"ratings": ratings, "unseen": [30, 31, 30, 1]})
    body = ada.see()
    assert [one["title"] for one in body["unseen"]] == ["Film 30", "Film 31"]
    assert times_of(body)[1] == "2026-11-20T10:00:00.000Z"
    assert times_of(body)[2] == "2026-11-20T10:00:00.000Z"  # in UTC
    assert times_of(body)[3] == item(ada)["requested_at"]


def test_a_change_by_a_caller_who_knows_no_times_keeps_those_of_unchanged_ratings(
    api: Api,
) -> None:
    earlier = "2026-11-20T10:00:00.000Z"
    ratings = [dated(one["movie_id"], one["stars"], earlier) for one in RATINGS]
    ada = register(api, QUIET | {"ratings": ratings, "unseen": [30]})
    first, *others = RATINGS
    _, body, _ = ada.rate(ratings=[first | {"stars": first["stars"] % 5 + 1}, *others])
    changed = item(ada)["requested_at"]
    assert times_of(body) == dict.fromkeys(times_of(body), earlier) | {first["movie_id"]: changed}
    assert [one["movie_id"] for one in body["unseen"]] == [30]
    assert ada.rate(unseen=[])[1]["unseen"] == []


def test_a_visitor_gets_back_their_watchlist_without_rated_movies(api: Api) -> None:
    ada = register(api, QUIET | {"saved": [30, 31, 30, 1]})
    assert [one["title"] for one in ada.see()["saved"]] == ["Film 30", "Film 31"]
    _, body, _ = ada.rate(ratings=[*RATINGS, {"movie_id": 30, "stars": 4}], saved=[32, 31, 30])
    assert [one["movie_id"] for one in body["saved"]] == [32, 31]
    assert ada.see()["saved"] == body["saved"]


def test_the_watchlist_changes_no_picks_and_is_in_no_visitor_object(api: Api) -> None:
    _, plain, _ = api.call("POST", "/visitors", QUIET)
    best = [pick["movie_id"] for pick in plain["picks"]]
    _, created, _ = api.call("POST", "/visitors", QUIET | {"saved": best[:3]})
    assert [pick["movie_id"] for pick in created["picks"]] == best
    written = [each.to_json() for each in objects(api.aws).values()]
    assert len(written) == 2
    assert not any("saved" in each for each in written)


def test_a_change_of_ratings_without_a_watchlist_keeps_it_except_for_rated_movies(api: Api) -> None:
    ada = register(api, QUIET | {"saved": [30, 31]})
    assert [one["movie_id"] for one in ada.rate()[1]["saved"]] == [30, 31]
    _, body, _ = ada.rate(ratings=[*RATINGS, {"movie_id": 30, "stars": 4}])
    assert [one["movie_id"] for one in body["saved"]] == [31]
    assert ada.rate(saved=[])[1]["saved"] == []


def test_a_change_of_ratings_without_dismissed_movies_empties_them(api: Api) -> None:
    ada = register(api, QUIET | {"dismissed": [30]})
    assert [one["movie_id"] for one in ada.see()["dismissed"]] == [30]
    assert ada.rate()[1]["dismissed"] == []


def test_a_new_phone_keeps_the_watchlist(api: Api) -> None:
    ada = register(api, QUIET | {"saved": [30]})
    status, body, _ = ada.give_phone()
    assert (status, [one["movie_id"] for one in body["saved"]]) == (200, [30])


def test_no_name_is_needed_where_no_text_is_asked_for(api: Api) -> None:
    assert register(api, {"ratings": RATINGS}).see()["name"] == ""
    status, body, _ = api.call("POST", "/visitors", FORM | {"name": " "})
    assert (status, fields(body)) == (422, ["name"])


def test_a_change_writes_the_next_visitor_object(ada: Tab) -> None:
    ada.rate(dismissed=[20])
    first, second = sorted(objects(ada.api.aws).values(), key=lambda each: each.version)
    assert (first.version, second.version, second.dismissed) == (1, 2, (20,))


@pytest.mark.parametrize(("count", "status"), [(0, "saved"), (4, "saved"), (5, "received")])
def test_picks_are_computed_from_five_ratings(ada: Tab, count: int, status: str) -> None:
    assert ada.rate(ratings=RATINGS[:count])[1]["status"] == status
    assert max(each.version for each in objects(ada.api.aws).values()) == 2


def test_the_second_of_two_tabs_must_load_again(ada: Tab) -> None:
    other = replace(ada)
    assert ada.rate(dismissed=[20])[0] == 200
    status, body, headers = other.rate(ratings=[])
    assert (status, fields(body), headers["ETag"]) == (412, ["If-Match"], '"2"')
    assert len(ada.see()["ratings"]) == 5
    assert other.rate(ratings=[])[0] == 200  # with the ETag of the refusal


def test_two_tabs_that_read_the_same_version_do_not_overwrite_each_other(
    ada: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given that both tabs passed the first check of the version, when both write."""
    other, page_to_change = replace(ada), ada.api.module.visitors.page_to_change

    def overtaken(visitor_id: str, if_match: str | None) -> Any:
        page = page_to_change(visitor_id, if_match)
        monkeypatch.undo()
        assert other.rate(ratings=RATINGS[:2])[0] == 200
        return page

    monkeypatch.setattr(ada.api.module.visitors, "page_to_change", overtaken)
    assert ada.rate()[0] == 412
    assert len(ada.see()["ratings"]) == 2


def test_a_change_must_name_its_version(ada: Tab) -> None:
    for to, form in (("/ratings", {"ratings": RATINGS}), ("/phone", CONSENT)):
        status, body, _ = ada.call("PUT", to, form)
        assert (status, fields(body)) == (428, ["If-Match"])
    assert ada.see()["version"] == 1


@pytest.mark.parametrize(
    "etag", ["1", "*", 'W/"1"', '""', '"0"', '"one"', '"1", "2"', '"9999999999"']
)
def test_an_invalid_etag_is_rejected(ada: Tab, etag: str) -> None:
    ada.etag = etag
    status, body, _ = ada.rate()
    assert (status, fields(body)) == (422, ["If-Match"])


WRONG_CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("ratings", {"ratings": [{"movie_id": 1, "stars": 3}] * 2}),
    ("ratings", {"ratings": [{"movie_id": n, "stars": 3} for n in range(501)]}),
    ("ratings[0].movie_id", {"ratings": [{"movie_id": 999, "stars": 3}]}),
    ("ratings[0].stars", {"ratings": [{"movie_id": 1, "stars": 6}]}),
    ("ratings[0].rated_at", {"ratings": [dated(1, 3, "yesterday")]}),
    ("ratings[0].rated_at", {"ratings": [dated(1, 3, "2026-11-20T10:00:00")]}),
    ("unseen", {"unseen": list(range(501))}),
    ("unseen[1]", {"unseen": [1, 999]}),
    ("saved", {"saved": list(range(501))}),
    ("saved[1]", {"saved": [1, 999]}),
    ("saved[0]", {"saved": ["1"]}),
    ("dismissed", {"dismissed": list(range(501))}),
    ("dismissed", {"dismissed": 7}),
    ("dismissed[1]", {"dismissed": [1, 999]}),
    ("dismissed[0]", {"dismissed": ["1"]}),
    ("text", {"text": "yes"}),
    ("name", {"name": "Bob"}),
]


@pytest.mark.parametrize(("field", "change"), WRONG_CHANGES)
def test_a_wrong_change_is_named_and_nothing_is_stored(
    ada: Tab, field: str, change: dict[str, Any]
) -> None:
    status, body, _ = ada.rate(**change)
    assert (status, fields(body)) == (422, [field])
    assert (ada.see()["version"], len(objects(ada.api.aws))) == (1, 1)


@pytest.mark.parametrize("to", ["/ratings", "/phone"])
@pytest.mark.parametrize(("raw", "expected"), [("{", 400), ("", 422), (" " * 70_000, 413)])
def test_a_change_that_is_not_json_is_rejected(ada: Tab, to: str, raw: str, expected: int) -> None:
    headers = {"Authorization": f"Bearer {ada.token}", "If-Match": '"1"'}
    assert ada.api.call("PUT", ada.path + to, headers=headers, raw=raw)[0] == expected


def test_a_change_of_another_type_is_rejected(ada: Tab) -> None:
    form = {"ratings": RATINGS}
    assert ada.call("PUT", "/ratings", form, **{"Content-Type": "text/plain"})[0] == 415


def test_a_change_succeeds_although_the_flow_has_changed_the_status(ada: Tab) -> None:
    table = VisitorsTable(boto3.resource("dynamodb"), ada.api.aws.environment["VISITORS_TABLE"])
    assert table.mark_submitted(ada.visitor_id, 1, "a-submission")
    assert ada.rate()[0] == 200


# PUT phone


def test_a_phone_given_later_is_texted(ada: Tab) -> None:
    recommend(ada)
    status, body, headers = ada.give_phone()
    assert (status, headers["ETag"], body["version"]) == (200, '"2"', 2)
    assert (body["status"], body["texts"], body["phone_ends"]) == ("received", True, "23")
    assert len(body["ratings"]) == 5
    assert (item(ada)["phone"], "consent_at" in item(ada)) == (PHONE, True)
    assert PHONE[1:] not in json.dumps(body)


def test_no_text_is_due_with_too_few_ratings(ada: Tab) -> None:
    ada.rate(ratings=[])
    status, body, _ = ada.give_phone()
    assert (status, body["status"], body["texts"]) == (200, "saved", False)
    assert ada.rate()[1]["texts"] is True


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("phone", {"phone": "415 555 0123"}),
        ("phone", {"phone": None}),
        ("phone", {"phone": ""}),
        ("phone", {"phone": "+44"}),
        ("phone", {"phone": "+4915123456789"}),
        ("phone", {"phone": "+12423591234"}),
        ("phone", {"phone": "+18005550100"}),
        ("consent", {"consent": False}),
        ("consent", {"consent": "yes"}),
        ("ratings", {"ratings": []}),
    ],
)
def test_a_phone_that_cannot_be_texted_is_rejected(
    ada: Tab, field: str, form: dict[str, Any]
) -> None:
    status, body, _ = ada.give_phone(**form)
    assert (status, fields(body)) == (422, [field])
    assert "phone" not in item(ada)


def test_the_error_of_an_unsupported_country_names_the_supported_ones(api: Api) -> None:
    status, body, _ = api.call("POST", "/visitors", FORM | {"phone": "+4915123456789"})
    assert (status, fields(body), api.stored()) == (422, ["phone"], (0, 0))
    assert "is a number of DE" in body["errors"][0]["message"]
    assert "US" in body["errors"][0]["message"]


# When a text is sent


def test_a_change_is_texted_only_on_request_and_only_with_a_phone(ada: Tab) -> None:
    recommend(ada)
    assert ada.rate(text=True)[1]["texts"] is False
    ada.give_phone()
    assert ada.rate()[1]["texts"] is True  # the text is not sent yet
    table = VisitorsTable(boto3.resource("dynamodb"), ada.api.aws.environment["VISITORS_TABLE"])
    table.mark_recommended(ada.visitor_id, 4, MODEL_ID, good_result(ada.visitor_id, 4).picks)
    assert table.claim_text(ada.visitor_id, 4, "a")
    assert table.mark_texted(ada.visitor_id, 4)
    assert ada.rate()[1]["texts"] is False
    assert ada.rate(text=True)[1]["texts"] is True


# Limits


def test_no_answer_reveals_how_often_a_phone_was_given(api: Api) -> None:
    """Compare four forms with one phone, one more than its daily texts, with four phones."""
    many = [f"+1415555{number:04d}" for number in range(110, 114)]

    def answers(phones: list[str]) -> list[Any]:
        given = [api.call("POST", "/visitors", FORM | {"phone": phone}) for phone in phones]
        given += [register(api).give_phone(phone=phone) for phone in phones]
        return [
            (status, set(body), body["status"], set(headers)) for status, body, headers in given
        ]

    assert answers([PHONE] * 4) == answers(many)
    assert {status for status, *_ in answers([PHONE])} == {200, 201}


def test_the_same_number_in_another_notation_is_the_same_phone(api: Api) -> None:
    written = register(api, FORM | {"phone": "+1 (415) 555-0123"})
    assert item(written)["phone_mark"] == item(register(api, FORM))["phone_mark"]


@pytest.mark.usefixtures("at_most_one")
def test_a_form_posted_again_with_its_key_is_counted_once(api: Api) -> None:
    key = {"Idempotency-Key": "a-key-of-the-page"}
    assert [api.call("POST", "/visitors", FORM, key)[0] for _ in range(3)] == [201] * 3


@pytest.mark.usefixtures("at_most_one")
def test_forms_without_a_phone_are_not_limited_by_the_phone(api: Api) -> None:
    assert [api.call("POST", "/visitors", QUIET)[0] for _ in range(3)] == [201] * 3


@pytest.mark.usefixtures("at_most_one")
def test_the_number_of_changes_of_a_visitor_is_limited(api: Api) -> None:
    tab, other = register(api), register(api)
    assert tab.rate()[0] == 200
    status, body, headers = tab.rate()
    assert (status, fields(body)) == (429, [""])
    assert int(headers["Retry-After"]) > 0
    assert tab.see()["version"] == 2
    assert other.rate()[0] == 200


@pytest.mark.usefixtures("at_most_one")
def test_an_outdated_change_is_not_counted(ada: Tab) -> None:
    other = replace(ada, etag='"9"')
    assert other.rate()[0] == 412
    assert ada.rate()[0] == 200


def test_the_limit_of_changes_is_that_of_the_settings(api: Api) -> None:
    limit = api.module.visitors.change_limit
    assert (limit.limited, limit.most, limit.window) == (
        LimitedAction.CHANGES,
        60,
        timedelta(hours=1),
    )


def test_no_limit_holds_the_phone(texted_ada: Tab) -> None:
    texted_ada.give_phone(phone=OTHER_PHONE)
    aws = texted_ada.api.aws
    records = json.dumps(aws.table("IDEMPOTENCY_TABLE").scan()["Items"], default=str)
    assert "limit/changes/" in records
    assert all(number[2:] not in records for number in (PHONE, OTHER_PHONE))


def test_no_record_that_outlives_a_visitor_names_the_visitor(texted_ada: Tab) -> None:
    texted_ada.token = texted_ada.call("POST", "/token")[1]["token"]
    texted_ada.token = texted_ada.give_phone(phone=OTHER_PHONE)[1]["token"]
    visitor_id = texted_ada.visitor_id
    aws = texted_ada.api.aws
    salt = aws.table("VISITORS_TABLE").get_item(Key={"visitor_id": visitor_id})["Item"][
        "limit_salt"
    ]
    texted_ada.call("DELETE")
    records = [
        json.dumps(record, default=str)
        for record in aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
        if str(record["id"]).startswith(("limit/", "challenge/"))
    ]
    assert len(records) >= 4
    assert [mark for mark in (visitor_id, salt) for record in records if mark in record] == []


# DELETE


def test_forgetting_leaves_nothing_of_any_version(texted_ada: Tab) -> None:
    recommend(texted_ada)
    texted_ada.see()
    texted_ada.rate()
    status, body, _ = texted_ada.call("DELETE")
    assert (status, body, texted_ada.api.stored()) == (204, {}, (0, 0))


def test_a_forgotten_visitor_is_not_found(ada: Tab) -> None:
    ada.call("DELETE")
    assert [ada.call("GET")[0], ada.rate()[0], ada.give_phone()[0]] == [404] * 3
    assert ada.call("DELETE")[0] == 404
    assert ada.api.stored() == (0, 0)


def test_forgetting_that_failed_halfway_can_be_repeated(
    ada: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = "marquee.aws.buckets.RatingsBucket.forget"
    monkeypatch.setattr(bucket, lambda *_: (_ for _ in ()).throw(OSError("died")))
    with pytest.raises(OSError, match="died"):
        ada.call("DELETE")
    assert ada.call("GET")[0] == 404
    monkeypatch.undo()
    assert (ada.call("DELETE")[0], ada.api.stored()) == (204, (0, 0))


def test_a_repeated_form_does_not_restore_a_forgotten_visitor(api: Api) -> None:
    key = {"Idempotency-Key": "a-key-of-the-page"}
    _, created, _ = api.call("POST", "/visitors", QUIET, key)
    assert Tab(api, created["visitor_id"], created["token"]).call("DELETE")[0] == 204
    status, body, _ = api.call("POST", "/visitors", QUIET, key)
    assert (status, fields(body), api.stored()) == (422, ["Idempotency-Key"], (0, 0))


def test_forgetting_one_visitor_keeps_the_others(api: Api) -> None:
    gone, stays = register(api), register(api)
    gone.call("DELETE")
    assert (stays.see()["version"], api.stored()) == (1, (1, 1))


# Access to a page


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PUT", "/ratings", {"ratings": RATINGS}),
    ("PUT", "/phone", CONSENT),
    ("POST", "/token", None),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "to", "body"), CALLS)
def test_only_the_visitors_own_token_opens_a_page_or_reveals_that_it_exists(
    api: Api, method: str, to: str, body: Any
) -> None:
    ada, bob = register(api), register(api)
    before = item(ada)
    match = {"If-Match": '"1"'}
    for token in (bob.token, "", ada.token[:-1], ada.token.swapcase(), ada.token + "A"):
        tried = replace(ada, token=token).call(method, to, body, **match)
        unknown = replace(ada, token=token, visitor_id=NOBODY).call(method, to, body, **match)
        assert (tried[0], tried[1]) == (404, unknown[1])
    assert api.call(method, ada.path + to, body, match)[0] == 404
    assert item(ada) == before


# A token that is replaced


def link_of(tab: Tab) -> str:
    """Return the token in the link of a text written now."""
    table = VisitorsTable(boto3.resource("dynamodb"), tab.api.aws.environment["VISITORS_TABLE"])
    recipient = table.recipient(tab.visitor_id)
    assert recipient is not None
    generation = recipient.progress.token_generation
    settings = SendTextSettings.from_environment(tab.api.aws.environment)
    link = wiring.texter(settings).link(tab.visitor_id, generation)
    return link.rpartition(".")[2]


@pytest.mark.parametrize(("method", "to", "body"), CALLS)
def test_a_corrected_phone_invalidates_the_link_texted_to_the_former_one(
    texted_ada: Tab, method: str, to: str, body: Any
) -> None:
    former = replace(texted_ada, token=link_of(texted_ada))
    assert former.call("GET")[0] == 200
    status, changed, _ = texted_ada.give_phone(phone=OTHER_PHONE)
    assert (status, changed["token"] not in (None, former.token)) == (200, True)
    stored = item(texted_ada)
    refused = former.call(method, to, body, **{"If-Match": '"2"'})
    unknown = replace(former, visitor_id=NOBODY).call(method, to, body, **{"If-Match": '"2"'})
    assert refused[:2] == (404, unknown[1])
    assert item(texted_ada) == stored
    hers = replace(texted_ada, token=changed["token"])
    assert (hers.see()["token"], link_of(hers)) == (None, hers.token)


def test_the_same_phone_given_again_keeps_the_token(texted_ada: Tab) -> None:
    assert texted_ada.give_phone()[1]["token"] is None
    assert texted_ada.see()["version"] == 2


def test_a_first_phone_keeps_the_token(ada: Tab) -> None:
    assert ada.give_phone()[1]["token"] is None
    assert link_of(ada) == ada.token


def test_a_renewed_token_opens_what_the_former_one_opened(texted_ada: Tab) -> None:
    before = texted_ada.see()
    status, body, headers = texted_ada.call("POST", "/token")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert body == {"visitor_id": texted_ada.visitor_id, "token": link_of(texted_ada)}
    assert texted_ada.call("GET")[0] == 404
    hers = replace(texted_ada, token=body["token"])
    assert hers.see() == before
    assert hers.rate()[0] == 200


def test_each_renewal_makes_a_new_token(ada: Tab) -> None:
    tokens = [ada.token]
    for _ in range(3):
        tokens.append(replace(ada, token=tokens[-1]).call("POST", "/token")[1]["token"])
    assert len(set(tokens)) == 4
    opened = [replace(ada, token=token).call("GET")[0] for token in tokens]
    assert opened == [404, 404, 404, 200]


def test_a_renewal_whose_answer_was_lost_can_be_repeated_with_its_key(ada: Tab) -> None:
    key = {"Idempotency-Key": "a-key-of-the-page"}
    first, second = (ada.call("POST", "/token", **key) for _ in range(2))
    assert (first[0], first[1]) == (200, second[1])
    # A former token without the key is refused, because others may have it.
    assert ada.call("POST", "/token")[0] == 404
    assert ada.call("POST", "/token", **{"Idempotency-Key": "another-key"})[0] == 404
    # The key is refused, too, when the token has been replaced again.
    assert replace(ada, token=first[1]["token"]).call("POST", "/token")[0] == 200
    assert ada.call("POST", "/token", **key)[0] == 404


def test_a_corrected_phone_whose_answer_was_lost_can_be_repeated_with_its_key(
    texted_ada: Tab,
) -> None:
    headers = {"Idempotency-Key": "a-key-of-the-page", "If-Match": '"1"'}
    form = CONSENT | {"phone": OTHER_PHONE}
    first, second = (texted_ada.call("PUT", "/phone", form, **headers) for _ in range(2))
    assert (first[0], first[1]["version"]) == (200, 2)
    assert second[:2] == first[:2]
    headers.pop("Idempotency-Key")
    assert texted_ada.call("PUT", "/phone", form, **headers)[0] == 404


def test_a_renewal_that_boto3_repeated_succeeds(ada: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 repeats a write whose answer was lost; the condition then fails for the second."""
    renew = VisitorsTable.renew_token

    def twice(*given: Any) -> bool:
        renew(*given)
        return renew(*given)

    monkeypatch.setattr(VisitorsTable, "renew_token", twice)
    key = {"Idempotency-Key": "a-key-of-the-page"}
    status, body, _ = ada.call("POST", "/token", **key)
    assert (status, replace(ada, token=body["token"]).call("GET")[0]) == (200, 200)


def test_a_change_authorised_with_a_replaced_token_is_not_written(
    ada: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ada.api.module.visitors
    page_to_change = module.page_to_change

    def overtaken(visitor_id: str, if_match: str | None) -> Any:
        page = page_to_change(visitor_id, if_match)
        monkeypatch.undo()
        assert ada.call("POST", "/token")[0] == 200
        return page

    monkeypatch.setattr(module, "page_to_change", overtaken)
    assert ada.rate(ratings=[])[0] == 404
    assert item(ada)["version"] == 1


def test_a_late_repeated_form_is_answered_with_the_current_token(api: Api) -> None:
    key = {"Idempotency-Key": "a-key-of-the-page"}
    _, created, _ = api.call("POST", "/visitors", QUIET, key)
    tab = Tab(api, created["visitor_id"], created["token"])
    renewed = tab.call("POST", "/token")[1]["token"]
    assert api.call("POST", "/visitors", QUIET, key)[1]["token"] == renewed


@pytest.mark.usefixtures("at_most_one")
def test_renewals_are_counted_as_changes(ada: Tab) -> None:
    token = ada.call("POST", "/token")[1]["token"]
    assert replace(ada, token=token).call("POST", "/token")[0] == 429


def test_forgetting_with_a_renewed_token_can_be_repeated(
    ada: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = replace(ada, token=ada.call("POST", "/token")[1]["token"])
    bucket = "marquee.aws.buckets.RatingsBucket.forget"
    monkeypatch.setattr(bucket, lambda *_: (_ for _ in ()).throw(OSError("died")))
    with pytest.raises(OSError, match="died"):
        hers.call("DELETE")
    monkeypatch.undo()
    assert ada.call("DELETE")[0] == 404
    assert (hers.call("DELETE")[0], ada.api.stored()) == (204, (0, 0))


def test_no_log_line_and_no_record_holds_a_new_token(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    put_model(aws)
    tab = register(Api(aws))
    key = {"Idempotency-Key": "a-key-of-the-page"}
    token = tab.call("POST", "/token", **key)[1]["token"]
    kept = "".join(capsys.readouterr()) + str(item(tab))
    kept += str(aws.table("IDEMPOTENCY_TABLE").scan()["Items"])
    assert "token renewed" in kept
    assert not [each for each in (token, *key.values()) if each in kept]


def test_a_page_is_not_found_by_another_spelling_of_its_id(ada: Tab) -> None:
    for spelling in (ada.visitor_id.upper(), ada.visitor_id + "0", "..", "%00", "a" * 2000):
        assert replace(ada, visitor_id=spelling).call("GET")[0] == 404


def test_a_token_with_invalid_characters_opens_nothing(ada: Tab) -> None:
    assert replace(ada, token="é\udcff" * 20).call("GET")[0] == 404


def test_no_log_line_holds_the_new_phone(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    put_model(aws)
    tab = register(Api(aws))
    tab.give_phone()
    tab.give_phone(phone=PHONE + "9")
    tab.call("DELETE")
    out = "".join(capsys.readouterr())
    assert "visitor revised" in out
    assert "visitor forgotten" in out
    assert "4155550123" not in out


# From a browser


def test_a_browser_may_change_forget_and_read_what_it_needs(ada: Tab) -> None:
    origin = {"Origin": "https://d111111abcdef8.cloudfront.net"}
    status, _, headers = ada.api.call("OPTIONS", ada.path + "/ratings", headers=origin)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, origin["Origin"])
    assert {"PUT", "DELETE"} <= set(headers["Access-Control-Allow-Methods"].split(","))
    allowed = {name.strip() for name in headers["Access-Control-Allow-Headers"].split(",")}
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} <= allowed
    _, _, answered = ada.call("GET", **origin)
    exposed = {name.strip() for name in answered["Access-Control-Expose-Headers"].split(",")}
    assert exposed == {"ETag", "Retry-After"}


def test_a_browser_on_another_site_is_rejected(ada: Tab) -> None:
    _, _, headers = ada.call("GET", Origin="https://evil.example")
    assert headers.get("Access-Control-Allow-Origin") != "https://evil.example"


# Requests in a form


def test_a_form_dismisses_movies_from_the_start(api: Api) -> None:
    best = api.call("POST", "/picks", {"ratings": RATINGS})[1]["picks"][0]["movie_id"]
    _, created, _ = api.call("POST", "/visitors", QUIET | {"dismissed": [best]})
    assert len(created["picks"]) == 10
    assert best not in {pick["movie_id"] for pick in created["picks"]}
    (stored,) = objects(api.aws).values()
    assert stored.dismissed == (best,)


# The sample events


def test_the_sample_events_cover_a_visit_from_page_to_forgetting(ada: Tab) -> None:
    sample = event("ingest_page")["path"].rpartition("/")[2]
    answered = []
    token = ada.token
    for name in ("page", "ratings", "phone", "token", "forget"):
        sent = json.dumps(event(f"ingest_{name}")).replace(sample, ada.visitor_id)
        request = json.loads(sent.replace("0123456789abcdefghijkl", token))
        if name == "phone":  # a stored proof would have expired
            form = json.loads(request["body"]) | {"proof": ada.api.proof()}
            request["body"] = json.dumps(form)
        answer = ada.api.module.handler(request, context("ingest"))
        answered.append(answer["statusCode"])
        token = (name == "token" and json.loads(answer["body"])["token"]) or token
    assert answered == [200, 200, 200, 200, 204]
