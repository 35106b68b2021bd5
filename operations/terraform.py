"""Run Terraform on the state of one deployment."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from operations import ROOT
from operations.commands import run_command
from operations.deployment import Deployment, variables_file
from operations.errors import OperationError
from operations.terraform_mirror import provider_mirror
from operations.wheels import wheels_folder

FOLDER = ROOT / "terraform"
_FINISHED = re.compile(r"^(?P<name>\S+): (Creation|Modifications|Destruction) complete after")
# Creating queues, lifecycle rules and the network is mostly waiting, so parallelism is cheap.
_AT_ONCE = ("-parallelism=30",)
CLUSTER = "aws_emr_cluster.this"
# Commands that never prompt and therefore reject the flag -input=false.
_ASKS_NOTHING = ("output", "show", "state")
_PLANNED = re.compile(r"Plan: (?:\d+ to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy")


def changes_planned(line: str) -> int | None:
    """Return the number of changes in a plan's summary line, or None for any other line."""
    found = _PLANNED.search(line)
    if found:
        return sum(int(count) for count in found.groups())
    return 0 if "No changes." in line else None


def resource_finished(line: str) -> str | None:
    """Return the resource that a line of `apply` or `destroy` reports as complete, else None."""
    found = _FINISHED.match(line)
    return found["name"] if found else None


@dataclass(frozen=True)
class Plan:
    """The changes that Terraform plans.

    Attributes:
        text: the output of `terraform plan`.
        document: the plan as `terraform show -json` prints it.
    """

    text: str
    document: Mapping[str, Any]

    def replaces_for(self, address: str) -> list[str] | None:
        """Return the attributes that force the replacement of a resource.

        Args:
            address: the resource, such as `aws_emr_cluster.this`.

        Returns:
            Names of top-level attributes, sorted; empty if the plan names none. None if the plan
            does not replace the resource. Creating a resource again after its creation failed
            halfway (a tainted resource) is not a replacement.
        """
        for resource in self.document.get("resource_changes", []):
            change = resource["change"]
            if (
                resource["address"] == address
                and {"create", "delete"} <= set(change["actions"])
                and resource.get("action_reason") != "replace_because_tainted"
            ):
                return sorted({str(path[0]) for path in change.get("replace_paths", [])})
        return None


type ReportProgress = Callable[[int, int | None, str], None]


class Terraform:
    """Terraform with the state bucket, variables file and data folder of one environment."""

    def __init__(self, deployment: Deployment) -> None:
        self._environment = deployment
        self._logs = deployment.state / "logs"

    def init(self) -> None:
        """Connect to the state bucket and install the provider, from a mirror if there is one."""
        mirror = provider_mirror()
        backend = {
            "bucket": self._environment.terraform_bucket,
            "key": "terraform.tfstate",
            "region": self._environment.region,
            "use_lockfile": "true",
            "encrypt": "true",
        }
        settings = ["-backend-config=local.s3.tfbackend"] if self._environment.is_local else []
        self._run(
            "init",
            "-reconfigure",
            *settings,
            *(f"-backend-config={name}={value}" for name, value in backend.items()),
            # A mirror has no checksums for other platforms: keep the committed ones.
            *([f"-plugin-dir={mirror}", "-lockfile=readonly"] if mirror else []),
        )

    def apply(self, progress: ReportProgress) -> None:
        """Apply the configuration.

        Args:
            progress: called after each resource, with the numbers of finished and of planned
                resources (None if unknown) and the resource's address.
        """
        self._follow(["apply", "-auto-approve", *_AT_ONCE, *self._inputs()], progress)

    def destroy(self, progress: ReportProgress) -> None:
        """Destroy everything in the state; `progress` is called as in `apply`."""
        self._follow(["destroy", "-auto-approve", *_AT_ONCE, *self._inputs()], progress)

    def plan(self, *, expect_none: bool = False, lock: bool = True) -> Plan:
        """Plan the configuration and return the plan.

        Args:
            expect_none: whether a planned change is an error.
            lock: whether to lock the state. Without it, nothing is written, not even the lock file,
                so read permissions suffice.
        """
        flags = [*(["-detailed-exitcode"] if expect_none else []), f"-lock={str(lock).lower()}"]
        with TemporaryDirectory() as folder:  # a plan file contains every value, so do not keep it
            file = Path(folder) / "plan"
            text = self._run("plan", *flags, f"-out={file}", *self._inputs())
            document = self._shown(str(file))
        return Plan(text, document)

    def cluster_id(self) -> str | None:
        """Return the id of the cluster in the state, or None if the state has no cluster."""
        state = self._shown()
        resources = state.get("values", {}).get("root_module", {}).get("resources", [])
        return next(
            (each["values"]["id"] for each in resources if each["address"] == CLUSTER), None
        )

    def _shown(self, *plan: str) -> Any:
        """Return the output of `terraform show -json` for a plan file or, without one, the state.

        The output contains every value, so the log is deleted if the command succeeds.
        """
        shown = json.loads(self._run("show", "-json", *plan))
        self._log("show").unlink()
        return shown

    def forget_cluster(self) -> None:
        """Remove the cluster from the state; it keeps running. The next apply creates another."""
        self._run("state", "rm", CLUSTER)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs by name."""
        kept = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in kept.items()}

    def _follow(self, arguments: Sequence[str], progress: ReportProgress) -> None:
        planned: int | None = None
        finished = 0

        def heard(line: str) -> None:
            nonlocal planned, finished
            announced = changes_planned(line)
            planned = planned if announced is None else announced
            if name := resource_finished(line):
                finished += 1
                progress(finished, planned, name)

        self._run(*arguments, each_line=heard)

    def _inputs(self) -> list[str]:
        file = require_variables(self._environment)
        variables = {
            "environment": self._environment.name,
            "region": self._environment.region,
        }
        if former := self._environment.former_clusters:
            variables["former_cluster_ids"] = json.dumps(former)
        if self._environment.is_local:
            variables["website_endpoint"] = f"s3-website.localhost:{self._environment.port}"
        wheels = wheels_folder(self._environment)
        if wheels.is_dir():
            variables["wheels_directory"] = str(wheels)
        return [
            f"-var-file={file}",
            *(f"-var={name}={value}" for name, value in variables.items()),
        ]

    def _log(self, command: str) -> Path:
        return self._logs / f"terraform-{command}.log"

    def _run(self, *arguments: str, each_line: Callable[[str], None] = lambda _: None) -> str:
        name = arguments[0]
        quiet = [] if name in _ASKS_NOTHING else ["-no-color", "-input=false"]
        return run_command(
            ["terraform", name, *quiet, *arguments[1:]],
            log=self._log(name),
            what=f"terraform {name}",
            folder=FOLDER,
            variables=settings(self._environment.state / "terraform"),
            each_line=each_line,
        )


def require_variables(deployment: Deployment) -> Path:
    """Return the environment's variables file; raise OperationError if it does not exist."""
    file = variables_file(deployment.name)
    if not file.is_file():
        raise OperationError(
            f"Deployment {deployment.name!r} has no variables: copy"
            f" terraform/example.tfvars to terraform/{file.name} and fill it in."
        )
    return file


def settings(data_folder: Path) -> dict[str, str]:
    """Return the environment variables for every run of Terraform with this data folder."""
    return {
        "TF_DATA_DIR": str(data_folder),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        **_configuration_that_exists(),
    }


def _configuration_that_exists() -> dict[str, str]:
    """Point TF_CLI_CONFIG_FILE to /dev/null if it names a missing file.

    Terraform would warn about the missing file on every run.
    """
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    return {"TF_CLI_CONFIG_FILE": os.devnull} if named and not Path(named).is_file() else {}
