"""The permissions that API calls need, as in AWS's Service Authorization Reference."""

from typing import Any

import pytest

from local_aws.iam.permissions import (
    ApiCall,
    Permission,
    deleted_keys,
    leading_keys,
    of,
    passed_roles,
)

ACCOUNT = "111122223333"
DYNAMODB = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"


def call(service: str, operation: str, signing_name: str = "", **parameters: Any) -> ApiCall:
    return ApiCall(
        service=service,
        signing_name=signing_name or service,
        operation=operation,
        parameters=parameters,
        region="us-east-1",
        account=ACCOUNT,
    )


def pairs(found: list[Permission]) -> list[tuple[str, str]]:
    return [(each.action, each.resource) for each in found]


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_a_read_of_an_index_needs_the_index_and_not_the_table(operation: str) -> None:
    found = of(call("dynamodb", operation, TableName="visitors", IndexName="open"))
    assert pairs(found) == [(f"dynamodb:{operation}", f"{DYNAMODB}visitors/index/open")]


def test_a_batch_needs_every_table_that_it_names() -> None:
    found = of(call("dynamodb", "BatchGetItem", RequestItems={"movies": {}, "visitors": {}}))
    assert pairs(found) == [
        ("dynamodb:BatchGetItem", f"{DYNAMODB}movies"),
        ("dynamodb:BatchGetItem", f"{DYNAMODB}visitors"),
    ]


def test_a_transaction_needs_the_action_of_each_of_its_items() -> None:
    items = [
        {"Put": {"TableName": "visitors"}},
        {"ConditionCheck": {"TableName": f"{DYNAMODB}idempotency"}},
    ]
    found = of(call("dynamodb", "TransactWriteItems", TransactItems=items))
    assert pairs(found) == [
        ("dynamodb:PutItem", f"{DYNAMODB}visitors"),
        ("dynamodb:ConditionCheckItem", f"{DYNAMODB}idempotency"),
    ]


@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "UpdateItem"])
def test_a_call_on_one_table_is_left_to_the_emulator(operation: str) -> None:
    assert of(call("dynamodb", operation, TableName="visitors")) == []


@pytest.mark.parametrize(("operation", "parameter"), [("UpdateItem", "Key"), ("PutItem", "Item")])
def test_a_call_on_an_item_names_its_partition_key(operation: str, parameter: str) -> None:
    item = {"id": {"S": "limit/a"}, "n": {"N": "1"}}
    named: dict[str, Any] = {"TableName": "t", parameter: item}
    asked = call("dynamodb", operation, **named)
    assert leading_keys(asked, "id") == {"dynamodb:LeadingKeys": ["limit/a"]}
    assert leading_keys(call("dynamodb", "Query", TableName="t"), "id") == {}


def test_a_listing_names_its_prefix_to_conditions() -> None:
    (found,) = of(call("s3", "ListObjectsV2", Bucket="ratings", Prefix="visitors/", MaxKeys=2))
    assert pairs([found]) == [("s3:ListBucket", "arn:aws:s3:::ratings")]
    assert found.conditions == {"s3:prefix": "visitors/", "s3:max-keys": "2"}


def test_a_listing_without_a_prefix_is_one_of_the_empty_prefix() -> None:
    (found,) = of(call("s3", "ListObjectsV2", Bucket="ratings"))
    assert found.conditions == {"s3:prefix": ""}


@pytest.mark.parametrize(
    "source",
    [
        "ratings/raw/a.csv",
        "/ratings/raw/a.csv?versionId=7",
        {"Bucket": "ratings", "Key": "raw/a.csv"},
    ],
)
def test_a_copy_reads_its_source_and_writes_its_destination(source: Any) -> None:
    found = of(call("s3", "CopyObject", Bucket="models", Key="b.csv", CopySource=source))
    assert pairs(found) == [
        ("s3:GetObject", "arn:aws:s3:::ratings/raw/a.csv"),
        ("s3:PutObject", "arn:aws:s3:::models/b.csv"),
    ]


def test_a_version_of_an_object_needs_a_separate_right() -> None:
    found = of(call("s3", "GetObject", Bucket="models", Key="a", VersionId="7"))
    assert pairs(found) == [("s3:GetObjectVersion", "arn:aws:s3:::models/a")]


def test_the_keys_of_a_deletion_are_listed() -> None:
    request = {"Delete": {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "7"}]}}
    assert [item["Key"] for item in deleted_keys(request)] == ["a", "b"]
    assert deleted_keys({}) == []


def test_a_text_to_a_phone_has_no_topic_as_its_resource() -> None:
    found = of(call("sns", "Publish", PhoneNumber="+14155550100", Message="Hi"))
    assert pairs(found) == [("sns:Publish", "*")]
    assert of(call("sns", "Publish", TopicArn="arn:aws:sns:us-east-1:1:alarms")) == []


def test_a_log_event_is_written_to_a_stream() -> None:
    found = of(call("logs", "PutLogEvents", logGroupName="/aws/lambda/x", logStreamName="y"))
    assert pairs(found) == [("logs:PutLogEvents", f"{LOGS}/aws/lambda/x:log-stream:y")]


def test_a_log_group_is_named_with_an_empty_stream() -> None:
    found = of(call("logs", "CreateLogGroup", logGroupName="/aws/lambda/x"))
    assert pairs(found) == [("logs:CreateLogGroup", f"{LOGS}/aws/lambda/x:log-stream:")]


@pytest.mark.parametrize("parameter", ["JobFlowId", "ClusterId", "ResourceId"])
def test_emr_is_called_elasticmapreduce_and_its_clusters_have_arns(parameter: str) -> None:
    found = of(call("emr", "AddJobFlowSteps", "elasticmapreduce", **{parameter: "j-1"}))
    arn = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/j-1"
    assert pairs(found) == [("elasticmapreduce:AddJobFlowSteps", arn)]


def test_terminating_clusters_needs_the_right_to_each() -> None:
    found = of(call("emr", "TerminateJobFlows", "elasticmapreduce", JobFlowIds=["j-1", "j-2"]))
    assert [each.resource.rpartition("/")[2] for each in found] == ["j-1", "j-2"]


def test_a_rule_of_the_default_bus_has_no_bus_in_its_arn() -> None:
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/"
    assert pairs(of(call("events", "PutRule", Name="r"))) == [("events:PutRule", f"{arn}r")]
    found = of(call("events", "PutTargets", Rule="r", EventBusName="own"))
    assert pairs(found) == [("events:PutTargets", f"{arn}own/r")]


def test_parameters_of_systems_manager_are_authorised_one_by_one() -> None:
    found = of(call("ssm", "GetParameters", Names=["/marquee/a", "/marquee/b"]))
    arn = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/marquee/"
    assert pairs(found) == [("ssm:GetParameters", f"{arn}a"), ("ssm:GetParameters", f"{arn}b")]


def test_reencrypting_needs_both_keys() -> None:
    keys = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/"
    found = of(call("kms", "ReEncrypt", SourceKeyId="old", DestinationKeyId=f"{keys}new"))
    assert pairs(found) == [("kms:ReEncryptFrom", f"{keys}old"), ("kms:ReEncryptTo", f"{keys}new")]


def test_api_gateway_authorises_by_method_and_path() -> None:
    asked = ApiCall(
        "apigateway", "apigateway", "GetRestApis", {}, "us-east-1", ACCOUNT, "GET", "/restapis/"
    )
    assert pairs(of(asked)) == [("apigateway:GET", "arn:aws:apigateway:us-east-1::/restapis")]


def test_creating_a_cluster_passes_two_roles() -> None:
    asked = call(
        "emr", "RunJobFlow", "elasticmapreduce", ServiceRole="service", JobFlowRole="nodes"
    )
    passed = list(
        passed_roles(asked, lambda profile: [f"arn:aws:iam::{ACCOUNT}:role/of-{profile}"])
    )
    assert [(each.resource.rpartition("/")[2], each.conditions) for each in passed] == [
        ("service", {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}),
        ("of-nodes", {"iam:PassedToService": "ec2.amazonaws.com"}),
    ]


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionConfiguration"])
def test_creating_a_function_passes_its_role(operation: str) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/ingest"
    (passed,) = passed_roles(call("lambda", operation, FunctionName="f", Role=role), lambda _: [])
    assert (passed.action, passed.resource) == ("iam:PassRole", role)
    assert passed.conditions == {"iam:PassedToService": "lambda.amazonaws.com"}


def test_a_call_that_passes_no_role_needs_no_such_right() -> None:
    asked = call("lambda", "UpdateFunctionConfiguration", FunctionName="f")
    assert list(passed_roles(asked, lambda _: [])) == []
