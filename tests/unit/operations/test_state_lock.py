"""A locked Terraform state: who holds it, and removing a lock that nobody needs."""

import json
import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from operations import __main__ as command_line
from operations import state_lock as locks
from operations import terraform as terraforming
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.state_lock import StateLock, locked_state_sentence, state_lock, terraform_processes
from operations.terraform import Terraform
from operations.unlock import unlock

STAGING = Deployment("staging")
BUCKET = "marquee-staging-123456789012-terraform"
ID = "5b3e2f2c-0d9c-6b1f-8a52-1f2f0e6f3c11"
HERE = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
THERE = "ada@another-machine"


def lock_file(who: str) -> str:
    """Return the lock as Terraform 1.11 writes it next to the state."""
    return json.dumps(
        {
            "ID": ID,
            "Operation": "OperationTypeApply",
            "Info": "",
            "Who": who,
            "Version": "1.11.4",
            "Created": "2026-11-28T18:05:11.123456789Z",
            "Path": f"{BUCKET}/terraform.tfstate",
        }
    )


@pytest.fixture
def bucket(mocked_aws: None) -> str:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


def locked_by(who: str) -> None:
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key="terraform.tfstate.tflock", Body=lock_file(who)
    )


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list, empty at first, of the Terraform processes of this machine."""
    listed: list[str] = []
    monkeypatch.setattr(locks, "terraform_processes", lambda _: listed)
    return listed


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the ids of the locks that Terraform was asked to remove."""
    ids: list[str] = []
    monkeypatch.setattr(Terraform, "init", lambda _: None)
    monkeypatch.setattr(Terraform, "unlock", lambda _, lock_id: ids.append(lock_id))
    return ids


def test_a_lock_says_who_holds_it_since_when_and_what_for(bucket: str) -> None:
    locked_by(THERE)

    lock = state_lock(STAGING)

    assert lock == StateLock(ID, THERE, "apply", datetime(2026, 11, 28, 18, 5, 11, 123456, UTC))
    assert str(lock) == f"{THERE} since 2026-11-28 18:05 UTC, for terraform apply"


def test_a_state_may_be_unlocked(bucket: str) -> None:
    assert state_lock(STAGING) is None


def test_a_deployment_without_a_state_bucket_has_no_lock(mocked_aws: None) -> None:
    assert state_lock(STAGING) is None


def test_a_lock_that_this_machine_left_names_the_command_that_removes_it(
    processes: list[str],
) -> None:
    words = locked_state_sentence(STAGING, StateLock.from_json(lock_file(HERE)))

    assert words == (
        f"The state of 'staging' is locked by {HERE} since 2026-11-28 18:05 UTC, for terraform"
        " apply. That Terraform was killed: 'make unlock ENV=staging' removes its lock."
    )


def test_a_lock_of_another_machine_is_waited_for(processes: list[str]) -> None:
    words = locked_state_sentence(STAGING, StateLock.from_json(lock_file(THERE)))

    assert "Wait until that run has ended" in words
    assert "if it was killed, 'make unlock ENV=staging FORCE=1' removes its lock." in words


def test_a_lock_that_a_process_of_this_machine_may_hold_is_waited_for(processes: list[str]) -> None:
    processes.append("process 4242: terraform apply -json")

    words = locked_state_sentence(Deployment("local"), StateLock.from_json(lock_file(HERE)))

    assert "still be running here (process 4242: terraform apply -json): wait until" in words
    assert "'make unlock FORCE=1'" in words


def test_a_lock_that_is_gone_when_it_is_looked_at_needs_no_command() -> None:
    assert locked_state_sentence(STAGING, None).endswith("which has just ended: try again.")


def test_any_command_of_terraform_that_finds_the_state_locked_says_what_to_do(
    bucket: str, processes: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    locked_by(HERE)

    def run(*_: object, **__: object) -> str:
        raise OperationError("terraform state failed: Error: Error acquiring the state lock")

    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path))
    monkeypatch.setattr(terraforming, "run_command", run)

    with pytest.raises(OperationError, match=r"^The state of 'staging' is locked.*make unlock ENV"):
        Terraform(STAGING).forget_cluster()


def test_a_lock_that_this_machine_left_is_removed(
    bucket: str, processes: list[str], removed: list[str]
) -> None:
    locked_by(HERE)

    assert unlock(STAGING).startswith(f"The lock of {HERE} since")
    assert removed == [ID]


@pytest.mark.parametrize(("who", "running"), [(THERE, []), (HERE, ["process 1: terraform plan"])])
def test_a_lock_that_may_be_needed_is_removed_only_by_force(
    bucket: str, processes: list[str], removed: list[str], who: str, running: list[str]
) -> None:
    locked_by(who)
    processes += running

    with pytest.raises(OperationError, match=r"was not removed.*FORCE=1"):
        unlock(STAGING)
    assert removed == []

    unlock(STAGING, force=True)
    assert removed == [ID]


def test_a_state_that_is_not_locked_is_left_alone(bucket: str, removed: list[str]) -> None:
    assert unlock(STAGING) == "The state of 'staging' is not locked."
    assert removed == []


@pytest.mark.parametrize(("options", "force"), [([], False), (["--force"], True)])
def test_the_command_passes_force_on(
    monkeypatch: pytest.MonkeyPatch, options: list[str], force: bool
) -> None:
    asked: list[bool] = []

    def remove(_: Deployment, *, force: bool) -> str:
        asked.append(force)
        return "done"

    monkeypatch.setattr(command_line, "require", lambda _: None)
    monkeypatch.setattr(command_line, "unlock", remove)
    chosen = command_line.parser().parse_args(["unlock", *options])
    command_line.COMMANDS["unlock"].run(STAGING, chosen)

    assert asked == [force]


@pytest.fixture
def started(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """Start a program called terraform with the arguments of the test; return its process id."""
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o755)
    with subprocess.Popen([program, *request.param], stdin=subprocess.PIPE) as process:
        yield process.pid


def listed(deployment: Deployment, process: int) -> bool:
    return any(f"process {process}: " in each for each in terraform_processes(deployment))


@pytest.mark.parametrize(
    "started",
    [
        ["apply", "-json", "-var=environment=staging", "-var=region=eu-west-1"],
        ["plan", "-var-file=staging.tfvars"],
        ["state", "rm", "aws_emr_cluster.this"],
    ],
    indirect=True,
)
def test_a_terraform_that_may_have_locked_the_deployment_is_found(started: int) -> None:
    assert listed(STAGING, started)


@pytest.mark.parametrize(
    "started",
    [
        ["apply", "-var=environment=prod"],
        ["apply", "-var=environment=local", "-var=website_endpoint=s3-website.localhost:4566"],
        ["output", "-json"],
    ],
    indirect=True,
)
def test_a_terraform_that_locks_nothing_or_another_deployment_does_not_count(started: int) -> None:
    assert not listed(STAGING, started)


@pytest.mark.parametrize(
    "started",
    [["apply", "-var=environment=local", "-var=website_endpoint=s3-website.localhost:4566"]],
    indirect=True,
)
def test_local_deployments_are_told_apart_by_their_ports(started: int) -> None:
    assert listed(Deployment("local", port=4566), started)
    assert not listed(Deployment("local", port=4567), started)


def test_processes_that_cannot_be_listed_may_hold_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert "because ps does not run" in terraform_processes(STAGING)[0]
