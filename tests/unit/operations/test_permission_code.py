"""Finding the AWS calls in the functions' source."""

import ast
from pathlib import Path

import pytest

from operations.permissions.code import AwsCall, calls_of, operations_of

ROOT = Path(__file__).parents[3]
FUNCTIONS = ("ingest", "submit_step", "queue_results", "send_text", "reconcile")
# AWS calls of the adapters that only operator commands make.
OF_OPERATORS = {
    ("layer/marquee/aws/cluster.py: EmrCluster.describe", "describe_step"),
    ("layer/marquee/aws/movies_table.py: MoviesTable.put", "batch_writer"),
    ("layer/marquee/aws/movies_table.py: MoviesTable.put", "put_item"),
}
SERVICES = ("s3", "dynamodb", "sqs", "sns", "emr", "ssm")


def of(calls: frozenset[AwsCall], operation: str) -> set[tuple[tuple[str, str], ...]]:
    return {call.parameters for call in calls if call.operation == operation}


def test_every_function_is_read() -> None:
    assert {folder.parent.name for folder in ROOT.glob("functions/*/app.py")} == {*FUNCTIONS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_bucket_table_and_queue_is_named_by_its_setting(function: str) -> None:
    named = {
        value
        for call in calls_of(function)
        for name, value in call.parameters
        if name in ("Bucket", "TableName", "QueueUrl", "JobFlowId", "ClusterId", "Name")
    }
    assert named
    assert all(value.startswith("{") and value.endswith("}") for value in named)


def test_the_known_parts_of_a_key_come_from_the_code() -> None:
    assert of(calls_of("submit_step"), "PutObject") == {
        (("Bucket", "{ratings_bucket}"), ("Key", "submissions/*.json"))
    }


def test_keys_from_a_listing_begin_with_the_prefix_of_the_listing() -> None:
    assert of(calls_of("reconcile"), "DeleteObjects") == {
        (("Bucket", "{ratings_bucket}"), ("Key", "visitors/date=*/*-*")),
        (("Bucket", "{results_bucket}"), ("Key", "submission=*/*")),
    }


def test_a_query_names_its_index_and_a_batch_its_table() -> None:
    calls = calls_of("reconcile")
    assert of(calls, "Query") == {
        (("TableName", "{visitors_table}"), ("IndexName", index)) for index in ("open", "expiry")
    }
    assert of(calls, "BatchGetItem") == {(("TableName", "{visitors_table}"),)}


def test_a_client_that_is_passed_but_not_called_makes_no_call() -> None:
    """reconcile uses its Texter only to give up claims, which needs no text, link or secret."""
    calls = calls_of("reconcile")
    assert of(calls, "Publish") == of(calls, "GetParameter") == set()
    assert of(calls_of("send_text"), "GetParameter") == {(("Name", "{token_secret_name}"),)}


def test_the_calls_of_a_library_are_known() -> None:
    """The idempotency of Powertools calls DynamoDB, which our source does not show."""
    assert of(calls_of("submit_step"), "PutItem") >= {(("TableName", "{idempotency_table}"),)}


def test_calls_that_distinguish_a_missing_object_are_recognised() -> None:
    read = {call.place: call.handles_missing for call in calls_of("ingest")}
    assert read["layer/marquee/aws/buckets.py: ModelsBucket._named_by"]
    assert not read["layer/marquee/aws/buckets.py: RatingsBucket._put"]


def test_no_call_in_the_adapters_is_overlooked() -> None:
    """A function or an operator command reaches every boto3 method that the adapters name."""
    methods = {
        name: operation
        for service in SERVICES
        for name, operation in operations_of(service).items()
        if name not in ("publish_batch", "get_parameters")
    }
    reached = {(call.place, call.operation) for name in FUNCTIONS for call in calls_of(name)}
    written = set()
    for file in (ROOT / "layer" / "marquee" / "aws").glob("*.py"):
        tree = ast.parse(file.read_text())
        tops = [(node, node.name) for node in tree.body if isinstance(node, ast.FunctionDef)]
        tops += [
            (node, f"{owner.name}.{node.name}")
            for owner in tree.body
            if isinstance(owner, ast.ClassDef)
            for node in owner.body
            if isinstance(node, ast.FunctionDef)
        ]
        for top, name in tops:
            place = f"{file.relative_to(ROOT)}: {name}"
            for node in ast.walk(top):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    method = node.func.attr
                    if method in methods or method == "batch_writer":
                        written.add((place, method))
    overlooked = {
        (place, method)
        for place, method in written
        if (place, methods.get(method)) not in reached and ".publish" not in place
    }
    assert overlooked == OF_OPERATORS
    assert len(written) > 20
