"""A visitor returns to change ratings, to ask for a text, or to be forgotten."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.deployment import RunningDeployment, Visitor
from tests.integration.phones import Phones


@pytest.fixture(scope="module")
def fresh(deployment: RunningDeployment) -> Iterator[RunningDeployment]:
    """Yield the deployment with training switched off, which these tests do not cover."""
    with deployment.model_kept_fresh():
        yield deployment


def put(
    deployment: RunningDeployment, visitor: Visitor, to: str, form: dict[str, Any], version: int
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {visitor.token}", "If-Match": f'"{version}"'}
    address = f"{deployment.api_url}/visitors/{visitor.visitor_id}/{to}"
    return deployment.http.put(address, json=form, headers=headers)


def forget(deployment: RunningDeployment, visitor: Visitor) -> int:
    address = f"{deployment.api_url}/visitors/{visitor.visitor_id}"
    bearer = {"Authorization": f"Bearer {visitor.token}"}
    return deployment.http.delete(address, headers=bearer).status_code


def objects_of(deployment: RunningDeployment, visitor: Visitor) -> list[str]:
    pages = deployment.client("s3").get_paginator("list_objects_v2")
    bucket = deployment.parameters["ratings-bucket"]
    found = pages.paginate(Bucket=bucket, Prefix="visitors/")
    keys = [item["Key"] for page in found for item in page.get("Contents", [])]
    return [key for key in keys if visitor.visitor_id in key]


def is_kept(deployment: RunningDeployment, visitor: Visitor) -> bool:
    table = deployment.resource("dynamodb").Table(deployment.parameters["visitors-table"])
    return "Item" in table.get_item(Key={"visitor_id": visitor.visitor_id}, ConsistentRead=True)


def test_a_change_after_the_text_gives_new_picks_without_dismissed_movies_and_no_text(
    fresh: RunningDeployment, phone: str
) -> None:
    visitor = fresh.register(fresh.form(phone))
    before = fresh.follow(visitor)
    best = [pick["movie_id"] for pick in before["picks"][:3]]
    form = {"ratings": fresh.form()["ratings"], "dismissed": best}
    changed = put(fresh, visitor, "ratings", form, 1)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    after = fresh.follow(visitor, to=("recommended", "failed"))
    assert (after["status"], after["version"], after["texts"]) == ("recommended", 2, False)
    assert len(after["picks"]) == 10
    assert not set(best) & {pick["movie_id"] for pick in after["picks"]}
    fresh.until_handled(visitor.visitor_id)
    assert len(fresh.texts(phone)) == 1


def test_a_phone_given_later_is_texted_once_with_the_picks_of_the_batch(
    fresh: RunningDeployment, phone: str
) -> None:
    visitor = fresh.register(fresh.form())
    fresh.follow(visitor, to=("recommended", "failed"))
    given = put(
        fresh, visitor, "phone", {"phone": phone, "consent": True, "proof": fresh.proof()}, 1
    )
    assert (given.status_code, given.json()["phone_ends"]) == (200, phone[-2:])
    assert fresh.follow(visitor)["status"] == "texted"
    fresh.until_handled(visitor.visitor_id)
    assert len(fresh.texts(phone)) == 1


def test_the_second_of_two_tabs_must_load_again(fresh: RunningDeployment) -> None:
    visitor = fresh.register(fresh.form())
    ratings = fresh.form()["ratings"]
    first = put(fresh, visitor, "ratings", {"ratings": ratings[:6]}, 1)
    second = put(fresh, visitor, "ratings", {"ratings": []}, 1)
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.headers["ETag"] == '"2"'
    assert len(fresh.see(visitor)["ratings"]) == 6


def test_a_visitor_forgotten_during_a_batch_leaves_nothing_and_is_not_texted(
    fresh: RunningDeployment, phones: Phones
) -> None:
    """Given two visitors of one batch, when one of them immediately asks to be forgotten."""
    stays, goes = (
        Visitor(one.visitor_id, one.token, one.phone, one.picks)
        for one in (fresh.register(fresh.form(phone)) for phone in phones.several(2))
    )
    assert forget(fresh, goes) == 204
    assert fresh.follow(stays)["status"] == "texted"
    fresh.until_handled(stays.visitor_id, goes.visitor_id)
    assert (is_kept(fresh, goes), objects_of(fresh, goes)) == (False, [])
    assert (fresh.texts(goes.phone or ""), forget(fresh, goes)) == ([], 404)
    assert (is_kept(fresh, stays), len(objects_of(fresh, stays))) == (True, 1)


def test_forgetting_deletes_the_objects_of_all_versions(fresh: RunningDeployment) -> None:
    visitor = fresh.register(fresh.form())
    put(fresh, visitor, "ratings", {"ratings": []}, 1)
    assert len(objects_of(fresh, visitor)) == 2
    assert forget(fresh, visitor) == 204
    assert (is_kept(fresh, visitor), objects_of(fresh, visitor)) == (False, [])


def test_a_phone_is_texted_up_to_its_daily_limit_and_no_page_reveals_it(
    local: RunningDeployment, phone: str
) -> None:
    with local.model_kept_fresh(), local.configured("send-text", {"TEXTS_A_DAY": "1"}):
        visitors = [local.register(local.form(phone)) for _ in range(2)]
        seen = [local.follow(visitor) for visitor in visitors]
        local.until_handled(*(visitor.visitor_id for visitor in visitors))
    ends = {(one["status"], one["reason"], one["texts"], len(one["picks"])) for one in seen}
    assert ends == {("texted", None, True, 10)}
    assert len(local.texts(phone)) == 1


@pytest.mark.parametrize("path", ["/visitors", "/visitors/0/ratings", "/visitors/0", "/picks"])
def test_only_browsers_on_the_site_may_call_the_api(local: RunningDeployment, path: str) -> None:
    site = local.site_url.rstrip("/")
    asked = {"Origin": site, "Access-Control-Request-Method": "PUT"}
    answer = local.http.options(local.api_url + path, headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, site)
    assert {"PUT", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(","))
    assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
