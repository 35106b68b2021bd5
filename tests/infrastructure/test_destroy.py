"""`make destroy` on a local AWS of its own that Terraform has filled, protected as on AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.infrastructure.filled_aws import Filled, filled_aws

SWITCH_RECOVERY = "AWS dynamodb.UpdateContinuousBackups => 200"
DELETE_TABLE = "AWS dynamodb.DeleteTable => 200"


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    with filled_aws(tmp_path / "state") as aws:
        aws.put_something_in()
        aws.protect()
        yield aws


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
