"""Fixtures of the integration tests: fictitious phone numbers and a deployment with short waits."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.deployment import NEVER_STALE, RunningDeployment
from tests.integration.phones import Phones


@pytest.fixture(scope="session")
def phones(deployment: RunningDeployment) -> Phones:
    return Phones(deployment)


@pytest.fixture
def phone(phones: Phones) -> str:
    """Return a valid phone number that no other test uses."""
    return phones.one()


@pytest.fixture(scope="module")
def hurried(deployment: RunningDeployment) -> Iterator[RunningDeployment]:
    """Yield the local deployment with all waiting times shortened, in the same order of length.

    Five deliveries of a message take longer than the function's timeout (in submit_step, the ledger
    considers a run that died active for that long) and the lease of a claimed text. The lease is
    longer than send_text's timeout, which exceeds the time that it reserves for a text. Training is
    switched off, because it would double every wait; the tests of the flow cover it.
    """
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    lease = {"TEXT_CLAIM_LEASE_SECONDS": "30"}
    with ExitStack() as stack:
        for settings in (
            deployment.configured("ingest", {}, timeout=10),
            deployment.configured("submit-step", NEVER_STALE, timeout=15),
            deployment.configured("send-text", lease, timeout=25),
            deployment.configured("reconcile", lease | NEVER_STALE),
            deployment.visible_again_after(visitors=5, results=5, texts=8),
        ):
            stack.enter_context(settings)
        yield deployment


@pytest.fixture
def faulty(hurried: RunningDeployment) -> Iterator[RunningDeployment]:
    """Yield the hurried deployment and remove all planted faults at the end."""
    yield hurried
    hurried.forget_faults()
