"""Every policy passes a linter that knows AWS's actions, and every wildcard has a reason.

The list of actions is that of parliament (1.6.4), read from the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import parliament
import pytest

from operations.permissions.plan import Policy, RenderedPolicies, rendered_policies

# (holder of the policy, the linter's finding, its detail): why the finding is accepted.
EXCEPTIONS = {
    ("send-text", "RESOURCE_STAR", "['sns:Publish']"): (
        "A phone has no ARN; the policy denies publishing to topics."
    ),
}
# (actions, resources, why): each wildcard in an Allow statement needs one of these.
WILDCARDS = (
    (
        r"xray:Put(TraceSegments|TelemetryRecords)",
        r"\*",
        "X-Ray's actions know no resources.",
    ),
    (
        r"sns:(Publish|CheckIfPhoneNumberIsOptedOut)",
        r"\*",
        "A phone has no ARN; the policy denies publishing to topics.",
    ),
    (
        r"logs:(CreateLogStream|PutLogEvents)",
        r"arn:aws:logs:[^*]+:log-group:/aws/lambda/[^*]+:\*",
        "Lambda names the streams of the function's own group.",
    ),
    (
        r"s3:(Get|Put|Delete)Object|s3:AbortMultipartUpload|s3:ListMultipartUploadParts",
        r"arn:aws:s3:::[^*/]+/([^*]*)\*",
        "A run names the objects: of visitors, submissions, models, data sets and log files.",
    ),
    (
        r"s3:(Put|Delete)Object|s3:AbortMultipartUpload|s3:ListMultipartUploadParts",
        r"arn:aws:s3:::[^*/]+/data(/\*/([a-z]+/\*)?|\*_\$folder\$)",
        "An import names the version of its data; the steps write some folders of a version only.",
    ),
    (
        r"kms:(GenerateDataKey|ReEncrypt)\*",
        r"arn:aws:kms:[^*]+:key/[^*]+",
        "EMR's documents name the group; each of its actions needs the key that is named.",
    ),
)


@pytest.fixture(scope="module")
def rendered() -> RenderedPolicies:
    return rendered_policies()


def findings(document: dict[str, Any]) -> set[tuple[str, str]]:
    analysed = parliament.analyze_policy_string(json.dumps(document))
    return {(finding.issue, str(finding.detail)) for finding in analysed.findings}


def policies(rendered: RenderedPolicies) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every policy document with the short name of the policy's holder.

    The linter requires a resource in each statement; in a trust policy that is the role itself.
    """
    for policy in rendered.all():
        yield short(rendered, policy), policy.document
    for role, policy in rendered.trusts.items():
        arn = f"arn:aws:iam::{rendered.account}:role/{role}"
        statements = [{**each, "Resource": arn} for each in policy.document["Statement"]]
        yield f"{short(rendered, policy)} (trust)", {**policy.document, "Statement": statements}


def short(rendered: RenderedPolicies, policy: Policy) -> str:
    return policy.attached_to.rpartition(":")[2].removeprefix(f"{rendered.name}-")


def test_the_linter_finds_nothing_but_the_exceptions(rendered: RenderedPolicies) -> None:
    found = {
        (name, issue, detail)
        for name, document in policies(rendered)
        for issue, detail in findings(document)
    }
    assert found == EXCEPTIONS.keys()


def test_every_action_is_on_the_list_of_aws(rendered: RenderedPolicies) -> None:
    """`expand_action` raises for an action that AWS does not have; `s3:*` gives all of S3's."""
    for name, document in policies(rendered):
        for statement in Policy(name, name, document).statements:
            for action in statement.actions:
                assert parliament.expand_action(action), f"{name}: {action}"


def test_every_wildcard_has_a_reason(rendered: RenderedPolicies) -> None:
    used, unexplained = set(), []
    for policy in rendered.all():
        for statement in policy.statements:
            if statement.effect != "Allow":
                continue  # a denial may use any wildcard
            for action in statement.actions:
                for resource in statement.resources:
                    if "*" not in action + resource:
                        continue
                    reasons = [
                        number
                        for number, (actions, resources, _) in enumerate(WILDCARDS)
                        if re.fullmatch(actions, action) and re.fullmatch(resources, resource)
                    ]
                    used |= {*reasons}
                    if not reasons:
                        unexplained.append(f"{policy.attached_to}: {action} on {resource}")
    assert unexplained == []
    assert used == {*range(len(WILDCARDS))}, "a reason no longer explains anything"


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::bucket/*"}, "UNKNOWN_ACTION"),
        ({"Action": "s4:GetObject", "Resource": "arn:aws:s3:::bucket/*"}, "UNKNOWN_PREFIX"),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}, "RESOURCE_MISMATCH"),
        ({"Action": "sqs:SendMessage", "Resource": "*"}, "RESOURCE_STAR"),
        (
            {
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::bucket/*",
                "Condition": {"StringEquals": {"s3:preffix": "a"}},
            },
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
    ],
)
def test_the_linter_finds_a_planted_fault(statement: dict[str, Any], issue: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert issue in {found for found, _ in findings(document)}
