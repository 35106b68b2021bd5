"""What Debian's own packages can add to this machine, where we are root on Debian."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable

from operations.errors import OperationError

FIRST_WITH_DOCKER_CLI = 13  # from trixie on, docker.io no longer holds the client


def may_install() -> bool:
    """Tell whether we are root on Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and _says("ID") == "debian"


def release() -> int:
    """Return Debian's major version; testing and unstable, which have none, count as newest."""
    version = _says("VERSION_ID")
    return int(version) if version.isdigit() else 99


def install(*packages: str) -> None:
    """Install packages; raises OperationError with apt's last words."""
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
    """Return the address of the Debian mirror that this machine's apt uses."""
    targets = ["--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Origin: Debian"]
    listed = subprocess.run(
        ["apt-get", "indextargets", *targets], capture_output=True, text=True, check=False
    )
    return mirror_of(listed.stdout.splitlines(), _says("VERSION_CODENAME"))


def mirror_of(targets: Iterable[str], codename: str) -> str:
    """Return the address of the suite `codename` among lines of "address codename"."""
    for target in targets:
        address, _, suite = target.rpartition(" ")
        if suite == codename:
            return address
    raise OperationError(
        f"apt knows no Debian mirror with the suite {codename!r}: add one to its sources and run"
        " 'apt-get update'."
    )


def _says(key: str) -> str:
    """Return a line's value in /etc/os-release, "" without the file or the line."""
    try:
        return platform.freedesktop_os_release().get(key, "")
    except OSError:
        return ""
