"""Run every check, for `make preflight` and, on AWS, before `make plan` and `make deploy`."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from rich.table import Table

from operations import sam
from operations.console import Phases, out, show_table
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.planned import plan_offline, variables_of
from operations.preflight import caller, cluster, leftovers, machine, quotas, texts
from operations.preflight.account import AccessDeniedError, Account, NoAnswerError, NotOfferedError
from operations.preflight.needs import Needs, needs
from operations.preflight.result import CheckResult, Level
from operations.sam_template import load_template
from operations.terraform import require_variables

type Planned = Callable[[Deployment], Needs]
type Check = Callable[[], CheckResult]

COLOURS = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.STOP: "red",
    Level.SKIPPED: "dim",
}


def planned_needs(deployment: Deployment) -> Needs:
    """Return the needs that follow from the deployment's variables and template parameters."""
    if not deployment.is_local:
        require_variables(deployment)
    variables: Path = variables_of(deployment)
    template = load_template(sam.parameters(deployment, "s3://steps/"))
    return needs(plan_offline(deployment, variables), template, variables)


def preflight(
    deployment: Deployment,
    *,
    making: bool = True,
    planned: Planned = planned_needs,
    progress: Callable[[str], None] = lambda _: None,
) -> list[CheckResult]:
    """Run every check and return the results.

    Args:
        deployment: the deployment.
        making: whether a deployment follows; a plan alone needs fewer permissions.
        planned: returns what the deployment needs.
        progress: called with the name of each check that has ended.
    """
    results = []
    for each in _checked(Account(deployment), making=making, planned=planned):
        progress(each.check)
        results.append(each)
    return results


def _checked(account: Account, *, making: bool, planned: Planned) -> Iterator[CheckResult]:
    terraform = machine.check_terraform()
    yield terraform
    yield machine.check_sam()
    credentials = answered(caller.CREDENTIALS, lambda: caller.check_credentials(account))
    yield credentials
    if credentials.level is Level.STOP:
        return
    yield answered(leftovers.STATE, lambda: leftovers.check_state_bucket(account, making=making))
    yield answered(leftovers.STACK, lambda: leftovers.check_stack(account, making=making))
    yield answered(texts.SANDBOX, lambda: texts.check_sandbox(account))
    if terraform.level is Level.STOP:
        return
    try:
        needed = planned(account.deployment)
    except OperationError as error:
        yield CheckResult("variables", Level.STOP, str(error), "correct them and try again")
        return
    yield from _compared(account, needed, making=making)


def _compared(account: Account, needed: Needs, *, making: bool) -> Iterator[CheckResult]:
    """Yield the results of checks that compare needs with the account and the region."""
    yield answered(caller.RIGHTS_CHECK, lambda: caller.check_rights(account, needed, making=making))
    for kind in (quotas.VPCS, quotas.INTERNET_GATEWAYS, quotas.ELASTIC_IPS):
        yield answered(kind.name, partial(quotas.check_room, account, needed, kind))
    for name, check in (
        (quotas.PROCESSORS, quotas.check_vcpus),
        (quotas.SPOT_PROCESSORS, quotas.check_spot_vcpus),
        (quotas.CONCURRENCY, quotas.check_concurrency),
        (cluster.RELEASE, cluster.check_release),
        (cluster.TYPES, cluster.check_instance_types),
        (cluster.ZONE, cluster.check_zone),
        (texts.SPEND_LIMIT, texts.check_spend_limit),
    ):
        yield answered(name, partial(check, account, needed))


def answered(name: str, check: Check) -> CheckResult:
    """Run a check; without an answer from AWS, return a warning.

    Credentials that do not work are a stop, and a call that the local AWS lacks skips the check.
    """
    try:
        return check()
    except AccessDeniedError as denied:
        found = f"not checked: the caller lacks {denied.permission}"
        return CheckResult(
            name, Level.WARNING, found, f"allow {denied.permission}, or check by hand"
        )
    except NotOfferedError:
        return CheckResult(name, Level.SKIPPED, "not supported by the local AWS")
    except (NoAnswerError, ClientError) as error:
        if name == caller.CREDENTIALS:
            fix = "log in, then try again: 'aws sts get-caller-identity' must answer"
            return CheckResult(
                name, Level.STOP, f"AWS does not accept the credentials: {error}", fix
            )
        return CheckResult(
            name, Level.WARNING, f"not checked: {error}", "try again, or check by hand"
        )


def show_results(results: list[CheckResult]) -> None:
    """Print one line for each check, then a fix for each warning and stop."""
    table = Table("", "check", "found", box=None, pad_edge=False)
    for each in results:
        colour = COLOURS[each.level]
        table.add_row(f"[{colour}]{each.level}[/]", each.check, each.found)
    show_table(table)
    show_fixes(results)


def show_fixes(results: list[CheckResult]) -> None:
    """Print a fix for each warning and stop."""
    for each in results:
        if each.level in (Level.WARNING, Level.STOP):
            out.print(f"\n[{COLOURS[each.level]}]{each.level}[/] {each.check}: ", end="")
            out.print(each.found, markup=False)
            out.print(f"  fix: {each.fix}", markup=False)
            if each.link:
                out.print(f"  {each.link}", markup=False)


def as_json(deployment: Deployment, results: list[CheckResult]) -> dict[str, Any]:
    """Return the results as a JSON object."""
    return {
        "environment": deployment.name,
        "region": deployment.region,
        "stops": len(stops(results)),
        "results": [each.as_json() for each in results],
    }


def stops(results: list[CheckResult]) -> list[CheckResult]:
    """Return the results that must prevent a deployment."""
    return [each for each in results if each.level is Level.STOP]


def raise_stops(deployment: Deployment, results: list[CheckResult]) -> None:
    """Raise OperationError with every stop, if there is any; no stop can be overridden."""
    if found := stops(results):
        named = "; ".join(f"{each.check}: {each.found}" for each in found)
        raise OperationError(
            f"Nothing was changed in {deployment.name!r}, because deploying would fail: {named}."
        )


def pass_preflight(deployment: Deployment, phases: Phases, *, making: bool) -> None:
    """Run the checks before a plan or deployment on AWS: show warnings, raise on a stop."""
    if deployment.is_local:
        return
    with phases.phase("preflight") as phase:
        results = preflight(deployment, making=making, progress=phase.detail)
        warnings = sum(each.level is Level.WARNING for each in results)
        phase.result = f"{len(results)} checks, {warnings} warnings"
        show_fixes(results)
        raise_stops(deployment, results)
