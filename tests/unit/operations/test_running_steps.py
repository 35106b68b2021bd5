"""Following a step until it ends."""

from collections.abc import Iterator
from typing import Any

import pytest

from marquee.contracts import DataVersion
from marquee.requests.emr_step_requests import StepLocations, StepRequest, train_step
from operations import running_steps
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.running_steps import InterruptedStep, StepFailed, run_step
from tests.unit.operations.clock import Clock

STATES = ["PENDING", "RUNNING", "RUNNING", "COMPLETED"]


class FakeCluster:
    """A cluster whose step changes its state at every poll."""

    def __init__(self, *_: object) -> None:
        self.states: Iterator[str] = iter(STATES)

    def add(self, steps: list[StepRequest]) -> list[str]:
        return ["s-1"]

    def describe(self, step_id: str) -> dict[str, Any]:
        return {"Id": step_id, "Status": {"State": next(self.states)}}


def test_a_running_step_reports_its_state_and_for_how_long_it_has_had_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running_steps, "time", Clock())
    monkeypatch.setattr(running_steps, "EmrCluster", FakeCluster)
    monkeypatch.setattr("boto3.client", lambda _: None)
    deployment = Deployment("staging")  # where a step is polled every five seconds
    deployment.__dict__["parameters"] = {"cluster-id": "j-1"}
    heard: list[str] = []

    where = StepLocations("s3://scripts/", "ratings", "models", "results")
    run_step(deployment, train_step(where, DataVersion("films"), "m-1"), heard.append)

    assert heard == [
        "s-1 pending for 0 s",
        "s-1 running for 0 s",
        "s-1 running for 5 s",
        "s-1 completed for 0 s",
    ]


def test_an_interrupted_operator_is_shown_how_to_cancel_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(FakeCluster):
        def describe(self, step_id: str) -> dict[str, Any]:
            raise KeyboardInterrupt

    monkeypatch.setattr(running_steps, "EmrCluster", Interrupted)
    monkeypatch.setattr("boto3.client", lambda _: None)
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = {"cluster-id": "j-1"}
    where = StepLocations("s3://scripts/", "ratings", "models", "results")

    with pytest.raises(InterruptedStep, match="make cancel STEP=s-1"):
        run_step(deployment, train_step(where, DataVersion("films"), "m-1"))


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_step_that_failed_is_told_apart_from_one_that_was_cancelled(
    monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    class Ended(FakeCluster):
        def describe(self, step_id: str) -> dict[str, Any]:
            return {"Id": step_id, "Name": "train-m-1", "Status": {"State": state}}

    monkeypatch.setattr(running_steps, "EmrCluster", Ended)
    monkeypatch.setattr("boto3.client", lambda _: None)
    monkeypatch.setattr(running_steps, "stored_log", lambda *_: None)
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = {"cluster-id": "j-1"}
    where = StepLocations("s3://scripts/", "ratings", "models", "results")

    with pytest.raises(OperationError, match=f"ended {state.lower()}") as raised:
        run_step(deployment, train_step(where, DataVersion("films"), "m-1"))

    failed = isinstance(raised.value, StepFailed) and raised.value.step_name
    assert failed == ("train-m-1" if state == "FAILED" else False)
