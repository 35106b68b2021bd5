"""Registers EMR as an emulator service: moto provides clusters, this package provides steps."""

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local_aws import emulator
from local_aws.emr import instance_profile, spark_submit
from local_aws.emr.class_archive import node_of_environment
from local_aws.emr.fleets import Fleets, as_groups, check_instances, check_scaling, requested_fleets
from local_aws.emr.operations import (
    EmrError,
    LocalCluster,
    Operations,
    accepted_step,
    cluster_status,
    refused,
    without_empty_lists,
)
from local_aws.emr.step_process import StepProcess, log_prefix
from local_aws.emr.steps import Step, StepFailure
from local_aws.emr.throttling import NoThrottle, Throttle, ThrottledError, throttle_of_environment

LOG = logging.getLogger(__name__)
api = emulator.part("aws.api")
connect_to = emulator.part("aws.connect").connect_to
plugins = emulator.part("services.plugins")

# Operations for which moto's answer is correct.
BY_MOTO = (
    "AddTags",
    "CreateSecurityConfiguration",
    "DeleteSecurityConfiguration",
    "DescribeSecurityConfiguration",
    "GetBlockPublicAccessConfiguration",
    "ListBootstrapActions",
    "ModifyInstanceGroups",
    "RemoveTags",
    "SetTerminationProtection",
    "SetVisibleToAllUsers",
)
# How long a cluster stays in a state that takes minutes on AWS: long enough for a test to see it.
MOMENT_SECONDS = 0.3


class MotoRecord:
    """Adapts moto's cluster to `operations.Record`."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster

    @property
    def protected(self) -> bool:
        """Whether the cluster has termination protection."""
        return bool(self.cluster.termination_protected)

    @property
    def state(self) -> str:
        """The cluster's state."""
        return str(self.cluster.state)

    @state.setter
    def state(self, value: str) -> None:
        self.cluster.state = value

    @property
    def step_concurrency_level(self) -> int:
        """How many steps may run at the same time."""
        return int(self.cluster.step_concurrency_level or 1)

    @step_concurrency_level.setter
    def step_concurrency_level(self, value: int) -> None:
        self.cluster.step_concurrency_level = value

    @property
    def keep_job_flow_alive_when_no_steps(self) -> bool:
        """Whether the cluster stays alive when it has no more steps."""
        return bool(self.cluster.keep_job_flow_alive_when_no_steps)

    @keep_job_flow_alive_when_no_steps.setter
    def keep_job_flow_alive_when_no_steps(self, value: bool) -> None:
        self.cluster.keep_job_flow_alive_when_no_steps = value

    def end(self, state: str) -> None:
        """End the cluster, its instance groups and their EC2 instances."""
        cluster = self.cluster
        cluster.terminate()
        cluster.state = state
        for group in cluster.instance_groups:
            group.state = "TERMINATED"
            group.end_date_time = cluster.end_datetime
        instances = [instance.ec2_instance_id for instance in cluster.ec2_instances]
        if instances:
            cluster.emr_backend.ec2_backend.terminate_instances(instances)


class LocalWork:
    """Runs steps as processes of this machine, with one thread for each step."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="emr-"))
        self.running: dict[str, StepProcess] = {}
        self.node = node_of_environment()
        self.operations: Operations | None = None

    def begin(self, cluster: LocalCluster, step: Step) -> None:
        """Start a step in the background."""
        process = StepProcess(
            step_id=step.id,
            arguments=step.arguments,
            cluster_settings=spark_submit.cluster_settings(cluster.configurations),
            work=self.folder / cluster.id / step.id,
            client=instance_profile.s3_client(
                cluster.account, cluster.region, cluster.instance_profile
            ),
            node=self.node,
            log_prefix=log_prefix(cluster.log_uri, cluster.id, step.id),
            kept=self.folder / cluster.id / "kept",  # clusters may have different permissions
        )
        self.running[step.id] = process
        threading.Thread(
            target=self.run, args=(cluster, step, process), name=f"emr-{step.id}", daemon=True
        ).start()

    def run(self, cluster: LocalCluster, step: Step, process: StepProcess) -> None:
        """Run one step to its end and report it to `Operations.finished` (in its own thread)."""
        failure: StepFailure | None = StepFailure(
            "Unknown Error.", "The local EMR failed; see the emulator's log.", ""
        )
        try:
            failure = process.run()
        except Exception:
            LOG.exception("EMR step %s failed", step.id)
        finally:
            self.running.pop(step.id, None)
            shutil.rmtree(process.work, ignore_errors=True)
            assert self.operations is not None  # noqa: S101  set before the first request
            self.operations.finished(cluster, step, failure)
            LOG.info("EMR step %s (%s) %s", step.id, step.name, step.state)

    def cancel(self, step: Step) -> None:
        """Begin to end a running step."""
        if process := self.running.get(step.id):
            process.cancel()

    def end_all(self) -> None:
        """End every running step immediately and remove all files of steps."""
        for process in list(self.running.values()):
            process.cancel(grace_seconds=0)
        shutil.rmtree(self.folder, ignore_errors=True)


class Bus:
    """Puts events on EventBridge's default bus, in order and in the background."""

    def __init__(self) -> None:
        self.sender = ThreadPoolExecutor(1, thread_name_prefix="emr-events")

    def publish(self, cluster: LocalCluster, events: list[dict[str, Any]]) -> None:
        """Queue the events to be sent in the background."""
        if events:
            self.sender.submit(self.send, cluster.account, cluster.region, events)

    def send(self, account: str, region: str, events: list[dict[str, Any]]) -> None:
        """Send events now; an event that cannot be sent is lost: EMR's delivery is best effort."""
        try:
            client = connect_to(aws_access_key_id=account, region_name=region).events
            for start in range(0, len(events), 10):
                client.put_events(Entries=events[start : start + 10])
        except Exception as error:
            LOG.warning("EMR events not sent: %s", error)


def in_a_moment(action: Callable[[], None]) -> None:
    """Run an action after MOMENT_SECONDS in a daemon thread."""
    timer = threading.Timer(MOMENT_SECONDS, action)
    timer.daemon = True
    timer.start()


def keep_security_groups(
    _original: Any,
    _backend: Any,
    emr_managed_master_security_group: str,
    emr_managed_slave_security_group: str,
    service_access_security_group: str,
    **_: Any,
) -> tuple[str, str, str]:
    """Return a cluster's security groups unchanged; replaces moto's `_manage_security_groups`.

    moto's own function creates missing groups by a call that the emulator's patched EC2 does not
    accept, and adds rules to existing groups, which Terraform would then want to remove.
    """
    return (
        emr_managed_master_security_group,
        emr_managed_slave_security_group,
        service_access_security_group,
    )


class EmrService:
    """Answers every EMR operation that the product and Terraform use."""

    def __init__(self) -> None:
        self.work = LocalWork()
        self.operations = Operations(self.work, Bus().publish, in_a_moment)
        self.work.operations = self.operations
        self.policies: dict[tuple[str, str], dict[str, Any]] = {}
        self.fleets = Fleets()
        self.subnets: dict[str, list[str]] = {}  # from which EMR may choose, by cluster of fleets

    def answers(self) -> dict[str, Any]:
        """Return the functions that answer each operation, by the operation's name.

        Each function takes the emulator's context and the request.
        """
        steps = self.operations
        return (
            dict.fromkeys(BY_MOTO, self.by_moto)
            | {
                "RunJobFlow": self.run_job_flow,
                "DescribeCluster": self.describe_cluster,
                "ListClusters": self.list_clusters,
                "AddInstanceGroups": self.of_groups,
                "ListInstanceGroups": self.of_groups,
                "ListInstances": self.of_cluster,
                "ListInstanceFleets": self.list_instance_fleets,
                "AddInstanceFleet": self.add_instance_fleet,
                "ModifyInstanceFleet": self.modify_instance_fleet,
                "TerminateJobFlows": self.terminate_job_flows,
            }
            | {
                name: lambda _context, request, answer=answer: answer(request)
                for name, answer in {
                    "AddJobFlowSteps": steps.add_job_flow_steps,
                    "CancelSteps": steps.cancel_steps,
                    "DescribeStep": steps.describe_step,
                    "ListSteps": steps.list_steps,
                    "ModifyCluster": steps.modify_cluster,
                    "SetKeepJobFlowAliveWhenNoSteps": steps.set_keep_alive,
                    "SetUnhealthyNodeReplacement": accepted_in_silence,
                }.items()
            }
            | {
                f"{verb}{kind}Policy": self.policy_answer(verb, kind)
                for kind in ("AutoTermination", "ManagedScaling")
                for verb in ("Get", "Put", "Remove")
            }
        )

    # -- clusters --------------------------------------------------------------------------------
    def by_moto(self, context: Any, _request: Any) -> Any:
        """Return moto's answer."""
        with self.operations.lock:
            return emulator.part("services.moto").call_moto(context)

    def of_cluster(self, context: Any, request: dict[str, Any]) -> Any:
        """Return moto's answer about a cluster.

        Raises:
            EmrError: if there is no such cluster.
        """
        self.operations.cluster(request["ClusterId"])
        return self.by_moto(context, request)

    def run_job_flow(self, context: Any, request: dict[str, Any]) -> Any:
        """RunJobFlow: moto creates the cluster without its steps; `operations` adds the steps."""
        from moto.emr.models import emr_backends  # noqa: PLC0415

        instances = dict(request.get("Instances", {}))
        keep_alive = bool(instances.get("KeepJobFlowAliveWhenNoSteps", False))
        steps = request.get("Steps", [])
        check_instances(instances)
        fleets = requested_fleets(instances)
        if scaling := request.get("ManagedScalingPolicy"):
            check_scaling(scaling, has_fleets=bool(fleets))
        if not request.get("JobFlowRole"):
            raise refused("InstanceProfile is required for creating cluster.")
        for step in steps:  # refuse an invalid step before the cluster exists
            accepted_step(step, request.get("StepConcurrencyLevel") or 1)
        for_moto = {name: value for name, value in request.items() if name != "Steps"}
        for_moto["Instances"] = as_groups(instances) | {"KeepJobFlowAliveWhenNoSteps": True}
        with self.operations.lock:
            answer = emulator.part("services.moto").call_moto_with_request(context, for_moto)
            cluster_id = answer["JobFlowId"]
            made = emr_backends[context.account_id][context.region].clusters[cluster_id]
            made.keep_job_flow_alive_when_no_steps = keep_alive
            cluster = LocalCluster(
                id=cluster_id,
                name=request["Name"],
                account=context.account_id,
                region=context.region,
                log_uri=request.get("LogUri", ""),
                configurations=request.get("Configurations", []),
                instance_profile=request["JobFlowRole"],
                record=MotoRecord(made),
            )
            for kind in ("AutoTermination", "ManagedScaling"):
                if policy := request.get(f"{kind}Policy"):
                    self.policies[kind, cluster_id] = policy
            if fleets:
                self.fleets.by_cluster[cluster_id] = fleets
                self.subnets[cluster_id] = instances.get("Ec2SubnetIds") or []
            self.operations.add_cluster(cluster, steps)
        return answer

    def describe_cluster(self, context: Any, request: dict[str, Any]) -> Any:
        """DescribeCluster: moto's answer, with missing and wrong fields corrected."""
        cluster = self.operations.cluster(request["ClusterId"])
        answer = self.by_moto(context, request)
        described = answer["Cluster"]
        fleets = self.fleets.of(cluster)
        described["InstanceCollectionType"] = "INSTANCE_FLEET" if fleets else "INSTANCE_GROUP"
        described["Configurations"] = cluster.configurations
        attributes = described.setdefault("Ec2InstanceAttributes", {})
        for name in ("AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"):
            attributes[name] = [group for group in attributes.get(name) or [] if group]
        attributes["RequestedEc2SubnetIds"] = self.subnets.get(cluster.id, [])
        described["Status"] = cluster_status(cluster)
        return {"Cluster": without_empty_lists(described)}

    def list_clusters(self, context: Any, request: dict[str, Any]) -> Any:
        """ListClusters: moto's answer, with the clusters' states and reasons."""
        answer = self.by_moto(context, request)
        for listed in answer.get("Clusters", []):
            listed["Status"] = cluster_status(self.operations.cluster(listed["Id"]))
        return answer

    def of_groups(self, context: Any, request: dict[str, Any]) -> Any:
        """Return moto's answer about a cluster of instance groups.

        Raises:
            EmrError: if there is no such cluster, or it has fleets.
        """
        name = request.get("ClusterId") or request.get("JobFlowId") or ""
        self.fleets.check_groups(self.operations.cluster(name))
        return self.by_moto(context, request)

    def list_instance_fleets(self, _context: Any, request: dict[str, Any]) -> Any:
        """ListInstanceFleets: the cluster's fleets; refused for a cluster of instance groups."""
        with self.operations.lock:
            return self.fleets.list_fleets(self.operations.cluster(request["ClusterId"]))

    def add_instance_fleet(self, _context: Any, request: dict[str, Any]) -> Any:
        """AddInstanceFleet: add the task fleet of a cluster of fleets."""
        with self.operations.lock:
            return self.fleets.add(self.operations.cluster(request["ClusterId"]), request)

    def modify_instance_fleet(self, _context: Any, request: dict[str, Any]) -> Any:
        """ModifyInstanceFleet: change the targets of a fleet."""
        with self.operations.lock:
            return self.fleets.modify(self.operations.cluster(request["ClusterId"]), request)

    def terminate_job_flows(self, _context: Any, request: dict[str, Any]) -> Any:
        """TerminateJobFlows: refused if any of the clusters has termination protection."""
        clusters = [self.operations.cluster(name) for name in request.get("JobFlowIds", [])]
        protected = [c.id for c in clusters if c.record.protected]
        if protected:
            raise refused(
                "Could not shut down one or more job flows since they are termination protected: "
                f"{', '.join(protected)}."
            )
        for cluster in clusters:
            self.operations.terminate(
                cluster, "TERMINATED", "USER_REQUEST", "Terminated by user request"
            )
        return {}

    def policy_answer(self, verb: str, kind: str) -> Any:
        """Return a function that gets, puts or removes a cluster's policy of one kind.

        Policies are stored and returned, but have no effect.

        Args:
            verb: `Get`, `Put` or `Remove`.
            kind: `AutoTermination` or `ManagedScaling`.
        """
        name = f"{kind}Policy"

        def answer(_context: Any, request: dict[str, Any]) -> dict[str, Any]:
            cluster = self.operations.cluster(request["ClusterId"])
            key = (kind, cluster.id)
            if verb != "Get" and cluster.ending:
                raise refused(
                    "A job flow that is shutting down, terminated, or finished may not be modified."
                )
            if verb == "Put":
                if kind == "ManagedScaling":
                    check_scaling(request[name], has_fleets=bool(self.fleets.of(cluster)))
                self.policies[key] = request[name]
            elif verb == "Remove":
                self.policies.pop(key, None)
            policy = self.policies.get(key)
            return {name: policy} if verb == "Get" and policy else {}

        return answer


def accepted_in_silence(_request: Any) -> dict[str, Any]:
    """Answer an operation that has no effect on a single machine."""
    return {}


def with_clear_errors(operation: str, answer: Any, throttle: Throttle | NoThrottle) -> Any:
    """Return an answer function that throttles calls and turns every error into a 400.

    SDKs would retry a 500 up to 25 times.

    Args:
        operation: the operation's name.
        answer: the function that answers it.
        throttle: the rate limits.
    """

    def answered(context: Any, request: Any) -> Any:
        try:
            throttle.admit(operation)
            return answer(context, request)
        except ThrottledError as error:
            raise api.CommonServiceException("ThrottlingException", str(error)) from error
        except EmrError as error:
            raise api.CommonServiceException(error.code, str(error)) from error
        except api.ServiceException:
            raise
        except Exception as error:
            LOG.exception("EMR %s", operation)
            raise api.CommonServiceException(
                "ValidationException", f"the local EMR failed at {operation}: {error!r}"
            ) from error

    return answered


def not_offered(operation: str) -> Any:
    """Return a function that refuses an operation because the product does not use it."""

    def answer(_context: Any, _request: Any) -> Any:
        raise refused(f"the local EMR does not offer {operation}; AWS does.")

    return answer


SERVICES: list[EmrService] = []


@plugins.aws_provider(api="emr", name="default")  # type: ignore[untyped-decorator]
def emr() -> Any:
    """Return the service that the emulator loads for EMR."""
    from moto.emr.models import ElasticMapReduceBackend  # noqa: PLC0415

    patch = emulator.part("utils.patch").patch
    patch(ElasticMapReduceBackend._manage_security_groups)(keep_security_groups)
    service = EmrService()
    SERVICES.append(service)
    model = emulator.part("aws.spec").load_service("emr")
    answers = service.answers()
    throttle = throttle_of_environment()
    table = {
        name: with_clear_errors(name, answers.get(name) or not_offered(name), throttle)
        for name in model.operation_names
    }
    skeleton = emulator.part("aws.skeleton").Skeleton(model, table)
    return plugins.Service("emr", skeleton=skeleton)


def end_steps() -> None:
    """End every running step, because the emulator stops."""
    for service in SERVICES:
        service.work.end_all()
