"""Fetch the wheels of the EMR nodes, so that their bootstrap needs no package index."""

import shutil
import sys
from pathlib import Path

from operations import ROOT
from operations.commands import run_command
from operations.deployment import Deployment

LOCK = ROOT / "requirements" / "emr.lock"
PYTHON = "3.13"
# Both CPU architectures that EMR offers; a node's pip picks the matching wheel.
PLATFORMS = {
    "x86_64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"),
    "aarch64": ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64"),
}


def wheels_folder(deployment: Deployment) -> Path:
    """Return the folder for the environment's wheels."""
    return deployment.state / "wheels"


def fetch_wheels(deployment: Deployment) -> Path:
    """Download the locked wheels unless they are there, check their hashes, return the folder."""
    folder = wheels_folder(deployment)
    wanted = folder / "requirements.txt"
    if wanted.is_file() and wanted.read_bytes() == LOCK.read_bytes():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for processor, platforms in PLATFORMS.items():
        run_command(
            [
                *(sys.executable, "-m", "pip", "download", "--require-hashes"),
                *("--only-binary", ":all:", "--python-version", PYTHON),
                *(f"--platform={platform}" for platform in platforms),
                *("--dest", str(folder), "--requirement", str(LOCK)),
            ],
            log=deployment.state / "logs" / f"wheels-{processor}.log",
            what=f"Fetching the EMR nodes' {processor} wheels",
        )
    shutil.copyfile(LOCK, wanted)
    return folder
