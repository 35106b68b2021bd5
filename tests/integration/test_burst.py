"""Three hundred forms at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.deployment import Deployment, Visitor, eventually
from tests.integration.phones import Phones

FORMS, CLIENTS, MOST_STEPS = 300, 8, 10


def test_a_burst_of_forms_is_texted_once_each_in_few_steps(
    local: Deployment, phones: Phones
) -> None:
    form = local.form()
    before = {step["Id"] for step in local.steps("recommend")}

    def post(phone: str) -> Visitor:
        return local.register(form | {"phone": phone, "consent": True})

    with ThreadPoolExecutor(CLIENTS) as clients:
        visitors = list(clients.map(post, phones.several(FORMS)))
    assert len({visitor.visitor_id for visitor in visitors}) == FORMS

    def texted() -> int:
        return sum(bool(local.texts(visitor.phone or "")) for visitor in visitors)

    eventually(texted, lambda count: count == FORMS, "all forms texted", seconds=600, every=2)
    statuses = [local.follow(visitor, seconds=120)["status"] for visitor in visitors]
    assert statuses == ["texted"] * FORMS
    assert [len(local.texts(visitor.phone or "")) for visitor in visitors] == [1] * FORMS
    steps = [step for step in local.steps("recommend") if step["Id"] not in before]
    print(f"{FORMS} forms by {CLIENTS} clients: {len(steps)} recommend steps")
    assert len(steps) <= MOST_STEPS
