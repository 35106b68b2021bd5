"""Compare granted with needed permissions, and write docs/permissions.md."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from operations import ROOT
from operations.permissions.needs import Need, needs_of
from operations.permissions.plan import PolicyStatement, RenderedPolicies

PAGE = ROOT / "docs" / "permissions.md"

type Right = tuple[str, str, str]  # role, action, resource


def grants(statement: PolicyStatement, need: Need) -> list[str]:
    """Return the resources of a statement that cover a need; none if it does not apply.

    The statement has to cover everything that a `*` in the need may stand for, so the `*` is
    matched as a literal character. A condition holds if one of its values matches the value in the
    request. A condition `ForAllValues:` also holds if the value in the request is unknown.

    Raises:
        NotImplementedError: if the statement has a condition operator other than `StringEquals`
            and `StringLike`.
    """
    if not any(fnmatchcase(need.action, action) for action in statement.actions):
        return []
    carried = dict(need.conditions)
    for operator, block in statement.condition.items():
        for key, wanted in block.items():
            values = [wanted] if isinstance(wanted, str) else wanted
            if operator.startswith("ForAllValues:") and key not in carried:
                continue
            if operator.removeprefix("ForAllValues:") not in ("StringEquals", "StringLike"):
                raise NotImplementedError(f"{operator} in an identity policy: {statement.sid}")
            if not any(fnmatchcase(carried.get(key, ""), value) for value in values):
                return []
    return [each for each in statement.resources if fnmatchcase(need.resource, each)]


def not_allowed(rendered: RenderedPolicies) -> list[tuple[str, Need]]:
    """Return each pair of role and required need that no statement of the role grants."""
    return [
        (role, need)
        for role, needs in needs_of(rendered).items()
        for need in sorted(needs, key=lambda each: (each.action, each.resource, each.place))
        if not need.optional
        and not any(
            grants(statement, need)
            for statement in rendered.roles[role].statements
            if statement.effect == "Allow"
        )
    ]


def not_needed(rendered: RenderedPolicies) -> list[Right]:
    """Return every permission of a role that nothing needs."""
    needs = needs_of(rendered)
    return [right for right, places in _rights(rendered, needs) if not places]


def _rights(
    rendered: RenderedPolicies, needs: dict[str, set[Need]]
) -> Iterator[tuple[Right, list[str]]]:
    """Yield each permission with the places that need it, in the order of the policies."""
    for role, policy in rendered.roles.items():
        for statement in policy.statements:
            if statement.effect != "Allow":
                continue
            for action in statement.actions:
                for resource in statement.resources:
                    places = {
                        need.place
                        for need in needs.get(role, ())
                        if need.action == action and resource in grants(statement, need)
                    }
                    yield (role, action, resource), sorted(places)


def permissions_page(rendered: RenderedPolicies) -> str:
    """Return the page as Markdown."""
    needs = needs_of(rendered)
    rights = list(_rights(rendered, needs))
    lines = [
        "# Permissions",
        "",
        "Who may do what to which resource, and what needs it. Written by `make permissions` from",
        "Terraform's plan of a deployment `test` in account 123456789012, from the source of",
        "the functions and from the steps' arguments. A `*` in a resource stands for any",
        "characters, and code is named by its file and function.",
        "",
        "Tests fail when this page is out of date, when nothing needs a permission or the code",
        "needs one that is missing (tests/infrastructure/test_permissions.py), when AWS's own list",
        "has no such action or a wildcard has no reason (tests/infrastructure/test_policies.py),",
        "and when an enforcing local AWS denies a role its own calls or grants it a neighbour's",
        "(tests/local_aws/test_permissions.py).",
        "",
    ]
    for role, policy in sorted(rendered.roles.items()):
        lines += [f"## {role}", "", _assumed_by(rendered, role), ""]
        lines += [
            f"AWS's managed policy `{arn}` is attached." for arn in rendered.managed.get(role, [])
        ]
        lines += [""] if rendered.managed.get(role) else []
        lines += ["| action | resource | needed by |", "| --- | --- | --- |"]
        lines += [
            f"| `{action}` | `{resource}`{_conditions(policy.statements, action, resource)} | "
            f"{'<br>'.join(f'`{place}`' for place in places)} |"
            for (owner, action, resource), places in sorted(rights)
            if owner == role
        ]
        denied = [each for each in policy.statements if each.effect == "Deny"]
        for statement in denied:
            actions = ", ".join(f"`{each}`" for each in statement.actions)
            resources = ", ".join(f"`{each}`" for each in statement.resources)
            lines += [
                "",
                f"Denied whatever else allows it ({statement.sid}): {actions} on {resources}.",
            ]
        lines.append("")
    lines += _resource_policies(rendered)
    return "\n".join(lines).rstrip() + "\n"


def _assumed_by(rendered: RenderedPolicies, role: str) -> str:
    services = sorted(
        statement.principal["Service"] for statement in rendered.trusts[role].statements
    )
    return f"Assumed by {', '.join(f'`{service}`' for service in services)}."


def _conditions(statements: Iterable[PolicyStatement], action: str, resource: str) -> str:
    """Return a permission's conditions in words; empty if any statement grants it without one."""
    holding = [
        s.condition
        for s in statements
        if s.effect == "Allow" and action in s.actions and resource in s.resources
    ]
    if not all(holding):
        return ""
    return "".join(f" if {_written(condition)}" for condition in holding)


def _written(condition: dict[str, dict[str, object]]) -> str:
    return " and ".join(
        f"`{key}` {operator} {_values(value)}"
        for operator, block in condition.items()
        for key, value in block.items()
    )


def _values(value: object) -> str:
    each = value if isinstance(value, list) else [value]
    return ", ".join(f"`{one}`" for one in each)


def _resource_policies(rendered: RenderedPolicies) -> list[str]:
    lines = [
        "## Policies of buckets, queues and topics",
        "",
        "| resource | who | may, or may not | action | if |",
        "| --- | --- | --- | --- | --- |",
    ]
    for arn, policy in sorted(rendered.resource_policies.items()):
        for statement in policy.statements:
            who = statement.principal
            named = "anybody" if who == "*" else f"`{', '.join(map(str, who.values()))}`"
            verb = "may" if statement.effect == "Allow" else "may not"
            actions = ", ".join(f"`{each}`" for each in statement.actions)
            under = _written(statement.condition) if statement.condition else ""
            lines.append(f"| `{arn}` | {named} | {verb} | {actions} | {under} |")
    return lines
