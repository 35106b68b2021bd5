"""`make renew` on a separate local AWS: a step keeps running while the cluster is replaced."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.filled_aws import ACCOUNT, NAME, Filled, filled_aws

# Ends when the file in its argument exists, so that the test does not depend on timing.
WAITING_STEP = """
import pathlib, sys, time

while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.1)
"""
# Longer than any part takes on a busy machine; only a failing test waits for so long.
PATIENCE_SECONDS = 3600.0


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    with filled_aws(tmp_path / "state") as aws:
        aws.protect()
        yield aws


def eventually(what: str, seen: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """Call `seen` until `wanted` accepts its result; return that, or fail with the last result."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted(last := seen()):
        assert time.monotonic() < deadline, f"{what}: still {last}"
        time.sleep(0.2)
    return last


def step_state(aws: Filled, cluster_id: str, step_id: str) -> str:
    step = aws.client("emr").describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]
    return str(step["Status"]["State"])


def cluster_state(aws: Filled, cluster_id: str) -> str:
    cluster = aws.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    return str(cluster["Status"]["State"])


def parameter(aws: Filled, name: str) -> str:
    kept = aws.client("ssm").get_parameter(Name=f"/marquee/local/{name}")
    return str(kept["Parameter"]["Value"])


def waiting_step(aws: Filled, cluster_id: str, until: Path) -> str:
    """Add a step that runs until the file exists, and wait until it runs; return its id."""
    bucket = f"{NAME}-{ACCOUNT}-artifacts"
    aws.client("s3").put_object(Bucket=bucket, Key="steps/wait.py", Body=WAITING_STEP.encode())
    step = {
        "Name": "recommend-9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", f"s3://{bucket}/steps/wait.py", str(until)],
        },
    }
    added = aws.client("emr").add_job_flow_steps(JobFlowId=cluster_id, Steps=[step])
    [step_id] = added["StepIds"]
    eventually("the step", lambda: step_state(aws, cluster_id, step_id), "RUNNING".__eq__)
    return str(step_id)


@contextmanager
def renewing(aws: Filled, release: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `make renew`; in any case release the waiting step and end the process."""
    with aws.started("-m", "operations", "renew") as process:
        try:
            yield process
        finally:
            release.touch()
            if process.poll() is None:
                try:
                    process.wait(PATIENCE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def functions_cluster(aws: Filled) -> str | None:
    """Return the cluster that submit-step adds steps to; None before it is deployed."""
    functions = aws.client("lambda").list_functions()["Functions"]
    variables = [
        each["Environment"]["Variables"]
        for each in functions
        if each["FunctionName"] == f"{NAME}-submit-step"
    ]
    return str(variables[0]["CLUSTER_ID"]) if variables else None


def clusters_in_policy(aws: Filled, function: str) -> set[str]:
    """Return the clusters whose steps the function may list."""
    policy = aws.client("iam").get_role_policy(RoleName=f"{NAME}-{function}", PolicyName=function)
    document = policy["PolicyDocument"]
    statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return {
        arn.rpartition("/")[2]
        for statement in statements
        if "elasticmapreduce:ListSteps" in statement["Action"]
        for arn in (
            [statement["Resource"]]
            if isinstance(statement["Resource"], str)
            else statement["Resource"]
        )
    }


@pytest.mark.timeout(5400)  # two deployments and three applies
def test_a_running_step_finishes_on_the_old_cluster_while_the_new_one_replaces_it(
    filled: Filled, tmp_path: Path
) -> None:
    old, release = parameter(filled, "cluster-id"), tmp_path / "released"
    step_id = waiting_step(filled, old, release)

    with renewing(filled, release) as process:
        new = eventually(
            "the functions' cluster",
            lambda: functions_cluster(filled) if process.poll() is None else process.communicate(),
            lambda seen: seen not in (None, old),
        )
        # The functions use the new cluster and still know the old one, which finishes its step.
        assert new == parameter(filled, "cluster-id")
        assert parameter(filled, "former-cluster-ids") == old
        assert clusters_in_policy(filled, "reconcile") == {old, new}
        assert clusters_in_policy(filled, "submit-step") == {old, new}
        assert step_state(filled, old, step_id) == "RUNNING"
        assert process.poll() is None
        release.touch()
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 0, printed
    assert f"The steps run on {new}; {old} has ended." in printed
    assert step_state(filled, old, step_id) == "COMPLETED"
    assert cluster_state(filled, old) == "TERMINATED"
    assert not cluster_state(filled, new).startswith("TERMINAT")
    assert parameter(filled, "former-cluster-ids") == "none"
    assert clusters_in_policy(filled, "reconcile") == {new}
    assert "matches the work tree" in filled.python("-m", "operations", "drift")
