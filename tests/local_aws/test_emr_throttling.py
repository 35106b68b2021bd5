"""EMR's limits on calls, by a clock that only the test moves."""

import pytest

from local_aws import launcher
from local_aws.emr.throttling import (
    SWITCH,
    NoThrottle,
    Throttle,
    ThrottledError,
    TokenBucket,
    throttle_of_environment,
)


class Clock:
    """A clock in seconds that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(throttle: Throttle, operation: str, calls: int) -> int:
    """Return how many of `calls` calls at one moment are admitted."""
    passed = 0
    for _ in range(calls):
        try:
            throttle.admit(operation)
        except ThrottledError:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize(
    ("operation", "burst"),
    [("AddJobFlowSteps", 10), ("DescribeStep", 10), ("ListSteps", 10), ("DescribeCluster", 25)],
)
def test_a_burst_is_admitted_up_to_the_limit_of_the_operation(operation: str, burst: int) -> None:
    assert admitted(Throttle(Clock()), operation, 40) == burst


def test_a_bucket_refills_at_its_rate_and_no_further_than_its_size() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    admitted(throttle, "AddJobFlowSteps", 10)

    clock.now += 1.9
    too_soon = admitted(throttle, "AddJobFlowSteps", 5)
    clock.now += 0.1
    one = admitted(throttle, "AddJobFlowSteps", 5)
    clock.now += 3600
    full = admitted(throttle, "AddJobFlowSteps", 40)

    assert (too_soon, one, full) == (0, 1, 10)


def test_all_calls_together_have_a_common_limit() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    names = ["AddJobFlowSteps", "DescribeStep", "ListSteps"]

    first = [admitted(throttle, name, 10) for name in names]
    clock.now += 1
    after_a_second = admitted(throttle, "DescribeCluster", 40)

    assert (first, after_a_second) == ([10, 10, 5], 5)


def test_a_throttled_call_uses_no_token_of_the_common_bucket() -> None:
    throttle = Throttle(Clock())

    admitted(throttle, "AddJobFlowSteps", 40)

    assert admitted(throttle, "DescribeCluster", 40) == 15


def test_a_throttled_call_gets_the_message_of_emr() -> None:
    bucket = TokenBucket(1, 1.0, Clock())
    throttle = Throttle(Clock())
    throttle.all_calls = bucket
    throttle.admit("DescribeCluster")

    with pytest.raises(ThrottledError, match=r"^Rate exceeded$"):
        throttle.admit("DescribeCluster")


@pytest.mark.parametrize(
    ("value", "kind"), [("1", Throttle), ("0", NoThrottle), (None, NoThrottle)]
)
def test_throttling_is_off_by_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None, kind: type
) -> None:
    monkeypatch.delenv("MARQUEE_EMR_THROTTLING", raising=False)
    if value is not None:
        monkeypatch.setenv("MARQUEE_EMR_THROTTLING", value)

    assert isinstance(throttle_of_environment(), kind)


def test_the_switch_is_passed_to_the_local_aws() -> None:
    assert SWITCH in launcher.PASSED_THROUGH
