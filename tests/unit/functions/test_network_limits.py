"""A network with many phones, forms or changes is limited; other networks are not."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from marquee.requests.limits import LimitedAction
from tests.unit.api import FORM, PHONE, Api

QUIET = {"name": "Ada", "ratings": FORM["ratings"]}
ENDLESS = timedelta(days=100_000)  # a window that ends during no test


@pytest.fixture
def limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Return an API that allows a network three forms, two phones and one change."""
    visitors = api.module.visitors
    most = {
        LimitedAction.NETWORK_FORMS: 3,
        LimitedAction.NETWORK_PHONES: 2,
        LimitedAction.NETWORK_CHANGES: 1,
    }
    limits = replace(visitors.network_limits, most=most, window=ENDLESS)
    monkeypatch.setattr(visitors, "network_limits", limits)
    return api


def phones(count: int) -> list[str]:
    return [f"+1415555{100 + number:04d}" for number in range(count)]


def post(api: Api, client: str = "203.0.113.7", **form: Any) -> tuple[int, Any, Any]:
    return api.call("POST", "/visitors", QUIET | form, client=client)


def counted(api: Api) -> list[dict[str, Any]]:
    return list(api.aws.table("IDEMPOTENCY_TABLE").scan()["Items"])


def test_only_a_few_of_thirty_phones_from_one_client_are_accepted(limited: Api) -> None:
    answers = [post(limited, phone=phone, consent=True) for phone in phones(30)]
    assert Counter(status for status, _, _ in answers) == {201: 2, 429: 28}
    _, body, headers = answers[-1]
    assert [error["field"] for error in body["errors"]] == ["phone"]
    assert "your network" in body["errors"][0]["message"]
    assert int(headers["Retry-After"]) > 0
    assert limited.stored() == (2, 2)


def test_forms_without_a_phone_are_limited_too(limited: Api) -> None:
    assert [post(limited)[0] for _ in range(5)] == [201, 201, 201, 429, 429]
    assert limited.stored() == (3, 3)


def test_another_network_is_not_limited(limited: Api) -> None:
    for _ in range(4):
        post(limited)
    assert post(limited, client="203.0.113.8")[0] == 201


def test_addresses_of_one_ipv6_subscriber_count_together(limited: Api) -> None:
    for number in range(3):
        assert post(limited, client=f"2001:db8::{number + 1}")[0] == 201
    assert post(limited, client="2001:db8::ffff")[0] == 429
    assert post(limited, client="2001:db8:0:1::1")[0] == 201


def test_a_form_without_a_phone_is_accepted_where_phones_are_used_up(limited: Api) -> None:
    for phone in phones(2):
        post(limited, phone=phone, consent=True)
    assert post(limited, phone=phones(3)[2], consent=True)[0] == 429
    assert post(limited)[0] == 201


def test_a_phone_rejected_for_its_network_does_not_count_against_its_own_limit(
    limited: Api,
) -> None:
    for phone in phones(2):
        post(limited, phone=phone, consent=True)
    before = {item["id"] for item in counted(limited) if "limit/texts/" in item["id"]}
    post(limited, phone=phones(3)[2], consent=True)
    assert {item["id"] for item in counted(limited) if "limit/texts/" in item["id"]} == before


def test_changes_and_phones_given_later_are_limited(limited: Api) -> None:
    tabs = [post(limited)[1] for _ in range(2)]
    statuses = [
        limited.call(
            "PUT",
            f"/visitors/{tab['visitor_id']}/phone",
            {"phone": PHONE, "consent": True},
            {"Authorization": f"Bearer {tab['token']}", "If-Match": '"1"'},
        )[0]
        for tab in tabs
    ]
    assert statuses == [200, 429]
    (counts,) = [item for item in counted(limited) if item["id"].startswith("limit/network/")]
    assert (counts["network-forms"], counts["network-phones"], counts["network-changes"]) == (
        2, 1, 1,
    )  # fmt: skip


def test_a_repeated_form_is_answered_even_where_the_limit_is_reached(limited: Api) -> None:
    key = {"Idempotency-Key": "a-key-of-the-page"}
    first = limited.call("POST", "/visitors", QUIET, key)
    for _ in range(4):
        post(limited)
    again = limited.call("POST", "/visitors", QUIET, key)
    assert (again[0], again[1]["visitor_id"]) == (201, first[1]["visitor_id"])


def test_no_record_holds_the_address_and_each_expires_after_its_hour(api: Api) -> None:
    post(api, client="198.51.100.77")
    (counts,) = [item for item in counted(api) if item["id"].startswith("limit/network/")]
    assert "198.51" not in json.dumps(counts, default=str)
    assert api.module.visitors.network_limits.window == timedelta(hours=1)
    assert counts["expiration"] % 3600 == 0


def test_the_network_limits_are_those_of_the_settings(api: Api) -> None:
    assert api.module.visitors.network_limits.most == {
        LimitedAction.NETWORK_FORMS: 60,
        LimitedAction.NETWORK_PHONES: 20,
        LimitedAction.NETWORK_CHANGES: 600,
        LimitedAction.NETWORK_LISTS: 20,
    }
