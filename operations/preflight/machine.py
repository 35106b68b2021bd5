"""Check this machine's tools: Terraform and the SAM CLI."""

import subprocess

from operations import ROOT
from operations.preflight.result import CheckResult, Level
from operations.tools import TERRAFORM_AT_LEAST, installed_terraform

SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"


def check_terraform() -> CheckResult:
    """Check that Terraform is installed and new enough to lock its state in S3."""
    name, version = "Terraform", installed_terraform()
    needed = ".".join(map(str, TERRAFORM_AT_LEAST))
    if version and version >= TERRAFORM_AT_LEAST:
        return CheckResult(
            name, Level.OK, f"{version[0]}.{version[1]} ({needed} or newer is needed)"
        )
    found = f"{version[0]}.{version[1]} is older than {needed}" if version else "not on PATH"
    link = "https://developer.hashicorp.com/terraform/install"
    return CheckResult(name, Level.STOP, found, f"install {needed} or newer", link)


def check_sam() -> CheckResult:
    """Check that the SAM CLI is installed and runs."""
    name, fix = "SAM CLI", "'make environment-sam' builds it; 'make deploy' does so by itself"
    if not SAM.is_file():
        return CheckResult(name, Level.WARNING, "not installed", fix)
    done = subprocess.run([SAM, "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        return CheckResult(name, Level.STOP, "does not run", "delete .venvs/sam; then " + fix)
    return CheckResult(name, Level.OK, done.stdout.strip())
