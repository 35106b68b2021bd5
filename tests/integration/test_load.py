"""Three hundred forms at once with every fault on their way: `make benchmark-load` in small.

What each single fault must lead to is tested in test_deaths.py and test_mishaps.py; here they meet.
"""

from functools import partial

import pytest

from tests.deployment import Deployment
from tests.integration.phones import Phones
from tests.load.forms import Load
from tests.load.pour import pour
from tests.load.seen import Seen

LOAD = Load(forms=300, clients=8, text_deaths=6, deaths_elsewhere=1, latest=5, seconds=1200)
# A message whose function died comes again after so long; five deliveries outlast a text's claim.
VISIBLE_AGAIN = {"visitors": 30, "results": 30, "texts": 30}
FORMS_OF_A_SUBMISSION = 10  # at least, on average: a step costs the same for one as for a thousand


@pytest.fixture(scope="module")
def seen(deployment: Deployment, phones: Phones) -> Seen:
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    with deployment.model_kept_fresh(), deployment.visible_again_after(**VISIBLE_AGAIN):
        return pour(deployment, LOAD, phones.several(LOAD.forms), partial(print, flush=True))


def test_every_form_is_answered_and_one_posted_again_makes_no_other_visitor(seen: Seen) -> None:
    assert (seen.answered, seen.wrong_answers) == (LOAD.forms, [])


def test_every_form_ends_with_its_text_or_with_the_reason_of_a_fault(seen: Seen) -> None:
    assert seen.lost == []
    assert len(seen.ended_after) == LOAD.forms


def test_no_text_is_sent_twice(seen: Seen) -> None:
    assert seen.doubled == []


def test_the_delivery_of_a_text_is_unknown_only_where_a_function_died_at_it(seen: Seen) -> None:
    """A busy machine may keep SNS from answering in time; such a text says so by its reason."""
    assert seen.unexplained == []


def test_no_message_of_these_forms_is_among_the_dead_letters(seen: Seen) -> None:
    assert seen.dead == []


def test_no_read_fails_while_the_forms_are_worked_on(seen: Seen) -> None:
    assert seen.failed_reads == {}


def test_many_forms_share_a_step(seen: Seen) -> None:
    assert len(seen.step_states) <= LOAD.forms / FORMS_OF_A_SUBMISSION


def test_the_faults_struck(seen: Seen) -> None:
    assert seen.deaths_left == []
    assert seen.messages_doubled > 0
    assert seen.messages_delayed > 0
    assert any("FAILED" in states for states in seen.step_states)
