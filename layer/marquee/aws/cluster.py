"""The EMR cluster: add steps and read their states."""

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from marquee.requests.emr_step_requests import StepRequest
from marquee.requests.ports import ClusterGoneError, StepState

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient

# EMR lists a cluster's newest 1,000 steps, 50 per page. A step whose end is still awaited is among
# the newest few hundred, because a cluster holds at most 256 steps that have not ended.
_MAX_PAGES = 10


class EmrCluster:
    """Implements `requests.ports.Cluster`."""

    def __init__(
        self,
        emr: "EMRClient",
        cluster_id: str,
        reader: "EMRClient | None" = None,
        former: Sequence[str] = (),
    ) -> None:
        """Use the cluster of this id.

        Args:
            emr: the client that adds steps. It must not retry.
            cluster_id: the cluster that gets new steps.
            reader: the client that reads states, by default `emr`. It may retry.
            former: the ids of the clusters that this one replaces. They get no new steps, but
                their steps must not be added here again: both would write the same results.
        """
        self._emr, self._reader, self.cluster_id = emr, reader or emr, cluster_id
        self._former = tuple(former)

    def add(self, steps: Sequence[StepRequest]) -> list[str]:
        """Call AddJobFlowSteps.

        EMR does not recognise a repeated call. If the response is lost, the steps may have been
        added.
        """
        try:
            answer = self._emr.add_job_flow_steps(JobFlowId=self.cluster_id, Steps=list(steps))  # type: ignore[arg-type]
        except ClientError as error:
            raise self._gone(error) or error from error
        return answer["StepIds"]

    def describe(self, step_id: str) -> dict[str, Any]:
        """Return a step as EMR describes it (`Id`, `Name`, `Status`…)."""
        step = self._reader.describe_step(ClusterId=self.cluster_id, StepId=step_id)["Step"]
        return dict(step)

    def step_states(
        self, names: Iterable[str], since: datetime | None = None
    ) -> dict[str, StepState]:
        """List the newest 500 steps of this cluster, then those of the former clusters.

        A step of this cluster takes precedence over one of the same name on a former cluster.
        Former clusters that are gone are skipped.

        Raises:
            ClusterGoneError: if this cluster is gone.
        """
        wanted, found = set(names), self._states(self.cluster_id, set(names), since)
        for cluster_id in self._former:
            with suppress(ClusterGoneError):  # its steps were cancelled or never existed
                found = self._states(cluster_id, wanted - found.keys(), since) | found
        return found

    def _states(
        self, cluster_id: str, wanted: Set[str], since: datetime | None
    ) -> dict[str, StepState]:
        found = dict[str, StepState]()
        if not wanted:
            return found
        for step in self._newest_first(cluster_id):
            if since is not None and step["Status"]["Timeline"]["CreationDateTime"] < since:
                break
            name = step["Name"]
            if name in wanted and name not in found:
                found[name] = StepState(step["Status"]["State"])
                if len(found) == len(wanted):
                    break
        return found

    def active_step_names(self) -> list[str]:
        """Return the names of this cluster's pending and running steps, newest first."""
        return [
            step["Name"] for step in self._newest_first(self.cluster_id, ["PENDING", "RUNNING"])
        ]

    def _newest_first(
        self, cluster_id: str, states: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {"ClusterId": cluster_id}
        if states:
            request["StepStates"] = list(states)
        for _ in range(_MAX_PAGES):
            try:
                answer = self._reader.list_steps(**request)
            except ClientError as error:
                raise self._gone(error) or error from error
            yield from (dict(step) for step in answer["Steps"])
            if "Marker" not in answer:
                break
            request["Marker"] = answer["Marker"]

    def _gone(self, error: ClientError) -> ClusterGoneError | None:
        """Return a ClusterGoneError if the error means that the cluster is gone, otherwise None."""
        code = error.response["Error"]["Code"]
        message = error.response["Error"].get("Message", "").lower()
        terminated = "terminated" in message or "shutting down" in message
        if code in ("ValidationException", "InvalidRequestException") and (
            terminated or "is not valid" in message
        ):
            return ClusterGoneError(
                f"cluster {self.cluster_id} is terminated; run 'make deploy' to create a new one"
            )
        return None
