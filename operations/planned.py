"""Plan a new deployment without credentials, Terraform state or network.

`terraform test` plans the configuration with the mock provider of terraform/tests and prints the
plan as JSON. The resources depend on variables only, so the mock plan has the same resources as a
plan against an account. It needs neither a state bucket nor an account, so it works before the
first deployment and next to an existing one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.commands import run_command
from operations.deployment import Deployment, variables_file
from operations.errors import OperationError
from operations.terraform import FOLDER, settings
from operations.terraform_messages import explanation, in_words, messages
from operations.terraform_mirror import provider_options

EXAMPLE = FOLDER / "example.tfvars"
# Contains the single `run` block, which plans with the variables of the command line.
_TESTS = "tests/variables_files"


@dataclass(frozen=True)
class Resource:
    """A resource that exists after a plan is applied, without the values that AWS assigns."""

    address: str
    type: str
    values: dict[str, Any]


def resources(plan: dict[str, Any]) -> list[Resource]:
    """Return the managed resources that exist after a plan is applied.

    Args:
        plan: a plan as `terraform show -json` prints it; `terraform test -json` prints the same
            `resource_changes`.
    """
    return [
        Resource(change["address"], change["type"], change["change"]["after"])
        for change in plan["resource_changes"]
        if change.get("mode") == "managed" and change["change"].get("after") is not None
    ]


def variables_of(deployment: Deployment) -> Path:
    """Return the variables file to plan with: the deployment's own if any, else the example."""
    own = variables_file(deployment.name)
    return own if own.is_file() and not deployment.is_local else EXAMPLE


def plan_offline(deployment: Deployment, variables: Path) -> list[Resource]:
    """Plan the whole configuration with a mock AWS and return its resources.

    Raises:
        OperationError: if the provider cannot be installed or a variable is invalid.
    """
    _terraform(deployment, "init", "-backend=false", "-input=false", *provider_options())
    printed = _terraform(
        deployment,
        "test",
        "-verbose",
        f"-test-directory={_TESTS}",
        f"-var-file={variables}",
        f"-var=environment={deployment.name}",
        f"-var=region={deployment.region}",
    )
    for message in messages(printed.splitlines()):
        if message.get("type") == "test_plan":
            return resources(message["test_plan"])
    raise OperationError(f"terraform test printed no plan of {variables.name}.")


def read_plan(file: Path) -> list[Resource]:
    """Return the resources of a plan that `terraform show -json <plan>` wrote to a file.

    Raises:
        OperationError: if the file is not such a plan.
    """
    try:
        return resources(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperationError(
            f"{file} is not a JSON plan ({error}): write one with"
            " 'terraform plan -out=p && terraform show -json p > FILE'."
        ) from error


def _terraform(deployment: Deployment, command: str, *arguments: str) -> str:
    return run_command(
        ["terraform", command, "-json", *arguments],
        log=deployment.state / "logs" / f"terraform-{command}-offline.log",
        what=f"terraform {command}",
        folder=FOLDER,
        variables={
            **settings(deployment.state / "terraform-offline"),
            # The mock provider calls nothing; any other call would have no credentials.
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        readable=in_words,
        explanation=explanation,
    )
