"""What the integration tests share: phones of nobody, and a deployment in a hurry."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.deployment import NEVER_STALE, Deployment
from tests.integration.phones import Phones


@pytest.fixture(scope="session")
def phones(deployment: Deployment) -> Phones:
    return Phones(deployment)


@pytest.fixture
def phone(phones: Phones) -> str:
    """Give a valid number of its own to each test."""
    return phones.one()


@pytest.fixture(scope="module")
def hurried(deployment: Deployment) -> Iterator[Deployment]:
    """Give the local deployment with every time to wait shortened, their order kept.

    Five deliveries of a message outlast the function's timeout (submit_step: as long the ledger
    takes a run that died to be at work) and the lease of a claimed text; the lease outlasts
    send_text's timeout, which is more than the time that it wants to have for a text. Training is
    tested with the flow; here it would double every wait.
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
def faulty(hurried: Deployment) -> Iterator[Deployment]:
    """Give the hurried deployment and take back whatever faults were planted in it."""
    yield hurried
    hurried.forget_faults()
