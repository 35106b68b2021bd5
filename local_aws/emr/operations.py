"""The step operations of EMR's API, on requests and responses as boto3 has them."""

import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from local_aws.emr import spark_submit
from local_aws.emr.events import cluster_event, step_event
from local_aws.emr.steps import (
    ACTIONS_ON_FAILURE,
    ACTIVE,
    BUSY,
    CONTINUE,
    TERMINATE,
    Failure,
    State,
    Step,
    Steps,
)

MAXIMUM_ACTIVE_STEPS = 256
MAXIMUM_ARGUMENT_CHARACTERS = 10_240
MAXIMUM_CONCURRENCY = 256
PAGE = 50

Request = dict[str, Any]
Response = dict[str, Any]


class EmrError(Exception):
    """An error of the API; `code` is what SDKs call its error code. Always answered with 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> EmrError:
    """The error for a request that names something that is not there."""
    return EmrError("InvalidRequestException", message)


def refused(message: str) -> EmrError:
    """The error for a request that asks for what may not be."""
    return EmrError("ValidationException", message)


class Record(Protocol):
    """What moto keeps of a cluster, as far as steps change it."""

    state: str
    step_concurrency_level: int
    keep_job_flow_alive_when_no_steps: bool
    reason_code: str

    @property
    def protected(self) -> bool:
        """Whether the cluster must not be terminated."""

    def end(self, state: str, code: str, message: str) -> None:
        """The cluster and its instances end in `state` (TERMINATED…), for a reason."""


@dataclass
class Cluster:
    """One cluster: what its steps need to know of it, its steps, and what runs."""

    id: str
    name: str
    account: str
    region: str
    log_uri: str
    configurations: list[dict[str, Any]]
    record: Record
    steps: Steps = field(default_factory=Steps)

    @property
    def terminated(self) -> bool:
        """Whether the cluster has ended."""
        return self.record.state.startswith("TERMINATED")


class Work(Protocol):
    """Runs steps in the background and calls `Operations.finished` for each."""

    def begin(self, cluster: Cluster, step: Step) -> None:
        """Start a step."""

    def cancel(self, step: Step) -> None:
        """End a running step soon."""


Publish = Callable[[Cluster, list[dict[str, Any]]], None]


class Operations:
    """Steps of all clusters. Each public method but `finished` answers one API operation."""

    def __init__(self, work: Work, publish: Publish) -> None:
        self.work = work
        self.publish = publish
        self.lock = threading.RLock()
        self.clusters: dict[str, Cluster] = {}

    def cluster(self, cluster_id: str) -> Cluster:
        """The cluster of that id; raises EmrError where there is none."""
        try:
            return self.clusters[cluster_id]
        except KeyError:
            raise invalid(f"Cluster id '{cluster_id}' is not valid.") from None

    def add_cluster(self, cluster: Cluster, steps: list[dict[str, Any]]) -> None:
        """A cluster that RunJobFlow made, with its first steps."""
        with self.lock:
            self.clusters[cluster.id] = cluster
            self.publish(cluster, [self.state_event(cluster, "WAITING", "USER_REQUEST")])
            if steps:
                self.add_job_flow_steps({"JobFlowId": cluster.id, "Steps": steps})

    def add_job_flow_steps(self, request: Request) -> Response:
        """AddJobFlowSteps: append the steps, and start what may start."""
        with self.lock:
            cluster = self.cluster(request["JobFlowId"])
            if cluster.terminated:
                raise refused(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            steps = [
                accepted_step(step, cluster.record.step_concurrency_level)
                for step in request.get("Steps", [])
            ]
            if len(cluster.steps.in_state(*ACTIVE)) + len(steps) > MAXIMUM_ACTIVE_STEPS:
                raise refused(
                    f"Maximum number of active steps (State = 'Running', 'Pending' or "
                    f"'Cancel_Pending') for cluster exceeded: {MAXIMUM_ACTIVE_STEPS}."
                )
            cluster.steps.add(steps)
            self.advance(cluster)
            return {"StepIds": [step.id for step in steps]}

    def describe_step(self, request: Request) -> Response:
        """DescribeStep."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            step = cluster.steps.get(request["StepId"])
            if step is None:
                raise invalid(f"Step id '{request['StepId']}' is not valid.")
            return {"Step": described(step)}

    def list_steps(self, request: Request) -> Response:
        """ListSteps: newest first, by pages; filtered by state and by id."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            steps = list(reversed(cluster.steps.all))
            if wanted := request.get("StepIds"):
                steps = [step for step in steps if step.id in wanted]
            if states := request.get("StepStates"):
                steps = [step for step in steps if step.state in states]
            start = page_start(request.get("Marker"), len(steps))
            page = steps[start : start + PAGE]
            more = {"Marker": str(start + PAGE)} if start + PAGE < len(steps) else {}
            return {"Steps": [described(step) for step in page], **more}

    def cancel_steps(self, request: Request) -> Response:
        """CancelSteps: pending steps at once, running ones as soon as they end."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            outcome = []
            for step_id in request.get("StepIds", []):
                step = cluster.steps.get(step_id)
                if step is not None and cluster.steps.cancel(step):
                    outcome.append({"StepId": step_id, "Status": "SUBMITTED"})
                    if step.state is State.CANCEL_PENDING:
                        self.work.cancel(step)
                else:
                    reason = "Step is not in a cancellable state." if step else "Unknown step."
                    outcome.append({"StepId": step_id, "Status": "FAILED", "Reason": reason})
            self.advance(cluster)
            return {"CancelStepsInfoList": outcome}

    def modify_cluster(self, request: Request) -> Response:
        """ModifyCluster: the step concurrency level."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            level = request.get("StepConcurrencyLevel", cluster.record.step_concurrency_level)
            if not 1 <= level <= MAXIMUM_CONCURRENCY:
                raise refused(f"StepConcurrencyLevel must be 1 to {MAXIMUM_CONCURRENCY}: {level}.")
            cluster.record.step_concurrency_level = level
            self.advance(cluster)
            return {"StepConcurrencyLevel": level}

    def set_keep_alive(self, request: Request) -> Response:
        """SetKeepJobFlowAliveWhenNoSteps."""
        with self.lock:
            for cluster_id in request.get("JobFlowIds", []):
                cluster = self.cluster(cluster_id)
                keep = bool(request["KeepJobFlowAliveWhenNoSteps"])
                cluster.record.keep_job_flow_alive_when_no_steps = keep
                self.advance(cluster)
            return {}

    def terminate(self, cluster: Cluster, state: str, code: str, message: str) -> None:
        """End a cluster and cancel what it had to do."""
        with self.lock:
            if cluster.terminated:
                return
            cluster.record.end(state, code, message)
            cluster.steps.cancel_pending("Job terminated")
            for step in cluster.steps.in_state(State.RUNNING):
                cluster.steps.cancel(step)
                self.work.cancel(step)
            self.tell(cluster)
            self.publish(cluster, [self.state_event(cluster, state, code)])

    def finished(self, cluster: Cluster, step: Step, failure: Failure | None) -> None:
        """A step's process ended; go on with the next step, or do what its failure asks for."""
        with self.lock:
            cluster.steps.finish(step, failure)
            if step.state is State.FAILED and step.action_on_failure in TERMINATE:
                message = "Shut down as step failed"
                self.terminate(cluster, "TERMINATED_WITH_ERRORS", "STEP_FAILURE", message)
            self.advance(cluster)

    def advance(self, cluster: Cluster) -> None:
        """Start what may start, and settle the cluster's state."""
        if not cluster.terminated:
            for step in cluster.steps.start_next(cluster.record.step_concurrency_level):
                self.work.begin(cluster, step)
            busy = bool(cluster.steps.in_state(*BUSY))
            cluster.record.state = "RUNNING" if busy else "WAITING"
            done = bool(cluster.steps.all) and not busy
            if done and not cluster.record.keep_job_flow_alive_when_no_steps:
                self.terminate(cluster, "TERMINATED", "ALL_STEPS_COMPLETED", "Steps completed")
        self.tell(cluster)

    def tell(self, cluster: Cluster) -> None:
        """Publish what happened to the cluster's steps."""
        changes = cluster.steps.take_changes()
        self.publish(cluster, [step_event(change, cluster.id, cluster.name) for change in changes])

    def state_event(self, cluster: Cluster, state: str, code: str) -> dict[str, Any]:
        """The event of a cluster's new state."""
        return cluster_event(cluster.id, cluster.name, state, code, datetime.now(UTC))


def accepted_step(step: dict[str, Any], concurrency: int) -> Step:
    """A step of a request, checked; raises EmrError naming what is wrong with it."""
    name = step.get("Name", "")
    action = step.get("ActionOnFailure", "TERMINATE_CLUSTER")
    jar_step = dict(step.get("HadoopJarStep") or {})
    jar = str(jar_step.get("Jar", ""))
    if action not in ACTIONS_ON_FAILURE:
        raise refused(f"Step {name}: ActionOnFailure {action} is none of {ACTIONS_ON_FAILURE}.")
    if concurrency > 1 and action != CONTINUE:
        raise refused(
            f"Step {name}: ActionOnFailure must be CONTINUE where StepConcurrencyLevel is "
            f"greater than 1, not {action}."
        )
    if jar.rpartition("/")[2] != spark_submit.COMMAND_RUNNER:
        raise refused(
            f"Step {name}: the local EMR runs {spark_submit.COMMAND_RUNNER} steps only, not {jar}."
        )
    accepted = Step(name=name, action_on_failure=action, jar_step=jar_step)
    length = sum(len(part) for part in accepted.arguments)
    if length > MAXIMUM_ARGUMENT_CHARACTERS:
        raise refused(
            f"Step {name}: its arguments have {length} characters; "
            f"EMR takes {MAXIMUM_ARGUMENT_CHARACTERS}."
        )
    try:
        spark_submit.parse(accepted.arguments)
    except spark_submit.StepError as error:
        raise refused(f"Step {name}: {error}.") from error
    return accepted


def page_start(marker: str | None, count: int) -> int:
    """Index of the first item of a page; raises EmrError for a marker that is not ours."""
    if marker is None:
        return 0
    if not marker.isdigit() or int(marker) > count:
        raise invalid(f"Marker '{marker}' is not valid.")
    return int(marker)


def described(step: Step) -> dict[str, Any]:
    """A step as DescribeStep and ListSteps show it."""
    status: dict[str, Any] = {
        "State": step.state.value,
        "StateChangeReason": {"Code": "NONE", "Message": step.reason} if step.reason else {},
        "Timeline": {
            name: at
            for name, at in (
                ("CreationDateTime", step.created_at),
                ("StartDateTime", step.started_at),
                ("EndDateTime", step.ended_at),
            )
            if at
        },
    }
    if step.failure:
        status["FailureDetails"] = {
            "Reason": step.failure.reason,
            "Message": step.failure.message,
            **({"LogFile": step.failure.log_file} if step.failure.log_file else {}),
        }
    properties = step.jar_step.get("Properties")
    return {
        "Id": step.id,
        "Name": step.name,
        "ActionOnFailure": step.action_on_failure,
        "Config": {
            "Jar": step.jar_step.get("Jar", ""),
            "Args": step.arguments,
            "Properties": {
                pair["Key"]: pair["Value"]
                for pair in (properties if isinstance(properties, list) else [])
            },
        },
        "Status": status,
    }


def command_line(step: Step) -> str:
    """A step's command, for a log line."""
    return shlex.join(step.arguments)
