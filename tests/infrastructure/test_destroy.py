"""`make destroy` on a local AWS of its own that Terraform has filled, protected as on AWS."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localstack_client.session import Session

from local_aws.launcher import OPERATOR_ACCESS_KEY

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
NAME = "marquee-local"
SWITCH_RECOVERY = "AWS dynamodb.UpdateContinuousBackups => 200"
DELETE_TABLE = "AWS dynamodb.DeleteTable => 200"
APPLY = """
from operations.console import Phases
from operations.deploy import apply_terraform
from operations.environment import chosen

apply_terraform(chosen(), Phases())
"""


@dataclass(frozen=True)
class Filled:
    """A local AWS that holds everything Terraform makes, and nothing else."""

    port: int
    state: Path

    def client(self, service: str) -> Any:
        session = Session(
            aws_access_key_id=OPERATOR_ACCESS_KEY,
            aws_secret_access_key=OPERATOR_ACCESS_KEY,
            region_name="us-east-1",
            localstack_host=f"localhost:{self.port}",
        )
        return session.client(service)

    def python(self, *arguments: str) -> None:
        """Run Python as make does; fails with what it printed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        chosen = {"ENV": "local", "PORT": str(self.port), "MARQUEE_STATE": str(self.state)}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**kept, **chosen, "YES": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"

    def calls(self) -> str:
        """Return the emulator's log, which has a line for every call."""
        return (self.state / "local_aws.log").read_text()

    def protect(self) -> None:
        """Protect tables and cluster, which Terraform does on AWS and not on a laptop."""
        tables, clusters = self.client("dynamodb"), self.client("emr")
        for name in tables.list_tables()["TableNames"]:
            tables.update_table(TableName=name, DeletionProtectionEnabled=True)
        for cluster in clusters.list_clusters()["Clusters"]:
            clusters.set_termination_protection(
                JobFlowIds=[cluster["Id"]], TerminationProtected=True
            )

    def put_something_in(self) -> None:
        """Leave objects, an older version among them, and the secret of a first deployment."""
        objects = self.client("s3")
        for kind in ("ratings", "models"):
            for body in (b"older", b"newer"):
                objects.put_object(Bucket=f"{NAME}-{ACCOUNT}-{kind}", Key="one", Body=body)
        self.client("ssm").put_parameter(
            Name="/marquee/local/token-secret", Value="secret", Type="SecureString"
        )

    def left(self) -> dict[str, list[str]]:
        """Name everything of Marquee that is there, by kind; kinds without any are left out."""
        client = self.client
        groups = client("logs").describe_log_groups()["logGroups"]
        clusters = client("emr").list_clusters()["Clusters"]
        alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
        instance_profiles = client("iam").list_instance_profiles()["InstanceProfiles"]
        networks = client("ec2").describe_vpcs()["Vpcs"]
        parameters = client("ssm").get_parameters_by_path(Path="/marquee/", Recursive=True)
        found = {
            "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
            "queues": client("sqs").list_queues().get("QueueUrls", []),
            "tables": client("dynamodb").list_tables()["TableNames"],
            "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
            "instance profiles": [each["InstanceProfileName"] for each in instance_profiles],
            "parameters": [parameter["Name"] for parameter in parameters["Parameters"]],
            "log groups": [group["logGroupName"] for group in groups],
            "clusters": [each["Id"] for each in clusters if not ended(each)],
            "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
            "rules": [rule["Name"] for rule in client("events").list_rules()["Rules"]],
            "alarms": [alarm["AlarmName"] for alarm in alarms],
            "networks": [vpc["VpcId"] for vpc in networks if not vpc["IsDefault"]],
        }
        return {kind: names for kind, names in found.items() if names}


def ended(cluster: dict[str, Any]) -> bool:
    return str(cluster["Status"]["State"]).startswith("TERMINATED")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    aws = Filled(free_port(), tmp_path / "state")
    state = ("--state", str(aws.state))
    try:
        aws.python("-m", "local_aws", "start", "--port", str(aws.port), *state)
        aws.python("-c", APPLY)
        aws.put_something_in()
        aws.protect()
        yield aws
    finally:
        aws.python("-m", "local_aws", "stop", *state)


def test_given_a_protected_deployment_then_destroying_it_leaves_nothing(filled: Filled) -> None:
    there = filled.left()
    assert {"buckets", "queues", "tables", "roles", "parameters", "log groups"} <= there.keys()
    with pytest.raises(ClientError, match="DeletionProtection"):
        filled.client("dynamodb").delete_table(TableName=there["tables"][0])
    with pytest.raises(ClientError, match="protected"):
        filled.client("emr").terminate_job_flows(JobFlowIds=there["clusters"])

    made = filled.calls().count(SWITCH_RECOVERY)

    filled.python("-m", "operations", "destroy")

    assert filled.left() == {}
    # Off for each table, and before the first is deleted: DynamoDB would keep a system backup.
    calls = filled.calls()
    assert calls.count(SWITCH_RECOVERY) == made + len(there["tables"])
    assert calls.rindex(SWITCH_RECOVERY) < calls.index(DELETE_TABLE)
