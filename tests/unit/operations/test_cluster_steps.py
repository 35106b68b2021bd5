"""Finding, explaining and cancelling steps of the cluster."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from operations.cluster_steps import cancel_steps, show_step_logs
from operations.deployment import Deployment
from operations.errors import OperationError


class FakeAws:
    """EMR with some steps, and S3 with their logs."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.logs: dict[str, str] = {}
        self.cancelled: list[str] = []

    def step(self, step_id: str, name: str, state: str, **status: Any) -> None:
        """Add a step that is newer than the others."""
        step = {"Id": step_id, "Name": name, "Status": {"State": state, **status}}
        self.steps.insert(0, step)

    def get_paginator(self, _: str) -> "FakeAws":
        return self

    def paginate(self, **asked: Any) -> Iterator[Any]:
        states = asked.get("StepStates")
        yield {"Steps": [s for s in self.steps if not states or s["Status"]["State"] in states]}

    def cancel_steps(self, **asked: Any) -> dict[str, Any]:
        self.cancelled = asked["StepIds"]
        ended = {s["Id"] for s in self.steps if s["Status"]["State"] == "COMPLETED"}
        return {
            "CancelStepsInfoList": [
                {"StepId": each, "Status": "FAILED", "Reason": "it is COMPLETED"}
                if each in ended
                else {"StepId": each, "Status": "SUBMITTED"}
                for each in self.cancelled
            ]
        }

    def get_object(self, **asked: Any) -> dict[str, Any]:
        if asked["Key"] not in self.logs:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = BytesIO(gzip.compress(self.logs[asked["Key"]].encode()))
        return {"Body": body, "LastModified": datetime(2026, 11, 28, 18, tzinfo=UTC)}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws()
    monkeypatch.setattr(boto3, "client", lambda _: fake)
    fake.step("s-1", "train-m1", "COMPLETED")
    fake.step("s-2", "train-m2", "FAILED", FailureDetails={"Message": "exit code 1"})
    fake.step("s-3", "recommend-abc", "RUNNING")
    fake.step("s-4", "prepare-films", "PENDING")
    return fake


@pytest.fixture
def deployment() -> Deployment:
    made = Deployment("staging")
    made.__dict__["parameters"] = {"cluster-id": "j-1", "artifacts-bucket": "artifacts"}
    return made


def test_steps_that_serve_visitors_are_not_cancelled(
    aws: FakeAws, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    cancel_steps(deployment)
    assert aws.cancelled == ["s-4"]
    assert "recommend steps that go on: 1" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["s-3", "recommend-abc"])
def test_a_step_can_be_cancelled_by_its_id_or_name(
    aws: FakeAws, deployment: Deployment, wanted: str
) -> None:
    cancel_steps(deployment, wanted)
    assert aws.cancelled == ["s-3"]


def test_the_reason_why_a_step_is_not_cancelled_is_passed_on(
    aws: FakeAws, deployment: Deployment
) -> None:
    with pytest.raises(OperationError, match=r"train-m1 \(s-1\): it is COMPLETED"):
        cancel_steps(deployment, "s-1")


def test_without_a_step_to_cancel_nothing_is_cancelled(
    aws: FakeAws, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.steps = aws.steps[2:]
    cancel_steps(deployment)
    assert aws.cancelled == []
    assert "no step to cancel" in capsys.readouterr().out


def test_an_unknown_step_is_refused_with_the_newest_ones(
    aws: FakeAws, deployment: Deployment
) -> None:
    with pytest.raises(OperationError, match=r"no step 'x'.*prepare-films \(s-4\)"):
        cancel_steps(deployment, "x")


def test_a_failed_step_is_explained_by_its_own_last_message(
    aws: FakeAws, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"line {number}" for number in range(100)]
    stderr = "\n".join([*lines, "train: there are no ratings"])
    aws.logs["logs/j-1/steps/s-2/stderr.gz"] = stderr

    show_step_logs(deployment, "train-m2")

    said = capsys.readouterr().out
    assert "ended failed: train: there are no ratings" in said
    assert "line 99" in said
    assert "line 60" not in said
    assert "stdout: not stored yet" in said


def test_a_failed_step_without_logs_has_emrs_reason(
    aws: FakeAws, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    show_step_logs(deployment, "s-2")
    assert "ended failed: exit code 1" in capsys.readouterr().out
