"""The deployer's policy allows all calls of a deployment, and nothing on other deployments."""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import parliament
import pytest
from moto import mock_aws

from operations import deployer_policy as policy
from operations.__main__ import main
from operations.deployer_policy import Names, Statement, compact, documents
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.preflight.rights import RIGHTS, names

ROOT = Path(__file__).parents[3]
CALLS = ROOT / "tests" / "infrastructure" / "deployer_calls.txt"
ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/marquee-staging-boundary"
STAGING = Names("marquee-staging", "staging", "eu-west-1", ACCOUNT)
BOUNDED = Names("marquee-staging", "staging", "eu-west-1", ACCOUNT, boundary=BOUNDARY)
LOCAL = Names("marquee-local", "local", "us-east-1", "000000000000", tagged=False)
OURS = {
    "aws:ResourceTag/environment": "staging",
    "elasticmapreduce:ResourceTag/environment": "staging",
}
THEIRS = dict.fromkeys(OURS, "prod")

# IAM's names of S3's operations (source: Service Authorization Reference, Amazon S3).
S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
}
PREFIXES = {"emr": "elasticmapreduce"}

# Findings of parliament that are accepted, and why, by (statement, finding).
EXPLAINED = {
    (
        "Buckets",
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
    ): "The statement Objects grants anyway what a bucket's policy could.",
    ("SamTransform", "INVALID_ARN"): "AWS writes the ARN of its own transforms without an account.",
    ("Cluster", "UNKNOWN_CONDITION_FOR_ACTION"): "The list has EMR's tag condition at no action;"
    " AWS's guide has it for all that act on a cluster (Use cluster and Notebook tags with IAM).",
    ("TagCluster", "UNKNOWN_CONDITION_FOR_ACTION"): "As for Cluster.",
    ("TablesKey", "UNKNOWN_CONDITION_FOR_ACTION"): "The list is older than kms:ResourceAliases.",
    ("Key", "RESOURCE_MISMATCH"): "An alias needs rights on key and alias: KeyAlias has the other.",
    ("KeyAlias", "RESOURCE_MISMATCH"): "An alias needs rights on key and alias: Key has the other.",
    (
        "MakeInNetwork",
        "RESOURCE_MISMATCH",
    ): "What is made is in MakeNetwork, with another condition.",
    ("AddRules", "RESOURCE_MISMATCH"): "The group is in ChangeNetwork, with another condition.",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Return whether one condition holds (source: IAM User Guide, condition operators)."""
    operator, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    like = "Like" in operator or operator.startswith("Arn")
    return all(
        if_exists
        if key not in context
        else any(
            fnmatchcase(context[key], value) if like else context[key] == value
            for value in as_list(values)
        )
        for key, values in wanted.items()
    )


def allows(names: Names, action: str, resource: str, context: Mapping[str, str] = {}) -> bool:
    """Return whether any of the deployer's policy documents allows an action."""
    return any(
        any(fnmatchcase(action, each) for each in as_list(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in as_list(statement["Resource"]))
        and all(
            holds(how, wanted, context) for how, wanted in statement.get("Condition", {}).items()
        )
        for name, document in documents(names).items()
        if not name.endswith("-boundary")
        for statement in document["Statement"]
    )


def granted_actions(names: Names) -> set[str]:
    return {
        action
        for document in documents(names).values()
        for statement in document["Statement"]
        for action in statement["Action"]
    }


def all_statements(names: Names) -> Iterator[Statement]:
    for statements in policy.PARTS.values():
        yield from statements(names)


@pytest.mark.parametrize("names", [STAGING, BOUNDED, LOCAL])
def test_each_document_fits_into_a_managed_policy(names: Names) -> None:
    longest = Names("marquee-sixteen-letters", "sixteen-letters", "ap-southeast-1", ACCOUNT)
    for name, document in [*documents(names).items(), *documents(longest).items()]:
        assert len(compact(document)) <= policy.MOST_CHARACTERS, name
        assert len(name) <= 128


def test_every_action_is_on_the_list_of_aws() -> None:
    known = {
        f"{service['prefix']}:{privilege['privilege']}"
        for service in parliament.iam_definition
        for privilege in service["privileges"]
    }
    actions = {action for each in all_statements(BOUNDED) for action in each.actions}

    assert actions - known == set()


@pytest.mark.parametrize("names", [STAGING, BOUNDED])
def test_the_linter_finds_nothing_without_an_explanation(names: Names) -> None:
    unexplained, seen = list[str](), set[tuple[str, str]]()
    for statement in all_statements(names):
        document = {"Version": "2012-10-17", "Statement": [statement.document()]}
        for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
            enhanced = parliament.enhance_finding(finding)
            seen.add((statement.sid, enhanced.issue))
            if enhanced.severity != "LOW" and (statement.sid, enhanced.issue) not in EXPLAINED:
                unexplained.append(f"{statement.sid}: {enhanced.issue} {enhanced.detail}")

    assert unexplained == []
    assert EXPLAINED.keys() <= seen, "an explanation is no longer needed"


def test_every_resource_that_includes_other_deployments_has_a_written_reason() -> None:
    for statement in all_statements(STAGING):
        loose = [each for each in statement.resources if "staging" not in each]
        # AWS's transform and EMR's service-linked role need no reason: they are named in full.
        if any(each == "*" or each.endswith("/*") for each in loose):
            assert statement.reason, statement.sid


def test_no_granted_action_is_a_wildcard() -> None:
    assert [
        action for each in all_statements(STAGING) for action in each.actions if "*" in action
    ] == []


def test_rights_that_only_an_emulator_needs_are_granted_only_there() -> None:
    assert "marquee-local-deployer-emulator" in documents(LOCAL)
    assert not [name for name in documents(STAGING) if name.endswith("emulator")]
    assert not [action for action in granted_actions(BOUNDED) if action.startswith("emr:")]


def called_actions() -> list[str]:
    lines = [line for line in CALLS.read_text().splitlines() if not line.startswith("#")]
    actions = []
    for service, _, operation in (line.partition(".") for line in lines):
        name = S3_ACTIONS.get(operation, operation) if service == "s3" else operation
        actions.append(f"{PREFIXES.get(service, service)}:{name}")
    return actions


def test_every_action_that_a_deployment_called_is_allowed() -> None:
    called = called_actions()
    assert len(called) > 100

    assert sorted(set(called) - granted_actions(STAGING)) == []


def kinds_made() -> set[str]:
    """Return every type of resource in Terraform's files and the template, including options."""
    terraform = "\n".join(file.read_text() for file in (ROOT / "terraform").glob("*.tf"))
    template = (ROOT / "sam" / "template.yaml").read_text()
    kinds = {
        *re.findall(r'^resource "(aws_\w+)"', terraform, re.MULTILINE),
        *re.findall(r"^ +Type: (AWS::\S+)$", template, re.MULTILINE),
    }
    assert {"aws_wafv2_web_acl", "aws_budgets_budget", "AWS::WAFv2::WebACLAssociation"} <= kinds
    return kinds


def test_preflight_asks_for_no_right_that_the_deployer_lacks() -> None:
    """IAM simulates a policy for the exact name that preflight gives, so `*` does not match.

    The recording lacks resources that an option switches on: a WAF, a budget, the log of texts.
    Conditions are ignored, because preflight only warns where a condition decides.
    """
    granted = [
        (action, resource)
        for statement in all_statements(STAGING)
        for action in statement.actions
        for resource in statement.resources
    ]
    caller = {"Arn": f"arn:aws:iam::{ACCOUNT}:user/any", "Account": ACCOUNT}
    identifiers = names(Deployment("staging", "eu-west-1"), caller)
    asked = {
        (action, pattern.format_map(identifiers))
        for kind in kinds_made()
        for pattern, actions in RIGHTS.get(kind, ())
        for action in actions
    }

    assert len(asked) > 50
    assert [
        (action, resource)
        for action, resource in sorted(asked)
        if not any(
            fnmatchcase(action, allowed) and fnmatchcase(resource, on) for allowed, on in granted
        )
    ] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"arn:aws:s3:::marquee-{{}}-{ACCOUNT}-ratings/visitors/one.json"),
        ("s3:DeleteBucket", f"arn:aws:s3:::marquee-{{}}-{ACCOUNT}-terraform"),
        (
            "dynamodb:DeleteTable",
            f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/marquee-{{}}-visitors",
        ),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/marquee-{{}}-ingest"),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/marquee-{{}}-ingest"),
        (
            "cloudformation:DeleteStack",
            f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/marquee-{{}}/1",
        ),
        (
            "lambda:UpdateFunctionCode",
            f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:marquee-{{}}-ingest",
        ),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:marquee-{{}}-visitors"),
        (
            "ssm:GetParameter",
            f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/marquee/{{}}/token-secret",
        ),
        ("events:PutRule", f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/marquee-{{}}-cluster-ended"),
        ("sns:DeleteTopic", f"arn:aws:sns:eu-west-1:{ACCOUNT}:marquee-{{}}-alarms"),
        (
            "wafv2:UpdateWebACL",
            f"arn:aws:wafv2:eu-west-1:{ACCOUNT}:regional/webacl/marquee-{{}}/a1",
        ),
        ("budgets:ModifyBudget", f"arn:aws:budgets::{ACCOUNT}:budget/marquee-{{}}"),
    ],
)
def test_resources_of_this_deployment_are_allowed_and_those_of_others_are_not(
    action: str, resource: str
) -> None:
    assert allows(STAGING, action, resource.format("staging"))
    for neighbour in ("prod", "staging2", "stagingx"):
        assert not allows(STAGING, action, resource.format(neighbour)), neighbour


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        (
            "elasticmapreduce:TerminateJobFlows",
            f"arn:aws:elasticmapreduce:eu-west-1:{ACCOUNT}:cluster/j-1",
        ),
        ("ec2:DeleteVpc", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/vpc-1"),
        (
            "ec2:AuthorizeSecurityGroupIngress",
            f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/sg-1",
        ),
        ("kms:ScheduleKeyDeletion", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"),
        ("cloudfront:DeleteDistribution", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"),
    ],
)
def test_resources_with_generated_ids_are_allowed_only_with_the_tag_of_the_deployment(
    action: str, resource: str
) -> None:
    assert allows(STAGING, action, resource, OURS)
    assert not allows(STAGING, action, resource, THEIRS)
    assert not allows(STAGING, action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ec2:CreateTags", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/sg-1"),
        ("kms:TagResource", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"),
        ("cloudfront:TagResource", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"),
        (
            "elasticmapreduce:AddTags",
            f"arn:aws:elasticmapreduce:eu-west-1:{ACCOUNT}:cluster/j-1",
        ),
    ],
)
def test_new_resources_may_get_our_tag_and_those_of_other_deployments_may_not(
    action: str, resource: str
) -> None:
    tag = {"aws:RequestTag/environment": "staging"}

    assert allows(STAGING, action, resource, tag)
    assert allows(STAGING, action, resource, tag | OURS)
    assert not allows(STAGING, action, resource, tag | THEIRS)
    assert not allows(STAGING, action, resource, {"aws:RequestTag/environment": "prod"})


def test_event_source_mappings_are_created_with_the_tags_of_the_stack() -> None:
    mapping = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:event-source-mapping:1"

    assert allows(STAGING, "lambda:TagResource", mapping)


@pytest.mark.parametrize(
    ("role", "service", "allowed"),
    [
        ("marquee-staging-ingest", "lambda", True),
        ("marquee-staging-nodes", "ec2", True),
        ("marquee-staging-emr-service", "elasticmapreduce", True),
        ("marquee-staging-delivery-status", "sns", True),
        ("marquee-staging-ingest", "ec2", False),
        ("marquee-prod-ingest", "lambda", False),
        ("administrator", "lambda", False),
    ],
)
def test_only_our_roles_may_be_passed_and_only_to_the_service_that_needs_them(
    role: str, service: str, allowed: bool
) -> None:
    passed = {"iam:PassedToService": f"{service}.amazonaws.com"}
    assert allows(STAGING, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{role}", passed) == allowed


def test_no_role_gets_a_managed_policy_except_those_of_emr() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/marquee-staging-emr-service"
    emrs = "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"

    assert allows(STAGING, "iam:AttachRolePolicy", role, {"iam:PolicyARN": emrs})
    admin = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert not allows(STAGING, "iam:AttachRolePolicy", role, admin)


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy"])
def test_only_roles_with_the_boundary_get_rights(action: str) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/marquee-staging-ingest"

    assert allows(BOUNDED, action, role, {"iam:PermissionsBoundary": BOUNDARY})
    assert not allows(BOUNDED, action, role)
    other = {"iam:PermissionsBoundary": BOUNDARY.replace("staging", "prod")}
    assert not allows(BOUNDED, action, role, other)


def test_the_deployer_can_change_neither_the_boundary_nor_their_own_policy() -> None:
    for action in (
        "CreatePolicy",
        "CreatePolicyVersion",
        "DeletePolicy",
        "SetDefaultPolicyVersion",
    ):
        assert f"iam:{action}" not in granted_actions(BOUNDED)
    for action in ("iam:DeleteRolePermissionsBoundary", "iam:AttachUserPolicy", "iam:CreateUser"):
        assert action not in granted_actions(BOUNDED)


def test_the_boundary_holds_no_right_to_make_roles_or_users() -> None:
    [boundary] = [d for name, d in documents(BOUNDED).items() if name.endswith("-boundary")]
    actions = {action for each in boundary["Statement"] for action in each["Action"]}

    assert {action for action in actions if action.startswith(("iam:", "sts:"))} == {
        "iam:PassRole",
        "iam:CreateServiceLinkedRole",
    }


def test_the_one_role_that_the_boundary_lets_make_is_ec2s_for_spot() -> None:
    [boundary] = [d for name, d in documents(BOUNDED).items() if name.endswith("-boundary")]
    making = [
        each for each in boundary["Statement"] if "iam:CreateServiceLinkedRole" in each["Action"]
    ]

    assert [each["Resource"] for each in making] == [
        [
            f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/"
            "AWSServiceRoleForEC2Spot"
        ]
    ]
    assert making[0]["Condition"] == {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}


def test_the_reader_reads_the_state_and_changes_nothing() -> None:
    document = documents(STAGING, read_only=True)
    everything = [each for one in document.values() for each in one["Statement"]]
    statements = [each for each in everything if each["Effect"] == "Allow"]
    actions = {action for each in statements for action in each["Action"]}

    verbs = {action.partition(":")[2] for action in actions}
    reading = re.compile("Get|List|Describe|Detect|GET$|SimulatePrincipal|ViewBudget$")
    assert [verb for verb in verbs if not reading.match(verb)] == []
    assert {"s3:GetObject", "cloudformation:DetectStackDrift", "iam:GetRolePolicy"} <= actions
    assert "dynamodb:GetItem" not in actions
    readable = [each["Resource"] for each in statements if "s3:GetObject" in each["Action"]]
    assert readable == [
        [f"arn:aws:s3:::marquee-staging-{ACCOUNT}-{kind}/*" for kind in ("terraform", "artifacts")]
    ]
    assert max(len(compact(one)) for one in document.values()) <= policy.MOST_CHARACTERS


def test_the_reader_cannot_decrypt_the_token_secret() -> None:
    statements = [
        each for one in documents(STAGING, read_only=True).values() for each in one["Statement"]
    ]
    refused = [each for each in statements if each["Effect"] == "Deny"]

    assert [(each["Action"], each["Resource"]) for each in refused] == [(["kms:Decrypt"], ["*"])]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.mark.usefixtures("account")
def test_the_command_prints_json_that_iam_accepts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", "staging", "deployer-policy"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [f"marquee-staging-deployer-{part}" for part in policy.PARTS]
    for name, document in printed.items():
        boto3.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(document))


@pytest.mark.usefixtures("account")
def test_one_part_can_be_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", "staging", "deployer-policy", "--part", "boundary", "--boundary"]) == 0

    assert json.loads(capsys.readouterr().out)["Version"] == "2012-10-17"


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("part", ["everything", "boundary"])
def test_an_unknown_part_is_rejected_with_the_known_names(part: str) -> None:
    with pytest.raises(OperationError, match=re.escape(", ".join(policy.PARTS))):
        policy.deployer_policy(Deployment("staging"), part, bounded=False)
