"""Check the caller's identity, account and permissions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from operations.deployment import variables_file
from operations.preflight.account import Account, NoAnswerError
from operations.preflight.needs import Needs, value_in
from operations.preflight.result import CheckResult, Level
from operations.preflight.rights import RIGHTS, names

CREDENTIALS, RIGHTS_CHECK = "credentials", "rights"


def check_credentials(account: Account) -> CheckResult:
    """Check that AWS accepts the credentials and that the account is the variables file's."""
    arn, number = account.caller["Arn"], account.caller["Account"]
    deployment = account.deployment
    expected = value_in(variables_file(deployment.name), "account_id")
    if expected and expected != number:
        return CheckResult(
            CREDENTIALS,
            Level.STOP,
            f"account {number}, but {deployment.name}.tfvars says {expected}",
            "log in to that account, or correct account_id",
        )
    if arn.endswith(":root"):
        return CheckResult(
            CREDENTIALS,
            Level.WARNING,
            f"account {number}, as its root user, which no policy limits",
            "create a role for deployments and use it instead",
            account.console("iam/home#/roles"),
        )
    return CheckResult(CREDENTIALS, Level.OK, f"account {number}, {arn.split(':', 5)[-1]}")


def check_rights(account: Account, needs: Needs, *, making: bool) -> CheckResult:
    """Check that the caller may create every planned type of resource, with IAM's simulator.

    The simulation ignores resource policies and knows no tags of a request. An action whose
    condition needs such a value is uncertain and only a warning.

    Args:
        account: the account.
        needs: the planned resource types.
        making: whether a deployment follows. If not, a denied action is only a warning.
    """
    link = account.console("iam/home#/policies")
    if account.caller["Arn"].endswith(":root"):
        return CheckResult(RIGHTS_CHECK, Level.SKIPPED, "the root user may do everything")
    source = principal(account)
    denied, uncertain, asked = set[str](), set[str](), 0
    for resource, actions in _by_resource(account, needs).items():
        answers = account.pages(
            "iam",
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=source,
            ActionNames=sorted(actions),
            ResourceArns=[resource],
        )
        asked += len(actions)
        for answer in answers:
            if answer["EvalDecision"] != "allowed":
                (uncertain if _missing(answer) else denied).add(answer["EvalActionName"])
    if denied:
        level = Level.STOP if making else Level.WARNING
        return CheckResult(
            RIGHTS_CHECK,
            level,
            f"{_listed(denied)} would be denied",
            "allow them in the caller's policy",
            link,
        )
    if uncertain:
        found = f"{_listed(uncertain)} depend on conditions that cannot be simulated"
        return CheckResult(RIGHTS_CHECK, Level.WARNING, found, "check that they are met", link)
    return CheckResult(RIGHTS_CHECK, Level.OK, f"{asked} actions are allowed")


def _missing(answer: Mapping[str, Any]) -> bool:
    """Return whether a condition needed a value that the simulation did not have.

    For a named resource, IAM may report this only in that resource's result (IAM API Reference,
    EvaluationResult).
    """
    results = [answer, *answer.get("ResourceSpecificResults", [])]
    return any(result.get("MissingContextValues") for result in results)


def principal(account: Account) -> str:
    """Return the ARN of the user or role whose policies apply to the caller.

    For a session of a role, this is the role's ARN including its path.
    """
    arn = account.caller["Arn"]
    partition, resource = arn.split(":")[1], arn.split(":", 5)[-1]
    if not resource.startswith("assumed-role/"):
        return arn
    role = resource.split("/")[1]
    try:
        # The session's ARN lacks the role's path; roles of IAM Identity Center have one.
        return str(account.ask("iam", "get_role", RoleName=role)["Role"]["Arn"])
    except (NoAnswerError, ClientError):  # correct for a role without a path
        return f"arn:{partition}:iam::{account.caller['Account']}:role/{role}"


def _by_resource(account: Account, needs: Needs) -> dict[str, set[str]]:
    by_resource: dict[str, set[str]] = defaultdict(set)
    identifiers = names(account.deployment, account.caller)
    for kind in needs.types & RIGHTS.keys():
        for pattern, actions in RIGHTS[kind]:
            by_resource[pattern.format_map(identifiers)].update(actions)
    return by_resource


def _listed(actions: set[str]) -> str:
    return ", ".join(_first(sorted(actions), 8))


def _first(actions: list[str], shown: int) -> Iterator[str]:
    yield from actions[:shown]
    if len(actions) > shown:
        yield f"and {len(actions) - shown} more"
