"""EMR's step operations, against work that ends when the test says so."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.emr.operations import Cluster, EmrError, Operations
from local_aws.emr.steps import Failure, Step

WENT_WRONG = Failure("Unknown Error.", "ValueError", "s3://logs/stdout.gz")


@dataclass
class FakeRecord:
    """A cluster's record without moto."""

    state: str = "WAITING"
    step_concurrency_level: int = 1
    keep_job_flow_alive_when_no_steps: bool = True
    reason_code: str = ""
    protected: bool = False

    def end(self, state: str, code: str, message: str) -> None:
        self.state, self.reason_code = state, code
        assert message


@dataclass
class FakeWork:
    """Remembers what runs and what was to be cancelled."""

    begun: list[Step] = field(default_factory=list)
    cancelled: list[Step] = field(default_factory=list)

    def begin(self, cluster: Cluster, step: Step) -> None:
        self.begun.append(step)

    def cancel(self, step: Step) -> None:
        self.cancelled.append(step)


class Emr:
    """Operations on one cluster, `j-1`, with what they did."""

    def __init__(self, **record: Any) -> None:
        self.work = FakeWork()
        self.events: list[dict[str, Any]] = []
        self.operations = Operations(self.work, lambda _cluster, events: self.events.extend(events))
        self.record = FakeRecord(**record)
        self.cluster = Cluster("j-1", "marquee", "0", "us-east-1", "", [], self.record)
        self.operations.add_cluster(self.cluster, [])

    def add(self, *steps: dict[str, Any]) -> list[str]:
        request = {"JobFlowId": "j-1", "Steps": list(steps)}
        ids: list[str] = self.operations.add_job_flow_steps(request)["StepIds"]
        return ids

    def end(self, failure: Failure | None = None) -> None:
        """The oldest running step ends."""
        self.operations.finished(self.cluster, self.work.begun.pop(0), failure)

    def states(self) -> list[str]:
        """States of the steps, oldest first."""
        listed = self.operations.list_steps({"ClusterId": "j-1"})["Steps"]
        return [step["Status"]["State"] for step in reversed(listed)]


def step(
    name: str = "s", action: str = "CONTINUE", args: list[str] | None = None
) -> dict[str, Any]:
    """A step as a request holds it."""
    return {
        "Name": name,
        "ActionOnFailure": action,
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": args or ["spark-submit", "s3://steps/train.py", "--dataset", "embedded"],
        },
    }


def test_the_first_step_runs_and_the_second_waits_for_it() -> None:
    emr = Emr()

    emr.add(step("train"), step("recommend"))
    before = emr.states()
    emr.end()

    assert before == ["RUNNING", "PENDING"]
    assert emr.states() == ["COMPLETED", "RUNNING"]


def test_the_cluster_is_running_while_a_step_runs_and_waiting_after_it() -> None:
    emr = Emr()

    emr.add(step())
    busy = emr.record.state
    emr.end()

    assert (busy, emr.record.state) == ("RUNNING", "WAITING")


def test_a_failed_step_tells_reason_message_and_log() -> None:
    emr = Emr()
    (step_id,) = emr.add(step())

    emr.end(WENT_WRONG)
    request = {"ClusterId": "j-1", "StepId": step_id}
    status = emr.operations.describe_step(request)["Step"]["Status"]

    assert status["State"] == "FAILED"
    assert status["FailureDetails"] == {
        "Reason": "Unknown Error.",
        "Message": "ValueError",
        "LogFile": "s3://logs/stdout.gz",
    }


def test_a_failure_with_terminate_cluster_ends_the_cluster() -> None:
    emr = Emr()
    emr.add(step(action="TERMINATE_CLUSTER"), step())

    emr.end(WENT_WRONG)

    assert (emr.record.state, emr.record.reason_code) == ("TERMINATED_WITH_ERRORS", "STEP_FAILURE")
    assert emr.states() == ["FAILED", "CANCELLED"]


def test_a_cluster_that_need_not_stay_ends_with_its_last_step() -> None:
    emr = Emr(keep_job_flow_alive_when_no_steps=False)
    emr.add(step(), step())

    emr.end()
    between = emr.record.state
    emr.end()

    assert (between, emr.record.state) == ("RUNNING", "TERMINATED")


def test_a_terminated_cluster_takes_no_step() -> None:
    emr = Emr()
    emr.operations.terminate(emr.cluster, "TERMINATED", "USER_REQUEST", "User request")

    with pytest.raises(EmrError, match="may not be modified"):
        emr.add(step())


def test_terminating_a_cluster_ends_its_running_step() -> None:
    emr = Emr()
    emr.add(step(), step())
    emr.operations.terminate(emr.cluster, "TERMINATED", "USER_REQUEST", "User request")

    (cancelled,) = emr.work.cancelled
    emr.end(WENT_WRONG)

    assert cancelled.state == "CANCELLED"
    assert emr.states() == ["CANCELLED", "CANCELLED"]


def test_two_steps_run_at_once_after_the_concurrency_level_is_raised() -> None:
    emr = Emr()
    emr.add(step(), step(), step())

    emr.operations.modify_cluster({"ClusterId": "j-1", "StepConcurrencyLevel": 2})

    assert emr.states() == ["RUNNING", "RUNNING", "PENDING"]


def test_above_a_concurrency_of_one_only_continue_is_accepted() -> None:
    emr = Emr(step_concurrency_level=2)

    with pytest.raises(EmrError, match="must be CONTINUE"):
        emr.add(step(action="CANCEL_AND_WAIT"))


def test_cancelling_tells_for_each_step_whether_it_can_be() -> None:
    emr = Emr()
    running, pending = emr.add(step(), step())

    answer = emr.operations.cancel_steps(
        {"ClusterId": "j-1", "StepIds": [running, pending, "s-UNKNOWN"]}
    )

    outcome = [info["Status"] for info in answer["CancelStepsInfoList"]]
    assert outcome == ["SUBMITTED", "SUBMITTED", "FAILED"]
    assert [cancelled.id for cancelled in emr.work.cancelled] == [running]


def test_steps_are_listed_newest_first_by_pages_of_fifty() -> None:
    emr = Emr()
    ids = emr.add(*(step(str(number)) for number in range(60)))

    first = emr.operations.list_steps({"ClusterId": "j-1"})
    second = emr.operations.list_steps({"ClusterId": "j-1", "Marker": first["Marker"]})

    assert [s["Id"] for s in first["Steps"] + second["Steps"]] == list(reversed(ids))
    assert (len(first["Steps"]), "Marker" in second) == (50, False)


def test_steps_are_listed_by_state_and_by_id() -> None:
    emr = Emr()
    running, pending = emr.add(step(), step())

    by_state = emr.operations.list_steps({"ClusterId": "j-1", "StepStates": ["PENDING"]})
    by_id = emr.operations.list_steps({"ClusterId": "j-1", "StepIds": [running]})

    assert [s["Id"] for s in by_state["Steps"]] == [pending]
    assert [s["Id"] for s in by_id["Steps"]] == [running]


def test_a_cluster_takes_no_more_than_256_active_steps() -> None:
    emr = Emr()
    emr.add(*(step() for _ in range(256)))

    with pytest.raises(EmrError, match="256"):
        emr.add(step())


def test_a_finished_step_makes_room_for_another() -> None:
    emr = Emr()
    emr.add(*(step() for _ in range(256)))
    emr.end()

    assert emr.add(step())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (step(args=["s3-dist-cp", "--src", "a"]), "spark-submit steps only, not s3-dist-cp"),
        (step(args=["spark-submit", "--verbose"]), "names no script"),
        (step(args=["spark-submit", "s3://steps/a.py", "x" * 10_241]), "EMR takes 10240"),
        (step(action="SHRUG"), "SHRUG"),
        (
            {"Name": "jar", "HadoopJarStep": {"Jar": "s3://steps/own.jar"}},
            "command-runner.jar steps only, not s3://steps/own.jar",
        ),
    ],
    ids=["other command", "no script", "too long", "action", "other jar"],
)
def test_a_step_that_cannot_run_is_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(EmrError, match=message):
        Emr().add(wrong)


def test_a_refused_step_keeps_the_others_of_its_call_out_too() -> None:
    emr = Emr()

    with pytest.raises(EmrError):
        emr.add(step(), step(action="SHRUG"))

    assert emr.states() == []


@pytest.mark.parametrize("marker", ["-1", "x", "99"])
def test_a_marker_that_was_never_given_is_refused(marker: str) -> None:
    with pytest.raises(EmrError, match=f"Marker '{marker}'"):
        Emr().operations.list_steps({"ClusterId": "j-1", "Marker": marker})


def test_an_unknown_step_is_refused_by_name() -> None:
    with pytest.raises(EmrError, match="s-NONE"):
        Emr().operations.describe_step({"ClusterId": "j-1", "StepId": "s-NONE"})


def test_every_change_of_a_step_becomes_an_event() -> None:
    emr = Emr()
    (step_id,) = emr.add(step("train"))
    emr.end(WENT_WRONG)

    told = [json.loads(event["Detail"]) for event in emr.events if "Step" in event["DetailType"]]

    assert [detail["state"] for detail in told] == ["PENDING", "RUNNING", "FAILED"]
    assert {(d["stepId"], d["name"], d["clusterId"]) for d in told} == {(step_id, "train", "j-1")}
    assert [detail["severity"] for detail in told] == ["INFO", "INFO", "ERROR"]


def test_a_cluster_that_ends_becomes_an_event() -> None:
    emr = Emr()

    emr.operations.terminate(emr.cluster, "TERMINATED", "USER_REQUEST", "User request")

    last = emr.events[-1]
    assert last["DetailType"] == "EMR Cluster State Change"
    assert json.loads(last["Detail"])["state"] == "TERMINATED"
