"""The lock of a deployment's Terraform state: who holds it, and how to remove one that is left.

Terraform (1.11 or later) keeps the lock as a JSON object next to the state, and deletes it when it
ends. A Terraform that is killed cannot delete it, and every later run is refused.
"""

import json
import os
import pwd
import socket
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import boto3

from operations.deployment import Deployment

STATE_KEY = "terraform.tfstate"
LOCK_KEY = f"{STATE_KEY}.tflock"
# The commands of Terraform that lock the state.
_LOCKING = {"apply", "destroy", "import", "plan", "refresh", "state", "taint", "untaint"}


@dataclass(frozen=True)
class StateLock:
    """The lock of a Terraform state.

    Attributes:
        id: the id by which `terraform force-unlock` removes it.
        who: who holds it, as user@host.
        operation: what for, such as `apply`.
        created: since when.
    """

    id: str
    who: str
    operation: str
    created: datetime

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a lock as Terraform writes it."""
        held = json.loads(text)
        return cls(
            held["ID"],
            held["Who"],
            held["Operation"].removeprefix("OperationType").lower(),
            datetime.fromisoformat(held["Created"]),
        )

    def __str__(self) -> str:
        """Return who holds the lock, since when and what for."""
        since = self.created.astimezone(UTC)
        return f"{self.who} since {since:%Y-%m-%d %H:%M} UTC, for terraform {self.operation}"

    @property
    def is_of_this_machine(self) -> bool:
        """Whether this user locked the state on this machine."""
        return self.who == f"{_user()}@{socket.gethostname()}"


def state_lock(deployment: Deployment) -> StateLock | None:
    """Return the lock of the deployment's state, or None if the state is not locked."""
    s3 = boto3.client("s3")
    try:
        held = s3.get_object(Bucket=deployment.terraform_bucket, Key=LOCK_KEY)
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
        return None
    return StateLock.from_json(held["Body"].read())


def locked_state_sentence(deployment: Deployment, lock: StateLock | None) -> str:
    """Return the sentence for a run that found the state locked: by whom, and what to do.

    Args:
        deployment: the deployment.
        lock: the lock; None if it is gone meanwhile.
    """
    if lock is None:
        return "The state was locked by another run, which has just ended: try again."
    reason = reason_to_keep(deployment, lock)
    advice = reason or f"That Terraform was killed: {_unlock(deployment)} removes its lock."
    return f"The state of {deployment.name!r} is locked by {lock}. {advice}"


def reason_to_keep(deployment: Deployment, lock: StateLock) -> str | None:
    """Return why the lock may still be needed and what to do, or None if nobody needs it."""
    force = f"{_unlock(deployment, force=True)} removes its lock"
    if not lock.is_of_this_machine:
        return f"Wait until that run has ended; if it was killed, {force}."
    if running := terraform_processes(deployment):
        return (
            f"Terraform may still be running here ({'; '.join(running)}): wait until it has ended;"
            f" if it does something else, {force}."
        )
    return None


def terraform_processes(deployment: Deployment) -> list[str]:
    """Return the Terraform processes of this machine that may hold the deployment's lock.

    Each is shown as its process id and its command. A process whose arguments name another
    deployment does not count. One that names none does, as when Terraform was started by hand.
    """
    try:
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ["the processes cannot be listed, because ps does not run"]
    return [_short(line) for line in listed.stdout.splitlines() if _may_hold_lock(line, deployment)]


def identity(deployment: Deployment) -> dict[str, str]:
    """Return the Terraform variables that tell this deployment's runs from those of others."""
    named = {"environment": deployment.name}
    if deployment.is_local:
        named["website_endpoint"] = f"s3-website.localhost:{deployment.port}"
    return named


def _may_hold_lock(process: str, deployment: Deployment) -> bool:
    """Return whether a line of `ps` shows a Terraform that may have locked this deployment."""
    _, *words = process.split()
    # A script's interpreter comes first.
    if "terraform" not in (Path(word).name for word in words[:2]) or not _LOCKING & set(words):
        return False
    given = dict(
        word.removeprefix("-var=").split("=", 1)
        for word in words
        if word.startswith("-var=") and word.count("=") > 1
    )
    return all(given.get(name, value) == value for name, value in identity(deployment).items())


def _short(process: str) -> str:
    number, *words = process.split()
    return f"process {number}: {' '.join(words[:3])}"


def _unlock(deployment: Deployment, *, force: bool = False) -> str:
    env = "" if deployment.is_local else f" ENV={deployment.name}"
    return f"'make unlock{env}{' FORCE=1' if force else ''}'"


def _user() -> str:
    """Return this user's name as Terraform finds it: in the user database, else in $USER."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "")
