"""Run Terraform on the state of one deployment."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from operations import ROOT
from operations.commands import run_command
from operations.deployment import Deployment, variables_file
from operations.errors import OperationError
from operations.state_lock import STATE_KEY, identity, locked_state_sentence, state_lock
from operations.terraform_messages import (
    STATE_IS_LOCKED,
    TerraformMessage,
    explanation,
    in_words,
    message_of,
)
from operations.terraform_mirror import provider_options
from operations.wheels import wheels_folder

FOLDER = ROOT / "terraform"
# Creating queues, lifecycle rules and the network is mostly waiting, so parallelism is cheap.
_AT_ONCE = ("-parallelism=30",)
CLUSTER = "aws_emr_cluster.this"


@dataclass(frozen=True)
class Plan:
    """The changes that Terraform plans.

    Attributes:
        document: the plan as `terraform show -json` prints it.
        text: the plan as Terraform shows it to people; empty unless it was asked for.
    """

    document: Mapping[str, Any]
    text: str = ""

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


class _Applying:
    """Counts what the messages of `apply` or `destroy` report.

    Attributes:
        changes: the resources added, changed and destroyed in all, known at the end.
    """

    def __init__(self, progress: ReportProgress) -> None:
        self.changes = 0
        self._planned: int | None = None
        self._finished = 0
        self._progress = progress

    def hear(self, message: TerraformMessage) -> None:
        """Take one message into account, and report the progress if there is any."""
        match message:
            case {"type": "change_summary", "changes": {"operation": "plan"} as counts}:
                self._planned = _total(counts)
            case {"type": "change_summary", "changes": counts}:
                self.changes = _total(counts)
            case {"type": "apply_complete", "hook": {"action": action, "resource": resource}}:
                if action != "read":  # data sources are not among the planned changes
                    self._finished += 1
                    self._progress(self._finished, self._planned, resource["addr"])
            case {"type": "apply_progress", "hook": hook}:
                waited_for = f"{hook['resource']['addr']}, for {hook['elapsed_seconds']:.0f} s"
                self._progress(self._finished, self._planned, waited_for)


def _total(counts: Mapping[str, Any]) -> int:
    return sum(int(counts[name]) for name in ("add", "change", "remove"))


class Terraform:
    """Terraform with the state bucket, variables file and data folder of one environment."""

    def __init__(self, deployment: Deployment) -> None:
        self._environment = deployment
        self._logs = deployment.state / "logs"

    def init(self) -> None:
        """Connect to the state bucket and install the provider, from a mirror if there is one."""
        backend = {
            "bucket": self._environment.terraform_bucket,
            "key": STATE_KEY,
            "region": self._environment.region,
            "use_lockfile": "true",
            "encrypt": "true",
        }
        settings = ["-backend-config=local.s3.tfbackend"] if self._environment.is_local else []
        self._follow(
            "init",
            "-reconfigure",
            *settings,
            *(f"-backend-config={name}={value}" for name, value in backend.items()),
            *provider_options(),
        )

    def apply(self, progress: ReportProgress) -> int:
        """Apply the configuration.

        Args:
            progress: called after each resource, and every 10 seconds for each that takes longer,
                with the numbers of finished and of planned resources (None if unknown) and the
                resource's address.

        Returns:
            How many resources were added, changed and destroyed.
        """
        applying = _Applying(progress)
        self._follow("apply", "-auto-approve", *_AT_ONCE, *self._inputs(), each=applying.hear)
        return applying.changes

    def destroy(self, progress: ReportProgress) -> None:
        """Destroy everything in the state; `progress` is called as in `apply`."""
        hear = _Applying(progress).hear
        self._follow("destroy", "-auto-approve", *_AT_ONCE, *self._inputs(), each=hear)

    def plan(self, *, lock: bool = True, with_text: bool = False) -> Plan:
        """Plan the configuration and return the plan.

        Args:
            lock: whether to lock the state. Without it, nothing is written, not even the lock file,
                so read permissions suffice.
            with_text: whether to return also the text for people, which takes seconds more.
        """
        with TemporaryDirectory() as folder:  # a plan file contains every value, so do not keep it
            file = str(Path(folder) / "plan")
            self._follow("plan", f"-lock={str(lock).lower()}", f"-out={file}", *self._inputs())
            text = self._shown("-no-color", file) if with_text else ""
            return Plan(json.loads(self._shown("-json", file)), text)

    def cluster_id(self) -> str | None:
        """Return the id of the cluster in the state, or None if the state has no cluster."""
        state = json.loads(self._shown("-json"))
        resources = state.get("values", {}).get("root_module", {}).get("resources", [])
        return next(
            (each["values"]["id"] for each in resources if each["address"] == CLUSTER), None
        )

    def _shown(self, *arguments: str) -> str:
        """Return the output of `terraform show` for a plan file or, without one, the state.

        The output contains every value, so the log is deleted if the command succeeds.
        """
        shown = self._run("show", *arguments)
        self._log("show").unlink()
        return shown

    def forget_cluster(self) -> None:
        """Remove the cluster from the state; it keeps running. The next apply creates another."""
        self._run("state", "rm", CLUSTER)

    def unlock(self, lock_id: str) -> None:
        """Remove the lock with this id from the state, no matter who holds it."""
        self._run("force-unlock", "-force", lock_id)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs by name."""
        kept = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in kept.items()}

    def _inputs(self) -> list[str]:
        file = require_variables(self._environment)
        variables = {**identity(self._environment), "region": self._environment.region}
        if former := self._environment.former_clusters:
            variables["former_cluster_ids"] = json.dumps(former)
        wheels = wheels_folder(self._environment)
        if wheels.is_dir():
            variables["wheels_directory"] = str(wheels)
        return [
            f"-var-file={file}",
            *(f"-var={name}={value}" for name, value in variables.items()),
        ]

    def _log(self, command: str) -> Path:
        return self._logs / f"terraform-{command}.log"

    def _follow(
        self, name: str, *arguments: str, each: Callable[[TerraformMessage], None] = lambda _: None
    ) -> None:
        """Run a command that prints messages, and call `each` with every one as it arrives."""

        def heard(line: str) -> None:
            if (message := message_of(line)) is not None:
                each(message)

        self._run(
            name,
            *("-json", "-input=false"),
            *arguments,
            each_line=heard,
            readable=in_words,
            explanation=explanation,
        )

    def _run(self, *arguments: str, **reading: Any) -> str:
        """Run a command and return its output; `reading` says how `run_command` is to read it."""
        name = arguments[0]
        try:
            return run_command(
                ["terraform", *arguments],
                log=self._log(name),
                what=f"terraform {name}",
                folder=FOLDER,
                variables=settings(self._environment.state / "terraform"),
                **reading,
            )
        except OperationError as error:
            if STATE_IS_LOCKED not in str(error):
                raise
            lock = state_lock(self._environment)
            raise OperationError(locked_state_sentence(self._environment, lock)) from error


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
