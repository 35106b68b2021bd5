"""Three hundred concurrent forms with every fault planted: a small `make benchmark NAME=load`.

The effect of each single fault is tested in test_deaths.py and test_mishaps.py; here all of them
happen together.
"""

from functools import partial

import pytest

from tests.deployment import RunningDeployment
from tests.integration.phones import Phones
from tests.load.forms import Load
from tests.load.pour import pour
from tests.load.seen import Observations

LOAD = Load(forms=300, clients=8, text_deaths=6, deaths_elsewhere=1, latest=5, seconds=1200)
# Seconds until the message of a function that died is delivered again. Five deliveries take longer
# than the claim of a text lasts.
VISIBLE_AGAIN = {"visitors": 30, "results": 30, "texts": 30}
FORMS_OF_A_SUBMISSION = 10  # lowest mean; a step costs the same for one visitor as for 1,000


@pytest.fixture(scope="module")
def seen(deployment: RunningDeployment, phones: Phones) -> Observations:
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    with deployment.model_kept_fresh(), deployment.visible_again_after(**VISIBLE_AGAIN):
        return pour(deployment, LOAD, phones.several(LOAD.forms), partial(print, flush=True))


def test_every_form_is_answered_and_a_repeated_one_creates_no_second_visitor(
    seen: Observations,
) -> None:
    assert (seen.answered, seen.wrong_answers) == (LOAD.forms, [])


def test_every_form_ends_with_its_text_or_with_the_reason_of_an_injected_fault(
    seen: Observations,
) -> None:
    assert seen.lost == []
    assert len(seen.ended_after) == LOAD.forms


def test_no_text_is_sent_twice(seen: Observations) -> None:
    assert seen.doubled == []


def test_a_delivery_is_unknown_only_where_a_function_died_while_sending(seen: Observations) -> None:
    """On a busy machine SNS may not answer in time; the reason of such a text says so."""
    assert seen.unexplained == []


def test_no_message_of_these_forms_is_among_the_dead_letters(seen: Observations) -> None:
    assert seen.dead == []


def test_no_read_fails_while_the_forms_are_processed(seen: Observations) -> None:
    assert seen.failed_reads == {}


def test_many_forms_share_one_step(seen: Observations) -> None:
    assert len(seen.step_states) <= LOAD.forms / FORMS_OF_A_SUBMISSION


def test_all_injected_faults_happened(seen: Observations) -> None:
    assert seen.deaths_left == []
    assert seen.messages_doubled > 0
    assert seen.messages_delayed > 0
    assert any("FAILED" in states for states in seen.step_states)
