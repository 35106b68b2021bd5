"""Running Terraform: its progress, its log, and its errors. The program is a fake."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from operations.deployment import Deployment
from operations.errors import OperationError
from operations.terraform import Terraform

LOCAL = Deployment("local")
FAKE = """#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
cat "$1.printed"
exit "$(cat "$1.status")"
"""


class FakeTerraform:
    """A program `terraform` that prints what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "terraform"
        program.write_text(FAKE)
        program.chmod(0o755)

    def prints(self, command: str, *messages: dict[str, Any], status: int = 0) -> None:
        """Make a command of Terraform print messages and end with an exit status."""
        printed = "".join(f"{json.dumps(message)}\n" for message in messages)
        (self.folder / f"{command}.printed").write_text(printed)
        (self.folder / f"{command}.status").write_text(str(status))

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTerraform:
    """Put a fake Terraform on PATH, and give it no variables."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(Terraform, "_inputs", lambda _: [])
    return FakeTerraform(folder)


def summary(operation: str, add: int, change: int = 0, remove: int = 0) -> dict[str, Any]:
    counts = {"add": add, "change": change, "import": 0, "remove": remove}
    return {
        "@message": f"{operation}: {add} to add",
        "type": "change_summary",
        "changes": counts | {"operation": operation},
    }


def hook(kind: str, address: str, action: str = "create", seconds: float = 1) -> dict[str, Any]:
    hooked = {"resource": {"addr": address}, "action": action, "elapsed_seconds": seconds}
    return {"@message": f"{address}: {kind}", "type": kind, "hook": hooked}


def test_an_apply_reports_each_finished_resource_and_those_that_take_long(
    fake: FakeTerraform,
) -> None:
    fake.prints(
        "apply",
        {"@message": "Terraform 1.11.4", "type": "version"},
        summary("plan", add=2, remove=1),
        hook("apply_start", "aws_emr_cluster.this"),
        hook("apply_complete", "aws_sqs_queue.this", "delete"),
        hook("apply_progress", "aws_emr_cluster.this", seconds=250),
        hook("apply_complete", "data.aws_iam_policy_document.this", "read"),
        hook("apply_complete", "aws_emr_cluster.this"),
    )
    reported: list[tuple[int, int | None, str]] = []

    Terraform(LOCAL).apply(lambda *progress: reported.append(progress))

    assert reported == [
        (1, 3, "aws_sqs_queue.this"),
        (1, 3, "aws_emr_cluster.this, for 250 s"),
        (2, 3, "aws_emr_cluster.this"),
    ]


def test_an_apply_returns_how_many_resources_it_changed(fake: FakeTerraform) -> None:
    fake.prints("apply", summary("plan", add=9), summary("apply", add=5, change=2, remove=1))

    assert Terraform(LOCAL).apply(lambda *_: None) == 8


def test_destroyed_resources_are_reported(fake: FakeTerraform) -> None:
    fake.prints("destroy", hook("apply_complete", "aws_vpc.this", "delete"))
    reported: list[tuple[int, int | None, str]] = []

    Terraform(LOCAL).destroy(lambda *progress: reported.append(progress))

    assert reported == [(1, None, "aws_vpc.this")]
    assert fake.calls == ["destroy -json -input=false -auto-approve -parallelism=30"]


def test_the_log_of_an_apply_is_in_words(fake: FakeTerraform, tmp_path: Path) -> None:
    fake.prints("apply", hook("apply_complete", "aws_vpc.this"), summary("apply", add=1))

    Terraform(LOCAL).apply(lambda *_: None)

    log = (tmp_path / "state" / "logs" / "terraform-apply.log").read_text()
    assert log == "aws_vpc.this: apply_complete\napply: 1 to add\n"


def test_the_error_of_a_failed_apply_says_what_failed_and_what_to_wait_for(
    fake: FakeTerraform,
) -> None:
    error = {"severity": "error", "summary": "creating SQS Queue: QueueDeletedRecently"}
    fake.prints("apply", {"@message": "", "type": "diagnostic", "diagnostic": error}, status=1)

    with pytest.raises(
        OperationError,
        match=r"^terraform apply failed: creating SQS Queue.*terraform-apply\.log\)",
    ):
        Terraform(LOCAL).apply(lambda *_: None)
