"""`make preflight` on a separate local AWS, with faults planted in it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from localstack_client.session import Session

from operations.deployment import LOCAL, Deployment
from operations.preflight.needs import Needs
from operations.preflight.result import CheckResult, Level
from operations.preflight.run import preflight

ROOT = Path(__file__).parents[2]
BUCKET = "marquee-local-000000000000-terraform"
STACK = "marquee-local"
NEEDS = Needs(
    release="emr-spark-8.1.0",
    nodes=Counter({"m7g.xlarge": 3}),
    types=frozenset({"aws_sqs_queue"}),
    counts=Counter({"aws_vpc": 1}),
    zone=None,
    spend_alarm=5.0,
    concurrency=14,
    reserved=0,
)
# The queue that it refers to does not exist, so the stack's creation fails.
FAILING = {
    "Resources": {
        "Source": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": "nonesuch",
                "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:nonesuch",
            },
        }
    }
}


@dataclass(frozen=True)
class Aws:
    """A local AWS that holds only what a test plants."""

    port: int
    state: Path

    def client(self, service: str) -> Any:
        # With IAM enforced, the local AWS knows no key but the operator's.
        session = Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
            localstack_host=f"localhost:{self.port}",
        )
        return session.client(service)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        chosen = {"ENV": "local", "PORT": str(self.port), "MARQUEE_STATE": str(self.state)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**kept, **chosen},
            capture_output=True,
            text=True,
            check=False,
        )

    def faults(self, method: str, **fault: Any) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_marquee/faults",
            method=method,
            data=json.dumps(fault).encode() if fault else None,
        )
        with urllib.request.urlopen(request, timeout=120):  # noqa: S310  the local AWS
            pass

    def deny(self, service: str, operation: str, error: str = "AccessDeniedException") -> None:
        self.faults("POST", service=service, operation=operation, error=error, status=403)

    def plant_bucket(self, region: str) -> None:
        """Create the state bucket without versioning, as an operator might do by hand."""
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        given = {"CreateBucketConfiguration": place} if place else {}
        self.client("s3").create_bucket(Bucket=BUCKET, **given)

    def plant_stack(self) -> str:
        """Create a stack whose first creation fails; return the state in which it is left."""
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(FAILING))
        while True:
            state = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
            if not state.endswith("_IN_PROGRESS"):
                return str(state)
            time.sleep(0.1)

    def checks(self, *, making: bool = True) -> dict[str, CheckResult]:
        """Run the preflight with fixed needs, so that no Terraform plan is made."""
        deployment = Deployment(LOCAL, port=self.port)
        deployment.activate()
        found = preflight(deployment, making=making, planned=lambda _: NEEDS)
        return {each.check: each for each in found}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    aws = Aws(port, tmp_path_factory.mktemp("preflight"))
    state = ("--state", str(aws.state))
    started = aws.run("-m", "local_aws", "start", "--port", str(port), *state)
    try:
        assert started.returncode == 0, started.stderr
        yield aws
    finally:
        aws.run("-m", "local_aws", "stop", *state)


@pytest.fixture
def aws(running: Aws) -> Iterator[Aws]:
    yield running
    running.faults("DELETE")
    running.client("cloudformation").delete_stack(StackName=STACK)
    buckets = running.client("s3")
    if any(each["Name"] == BUCKET for each in buckets.list_buckets()["Buckets"]):
        buckets.delete_bucket(Bucket=BUCKET)


def test_an_empty_account_stops_nothing_and_skips_what_is_not_offered(
    aws: Aws,
) -> None:
    found = aws.checks()

    assert [each for each in found.values() if each.level is Level.STOP] == []
    skipped = {each.found for each in found.values() if each.level is Level.SKIPPED}
    assert skipped <= {"not supported by the local AWS", "the root user may do everything"}
    assert found["zone"].level is Level.OK
    assert found["Lambda concurrency"].level is Level.OK


def test_a_state_bucket_without_versions_is_a_warning(
    aws: Aws,
) -> None:
    aws.plant_bucket("us-east-1")

    result = aws.checks()["state bucket"]

    assert result.level is Level.WARNING
    assert result.found == f"{BUCKET} is not versioned"


def test_a_missing_state_bucket_stops_a_plan(aws: Aws) -> None:
    assert aws.checks(making=False)["state bucket"].level is Level.STOP


def test_a_denied_call_names_the_missing_permission(aws: Aws) -> None:
    aws.deny("lambda", "GetAccountSettings")

    result = aws.checks()["Lambda concurrency"]

    assert result.level is Level.WARNING
    assert "lambda:GetAccountSettings" in result.found


def test_a_vpc_above_the_quota_stops_the_deployment(aws: Aws) -> None:
    networks = aws.client("ec2")
    there = len(networks.describe_vpcs()["Vpcs"])
    made = [networks.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"] for _ in range(5 - there)]
    try:
        result = aws.checks()["VPCs"]
    finally:
        for network in made:
            networks.delete_vpc(VpcId=network)

    assert result.level is Level.STOP
    assert result.found == "1 more needed, 5 of 5 in use"
    assert "quotas/L-F678F1CE" in result.link


def test_expired_credentials_stop_before_any_other_check(aws: Aws) -> None:
    aws.deny("sts", "GetCallerIdentity", "ExpiredToken")

    found = aws.checks()

    assert found["credentials"].level is Level.STOP
    assert list(found) == ["Terraform", "SAM CLI", "credentials"]


def test_the_command_stops_and_names_a_bucket_in_another_region_and_a_failed_stack(
    aws: Aws,
) -> None:
    aws.plant_bucket("eu-west-1")
    state = aws.plant_stack()

    done = aws.run("-m", "operations", "preflight", "--json")

    assert done.returncode == 1
    results = {each["check"]: each for each in json.loads(done.stdout)["results"]}
    assert results["state bucket"]["level"] == "stop"
    assert f"{BUCKET} is in eu-west-1" in results["state bucket"]["found"]
    assert state in results["functions' stack"]["found"]
    assert results["functions' stack"]["level"] == "warning"
    assert results["functions' stack"]["link"].endswith("stacks?filteringText=marquee-local")
    assert results["zone"]["level"] == "ok"
    assert "Nothing was changed in 'local'" in done.stderr
