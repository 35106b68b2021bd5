"""More forms than the day has texts, from clients at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from marquee.texting import NO_MORE_TODAY
from tests.deployment import Deployment, Visitor
from tests.integration.phones import Phones

FORMS, CLIENTS, CAP = 12, 6, 4


def tallies(local: Deployment) -> list[dict[str, Any]]:
    """Give what was counted against the cap: one item a day."""
    items = local.resource("dynamodb").Table(local.parameters["idempotency-table"]).scan()["Items"]
    return [item for item in items if str(item["id"]).startswith("limit/texts-in-all/")]


def forget_tallies(local: Deployment) -> None:
    table = local.resource("dynamodb").Table(local.parameters["idempotency-table"])
    for item in tallies(local):
        table.delete_item(Key={"id": item["id"]})


def test_of_more_forms_than_the_cap_exactly_the_caps_are_texted(
    local: Deployment, phones: Phones
) -> None:
    form, numbers = local.form(), phones.several(FORMS)

    def post(phone: str) -> Visitor:
        return local.register(form | {"phone": phone, "consent": True})

    capped = local.configured("send-text", {"TEXTS_A_DAY_IN_ALL": str(CAP)})
    with local.model_kept_fresh(), capped:
        forget_tallies(local)  # of the tests before
        with ThreadPoolExecutor(CLIENTS) as clients:
            visitors = list(clients.map(post, numbers))
        seen = [local.follow(visitor) for visitor in visitors]
        local.until_handled(*(visitor.visitor_id for visitor in visitors))
    counted = [set(item["counted"]) for item in tallies(local)]
    texted = [one["visitor_id"] for one in seen if one["status"] == "texted"]
    # One item, unless a day (UTC) has ended meanwhile: then each day has its own.
    assert max(map(len, counted)) == CAP
    # A text that a test before did not wait for may have taken a place.
    ours = {f"{visitor.visitor_id}-1" for visitor in visitors}
    assert {f"{visitor_id}-1" for visitor_id in texted} == ours & set().union(*counted)
    refused = [one for one in seen if one["status"] != "texted"]
    assert {(one["status"], one["reason"], len(one["picks"])) for one in refused} == {
        ("failed", NO_MORE_TODAY, 10)
    }
    sent = local.texts_by_phone()
    assert sum(len(sent.get(number, [])) for number in numbers) == len(texted)
