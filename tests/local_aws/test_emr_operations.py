"""EMR's step operations, with work that ends when the test ends it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.emr.operations import (
    EmrError,
    LocalCluster,
    Operations,
    cluster_status,
    without_empty_lists,
)
from local_aws.emr.steps import Step, StepFailure
from tests.local_aws.emr_record import FakeRecord

WENT_WRONG = StepFailure("Unknown Error.", "ValueError", "s3://logs/stdout.gz")


@dataclass
class FakeWork:
    """Recorder of the steps that were begun and cancelled."""

    begun: list[Step] = field(default_factory=list)
    cancelled: list[Step] = field(default_factory=list)

    def begin(self, cluster: LocalCluster, step: Step) -> None:
        self.begun.append(step)

    def cancel(self, step: Step) -> None:
        self.cancelled.append(step)


class Emr:
    """Operations on one cluster, `j-1`, that record their effects.

    Args:
        steps: the cluster's first steps, as a request holds them.
        ready: end the transient states of the new cluster first.
        record: fields of `FakeRecord`.
    """

    def __init__(self, *steps: dict[str, Any], ready: bool = True, **record: Any) -> None:
        self.work = FakeWork()
        self.events: list[dict[str, Any]] = []
        self.delayed: list[Callable[[], None]] = []
        self.operations = Operations(
            self.work,
            lambda _cluster, events: self.events.extend(events),
            self.delayed.append,
        )
        self.record = FakeRecord(**record)
        self.cluster = LocalCluster("j-1", "marquee", "0", "us-east-1", "", [], self.record)
        self.operations.add_cluster(self.cluster, list(steps))
        while ready and self.delayed:
            self.wait()

    def wait(self) -> None:
        """End the oldest transient state."""
        self.delayed.pop(0)()

    def terminate(self) -> None:
        """Terminate the cluster as a user does."""
        self.operations.terminate(
            self.cluster, "TERMINATED", "USER_REQUEST", "Terminated by user request"
        )

    def status(self) -> tuple[str, dict[str, str]]:
        """Return the cluster's state and the reason for it."""
        status = cluster_status(self.cluster)
        return status["State"], status["StateChangeReason"]

    def add(self, *steps: dict[str, Any]) -> list[str]:
        request = {"JobFlowId": "j-1", "Steps": list(steps)}
        ids: list[str] = self.operations.add_job_flow_steps(request)["StepIds"]
        return ids

    def end(self, failure: StepFailure | None = None) -> None:
        """End the oldest running step."""
        self.operations.finished(self.cluster, self.work.begun.pop(0), failure)

    def states(self) -> list[str]:
        """Return the states of the steps, oldest first."""
        listed = self.operations.list_steps({"ClusterId": "j-1"})["Steps"]
        return [step["Status"]["State"] for step in reversed(listed)]


def step(
    name: str = "s", action: str = "CONTINUE", args: list[str] | None = None
) -> dict[str, Any]:
    """Return a step as a request holds it."""
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


def test_a_failed_step_reports_reason_message_and_log() -> None:
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

    terminating = emr.record.state
    emr.wait()

    assert terminating == "TERMINATING"
    assert emr.status() == (
        "TERMINATED_WITH_ERRORS",
        {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"},
    )
    assert emr.states() == ["FAILED", "CANCELLED"]


def test_a_cluster_that_is_not_kept_alive_ends_with_its_last_step() -> None:
    emr = Emr(keep_job_flow_alive_when_no_steps=False)
    emr.add(step(), step())

    emr.end()
    between = emr.record.state
    emr.end()
    emr.wait()

    assert (between, emr.record.state) == ("RUNNING", "TERMINATED")


@pytest.mark.parametrize("state", ["TERMINATING", "TERMINATED"])
def test_a_cluster_that_ends_or_has_ended_rejects_steps(state: str) -> None:
    emr = Emr()
    emr.terminate()
    if state == "TERMINATED":
        emr.wait()

    with pytest.raises(
        EmrError, match="shutting down, terminated, or finished may not be"
    ) as error:
        emr.add(step())

    assert (emr.record.state, error.value.code) == (state, "ValidationException")


def test_a_new_cluster_starts_bootstraps_and_then_waits() -> None:
    emr = Emr(ready=False)

    seen = [emr.status()]
    while emr.delayed:
        emr.wait()
        seen.append(emr.status())

    assert seen == [
        ("STARTING", {"Message": "Provisioning Amazon EC2 capacity"}),
        ("BOOTSTRAPPING", {"Message": "Running bootstrap actions"}),
        ("WAITING", {"Message": "Cluster ready to run steps."}),
    ]


def test_steps_of_a_cluster_that_starts_are_pending_until_it_is_ready() -> None:
    emr = Emr(step("first"), ready=False)

    emr.add(step("second"))
    starting = emr.states()
    emr.wait()
    bootstrapping = emr.states()
    emr.wait()

    assert starting == bootstrapping == ["PENDING", "PENDING"]
    assert emr.states() == ["RUNNING", "PENDING"]
    assert emr.status() == ("RUNNING", {"Message": "Running step"})


def test_a_pending_step_of_a_cluster_that_starts_can_be_cancelled() -> None:
    emr = Emr(ready=False)
    ids = emr.add(step())

    emr.operations.cancel_steps({"ClusterId": "j-1", "StepIds": ids})

    assert (emr.states(), emr.record.state) == (["CANCELLED"], "STARTING")


@pytest.mark.parametrize("moments", [0, 1], ids=["starting", "bootstrapping"])
def test_a_cluster_ended_before_it_is_ready_never_runs(moments: int) -> None:
    emr = Emr(step(), ready=False)
    for _ in range(moments):
        emr.wait()

    emr.terminate()
    while emr.delayed:
        emr.wait()

    assert (emr.record.state, emr.states(), emr.work.begun) == ("TERMINATED", ["CANCELLED"], [])


@pytest.mark.parametrize(
    ("failure", "word"), [(None, "completed"), (WENT_WRONG, "failed")], ids=["completed", "failed"]
)
def test_a_waiting_cluster_reports_the_outcome_of_its_last_step(
    failure: StepFailure | None, word: str
) -> None:
    emr = Emr(step())

    emr.end(failure)

    assert emr.status() == ("WAITING", {"Message": f"Cluster ready after last step {word}."})


def test_the_timeline_of_a_cluster_holds_the_times_of_past_events() -> None:
    emr = Emr(ready=False)

    def times() -> list[str]:
        return list(cluster_status(emr.cluster)["Timeline"])

    starting = times()
    while emr.delayed:
        emr.wait()
    waiting = times()
    emr.terminate()
    emr.wait()

    assert starting == ["CreationDateTime"]
    assert waiting == ["CreationDateTime", "ReadyDateTime"]
    assert times() == ["CreationDateTime", "ReadyDateTime", "EndDateTime"]


def test_a_failure_ends_no_cluster_and_no_step_where_steps_run_concurrently() -> None:
    emr = Emr(step(action="TERMINATE_CLUSTER"), step(), step())
    emr.operations.modify_cluster({"ClusterId": "j-1", "StepConcurrencyLevel": 2})

    emr.end(WENT_WRONG)

    assert emr.states() == ["FAILED", "RUNNING", "RUNNING"]
    assert emr.record.state == "RUNNING"


def test_empty_lists_are_left_out_of_a_description_at_every_depth_but_empty_maps_stay() -> None:
    export = {"Classification": "export", "Configurations": [], "Properties": {"A": "1"}}
    configurations = [
        {"Classification": "spark-defaults", "Configurations": [], "Properties": {"b": "2"}},
        {"Classification": "spark-env", "Configurations": [export], "Properties": {}},
    ]

    shown = without_empty_lists({"Configurations": configurations, "Tags": []})

    assert shown == {
        "Configurations": [
            {"Classification": "spark-defaults", "Properties": {"b": "2"}},
            {
                "Classification": "spark-env",
                "Configurations": [{"Classification": "export", "Properties": {"A": "1"}}],
                "Properties": {},
            },
        ]
    }


def test_terminating_a_cluster_ends_its_running_step() -> None:
    emr = Emr()
    emr.add(step(), step())
    emr.terminate()

    (cancelled,) = emr.work.cancelled
    emr.end(WENT_WRONG)

    assert cancelled.state == "CANCELLED"
    assert emr.states() == ["CANCELLED", "CANCELLED"]


def test_two_steps_run_concurrently_after_the_concurrency_level_is_raised() -> None:
    emr = Emr()
    emr.add(step(), step(), step())

    emr.operations.modify_cluster({"ClusterId": "j-1", "StepConcurrencyLevel": 2})

    assert emr.states() == ["RUNNING", "RUNNING", "PENDING"]


def test_above_a_concurrency_of_one_only_continue_is_accepted() -> None:
    emr = Emr(step_concurrency_level=2)

    with pytest.raises(EmrError, match="must be CONTINUE"):
        emr.add(step(action="CANCEL_AND_WAIT"))


def test_cancelling_reports_for_each_step_whether_it_is_possible() -> None:
    emr = Emr()
    done, running, pending = emr.add(step(), step(), step())
    emr.end()

    answer = emr.operations.cancel_steps({"ClusterId": "j-1", "StepIds": [running, pending, done]})

    outcome = [(info["StepId"], info["Status"]) for info in answer["CancelStepsInfoList"]]
    assert outcome == [(running, "SUBMITTED"), (pending, "SUBMITTED"), (done, "FAILED")]
    assert "COMPLETED" in answer["CancelStepsInfoList"][2]["Reason"]
    assert [cancelled.id for cancelled in emr.work.cancelled] == [running]


def test_cancelling_an_unknown_step_is_rejected_and_cancels_none() -> None:
    emr = Emr()
    (running,) = emr.add(step())

    with pytest.raises(EmrError, match="s-UNKNOWN") as error:
        emr.operations.cancel_steps({"ClusterId": "j-1", "StepIds": [running, "s-UNKNOWN"]})

    assert error.value.code == "InvalidRequestException"
    assert emr.states() == ["RUNNING"]


def test_more_ids_than_emr_accepts_are_rejected() -> None:
    emr = Emr()

    with pytest.raises(EmrError, match="256 StepIds, not 257"):
        emr.operations.cancel_steps({"ClusterId": "j-1", "StepIds": ["s-1"] * 257})
    with pytest.raises(EmrError, match="10 StepIds, not 11"):
        emr.operations.list_steps({"ClusterId": "j-1", "StepIds": ["s-1"] * 11})


def test_steps_are_listed_newest_first_in_pages_of_fifty() -> None:
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


def test_a_cluster_accepts_at_most_256_active_steps() -> None:
    emr = Emr()
    emr.add(*(step() for _ in range(256)))

    with pytest.raises(EmrError, match="Maximum number of active steps") as error:
        emr.add(step())

    assert error.value.code == "ValidationException"


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
        (step(args=["spark-submit", "s3://steps/a.py", "x" * 10_241]), "EMR allows 10240"),
        (step(name="n" * 257), "name has 257 characters; EMR allows 256"),
        (step(action="SHRUG"), "SHRUG"),
        (
            {"Name": "jar", "HadoopJarStep": {"Jar": "s3://steps/own.jar"}},
            "command-runner.jar steps only, not s3://steps/own.jar",
        ),
    ],
    ids=["other command", "no script", "too long", "long name", "action", "other jar"],
)
def test_a_step_that_cannot_run_is_rejected_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(EmrError, match=message):
        Emr().add(wrong)


def test_a_step_may_be_as_long_as_emr_accepts_and_no_longer() -> None:
    """AddJobFlowSteps counts every string of HadoopJarStep, not only its arguments."""

    def of_length(length: int) -> dict[str, Any]:
        made = step(name="n" * 256, args=["spark-submit", "s3://steps/a.py", ""])
        command = made["HadoopJarStep"]
        command["Properties"] = [{"Key": "k", "Value": "v"}]
        taken = len(command["Jar"]) + sum(map(len, command["Args"])) + len("kv")
        command["Args"][-1] = "x" * (length - taken)
        return made

    emr = Emr()

    assert emr.add(of_length(10_240))
    with pytest.raises(EmrError, match="10241 characters") as error:
        emr.add(of_length(10_241))
    assert error.value.code == "ValidationException"


def test_a_rejected_step_rejects_all_steps_of_its_call() -> None:
    emr = Emr()

    with pytest.raises(EmrError):
        emr.add(step(), step(action="SHRUG"))

    assert emr.states() == []


@pytest.mark.parametrize("marker", ["-1", "x", "99"])
def test_an_unknown_marker_is_rejected(marker: str) -> None:
    with pytest.raises(EmrError, match=f"Marker '{marker}'"):
        Emr().operations.list_steps({"ClusterId": "j-1", "Marker": marker})


def test_an_unknown_step_is_rejected_by_name() -> None:
    with pytest.raises(EmrError, match="s-NONE"):
        Emr().operations.describe_step({"ClusterId": "j-1", "StepId": "s-NONE"})


def test_every_change_of_a_step_becomes_an_event() -> None:
    emr = Emr()
    (step_id,) = emr.add(step("train"))
    emr.end(WENT_WRONG)

    details = [json.loads(event["Detail"]) for event in emr.events if "Step" in event["DetailType"]]

    assert [detail["state"] for detail in details] == ["PENDING", "RUNNING", "FAILED"]
    assert {(d["stepId"], d["name"], d["clusterId"]) for d in details} == {
        (step_id, "train", "j-1")
    }
    assert [detail["severity"] for detail in details] == ["INFO", "INFO", "ERROR"]


def test_a_cluster_that_ends_becomes_an_event() -> None:
    emr = Emr()

    emr.terminate()

    emr.wait()

    details = [
        json.loads(event["Detail"]) for event in emr.events if "Cluster" in event["DetailType"]
    ]
    assert [detail["state"] for detail in details] == ["STARTING", "WAITING", "TERMINATED"]
    assert json.loads(details[-1]["stateChangeReason"]) == {"code": "USER_REQUEST"}
