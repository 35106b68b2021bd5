"""Every name fits AWS's limits with the longest deployment name, and every resource is tagged."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from tests.infrastructure.conftest import LONGEST_ENVIRONMENT
from tests.infrastructure.plans import Plan

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "sam" / "template.yaml"
ARN = "arn:aws:{service}:us-east-1:123456789012:{resource}"

# The longest name that AWS accepts (characters), by resource type and attribute. Source: the API
# reference of each service, to which CloudFormation and Terraform pass the name.
LONGEST = {
    ("aws_cloudfront_cache_policy", "name"): 128,
    ("aws_cloudfront_origin_access_control", "name"): 64,
    ("aws_cloudfront_response_headers_policy", "name"): 128,
    ("aws_cloudwatch_dashboard", "dashboard_name"): 255,
    ("aws_cloudwatch_event_rule", "name"): 64,
    ("aws_cloudwatch_event_rule", "description"): 512,
    ("aws_cloudwatch_log_group", "name"): 512,
    ("aws_cloudwatch_metric_alarm", "alarm_name"): 255,
    ("aws_cloudwatch_metric_alarm", "alarm_description"): 1024,
    ("aws_dynamodb_table", "name"): 255,
    ("aws_emr_cluster", "name"): 256,
    ("aws_emr_security_configuration", "name"): 10280,
    ("aws_iam_instance_profile", "name"): 128,
    ("aws_iam_role", "name"): 64,
    ("aws_iam_role", "description"): 1000,
    ("aws_iam_role_policy", "name"): 128,
    ("aws_kms_alias", "name"): 256,
    ("aws_s3_bucket", "bucket"): 63,
    ("aws_security_group", "name"): 255,
    ("aws_security_group", "description"): 255,
    ("aws_sns_topic", "name"): 256,
    ("aws_sqs_queue", "name"): 80,
    ("aws_ssm_parameter", "name"): 1011,
}
LONGEST_OF_THE_TEMPLATE = {
    "FunctionName": 64,
    "LayerName": 140,
    "Name": 1024,  # of a REST API
    "RuleName": 64,
}

# Resource types that AWS cannot tag, and why every cost can be attributed without such tags.
CANNOT_BE_TAGGED = {
    "aws_cloudfront_cache_policy": "free, a setting of a tagged distribution",
    "aws_cloudfront_origin_access_control": "free, a setting of a tagged distribution",
    "aws_cloudfront_response_headers_policy": "free, a setting of a tagged distribution",
    "aws_cloudwatch_dashboard": "3 dollars a month; provider 5.100 hands it no tags",
    "aws_cloudwatch_event_target": "free, part of a tagged rule",
    "aws_emr_security_configuration": "free; CreateSecurityConfiguration takes no tags",
    "aws_iam_role_policy": "free, part of a tagged role",
    "aws_iam_role_policy_attachment": "free, part of a tagged role",
    "aws_kms_alias": "free, a name of a tagged key",
    "aws_route": "free, part of a tagged route table",
    "aws_route_table_association": "free, part of a tagged route table",
    "aws_s3_bucket_lifecycle_configuration": "free, a setting of a tagged bucket",
    "aws_s3_bucket_notification": "free, a setting of a tagged bucket",
    "aws_s3_bucket_ownership_controls": "free, a setting of a tagged bucket",
    "aws_s3_bucket_policy": "free, a setting of a tagged bucket",
    "aws_s3_bucket_public_access_block": "free, a setting of a tagged bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "free, a setting of a tagged bucket",
    "aws_s3_bucket_versioning": "free, a setting of a tagged bucket",
    "aws_sns_topic_policy": "free, a setting of a tagged topic",
    "aws_sns_topic_subscription": "free, part of a tagged topic; Subscribe takes no tags",
    "terraform_data": "lies in Terraform's state, not on AWS",
}
# Resource types whose name AWS chooses, or whose name is fixed in the Terraform file.
NOT_NAMED = {
    "aws_cloudfront_distribution",
    "aws_default_security_group",
    "aws_internet_gateway",
    "aws_kms_key",
    "aws_route_table",
    "aws_s3_object",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_endpoint",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


def filled_in(name: Any) -> str:
    """Return a name in the template, filled in with the longest deployment name."""
    text = name["Fn::Sub"] if isinstance(name, dict) else name
    return str(text).replace("${Environment}", LONGEST_ENVIRONMENT)


def rule_names(template: dict[str, Any]) -> list[str]:
    """Return the names of the template's EventBridge rules; fail if CloudFormation chooses one."""
    property_of = {"EventBridgeRule": "RuleName", "Schedule": "Name"}
    names = []
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] in property_of:
                names.append(filled_in(event["Properties"][property_of[event["Type"]]]))
    return names


def test_every_name_of_terraform_fits_with_the_longest_environment(plan: Plan) -> None:
    too_long = {
        address: (attribute, len(values[attribute]), longest)
        for (kind, attribute), longest in LONGEST.items()
        for address, values in plan.of_type(kind).items()
        if len(values[attribute] or "") > longest
    }
    assert too_long == {}


def test_every_type_that_terraform_names_has_a_known_limit(plan: Plan) -> None:
    limited = {kind for kind, _ in LONGEST}
    kinds = set(plan.types.values())
    assert kinds - limited - NOT_NAMED - CANNOT_BE_TAGGED.keys() == set()
    assert limited - kinds == set()
    for kind in kinds - limited:
        for values in plan.of_type(kind).values():
            assert LONGEST_ENVIRONMENT not in str(values.get("name"))


def test_every_name_of_the_template_fits_with_the_longest_environment(
    template: dict[str, Any],
) -> None:
    named = [
        (name, filled_in(resource["Properties"][name]))
        for resource in template["Resources"].values()
        for name in ("FunctionName", "LayerName", "Name")
        if name in resource.get("Properties", {})
    ]
    named += [("RuleName", name) for name in rule_names(template)]
    assert len(named) == 5 + 1 + 1 + 3
    assert [each for each in named if len(each[1]) > LONGEST_OF_THE_TEMPLATE[each[0]]] == []


def test_the_rules_of_the_template_may_send_dead_letters_with_the_longest_environment(
    plan: Plan, template: dict[str, Any]
) -> None:
    policy = plan.policy('aws_sqs_queue.dead_letters["reconcile-dead-letters"]')
    (statement,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    rules = [f"rule/{name}" for name in rule_names(template)]
    assert len(rules) == 3
    assert sorted(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == sorted(
        ARN.format(service="events", resource=rule) for rule in rules
    )


def test_no_rule_of_the_template_shares_its_name_with_one_of_terraform(
    plan: Plan, template: dict[str, Any]
) -> None:
    made = [rule["name"] for rule in plan.of_type("aws_cloudwatch_event_rule").values()]
    assert not set(made) & set(rule_names(template))


def test_all_resources_of_terraform_are_tagged_except_those_that_aws_cannot_tag(plan: Plan) -> None:
    untagged = {kind for kind in plan.types.values() if kind not in plan.taggable}
    assert untagged == CANNOT_BE_TAGGED.keys()


def test_one_provider_gives_its_tags_to_all_resources() -> None:
    """A second provider block (an alias) would create resources without these tags.

    EMR copies the cluster's tags to its instances and their volumes.
    """
    code = "".join(file.read_text() for file in (ROOT / "terraform").glob("*.tf"))
    providers = re.findall(r'^provider "aws" \{.*?^\}', code, re.MULTILINE | re.DOTALL)
    assert [("default_tags {" in block) for block in providers] == [True]
