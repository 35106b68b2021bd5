"""What Terraform would make from nothing, found without credentials, state or network.

`terraform test` plans the configuration with the mock provider of terraform/tests and prints that
plan as JSON. How many resources there are depends on variables only, so the mock plan holds the
same resources as one against an account. It needs no state bucket and reads no account, so it also
works before the first deployment and where a deployment already exists.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.commands import plain, run
from operations.environment import Environment, variables_file
from operations.errors import OperationError
from operations.terraform import FOLDER, settings
from operations.terraform_mirror import provider_mirror

EXAMPLE = FOLDER / "example.tfvars"
# Holds the one run that plans with whatever variables the command line gives.
_TESTS = "tests/variables_files"


@dataclass(frozen=True)
class Resource:
    """One resource that is there once a plan is applied; values that AWS chooses are missing."""

    address: str
    type: str
    values: dict[str, Any]


def resources(plan: dict[str, Any]) -> list[Resource]:
    """Return the managed resources that are there after a plan is applied.

    Args:
        plan: what `terraform show -json` prints of a plan; `terraform test -json` prints the same
            `resource_changes`.
    """
    return [
        Resource(change["address"], change["type"], change["change"]["after"])
        for change in plan["resource_changes"]
        if change.get("mode") == "managed" and change["change"].get("after") is not None
    ]


def variables_of(environment: Environment) -> Path:
    """Return the variables file to plan with: the environment's own, else the example's."""
    own = variables_file(environment.name)
    return own if own.is_file() and not environment.is_local else EXAMPLE


def plan_offline(environment: Environment, variables: Path) -> list[Resource]:
    """Plan the whole configuration with a mock AWS and return its resources.

    Raises OperationError where the provider cannot be had or a variable is refused.
    """
    _terraform(environment, "init", "-backend=false", "-input=false", *_provider())
    printed = _terraform(
        environment,
        "test",
        *("-json", "-verbose"),
        f"-test-directory={_TESTS}",
        f"-var-file={variables}",
        f"-var=environment={environment.name}",
        f"-var=region={environment.region}",
    )
    for message in _messages(printed):
        if message.get("type") == "test_plan":
            return resources(message["test_plan"])
    raise OperationError(f"terraform test printed no plan of {variables.name}.")


def read_plan(file: Path) -> list[Resource]:
    """Return the resources of a plan that `terraform show -json <plan>` wrote to a file."""
    try:
        return resources(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperationError(
            f"{file} is not a plan as JSON ({error}): write one with"
            " 'terraform plan -out=p && terraform show -json p > FILE'."
        ) from error


def _provider() -> list[str]:
    mirror = provider_mirror()
    return [f"-plugin-dir={mirror}", "-lockfile=readonly"] if mirror else []


def _messages(printed: str) -> Iterator[dict[str, Any]]:
    for line in printed.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _terraform(environment: Environment, command: str, *arguments: str) -> str:
    log = environment.state / "logs" / f"terraform-{command}-offline.log"
    try:
        printed = _run(environment, log, command, *arguments)
    except OperationError as error:
        if refusals := _refusals(log):
            raise OperationError(f"Terraform refuses the variables: {refusals}") from error
        raise
    log.unlink()  # with the provider's schemas it holds 14 MB; a failure keeps it
    return printed


def _refusals(log: Path) -> str:
    """Return what a run with -json found wrong, each in a sentence."""
    found = [
        message["diagnostic"]
        for message in (_messages(log.read_text()) if log.is_file() else ())
        if message.get("type") == "diagnostic"
    ]
    errors = [each for each in found if each["severity"] == "error"]
    return " ".join(plain(each["detail"] or each["summary"]).replace("\n", " ") for each in errors)


def _run(environment: Environment, log: Path, command: str, *arguments: str) -> str:
    return run(
        ["terraform", command, "-no-color", *arguments],
        log=log,
        what=f"terraform {command}",
        folder=FOLDER,
        variables={
            **settings(environment.state / "terraform-offline"),
            # The mock provider calls nothing; whatever slips past it has no credentials.
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    )
