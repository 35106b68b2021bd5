"""Three hundred forms at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.deployment import Deployment, Visitor, eventually
from tests.integration.phones import Phones

FORMS, CLIENTS, MOST_STEPS = 300, 8, 10


def test_a_burst_of_forms_is_texted_once_each_in_few_steps(
    local: Deployment, phones: Phones
) -> None:
    """With a model that stays fresh: the quicker the steps, the more of them a burst could take."""
    form = local.form()
    before = {step["Id"] for step in local.steps("recommend")}
    numbers = phones.several(FORMS)

    def post(phone: str) -> Visitor:
        return local.register(form | {"phone": phone, "consent": True})

    with local.model_kept_fresh():
        with ThreadPoolExecutor(CLIENTS) as clients:
            visitors = list(clients.map(post, numbers))
        assert len({visitor.visitor_id for visitor in visitors}) == FORMS

        def texted() -> int:
            return len(local.texts_by_phone().keys() & {*numbers})

        eventually(texted, lambda count: count == FORMS, "all forms texted", seconds=600, every=2)
    statuses = [local.follow(visitor, seconds=120)["status"] for visitor in visitors]
    assert statuses == ["texted"] * FORMS
    sent = local.texts_by_phone()
    assert [len(sent[phone]) for phone in numbers] == [1] * FORMS
    steps = [step for step in local.steps("recommend") if step["Id"] not in before]
    print(f"{FORMS} forms by {CLIENTS} clients: {len(steps)} recommend steps")
    assert len(steps) <= MOST_STEPS
