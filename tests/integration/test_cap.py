"""More forms, from concurrent clients, than the daily cap allows texts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from marquee.requests.limits import LimitedAction
from marquee.requests.send_text import NO_MORE_TODAY
from tests.deployment import RunningDeployment, Visitor
from tests.integration.phones import Phones

FORMS, CLIENTS, CAP = 12, 6, 4


def counts(local: RunningDeployment) -> list[dict[str, Any]]:
    """Return the items that count texts against the cap, one for each day."""
    items = local.resource("dynamodb").Table(local.parameters["idempotency-table"]).scan()["Items"]
    return [item for item in items if str(item["id"]).startswith("limit/texts-in-all/")]


def forget_counts(local: RunningDeployment) -> None:
    table = local.resource("dynamodb").Table(local.parameters["idempotency-table"])
    for item in counts(local):
        table.delete_item(Key={"id": item["id"]})


def texts_in_all(local: RunningDeployment) -> int:
    return sum(map(len, local.texts_by_phone().values()))


def test_no_more_forms_are_texted_than_the_cap_allows(
    local: RunningDeployment, phones: Phones
) -> None:
    form, numbers = local.form(), phones.several(FORMS)

    def post(phone: str) -> Visitor:
        return local.register(form | {"phone": phone, "consent": True})

    capped = local.configured("send-text", {"TEXTS_A_DAY_IN_ALL": str(CAP)})
    with local.model_kept_fresh(), capped:
        before = texts_in_all(local)
        forget_counts(local)  # left by earlier tests
        with ThreadPoolExecutor(CLIENTS) as clients:
            visitors = list(clients.map(post, numbers))
        seen = [local.follow(visitor) for visitor in visitors]
        local.until_handled(*(visitor.visitor_id for visitor in visitors))
    counted = [int(item[LimitedAction.TEXTS_IN_ALL]) for item in counts(local)]
    texted = [one["visitor_id"] for one in seen if one["status"] == "texted"]
    # There is one item, or two if the day (UTC) ended during the test.
    assert max(counted) == CAP
    # A text that an earlier test did not wait for may have counted against the cap.
    others = texts_in_all(local) - before - len(texted)
    assert sum(counted) - others <= len(texted) <= sum(counted)
    refused = [one for one in seen if one["status"] != "texted"]
    assert {(one["status"], one["reason"], len(one["picks"])) for one in refused} == {
        ("failed", NO_MORE_TODAY, 10)
    }
    sent = local.texts_by_phone()
    assert sum(len(sent.get(number, [])) for number in numbers) == len(texted)
