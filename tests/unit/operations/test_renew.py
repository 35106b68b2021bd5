"""Renewing the cluster: the order of its actions, and resuming an interrupted renewal."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from operations import renew as renewing
from operations import sam
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.renew import renew
from operations.terraform import Terraform

FORMER = "/marquee/staging/former-cluster-ids"


class Interrupted(BaseException):
    """The operator's machine stopped."""


class Account:
    """An account with one deployment, on which a fake Terraform and a fake SAM act."""

    def __init__(self) -> None:
        self.deployment = Deployment("staging")
        self.state: str | None = self.start_cluster()
        self.steps: dict[str, list[list[str]]] = {}
        self.done: list[str] = []
        self.interrupt_at = ""
        self.publish("cluster-id", self.state)
        self.publish("former-cluster-ids", "none")

    def start_cluster(self, name: str = "marquee-staging") -> str:
        instances: Any = {
            "MasterInstanceType": "m7g.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": True,
        }
        made = boto3.client("emr").run_job_flow(
            Name=name, Instances=instances, JobFlowRole="n", ServiceRole="s"
        )
        return made["JobFlowId"]

    def publish(self, name: str, value: str) -> None:
        boto3.client("ssm").put_parameter(
            Name=f"/marquee/staging/{name}", Value=value, Type="String", Overwrite=True
        )

    def published(self, name: str) -> str:
        kept = boto3.client("ssm").get_parameter(Name=f"/marquee/staging/{name}")
        return kept["Parameter"]["Value"]

    def cluster_states(self) -> dict[str, str]:
        clusters = boto3.client("emr").list_clusters()["Clusters"]
        return {each["Id"]: each["Status"]["State"] for each in clusters}

    def happens(self, what: str) -> None:
        if what == self.interrupt_at:
            self.interrupt_at = ""
            raise Interrupted
        self.done.append(what)

    def forget_cluster(self) -> None:
        self.happens("forget")
        self.state = None

    def apply(self, deployment: Deployment, _: Phases) -> None:
        """Act as Terraform does: set the parameters by the state and the variables."""
        self.happens(f"apply, former: {deployment.former_clusters}")
        self.state = self.state or self.start_cluster()
        self.publish("cluster-id", self.state)
        self.publish("former-cluster-ids", ",".join(deployment.former_clusters) or "none")
        deployment.forget_parameters()

    def deploy(self, deployment: Deployment, _: Phases) -> None:
        self.happens(f"deploy to {deployment.parameter('cluster-id')}")

    def unfinished(self, cluster_id: str) -> Iterator[str]:
        """Yield the unfinished steps of one poll after another."""
        states = boto3.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
        assert not states["State"].startswith("TERMINAT"), "it ended before its steps"
        looks = self.steps.get(cluster_id, [])
        left = looks.pop(0) if looks else []
        self.happens(f"look at steps: {len(left)}")
        yield from left


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = Account()
        monkeypatch.setattr(Terraform, "init", lambda _: None)
        monkeypatch.setattr(Terraform, "cluster_id", lambda _: made.state)
        monkeypatch.setattr(Terraform, "forget_cluster", made.forget_cluster)
        monkeypatch.setattr(renewing, "fetch_node_wheels", lambda *_: None)
        monkeypatch.setattr(sam, "build_template", lambda _: None)
        monkeypatch.setattr(renewing, "apply_terraform", made.apply)
        monkeypatch.setattr(renewing, "deploy_functions", made.deploy)
        monkeypatch.setattr(renewing, "_unfinished_steps", made.unfinished)
        monkeypatch.setattr(renewing, "POLL_SECONDS", {True: 0.0, False: 0.0})
        yield made


def renewed(account: Account) -> str:
    account.deployment.forget_parameters()
    with Phases() as phases:
        return renew(account.deployment, phases)


def test_the_functions_switch_clusters_before_the_old_one_finishes_and_ends(
    account: Account,
) -> None:
    old = account.state
    assert old is not None
    account.steps[old] = [["train-m1", "recommend-s1"], ["recommend-s1"], []]

    sentence = renewed(account)

    new = account.state
    assert new is not None
    assert account.done == [
        "forget",
        f"apply, former: {[old]}",
        f"deploy to {new}",
        "look at steps: 2",
        "look at steps: 1",
        "look at steps: 0",
        "apply, former: []",
        f"deploy to {new}",
    ]
    assert account.cluster_states() == {old: "TERMINATED", new: "WAITING"}
    assert account.published("former-cluster-ids") == "none"
    assert sentence == f"The steps run on {new}; {old} has ended."


WHERE_INTERRUPTED: list[Callable[[str], str]] = [
    lambda old: "forget",
    lambda old: f"apply, former: ['{old}']",
    lambda old: "look at steps: 1",
    lambda old: "look at steps: 0",
]


@pytest.mark.parametrize("where", WHERE_INTERRUPTED)
def test_an_interrupted_renewal_continues_and_creates_one_new_cluster(
    account: Account, where: Callable[[str], str]
) -> None:
    old = account.state
    assert old is not None
    account.interrupt_at = where(old)
    account.steps[old] = [["recommend-s1"], [], []]
    with pytest.raises(Interrupted):
        renewed(account)
    assert account.published("former-cluster-ids") == old, "nobody knows of the old cluster"

    renewed(account)

    states = account.cluster_states()
    assert states.pop(old) == "TERMINATED"
    assert states == {account.state: "WAITING"}
    assert account.published("former-cluster-ids") == "none"


def test_a_deployment_finishes_a_renewal_interrupted_after_the_old_cluster_ended(
    account: Account,
) -> None:
    account.interrupt_at = "apply, former: []"
    with pytest.raises(Interrupted):
        renewed(account)

    assert account.deployment.former_clusters == []
    assert account.published("cluster-id") == account.state


def test_a_cluster_of_the_same_name_that_is_not_replaced_keeps_running(
    account: Account,
) -> None:
    clone = account.start_cluster()

    renewed(account)

    assert account.cluster_states()[clone] == "WAITING"


def test_a_cluster_that_has_ended_is_replaced_without_waiting(account: Account) -> None:
    old = account.state
    assert old is not None
    emr = boto3.client("emr")
    emr.set_termination_protection(JobFlowIds=[old], TerminationProtected=False)
    emr.terminate_job_flows(JobFlowIds=[old])
    renewing_unfinished: Callable[[str], list[str]] = lambda _: []  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renewing, "_unfinished_steps", renewing_unfinished)
        renewed(account)

    assert account.state != old
    assert account.cluster_states() == {old: "TERMINATED", account.state: "WAITING"}


def test_the_error_without_a_deployment_says_to_deploy(account: Account) -> None:
    boto3.client("ssm").delete_parameters(
        Names=["/marquee/staging/cluster-id", "/marquee/staging/former-cluster-ids"]
    )

    with pytest.raises(OperationError, match="make deploy ENV=staging"):
        renewed(account)


def test_the_error_without_a_cluster_in_the_state_says_to_deploy(
    account: Account,
) -> None:
    account.state = None

    with pytest.raises(OperationError, match="make deploy ENV=staging"):
        renewed(account)
    assert account.published("former-cluster-ids") == "none"
