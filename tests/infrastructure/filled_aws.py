"""A local AWS that Terraform has filled, for tests that remove parts of it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack_client.session import Session

from local_aws.launcher import OPERATOR_ACCESS_KEY

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
NAME = "marquee-local"
APPLY = """
from operations.console import Phases
from operations.deploy import apply_terraform
from operations.deployment import choose_deployment

apply_terraform(choose_deployment(), Phases())
"""


@dataclass(frozen=True)
class Filled:
    """A local AWS that holds everything that Terraform creates, and nothing else."""

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

    def python(self, *arguments: str) -> str:
        """Run Python as make does and return its output; fail if the exit status is not 0."""
        status, printed = self.ran({}, *arguments)
        assert status == 0, f"{arguments} failed:\n{printed}"
        return printed

    def ran(self, variables: Mapping[str, str], *arguments: str) -> tuple[int, str]:
        """Run Python with additional variables; return its exit status and output."""
        with self.started(*arguments, variables=variables) as process:
            printed, _ = process.communicate()
        return process.returncode, printed

    def started(self, *arguments: str, variables: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        """Start Python as make does, with additional variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        chosen = {"ENV": "local", "PORT": str(self.port), "MARQUEE_STATE": str(self.state)}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**kept, **chosen, "YES": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def calls(self) -> str:
        """Return the emulator's log, which has a line for every call."""
        return (self.state / "local_aws.log").read_text()

    def protect(self) -> None:
        """Protect the tables and the cluster, which Terraform does on AWS but not locally."""
        tables, clusters = self.client("dynamodb"), self.client("emr")
        for name in tables.list_tables()["TableNames"]:
            tables.update_table(TableName=name, DeletionProtectionEnabled=True)
        for cluster in clusters.list_clusters()["Clusters"]:
            clusters.set_termination_protection(
                JobFlowIds=[cluster["Id"]], TerminationProtected=True
            )

    def left(self) -> dict[str, list[str]]:
        """Return the names of all resources of Marquee, by kind; omit kinds without any."""
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


@contextmanager
def empty_aws(state: Path) -> Iterator[Filled]:
    """Start an empty local AWS on a free port, yield it, and stop it at the end."""
    aws = Filled(free_port(), state)
    its_state = ("--state", str(state))
    try:
        aws.python("-m", "local_aws", "start", "--port", str(aws.port), *its_state)
        yield aws
    finally:
        aws.python("-m", "local_aws", "stop", *its_state)


@contextmanager
def filled_aws(state: Path) -> Iterator[Filled]:
    """Start a local AWS, fill it by Terraform, yield it, and stop it at the end."""
    with empty_aws(state) as aws:
        aws.python("-c", APPLY)
        yield aws
