"""`make rehearse` on a separate local AWS, with a deployer's permissions, protected as on AWS."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.deployer_policy import Names, compact, documents
from operations.protection import TABLES
from operations.rehearsal.stages import STAGES, TAKE_DOWN
from tests.infrastructure.filled_aws import ACCOUNT, NAME, Filled, empty_aws

pytestmark = pytest.mark.timeout(5400)  # three deployments, a training and a destroy

USER = f"{NAME}-deployer"
SWITCH_RECOVERY = "AWS dynamodb.UpdateContinuousBackups => 200"
DELETE_TABLE = "AWS dynamodb.DeleteTable => 200"
DELETE_STACK = "AWS cloudformation.DeleteStack => 200"
# `make rehearse` with an additional stage that protects the tables and the cluster, which Terraform
# does on AWS only.
REHEARSE = """
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from operations.deployment import choose_deployment
from operations.errors import exit_with_one_sentence
from operations.protection import TABLES, living_clusters
from operations.rehearsal.run import rehearse
from operations.rehearsal.stages import STAGES, Stage


def protect(rehearsal):
    environment, tables = rehearsal.deployment, boto3.client("dynamodb")
    for kind in TABLES:
        name = f"{environment.prefix}-{kind}"
        tables.update_table(TableName=name, DeletionProtectionEnabled=True)
        tables.get_waiter("table_exists").wait(TableName=name)
    clusters, ids = boto3.client("emr"), living_clusters(environment)
    clusters.set_termination_protection(JobFlowIds=ids, TerminationProtected=True)
    for delete in (
        lambda: tables.delete_table(TableName=name),
        lambda: clusters.terminate_job_flows(JobFlowIds=ids),
    ):
        try:
            delete()
        except ClientError as error:
            assert "rotect" in str(error), error
        else:
            raise AssertionError("it is not protected")
    return "as on AWS"


@exit_with_one_sentence
def main():
    stages = (*STAGES, Stage("protect", protect))
    rehearse(choose_deployment(), file=Path(sys.argv[1]), stages=stages)


sys.exit(main())
"""
# Account numbers, access keys, e-mail addresses, phones, and tokens (32 hexadecimal digits).
PRIVATE = re.compile(
    r"(?<!\d)\d{12}(?!\d)|\b[AL][A-Z]{3}[A-Z0-9]{16}\b|[\w.]+@[\w-]+\.\w|\+\d{8,}|[0-9a-f]{32}"
)


@dataclass(frozen=True)
class Rehearsed:
    """The result of one rehearsal: its output, its report and the resources that it left."""

    returncode: int
    printed: str
    page: str
    data: dict[str, Any]
    left: dict[str, list[str]]
    calls: str  # the emulator's log, which has a line for every call

    def outcomes(self) -> dict[str, str]:
        return {stage["name"]: stage["outcome"] for stage in self.data["stages"]}

    def result(self, stage: str) -> str:
        return next(str(each["result"]) for each in self.data["stages"] if each["name"] == stage)


def a_deployer(aws: Filled) -> dict[str, str]:
    """Create a user with the policy that `make deployer-policy` prints.

    Returns:
        The environment variables to act as this user.
    """
    iam = aws.client("iam")
    iam.create_user(UserName=USER)
    names = Names(NAME, "local", "us-east-1", ACCOUNT, tagged=False)
    for name, document in documents(names).items():
        made = iam.create_policy(PolicyName=name, PolicyDocument=compact(document))["Policy"]
        iam.attach_user_policy(UserName=USER, PolicyArn=made["Arn"])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return {
        "MARQUEE_LOCAL_ACCESS_KEY_ID": key["AccessKeyId"],
        "MARQUEE_LOCAL_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    folder = tmp_path_factory.mktemp("rehearsal")
    page = folder / "report.md"
    with empty_aws(folder / "state") as aws:
        returncode, printed = aws.ran(a_deployer(aws), "-c", REHEARSE, str(page))
        written = page.is_file()
        yield Rehearsed(
            returncode,
            printed,
            page.read_text() if written else "",
            json.loads(page.with_suffix(".json").read_text()) if written else {},
            aws.left(),
            aws.calls(),
        )


def test_a_deployer_can_rehearse_every_stage(rehearsed: Rehearsed) -> None:
    assert rehearsed.returncode == 0, rehearsed.printed
    names = [stage.name for stage in STAGES] + ["protect"] + [stage.name for stage in TAKE_DOWN]
    assert rehearsed.outcomes() == dict.fromkeys(names, "passed")


def test_each_stage_did_what_its_name_says(rehearsed: Rehearsed) -> None:
    assert rehearsed.result("plan is empty") == "No changes."
    assert re.match(r"10 picks, ", rehearsed.result("form without a phone, picks"))
    assert "test RMSE" in rehearsed.result("import a small data set")


def test_nothing_but_the_deployers_role_is_left(rehearsed: Rehearsed) -> None:
    assert rehearsed.left == {}
    assert rehearsed.data["left"] == {}
    assert rehearsed.data["unchecked"] == {}


def test_the_tables_recovery_is_off_before_the_first_is_deleted(rehearsed: Rehearsed) -> None:
    # Otherwise DynamoDB would keep a system backup of each table.
    destroying = rehearsed.calls[rehearsed.calls.rindex(DELETE_STACK) :]
    assert destroying.count(SWITCH_RECOVERY) == len(TABLES)
    assert destroying.rindex(SWITCH_RECOVERY) < destroying.index(DELETE_TABLE)


def test_the_report_says_how_long_it_took_and_what_it_would_have_cost(rehearsed: Rehearsed) -> None:
    assert all(stage["seconds"] > 0 for stage in rehearsed.data["stages"])
    estimate = rehearsed.data["estimate"]
    assert estimate["rehearsal"] == pytest.approx(estimate["hour"] * estimate["hours"], abs=0.01)
    assert "On AWS this would have cost about" in rehearsed.page


def test_the_report_holds_no_private_data(rehearsed: Rehearsed) -> None:
    assert "# Rehearsal of `local`" in rehearsed.page
    for shown in (rehearsed.page, json.dumps(rehearsed.data)):
        assert not PRIVATE.search(shown)
        assert str(Path.home()) not in shown
