"""Check for tools that no lock file installs: `python -m operations.tools java terraform …`.

As root on Debian, install missing tools that Debian packages; otherwise, say in one sentence what
to install. Uses the standard library only, because it also runs before any Python environment is
built.
"""

import argparse
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from local_aws.installation import InstallationError, java_home
from operations.errors import OperationError, exit_with_one_sentence

TERRAFORM_AT_LEAST = (1, 11)
NODE_AT_LEAST = 20
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def terraform_version() -> str | None:
    """Return the version of the Terraform on PATH, such as 1.11.4, or None."""
    printed = _words_of("terraform", "version", "-json")
    return str(json.loads(printed)["terraform_version"]) if printed else None


def installed_terraform() -> tuple[int, int] | None:
    """Return (major, minor) of the Terraform on PATH, or None."""
    version = terraform_version()
    if version is None:
        return None
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def _words_of(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _install_on_debian(*packages: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"Installing {', '.join(packages)} …", flush=True)
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
    done = subprocess.run(install, check=False, **quiet)  # type: ignore[call-overload]
    return bool(done.returncode == 0)


def require_java() -> None:
    """Raise OperationError unless Spark finds a suitable Java, installed here if necessary."""
    try:
        java_home()
    except InstallationError as missing:
        if not _install_on_debian("openjdk-17-jre-headless"):
            raise OperationError(f"Spark finds {missing}") from missing
        java_home()


def require_terraform() -> None:
    """Raise OperationError unless Terraform is installed and can lock its state in S3."""
    version = installed_terraform()
    if version and version >= TERRAFORM_AT_LEAST:
        return
    has = f"PATH has {version[0]}.{version[1]}" if version else "none is on PATH"
    raise OperationError(
        f"Terraform 1.11 or newer is needed, and {has}: install it from"
        " https://developer.hashicorp.com/terraform/install, then try again."
    )


def chromium() -> str | None:
    """Return the path of the Chromium or Chrome on PATH, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def require_chromium() -> None:
    """Raise OperationError unless Chromium is on PATH, installed here if necessary."""
    if chromium() or (_install_on_debian("chromium") and chromium()):
        return
    raise OperationError(
        "The browser tests need Chromium, and none is on PATH: install chromium, then try again."
    )


def require_node() -> None:
    """Raise OperationError unless a recent Node with npm is on PATH, installed if necessary."""
    if _has_node() or (_install_on_debian("nodejs", "npm") and _has_node()):
        return
    raise OperationError(
        f"The site's checks need Node {NODE_AT_LEAST} or newer with npm, and none is on PATH:"
        " install it from https://nodejs.org/, then try again."
    )


def _has_node() -> bool:
    found = re.match(r"v(\d+)\.", _words_of("node", "--version"))
    return bool(found and int(found[1]) >= NODE_AT_LEAST and shutil.which("npm"))


def prefer_openblas() -> None:
    """Try to install a native BLAS for Spark, which also runs without one."""
    libraries = (Path("/usr/lib"), Path("/lib"))
    if not any(any(folder.glob("*/openblas-pthread")) for folder in libraries):
        _install_on_debian("libopenblas0-pthread")


REQUIRED: dict[str, Callable[[], None]] = {
    "java": require_java,
    "terraform": require_terraform,
    "chromium": require_chromium,
    "node": require_node,
    "openblas": prefer_openblas,
}


@functools.cache
def require(name: str) -> None:
    """Check for one tool and install it if possible; at most once in a process."""
    REQUIRED[name]()


@exit_with_one_sentence
def main(arguments: Sequence[str] | None = None) -> None:
    """Check for the tools named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m operations.tools", description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(REQUIRED), metavar="NAME")
    for name in parser.parse_args(arguments).names:
        require(name)


if __name__ == "__main__":
    sys.exit(main())
