"""EMR's operations on steps and clusters' states; requests and answers have boto3's form."""

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
    State,
    Step,
    StepFailure,
    Steps,
)

MAXIMUM_ACTIVE_STEPS = 256
MAXIMUM_ARGUMENT_CHARACTERS = 10_240
MAXIMUM_CONCURRENCY = 256
MAXIMUM_NAME_CHARACTERS = 256
MAXIMUM_LISTED_IDS = 10
PAGE = 50
# States in which a cluster does not run steps yet, and states in which it no longer does.
NOT_YET = ("STARTING", "BOOTSTRAPPING")
ENDING = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
# EMR's messages about a waiting cluster: without a previous step, and by the last step's state.
READY = "Cluster ready to run steps."
READY_AGAIN = {
    State.COMPLETED: "Cluster ready after last step completed.",
    State.FAILED: "Cluster ready after last step failed.",
    State.CANCELLED: "Cluster ready after last step cancelled.",
}

Request = dict[str, Any]
Response = dict[str, Any]


class EmrError(Exception):
    """An API error with its error code; the HTTP status is always 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> EmrError:
    """Return the error for a request that names something unknown or has an invalid parameter."""
    return EmrError("InvalidRequestException", message)


def refused(message: str) -> EmrError:
    """Return the error for a request that is not allowed."""
    return EmrError("ValidationException", message)


class Record(Protocol):
    """The part of moto's record of a cluster that steps read and change."""

    state: str
    step_concurrency_level: int
    keep_job_flow_alive_when_no_steps: bool

    @property
    def protected(self) -> bool:
        """Whether the cluster has termination protection."""

    def end(self, state: str) -> None:
        """End the cluster and its instances; the cluster's final state is `state` (TERMINATED…)."""


@dataclass
class LocalCluster:
    """One cluster: its configuration, as far as steps need it, its steps and its history."""

    id: str
    name: str
    account: str
    region: str
    log_uri: str
    configurations: list[dict[str, Any]]
    record: Record
    instance_profile: str = ""
    steps: Steps = field(default_factory=Steps)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    reason_code: str = ""
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether the cluster can run steps."""
        return self.record.state not in (*NOT_YET, *ENDING)

    @property
    def ending(self) -> bool:
        """Whether the cluster is ending or has ended."""
        return self.record.state in ENDING


class Work(Protocol):
    """Runs steps in the background and calls `Operations.finished` after each."""

    def begin(self, cluster: LocalCluster, step: Step) -> None:
        """Start a step and return without waiting for it."""

    def cancel(self, step: Step) -> None:
        """Begin to end a running step."""


Publish = Callable[[LocalCluster, list[dict[str, Any]]], None]
# Runs an action after a short delay, which stands for minutes on AWS.
Later = Callable[[Callable[[], None]], None]


class Operations:
    """The steps and states of all clusters.

    Each method that takes a `Request` answers one API operation. The other methods are for callers
    inside the local EMR.
    """

    def __init__(self, work: Work, publish: Publish, later: Later) -> None:
        self.work = work
        self.publish = publish
        self.later = later
        self.lock = threading.RLock()
        self.clusters: dict[str, LocalCluster] = {}

    def cluster(self, cluster_id: str) -> LocalCluster:
        """Return the cluster with this id.

        Raises:
            EmrError: if there is none.
        """
        try:
            return self.clusters[cluster_id]
        except KeyError:
            raise invalid(f"Cluster id '{cluster_id}' is not valid.") from None

    def add_cluster(self, cluster: LocalCluster, steps: list[dict[str, Any]]) -> None:
        """Start a cluster that RunJobFlow created, with its first steps (as in the request)."""
        with self.lock:
            self.clusters[cluster.id] = cluster
            self.set_state(cluster, "STARTING", "Provisioning Amazon EC2 capacity")
            if steps:
                self.add_job_flow_steps({"JobFlowId": cluster.id, "Steps": steps})
        self.later(lambda: self.bootstrap(cluster))

    def bootstrap(self, cluster: LocalCluster) -> None:
        """Start the bootstrap actions of a cluster whose instances run."""
        with self.lock:
            if cluster.ending:
                return
            self.set_state(cluster, "BOOTSTRAPPING", "Running bootstrap actions")
        self.later(lambda: self.become_ready(cluster))

    def become_ready(self, cluster: LocalCluster) -> None:
        """Mark a cluster as ready and start its first steps, if it has any."""
        with self.lock:
            if cluster.ending:
                return
            cluster.ready_at = datetime.now(UTC)
            self.run_steps(cluster)
            self.publish_step_changes(cluster)

    def set_state(self, cluster: LocalCluster, state: str, reason: str, code: str = "") -> None:
        """Set a cluster's state and its reason, and publish an event if the state has changed."""
        changed = cluster.record.state != state
        cluster.reason, cluster.reason_code = reason, code
        cluster.record.state = state
        # EMR publishes events for all states except these two.
        if changed and state not in ("BOOTSTRAPPING", "TERMINATING"):
            self.publish(cluster, [self.state_event(cluster, state, code)])

    def add_job_flow_steps(self, request: Request) -> Response:
        """AddJobFlowSteps: append the steps and start those that may start.

        Raises:
            EmrError: if the cluster is unknown or ending, a step is invalid, or there would be too
                many active steps.
        """
        with self.lock:
            cluster = self.cluster(request["JobFlowId"])
            if cluster.ending:
                raise refused(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            steps = [
                accepted_step(step, cluster.record.step_concurrency_level)
                for step in request.get("Steps", [])
            ]
            if len(cluster.steps.in_state(*ACTIVE)) + len(steps) > MAXIMUM_ACTIVE_STEPS:
                raise refused(
                    "Maximum number of active steps(State = 'Running', 'Pending' or "
                    "'Cancel_Pending') for cluster exceeded."
                )
            cluster.steps.add(steps)
            self.advance(cluster)
            return {"StepIds": [step.id for step in steps]}

    def describe_step(self, request: Request) -> Response:
        """DescribeStep: return one step."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            step = cluster.steps.get(request["StepId"])
            if step is None:
                raise invalid(f"Step id '{request['StepId']}' is not valid.")
            return {"Step": step_description(step)}

    def list_steps(self, request: Request) -> Response:
        """ListSteps: return one page of steps, newest first, filtered by state and by id."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            steps = list(reversed(cluster.steps.all))
            if wanted := request.get("StepIds"):
                if len(wanted) > MAXIMUM_LISTED_IDS:
                    raise invalid(
                        f"ListSteps allows up to {MAXIMUM_LISTED_IDS} StepIds, not {len(wanted)}."
                    )
                steps = [step for step in steps if step.id in wanted]
            if states := request.get("StepStates"):
                steps = [step for step in steps if step.state in states]
            start = page_start(request.get("Marker"), len(steps))
            page = steps[start : start + PAGE]
            more = {"Marker": str(start + PAGE)} if start + PAGE < len(steps) else {}
            return {"Steps": [step_description(step) for step in page], **more}

    def cancel_steps(self, request: Request) -> Response:
        """CancelSteps: cancel pending steps immediately; running steps as soon as they end."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            ids = request.get("StepIds", [])
            if len(ids) > MAXIMUM_ACTIVE_STEPS:
                raise invalid(
                    f"CancelSteps allows up to {MAXIMUM_ACTIVE_STEPS} StepIds, not {len(ids)}."
                )
            if unknown := [name for name in ids if cluster.steps.get(name) is None]:
                raise invalid(f"Step id '{unknown[0]}' is not valid.")
            outcome = [self.cancel_step(cluster, step_id) for step_id in ids]
            self.advance(cluster)
            return {"CancelStepsInfoList": outcome}

    def cancel_step(self, cluster: LocalCluster, step_id: str) -> Response:
        """Cancel one step and return the entry about it in the answer of CancelSteps."""
        step = cluster.steps.get(step_id)
        if step is None or not cluster.steps.cancel(step):
            state = step.state if step else "unknown"
            reason = f"Step is not in a cancellable state: {state}."
            return {"StepId": step_id, "Status": "FAILED", "Reason": reason}
        if step.state is State.CANCEL_PENDING:
            self.work.cancel(step)
        return {"StepId": step_id, "Status": "SUBMITTED"}

    def modify_cluster(self, request: Request) -> Response:
        """ModifyCluster: change the step concurrency level."""
        with self.lock:
            cluster = self.cluster(request["ClusterId"])
            level = request.get("StepConcurrencyLevel", cluster.record.step_concurrency_level)
            if not 1 <= level <= MAXIMUM_CONCURRENCY:
                raise refused(
                    f"StepConcurrencyLevel must be 1 to {MAXIMUM_CONCURRENCY}, not {level}."
                )
            cluster.record.step_concurrency_level = level
            self.advance(cluster)
            return {"StepConcurrencyLevel": level}

    def set_keep_alive(self, request: Request) -> Response:
        """SetKeepJobFlowAliveWhenNoSteps: change whether clusters outlive their last step."""
        with self.lock:
            for cluster_id in request.get("JobFlowIds", []):
                cluster = self.cluster(cluster_id)
                keep = bool(request["KeepJobFlowAliveWhenNoSteps"])
                cluster.record.keep_job_flow_alive_when_no_steps = keep
                self.advance(cluster)
            return {}

    def terminate(self, cluster: LocalCluster, state: str, code: str, message: str) -> None:
        """Cancel a cluster's steps and, after a short delay, end the cluster.

        Does nothing if the cluster is ending already.

        Args:
            cluster: the cluster.
            state: its final state.
            code: EMR's code of the reason, e.g. USER_REQUEST.
            message: EMR's message of the reason.
        """
        with self.lock:
            if cluster.ending:
                return
            self.set_state(cluster, "TERMINATING", message, code)
            cluster.steps.cancel_pending("Job terminated")
            for step in cluster.steps.in_state(State.RUNNING):
                cluster.steps.cancel(step)
                self.work.cancel(step)
            self.publish_step_changes(cluster)
        self.later(lambda: self.ended(cluster, state))

    def ended(self, cluster: LocalCluster, state: str) -> None:
        """End a cluster and its instances, and publish its final state."""
        with self.lock:
            cluster.ended_at = datetime.now(UTC)
            cluster.record.end(state)
            self.publish(cluster, [self.state_event(cluster, state, cluster.reason_code)])

    def finished(self, cluster: LocalCluster, step: Step, failure: StepFailure | None) -> None:
        """Record that a step's process ended, take its action on failure and start the next step.

        Args:
            cluster: the step's cluster.
            step: the step.
            failure: why it failed, or None if it succeeded.
        """
        with self.lock:
            cluster.steps.finish(step, failure, cluster.record.step_concurrency_level)
            # EMR does not terminate a cluster that may run several steps at the same time.
            alone = cluster.record.step_concurrency_level == 1
            if alone and step.state is State.FAILED and step.action_on_failure in TERMINATE:
                message = "Shut down as step failed"
                self.terminate(cluster, "TERMINATED_WITH_ERRORS", "STEP_FAILURE", message)
            self.advance(cluster)

    def advance(self, cluster: LocalCluster) -> None:
        """Start the steps that may start, if the cluster is ready, and publish all changes."""
        if cluster.ready:
            self.run_steps(cluster)
        self.publish_step_changes(cluster)

    def run_steps(self, cluster: LocalCluster) -> None:
        """Start the steps that may start, and set the cluster's state accordingly.

        A cluster without work is terminated unless it must stay alive when it has no steps.
        """
        for step in cluster.steps.start_next(cluster.record.step_concurrency_level):
            self.work.begin(cluster, step)
        busy = bool(cluster.steps.in_state(*BUSY))
        if busy:
            self.set_state(cluster, "RUNNING", "Running step")
        else:
            last = cluster.steps.last_ended()
            self.set_state(cluster, "WAITING", READY_AGAIN[last.state] if last else READY)
        done = bool(cluster.steps.all) and not busy
        if done and not cluster.record.keep_job_flow_alive_when_no_steps:
            self.terminate(cluster, "TERMINATED", "ALL_STEPS_COMPLETED", "Steps completed")

    def publish_step_changes(self, cluster: LocalCluster) -> None:
        """Publish the changes of the cluster's steps since the last call."""
        changes = cluster.steps.take_changes()
        self.publish(cluster, [step_event(change, cluster.id, cluster.name) for change in changes])

    def state_event(self, cluster: LocalCluster, state: str, code: str) -> dict[str, Any]:
        """Return the event for a cluster's new state."""
        return cluster_event(cluster.id, cluster.name, state, code, datetime.now(UTC))


def accepted_step(step: dict[str, Any], concurrency: int) -> Step:
    """Return a step of a request, after checking it.

    Args:
        step: the step in the request.
        concurrency: the cluster's step concurrency level.

    Raises:
        EmrError: if the step is invalid; the message names the problem.
    """
    name = step.get("Name", "")
    if len(name) > MAXIMUM_NAME_CHARACTERS:
        raise refused(
            f"Step {name[:40]}…: its name has {len(name)} characters; "
            f"EMR allows {MAXIMUM_NAME_CHARACTERS}."
        )
    action = step.get("ActionOnFailure", "TERMINATE_CLUSTER")
    if action not in ACTIONS_ON_FAILURE:
        raise refused(f"Step {name}: ActionOnFailure {action} is none of {ACTIONS_ON_FAILURE}.")
    if concurrency > 1 and action != CONTINUE:
        raise refused(
            f"Step {name}: ActionOnFailure must be CONTINUE if StepConcurrencyLevel is "
            f"greater than 1, not {action}."
        )
    accepted = Step(
        name=name, action_on_failure=action, jar_step=dict(step.get("HadoopJarStep") or {})
    )
    check_command(accepted)
    return accepted


def check_command(step: Step) -> None:
    """Check that EMR and this machine can run the step's command.

    Raises:
        EmrError: if they cannot.
    """
    length = sum(map(len, jar_step_strings(step.jar_step)))
    if length > MAXIMUM_ARGUMENT_CHARACTERS:
        raise refused(
            f"Step {step.name}: the strings of its HadoopJarStep have {length} characters in all; "
            f"EMR allows {MAXIMUM_ARGUMENT_CHARACTERS}."
        )
    jar = str(step.jar_step.get("Jar", ""))
    if jar.rpartition("/")[2] != spark_submit.COMMAND_RUNNER:
        raise refused(
            f"Step {step.name}: the local EMR runs {spark_submit.COMMAND_RUNNER} steps only, "
            f"not {jar}."
        )
    try:
        spark_submit.parse_command_line(step.arguments)
    except spark_submit.SparkSubmitError as error:
        raise refused(f"Step {step.name}: {error}.") from error


def jar_step_strings(value: object) -> list[str]:
    """Return every string value in a HadoopJarStep; AddJobFlowSteps limits their total length."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [part for item in value.values() for part in jar_step_strings(item)]
    if isinstance(value, list):
        return [part for item in value for part in jar_step_strings(item)]
    return []


def page_start(marker: str | None, count: int) -> int:
    """Return the index of a page's first item.

    Args:
        marker: the request's Marker, or None for the first page.
        count: the number of items.

    Raises:
        EmrError: if the marker is not one that ListSteps returned.
    """
    if marker is None:
        return 0
    if not marker.isdigit() or int(marker) > count:
        raise invalid(f"Marker '{marker}' is not valid.")
    return int(marker)


def step_description(step: Step) -> dict[str, Any]:
    """Return a step as DescribeStep and ListSteps show it."""
    status: dict[str, Any] = {
        "State": step.state.value,
        # StepStateChangeReason of EMR has a message but no code.
        "StateChangeReason": {"Message": step.reason} if step.reason else {},
        "Timeline": timeline(
            CreationDateTime=step.created_at,
            StartDateTime=step.started_at,
            EndDateTime=step.ended_at,
        ),
    }
    if step.failure:
        status["FailureDetails"] = {
            "Reason": step.failure.reason,
            "Message": step.failure.message,
            **({"LogFile": step.failure.log_file} if step.failure.log_file else {}),
        }
    properties = step.jar_step.get("Properties")
    config = {
        "Jar": step.jar_step.get("Jar", ""),
        "Args": step.arguments,
        "Properties": {
            pair["Key"]: pair["Value"]
            for pair in (properties if isinstance(properties, list) else [])
        },
    }
    return {
        "Id": step.id,
        "Name": step.name,
        "ActionOnFailure": step.action_on_failure,
        "Config": without_empty_lists(config),
        "Status": status,
    }


def cluster_status(cluster: LocalCluster) -> dict[str, Any]:
    """Return a cluster's Status as DescribeCluster and ListClusters show it."""
    code = {"Code": cluster.reason_code} if cluster.reason_code else {}
    return {
        "State": cluster.record.state,
        "StateChangeReason": {**code, "Message": cluster.reason},
        "Timeline": timeline(
            CreationDateTime=cluster.created_at,
            ReadyDateTime=cluster.ready_at,
            EndDateTime=cluster.ended_at,
        ),
    }


def timeline(**times: datetime | None) -> dict[str, datetime]:
    """Return the times that are set."""
    return {name: at for name, at in times.items() if at}


def without_empty_lists(value: Any) -> Any:
    """Return a description without empty lists at any depth, as EMR shows it.

    Empty maps stay: EMR returns a configuration without properties with `"Properties": {}`.
    Terraform compares this with its `configurations_json` and replaces the cluster if they differ
    (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/emr_cluster).
    """
    if isinstance(value, dict):
        return {name: without_empty_lists(item) for name, item in value.items() if item != []}
    if isinstance(value, list):
        return [without_empty_lists(item) for item in value]
    return value


def command_line(step: Step) -> str:
    """Return a step's command, for a log line."""
    return shlex.join(step.arguments)
