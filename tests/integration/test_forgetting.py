"""Forgetting a visitor leaves no data, whatever the status of the request."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import pytest

from tests.deployment import RunningDeployment, Visitor, eventually
from tests.integration.phones import Phones
from tests.integration.test_changes import forget, put
from tests.integration.test_privacy import (
    Older,
    Places,
    everything,
    files,
    kinds,
    leaks,
    opened,
    versions,
)

# Unique names, by which a search can distinguish the visitors.
NAMES = {
    "saved": "Zebulonia",
    "received": "Yevgrafina",
    "submitted": "Xanthippus",
    "recommended": "Wilhelmino",
    "texted": "Valentinox",
    "failed": "Ursulindo",
}


@dataclass
class Forgotten:
    """The visitors forgotten, by status, and what a search finds before and after."""

    visitors: dict[str, Visitor] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    before: dict[str, Places] = field(default_factory=dict)
    after: Places = field(default_factory=dict)


def holding(local: RunningDeployment, status: str, phone: str) -> AbstractContextManager[None]:
    """Hold a visitor with this phone at a status until the context ends."""
    if status == "failed":
        refused = {"error": "InvalidParameter", "parameters": {"PhoneNumber": phone}}
        return local.fault("sns", "Publish", **refused)
    queues = {"received": "visitors", "submitted": "results", "recommended": "texts"}
    return local.held(queues[status]) if status in queues else nullcontext()


def reach(local: RunningDeployment, status: str, visitor: Visitor) -> None:
    """Wait until a new visitor has reached a status."""
    if status == "saved":
        assert put(local, visitor, "ratings", {"ratings": []}, 1).status_code == 200
    if status == "submitted":  # when the results are written but not collected yet
        eventually(
            lambda: visitor.visitor_id in json.dumps(results(local)), bool, "results", seconds=600
        )
    local.follow(visitor, to=(status,))


def results(local: RunningDeployment) -> dict[str, str]:
    """Read all results that have not been collected yet, by key."""
    s3, bucket = local.client("s3"), local.parameters["results-bucket"]
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        found["Key"]: s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read().decode()
        for found in listed
    }


@pytest.fixture(scope="module")
def forgotten(deployment: RunningDeployment, phones: Phones) -> Forgotten:
    """Forget one visitor at each status, then search every place that stores data."""
    if not deployment.is_local:
        pytest.skip("holds queues and reads every place: only where nobody else's are")
    local, found, older = deployment, Forgotten(), Older(versions(deployment), files(deployment))
    with local.model_kept_fresh():
        for status, name in NAMES.items():
            phone = phones.one()
            with holding(local, status, phone):
                visitor = local.register(local.form(phone, name))
                found.visitors[status] = visitor
                reach(local, status, visitor)
                found.marks[status] = local.item(visitor.visitor_id)["phone_mark"]["S"]
                found.before[status] = everything(local, older)
                assert forget(local, visitor) == 204
        local.until_handled(*(visitor.visitor_id for visitor in found.visitors.values()))
        eventually(
            lambda: [place for place in places_of_batches(local, older) if named(found, place)],
            lambda left: not left,
            "the batches being collected and deleted",
            seconds=600,
        )
        found.after = everything(local, older)
    return found


def places_of_batches(local: RunningDeployment, older: Older) -> list[bytes]:
    everywhere = everything(local, older)
    return [content for place, content in everywhere.items() if place.startswith("s3://")]


def named(found: Forgotten, content: bytes) -> bool:
    return any(v.visitor_id.encode() in content for v in found.visitors.values())


def holding_places(places: Places, mark: str) -> set[str]:
    """Return the places that hold a mark as plain text, gzip or base64."""
    return {
        place
        for place, content in places.items()
        if mark in place or any(mark.encode() in layer for layer in opened(content))
    }


@pytest.mark.parametrize("status", NAMES)
def test_the_search_finds_a_visitor_before_they_are_forgotten(
    forgotten: Forgotten, status: str
) -> None:
    visitor, places = forgotten.visitors[status], forgotten.before[status]
    assert {"s3:", "table", "log"} <= kinds(holding_places(places, visitor.visitor_id))
    assert kinds(holding_places(places, NAMES[status])) == {"table"}


@pytest.mark.parametrize("status", NAMES)
def test_the_name_and_the_phone_of_a_forgotten_visitor_are_nowhere(
    forgotten: Forgotten, status: str
) -> None:
    phone = forgotten.visitors[status].phone or ""
    assert holding_places(forgotten.after, NAMES[status]) == set()
    assert leaks(forgotten.after, phone) == []


def is_log(place: str) -> bool:
    """Return whether a place is a log in CloudWatch or a log of the local AWS."""
    return place.startswith("log ") or (place.startswith("file ") and place.endswith(".log"))


@pytest.mark.parametrize("status", NAMES)
def test_the_id_is_only_in_logs_and_in_the_record_of_forgetting(
    forgotten: Forgotten, local: RunningDeployment, status: str
) -> None:
    visitor_id = forgotten.visitors[status].visitor_id
    table = local.parameters["idempotency-table"]
    left = holding_places(forgotten.after, visitor_id)
    assert {place for place in left if not is_log(place)} == {
        f"table {table} forgotten/{visitor_id}"
    }


@pytest.mark.parametrize("status", NAMES)
def test_no_record_links_the_phone_mark_to_the_visitor(forgotten: Forgotten, status: str) -> None:
    visitor_id, mark = forgotten.visitors[status].visitor_id, forgotten.marks[status]
    records = holding_places(forgotten.after, mark)
    # Limits keep the phone mark of visitors whose request reached send_text.
    assert kinds(records) == ({"table"} if status in ("texted", "failed") else set())
    assert [place for place in records if visitor_id in place] == []
    assert not [place for place in records if visitor_id.encode() in forgotten.after[place]]
