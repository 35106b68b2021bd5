"""Installs Debian packages on this machine, if this process is root on Debian."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable

from operations.errors import OperationError

FIRST_WITH_DOCKER_CLI = 13  # from trixie on, the package docker.io no longer contains the client


def may_install() -> bool:
    """Return whether this process is root on Debian and so may install packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and _says("ID") == "debian"


def debian_version() -> int:
    """Return Debian's major version, or 99 for testing and unstable, which have none."""
    version = _says("VERSION_ID")
    return int(version) if version.isdigit() else 99


def install_packages(*packages: str) -> None:
    """Install packages with apt-get.

    Raises:
        OperationError: if that fails; the message has the last lines of apt's error output.
    """
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(done.stderr.strip().splitlines()[-2:])
        raise OperationError(f"{', '.join(packages)} could not be installed: {words}")


def mirror() -> str:
    """Return the URL of the Debian mirror that this machine's apt uses."""
    targets = ["--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Origin: Debian"]
    listed = subprocess.run(
        ["apt-get", "indextargets", *targets], capture_output=True, text=True, check=False
    )
    return mirror_of(listed.stdout.splitlines(), _says("VERSION_CODENAME"))


def mirror_of(targets: Iterable[str], codename: str) -> str:
    """Return the mirror's URL for one suite.

    Args:
        targets: lines of the form "<URL> <codename>".
        codename: the suite's codename.

    Raises:
        OperationError: if no line has this codename.
    """
    for target in targets:
        address, _, suite = target.rpartition(" ")
        if suite == codename:
            return address
    raise OperationError(
        f"apt knows no Debian mirror with the suite {codename!r}: add one to its sources and run"
        " 'apt-get update'."
    )


def _says(key: str) -> str:
    """Return the value of a key in /etc/os-release, or "" if the file or the key is missing."""
    try:
        return platform.freedesktop_os_release().get(key, "")
    except OSError:
        return ""
