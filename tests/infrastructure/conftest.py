"""Terraform with its provider, and a plan with all defaults."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.terraform_mirror import provider_mirror
from tests.infrastructure.plans import TESTED_BY_PLANNING, Plan, read_plan

TERRAFORM = Path(__file__).resolve().parents[2] / "terraform"
LONGEST_ENVIRONMENT = "a-long-env-of-16"

type RunTerraform = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> RunTerraform:
    """Return a function that runs Terraform on the configuration with a separate data folder."""
    program = shutil.which("terraform")
    assert program, "Terraform is not on PATH: install version 1.11 or later and try again."
    # By the XDG folders Terraform finds an implied mirror.
    names = ("HOME", "PATH", "XDG_DATA_HOME", "XDG_DATA_DIRS")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment |= {
        "TF_DATA_DIR": str(tmp_path_factory.mktemp("terraform-data")),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        # No test may reach an AWS account, whatever profiles this machine has.
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            cwd=TERRAFORM,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def initialised_terraform(terraform: RunTerraform) -> RunTerraform:
    """Return an initialised Terraform; its provider comes from a local mirror if there is one."""
    mirror = provider_mirror()
    done = terraform(
        "init",
        "-backend=false",
        "-input=false",
        "-no-color",
        "-lockfile=readonly",
        *([f"-plugin-dir={mirror}"] if mirror else []),
    )
    assert done.returncode == 0, (
        f"Terraform's provider could not be had from {mirror or 'the registry'}: reach the"
        f" registry, or name a mirror in MARQUEE_TERRAFORM_MIRROR.\n{done.stdout}{done.stderr}"
    )
    return terraform


@pytest.fixture(scope="session")
def plan(initialised_terraform: RunTerraform) -> Plan:
    """Return the plan of the deployment with the longest name, with an address for alarms."""
    assert len(LONGEST_ENVIRONMENT) == 16
    return read_plan(
        initialised_terraform(
            *("test", "-json", "-verbose", TESTED_BY_PLANNING),
            *("-var", f"environment={LONGEST_ENVIRONMENT}"),
            *("-var", "alarm_email=operators@example.com"),
        )
    )
