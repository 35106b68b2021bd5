"""Which calls are counted against which limits, and which need a proof of work."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from marquee.requests.admission import Admission
from marquee.requests.limits import Limit, LimitedAction, NetworkLimits, TooOftenError
from marquee.requests.visitor import Change, Page
from tests.unit.memory import Gate, MemoryCounter, MemoryTally, MemoryVisitors, registration

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME, OFFICE = "203.0.113.7", "198.51.100.9"
VISITOR = registration(1)
CHANGE = Change(requested_at="2026-11-28T12:00:00.000Z", expires_at=2_000_000_000, text=False)
WITH_PHONE = replace(CHANGE, phone=VISITOR.phone, text=True)


@dataclass
class Taken:
    """Records the proofs that were taken, and for what."""

    proofs: list[tuple[str | None, str]] = field(default_factory=list)

    def take(self, proof: str | None, what: str) -> None:
        self.proofs.append((proof, what))


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def admission(taken: Taken) -> Admission:
    most = {
        LimitedAction.NETWORK_FORMS: 2,
        LimitedAction.NETWORK_PHONES: 1,
        LimitedAction.NETWORK_CHANGES: 9,
        LimitedAction.NETWORK_LISTS: 1,
    }
    return Admission(
        changes=Limit(LimitedAction.CHANGES, 2, HOUR, MemoryTally()),
        networks=NetworkLimits(most, HOUR, MemoryCounter()),
        proofs=taken,
        secret="a-test-secret-of-thirty-two-chars",
    )


@pytest.fixture
def page() -> Page:
    stored = MemoryVisitors(Gate())
    stored.create(VISITOR)
    found = stored.page(VISITOR.visitor_id)
    assert found is not None
    return found


def test_a_form_without_a_phone_needs_no_proof(admission: Admission, taken: Taken) -> None:
    admission.admit_form(HOME, "salt", None, NOW, has_phone=False)
    assert taken.proofs == []


def test_a_form_with_a_phone_takes_its_proof_and_counts_the_phone(
    admission: Admission, taken: Taken
) -> None:
    admission.admit_form(HOME, "salt", "proof", NOW, has_phone=True)
    assert [proof for proof, _ in taken.proofs] == ["proof"]
    with pytest.raises(TooOftenError) as reached:
        admission.admit_form(HOME, "other salt", "proof", NOW, has_phone=True)
    assert reached.value.limited is LimitedAction.NETWORK_PHONES
    admission.admit_form(OFFICE, "other salt", "proof", NOW, has_phone=True)


def test_the_same_version_of_a_visitor_is_counted_once(admission: Admission, page: Page) -> None:
    for _ in range(5):
        admission.admit_change(HOME, page, CHANGE, None, NOW)


def test_too_many_changes_of_a_visitor_are_refused(admission: Admission, page: Page) -> None:
    admission.admit_change(HOME, page, CHANGE, None, NOW)
    admission.admit_renewal(HOME, page, NOW)
    later = replace(page, progress=replace(page.progress, version=2))
    with pytest.raises(TooOftenError) as reached:
        admission.admit_change(OFFICE, later, CHANGE, None, NOW)
    assert reached.value.limited is LimitedAction.CHANGES
    admission.admit_change(OFFICE, later, CHANGE, None, NOW + HOUR)


def test_only_a_change_that_asks_for_a_text_takes_a_proof(
    admission: Admission, taken: Taken, page: Page
) -> None:
    admission.admit_change(HOME, page, CHANGE, "unused", NOW)
    assert taken.proofs == []
    admission.admit_change(HOME, page, WITH_PHONE, "proof", NOW)
    assert [proof for proof, _ in taken.proofs] == ["proof"]


def test_shared_lists_are_limited_per_network(admission: Admission) -> None:
    admission.admit_list(HOME, NOW)
    with pytest.raises(TooOftenError) as reached:
        admission.admit_list(HOME, NOW)
    assert reached.value.limited is LimitedAction.NETWORK_LISTS
    admission.admit_list(OFFICE, NOW)
    admission.admit_list(HOME, NOW + HOUR)


def test_no_record_contains_the_address(admission: Admission, page: Page) -> None:
    admission.admit_change(HOME, page, CHANGE, None, NOW)
    counter = admission.networks.counter
    assert isinstance(counter, MemoryCounter)
    assert counter.counts
    assert HOME not in str(counter.counts)
