"""Messages between Marquee's parts survive encoding and decoding; invalid ones are refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.contracts import (
    ContractError,
    CurrentModel,
    DataVersion,
    Rating,
    Result,
    Submission,
    TextMessage,
    VisitorObject,
    parse_results_key,
    parse_visitor_key,
    ratings_from,
    unique_members,
)
from marquee.requests.s3_events import announcement, created_keys, created_objects
from tests.unit.memory import good_result, registration

ADA = registration(1).progress


def test_a_visitor_object_survives_being_written_and_read() -> None:
    assert VisitorObject.from_json(ADA.visitor_object.to_json()) == ADA.visitor_object


def test_a_submission_survives_being_written_and_read() -> None:
    submission = Submission((ADA.member, registration(2).progress.member))
    assert Submission.from_json_lines(submission.to_json_lines()) == submission


def test_dismissed_movies_survive_in_visitor_object_and_submission() -> None:
    picky = replace(ADA, dismissed=(7, 9))
    assert VisitorObject.from_json(picky.visitor_object.to_json()).dismissed == (7, 9)
    submission = Submission((picky.member,))
    assert Submission.from_json_lines(submission.to_json_lines()).members[0].dismissed == (7, 9)


def test_objects_from_before_movies_could_be_dismissed_can_still_be_read() -> None:
    body = json.loads(ADA.visitor_object.to_json())
    del body["dismissed"]
    assert VisitorObject.from_json(json.dumps(body)) == ADA.visitor_object


@pytest.mark.parametrize("dismissed", [7, None, ["7"], [True], [1.5]])
def test_invalid_dismissed_movies_are_rejected_by_name(dismissed: object) -> None:
    body = json.loads(ADA.visitor_object.to_json()) | {"dismissed": dismissed}
    with pytest.raises(ContractError, match="dismissed"):
        VisitorObject.from_json(json.dumps(body))


@pytest.mark.parametrize(
    "result", [good_result("v", 1), Result("v", 2, "m", error="nothing known")]
)
def test_a_result_survives_being_written_and_read(result: Result) -> None:
    assert Result.from_json(result.to_json()) == result


def test_the_message_of_a_text_holds_only_id_and_version() -> None:
    assert json.loads(TextMessage("v", 1).to_json()) == {
        "schema_version": 1,
        "visitor_id": "v",
        "version": 1,
    }


def test_a_current_model_survives_being_written_and_read() -> None:
    current = CurrentModel("m", "embedded", "2026-11-21T20:00:00Z", 3, 10)
    assert CurrentModel.from_json(current.to_json()) == current


def test_a_current_model_of_an_older_release_left_out_no_visitor() -> None:
    body = json.loads(CurrentModel("m", "d", "2026-11-21T20:00:00Z", 3, 10, 7).to_json())
    assert CurrentModel.from_json(json.dumps(body)).left_out == 7
    del body["left_out"]
    assert CurrentModel.from_json(json.dumps(body)).left_out == 0


PAIR = CurrentModel("m1", "films", "2026-11-21T20:00:00Z", 3, 10, data_version="v1")


def test_a_pair_survives_being_written_and_read_with_its_former_pair() -> None:
    former = CurrentModel("m0", "others", "2026-11-20T20:00:00Z", 3, 10)
    pair = replace(PAIR, former=former)
    assert CurrentModel.from_json(pair.to_json()) == pair


def test_a_pair_of_an_older_release_has_data_without_a_version_and_no_former_pair() -> None:
    body = json.loads(PAIR.to_json())
    del body["data_version"], body["former"]
    read = CurrentModel.from_json(json.dumps(body))
    assert (read.data, read.former) == (DataVersion("films"), None)


def test_a_former_pair_that_is_no_object_is_rejected() -> None:
    body = json.loads(PAIR.to_json()) | {"former": "m0"}
    with pytest.raises(ContractError, match="former is 'm0', not an object"):
        CurrentModel.from_json(json.dumps(body))


def test_the_newest_model_of_the_pairs_data_is_active_and_the_former_pair_stays() -> None:
    former = CurrentModel("m0", "films", "2026-11-20T20:00:00Z", 3, 10)
    newest = replace(PAIR, model_id="m2", ratings=12)
    active = replace(PAIR, former=former).with_newest(newest)
    assert active == replace(newest, former=former)


@pytest.mark.parametrize(
    "other",
    [
        None,
        replace(PAIR, model_id="m2", data_version="v0"),
        replace(PAIR, model_id="m2", dataset="others"),
    ],
)
def test_a_model_of_other_data_is_never_active(other: CurrentModel | None) -> None:
    assert PAIR.with_newest(other) == PAIR


def test_data_without_a_version_is_where_older_releases_put_it() -> None:
    old, new = DataVersion("films"), DataVersion("films", "v1")
    assert [old.prefix(kind) for kind in ("raw", "ratings", "reports")] == [
        *("raw/films/", "ratings/dataset=films/", "reports/dataset=films/")
    ]
    assert [new.prefix(kind) for kind in ("raw", "ratings", "reports")] == [
        *("data/films/v1/raw/", "data/films/v1/ratings/", "data/films/v1/reports/")
    ]


def test_a_newer_schema_is_rejected() -> None:
    body = json.loads(ADA.visitor_object.to_json()) | {"schema_version": 2}
    with pytest.raises(ContractError, match="schema version 2"):
        VisitorObject.from_json(json.dumps(body))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visitor_id": 7}, "visitor_id is 7"),
        ({"version": "1"}, "version is '1'"),
        ({"version": True}, "version is True"),
        ({"ratings": 5}, "ratings is not a list"),
        ({"ratings": [5]}, "ratings\\[0\\] is not an object"),
        ({"ratings": [{"movie_id": 1, "stars": 6}]}, "ratings\\[0\\].stars is 6"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], message: str) -> None:
    body = json.loads(ADA.visitor_object.to_json()) | change
    with pytest.raises(ContractError, match=message):
        VisitorObject.from_json(json.dumps(body))


def test_a_movie_rated_twice_keeps_its_last_rating() -> None:
    given_twice = [{"movie_id": 1, "stars": 2}, {"movie_id": 2, "stars": 3}]
    given_twice.append({"movie_id": 1, "stars": 5})
    assert ratings_from(given_twice) == (Rating(2, 3), Rating(1, 5))


def test_a_visitor_twice_in_a_batch_is_one_member_with_the_latest_version() -> None:
    first, second = ADA.member, ADA.visitor_object
    newer = type(first)(first.visitor_id, 2, first.dataset, second.ratings)
    assert unique_members([first, newer, first]) == (newer,)


@given(st.text())
def test_no_other_key_counts_as_a_visitor_object(key: str) -> None:
    with pytest.raises(ContractError):
        parse_visitor_key("submissions/" + key)


def test_only_the_success_marker_names_a_submission() -> None:
    assert parse_results_key(f"submission={'a' * 32}/_SUCCESS") == "a" * 32
    with pytest.raises(ContractError):
        parse_results_key(f"submission={'a' * 32}/part-00000.json")


def s3_message(key: str, name: str = "ObjectCreated:Put") -> str:
    return json.dumps({"Records": [{"eventName": name, "s3": {"object": {"key": key}}}]})


def test_keys_are_read_url_decoded() -> None:
    assert created_keys(s3_message("visitors/date%3D2026-11-21/a+b.json")) == [
        "visitors/date=2026-11-21/a b.json"
    ]


def test_an_object_is_read_with_the_time_at_which_s3_stored_it() -> None:
    at = "2026-11-21T20:00:00.412Z"
    body = json.dumps({"Records": [json.loads(s3_message("a"))["Records"][0] | {"eventTime": at}]})
    assert [created.written_at for created in created_objects(body)] == [at]


def test_our_own_announcement_of_an_object_says_no_time() -> None:
    (created,) = created_objects(announcement("visitors/a b.json"))
    assert (created.key, created.written_at) == ("visitors/a b.json", None)


def test_removed_objects_are_ignored() -> None:
    assert created_keys(s3_message("a", "ObjectRemoved:Delete")) == []
