"""docs/permissions.md is up to date; roles have every permission they need and no other."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from operations.permissions.needs import STEP_ARGUMENTS, needs_of, step_addresses
from operations.permissions.page import PAGE, not_allowed, not_needed, permissions_page
from operations.permissions.plan import Policy, RenderedPolicies, rendered_policies

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rendered() -> RenderedPolicies:
    return rendered_policies()


def with_statements(
    rendered: RenderedPolicies, role: str, statements: list[dict[str, object]]
) -> RenderedPolicies:
    """Return the same plan with these statements in a role's policy."""
    before = rendered.roles[role]
    policy = Policy(before.address, role, {**before.document, "Statement": statements})
    return replace(rendered, roles={**rendered.roles, role: policy})


def test_the_page_matches_the_plan_and_the_code(rendered: RenderedPolicies) -> None:
    assert PAGE.read_text() == permissions_page(rendered), "make it anew with: make permissions"


def test_every_granted_right_is_needed(rendered: RenderedPolicies) -> None:
    found = [f"{role}: {action} on {resource}" for role, action, resource in not_needed(rendered)]
    assert not found, "nothing needs:\n" + "\n".join(found)


def test_every_right_that_is_needed_is_granted(rendered: RenderedPolicies) -> None:
    found = [f"{role}: {n.action} on {n.resource} ({n.place})" for role, n in not_allowed(rendered)]
    assert not found, "missing:\n" + "\n".join(found)


def test_every_role_of_the_plan_is_compared(rendered: RenderedPolicies) -> None:
    assert rendered.roles.keys() == needs_of(rendered).keys() == rendered.trusts.keys()


def test_removing_any_statement_is_noticed(rendered: RenderedPolicies) -> None:
    unnoticed = []
    for role, policy in rendered.roles.items():
        statements = policy.document["Statement"]
        for statement in statements:
            if statement["Effect"] == "Allow":
                left = [each for each in statements if each is not statement]
                if not not_allowed(with_statements(rendered, role, left)):
                    unnoticed.append(f"{role}: {statement['Sid']}")
    assert unnoticed == []


# Permissions that functions once had, or might seem to need, but must not have: (function, action,
# part of the resource's name).
NEVER = (
    ("ingest", "dynamodb:GetItem", "-movies"),
    ("ingest", "dynamodb:BatchGetItem", "-movies"),
    ("ingest", "dynamodb:Query", "-movies"),
    ("reconcile", "sqs:SendMessage", "-visitors"),
    ("reconcile", "sqs:SendMessage", "-results"),
    ("reconcile", "s3:GetObject", "-ratings/visitors"),
    ("submit-step", "s3:GetObject", "-ratings/visitors"),
    ("submit-step", "dynamodb:GetItem", "-visitors"),
    *(
        (function, action, "")
        for function in ("submit-step", "reconcile")
        for action in ("elasticmapreduce:DescribeCluster", "elasticmapreduce:DescribeStep")
    ),
)


@pytest.mark.parametrize(("function", "action", "part"), NEVER)
def test_a_function_has_no_right_that_it_does_not_use(
    rendered: RenderedPolicies, function: str, action: str, part: str
) -> None:
    allowed = [
        resource
        for statement in rendered.roles[f"{rendered.name}-{function}"].statements
        if statement.effect == "Allow" and action in statement.actions
        for resource in statement.resources
    ]
    assert not [resource for resource in allowed if part in resource]


def test_a_right_that_nothing_needs_is_found(rendered: RenderedPolicies) -> None:
    role = f"{rendered.name}-queue-results"
    here = f"{rendered.region}:{rendered.account}"
    planted = {
        "Sid": "Planted",
        "Effect": "Allow",
        "Action": ["dynamodb:DeleteItem", "dynamodb:UpdateItem"],
        "Resource": f"arn:aws:dynamodb:{here}:table/{rendered.name}-visitors",
    }
    statements = [*rendered.roles[role].document["Statement"], planted]
    found = not_needed(with_statements(rendered, role, statements))
    assert found == [(role, "dynamodb:DeleteItem", planted["Resource"])]


def test_every_place_that_the_page_names_exists(rendered: RenderedPolicies) -> None:
    missing = set()
    for needs in needs_of(rendered).values():
        for place in {need.place for need in needs}:
            file, _, named = place.partition(": ")
            name = named.partition(" ")[0].rpartition(".")[2] or "."
            text = (ROOT / file).read_text() if (ROOT / file).is_file() else ""
            words = [name] if file.endswith((".py", ".sh")) else named.partition(" ")[0].split(".")
            if not text or not all(word in text for word in words if word != "this"):
                missing.add(place)
    assert missing == set()


def test_every_address_argument_of_a_step_has_a_known_use(rendered: RenderedPolicies) -> None:
    handed = {
        (each.script, each.argument)
        for each in step_addresses(rendered)
        if each.argument not in ("script", "--py-files")
    }
    assert handed == STEP_ARGUMENTS.keys()


def test_every_step_is_examined(rendered: RenderedPolicies) -> None:
    scripts = {
        file.name
        for file in (ROOT / "emr_steps").glob("*.py")
        if any(
            isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
            for node in ast.parse(file.read_text()).body
        )
    }
    assert {each.script for each in step_addresses(rendered)} == scripts
