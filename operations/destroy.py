"""Destroy a deployment: its functions, all Terraform resources, and last the Terraform state."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from operations import stack
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.emptying import empty_bucket
from operations.errors import OperationError
from operations.protection import end_backups, end_clusters, lift_protection, system_backups
from operations.terraform import Terraform
from operations.token_secret import token_secret_name

OWN_FOLDERS = ("terraform", "terraform-offline", "wheels", "sam", "catalogue", "import")
BUCKETS = ("ratings", "models", "results", "site", "artifacts")


def confirm(deployment: Deployment) -> None:
    """Ask the operator to type the deployment's name, unless YES=1 confirms it."""
    if os.environ.get("YES") == "1":
        return
    out.print(
        f"This deletes every visitor, rating, model and text record of {deployment.name!r}"
        f" in account {deployment.account_id}."
    )
    try:
        typed = input(f"Type {deployment.name} to continue: ")
    except EOFError:
        typed = ""
    if typed.strip() != deployment.name:
        raise OperationError(
            "Nothing was destroyed: the name was not typed (YES=1 skips the question)."
        )


def destroy(deployment: Deployment, phases: Phases, *, confirmed: bool = False) -> None:
    """Destroy everything, the state bucket last, so that a run that failed halfway can be repeated.

    Asks the operator to type the deployment's name first, unless `confirmed`.
    """
    if not confirmed:
        confirm(deployment)
    # Do this first: if AWS refuses it, nothing has been lost yet.
    with phases.phase("turn off deletion protection") as phase:
        phase.result = ", ".join(lift_protection(deployment)) or "nothing was protected"
    with phases.phase("delete the functions"):
        stack.delete(deployment)
    with phases.phase("end the cluster") as phase:
        phase.result = f"{end_clusters(deployment, phase.detail)} ended"
    with phases.phase("empty the buckets") as phase:
        emptied = [_empty(deployment, name) for name in BUCKETS]
        phase.result = f"{sum(emptied)} objects"
    # Not before the tables are about to be deleted: until then, their data can still be kept.
    with phases.phase("delete the tables' backups") as phase:
        phase.result = end_backups(deployment)
    with phases.phase("terraform destroy") as phase:
        terraform = Terraform(deployment)
        terraform.init()
        terraform.destroy(lambda done, _, name: phase.detail(f"{done} destroyed: {name}"))
    with phases.phase("delete the secret and the state"):
        _delete_secret(deployment)
        empty_bucket(deployment.terraform_bucket)
        boto3.client("s3").delete_bucket(Bucket=deployment.terraform_bucket)
        _forget(deployment.state)
    for kept in system_backups(deployment):
        out.print(f"AWS keeps {kept}.", markup=False)


def _forget(state: Path) -> None:
    """Delete this machine's files about the deployment; a local AWS there keeps running."""
    (state / "done.json").unlink(missing_ok=True)
    for name in OWN_FOLDERS:
        shutil.rmtree(state / name, ignore_errors=True)
    with suppress(OSError):  # a local AWS keeps its files there, and logs stay
        state.rmdir()


def _empty(deployment: Deployment, name: str) -> int:
    bucket = f"{deployment.prefix}-{deployment.account_id}-{name}"
    try:
        return empty_bucket(bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return 0
        raise


def _delete_secret(deployment: Deployment) -> None:
    ssm = boto3.client("ssm")
    try:
        ssm.delete_parameter(Name=token_secret_name(deployment))
    except ssm.exceptions.ParameterNotFound:
        return
