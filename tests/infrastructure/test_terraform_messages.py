"""What the installed Terraform prints, and how it locks its state, is what our code expects.

The configurations use the provider that is built into Terraform, so nothing is downloaded.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations import terraform as terraforming
from operations.deployment import Deployment
from operations.drift import plan_differences
from operations.errors import OperationError
from operations.state_lock import StateLock
from operations.terraform import Terraform
from operations.terraform_messages import STATE_IS_LOCKED
from tests.unit.operations.terminal import CTRL_C, terminal

RESOURCE = """
variable "count_of_nodes" {
  default = 1
  validation {
    condition     = var.count_of_nodes > 0
    error_message = "count_of_nodes must be positive."
  }
}

resource "terraform_data" "first" {
  input = var.count_of_nodes
}

resource "terraform_data" "second" {
  input = terraform_data.first.id
}
"""
# Is created only when the file `go` exists, and says that it has begun by the file `begun`.
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch begun; while [ ! -e go ]; do sleep 0.05; done"
  }
}
"""
APPLY = """
import sys
from pathlib import Path

from operations.commands import run_command
from operations.errors import exit_with_one_sentence
from operations.terraform_messages import explanation, in_words

FOLDER = Path(sys.argv[1])


@exit_with_one_sentence
def main():
    run_command(
        ["terraform", "apply", "-json", "-auto-approve"],
        log=FOLDER / "apply.log",
        what="terraform apply",
        folder=FOLDER,
        each_line=print,
        readable=in_words,
        explanation=explanation,
    )


sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the configuration, with which our code runs Terraform."""
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(terraforming, "FOLDER", configuration)
    monkeypatch.setattr(Terraform, "_inputs", lambda _: [])
    return configuration


@pytest.fixture
def ours(folder: Path) -> Terraform:
    (folder / "main.tf").write_text(RESOURCE)
    return Terraform(Deployment("local"))


def test_an_apply_reports_each_resource_and_counts_the_changes(ours: Terraform) -> None:
    reported: list[tuple[int, int | None, str]] = []

    assert ours.apply(lambda *progress: reported.append(progress)) == 2
    assert reported == [(1, 2, "terraform_data.first"), (2, 2, "terraform_data.second")]
    assert ours.apply(lambda *_: None) == 0


def test_a_destruction_reports_each_resource(ours: Terraform) -> None:
    reported: list[tuple[int, int | None, str]] = []
    ours.apply(lambda *_: None)

    ours.destroy(lambda *progress: reported.append(progress))

    assert reported == [(1, 2, "terraform_data.second"), (2, 2, "terraform_data.first")]


def test_a_plan_is_shown_to_people_and_to_us(ours: Terraform) -> None:
    plan = ours.plan(with_text=True)

    assert "# terraform_data.first will be created" in plan.text
    assert list(plan_differences(plan.document)) == [
        "terraform_data.first is missing",
        "terraform_data.second is missing",
    ]


def test_a_plan_without_changes_says_so(ours: Terraform) -> None:
    ours.apply(lambda *_: None)

    plan = ours.plan(with_text=True)

    assert "No changes." in plan.text
    assert list(plan_differences(plan.document)) == []


def test_the_log_is_in_words(ours: Terraform, tmp_path: Path) -> None:
    ours.apply(lambda *_: None)

    log = (tmp_path / "state" / "logs" / "terraform-apply.log").read_text()
    assert "terraform_data.first: Creation complete after" in log
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in log
    assert "@message" not in log


def test_a_rejected_variable_is_named_with_its_file_and_line(
    ours: Terraform, folder: Path, tmp_path: Path
) -> None:
    (folder / "terraform.tfvars").write_text("\ncount_of_nodes = 0\n")

    with pytest.raises(OperationError) as raised:
        ours.plan()

    assert str(raised.value).startswith(
        "terraform plan failed: Invalid value for variable: count_of_nodes must be positive."
    )
    assert "line" in str(raised.value)
    assert "This was checked by" in (tmp_path / "state/logs/terraform-plan.log").read_text()


@pytest.fixture
def applying(folder: Path) -> Iterator[Path]:
    """Start an apply that holds the lock until the end of the test; return the lock's file."""
    (folder / "main.tf").write_text(SLOW)
    environment = terraforming.settings(folder.parent / "state" / "terraform")
    with subprocess.Popen(
        ["terraform", "apply", "-json", "-auto-approve"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if '"provision_start"' in line:
                break
        rest = threading.Thread(target=process.stdout.read)
        rest.start()
        yield folder / ".terraform.tfstate.lock.info"
        (folder / "go").touch()
        rest.join()


def test_the_lock_says_that_it_is_of_this_machine(applying: Path) -> None:
    lock = StateLock.from_json(applying.read_text())

    assert lock.operation == "apply"
    assert lock.is_of_this_machine


@pytest.mark.parametrize("find", [Terraform.plan, Terraform.forget_cluster])
def test_a_locked_state_is_recognised(
    applying: Path, monkeypatch: pytest.MonkeyPatch, find: object
) -> None:
    assert callable(find)
    lock = StateLock.from_json(applying.read_text())
    monkeypatch.setattr(terraforming, "state_lock", lambda _: lock)

    with pytest.raises(OperationError, match=r"^The state of 'local' is locked by") as raised:
        find(Terraform(Deployment("local")))

    assert STATE_IS_LOCKED in str(raised.value.__cause__)


def test_after_ctrl_c_terraform_ends_by_itself_and_releases_its_lock(folder: Path) -> None:
    (folder / "main.tf").write_text(SLOW)

    with terminal("-c", APPLY, str(folder)) as operator:
        operator.read_until("Provisioning with 'local-exec'")
        assert (folder / ".terraform.tfstate.lock.info").exists()
        operator.press(CTRL_C)
        status = operator.end()

    assert (status, operator.printed.splitlines()[-1]) == (130, "Stopped.")
    assert "Interrupt received." in (folder / "apply.log").read_text()
    assert not (folder / ".terraform.tfstate.lock.info").exists()
