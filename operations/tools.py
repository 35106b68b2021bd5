"""Tools that no lock can install: `python -m operations.tools java terraform chromium node …`.

Each is looked for; what Debian packages is installed where we are root on Debian; otherwise
one sentence says what to install. Standard library only: some run before any environment does.
"""

import argparse
import functools
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


def terraform_version(words: str) -> tuple[int, int] | None:
    """Return (major, minor) that `terraform version` printed, None where it printed none."""
    found = re.search(r"Terraform v(\d+)\.(\d+)", words)
    return (int(found[1]), int(found[2])) if found else None


def installed_terraform() -> tuple[int, int] | None:
    """Return (major, minor) of the Terraform on PATH, None without one."""
    return terraform_version(_words_of("terraform", "version"))


def _words_of(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


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
    """Make sure that Spark finds a Java it runs on."""
    try:
        java_home()
    except InstallationError as missing:
        if not _install_on_debian("openjdk-17-jre-headless"):
            raise OperationError(f"Spark finds {missing}") from missing
        java_home()


def require_terraform() -> None:
    """Make sure that Terraform is there and new enough to lock its state in S3."""
    version = installed_terraform()
    if version and version >= TERRAFORM_AT_LEAST:
        return
    has = f"PATH has {version[0]}.{version[1]}" if version else "none is on PATH"
    raise OperationError(
        f"Terraform 1.11 or newer is needed and {has}: install it from"
        " https://developer.hashicorp.com/terraform/install, then try again."
    )


def chromium() -> str | None:
    """Return the path of a Chromium on PATH, None without one."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def require_chromium() -> None:
    """Make sure that the browser tests have a browser."""
    if chromium() or (_install_on_debian("chromium") and chromium()):
        return
    raise OperationError(
        "The browser tests need Chromium and none is on PATH: install chromium, then try again."
    )


def require_node() -> None:
    """Make sure that the site's checks have Node, with its npm, new enough to test and to lock."""
    if _has_node() or (_install_on_debian("nodejs", "npm") and _has_node()):
        return
    raise OperationError(
        f"The site's checks need Node {NODE_AT_LEAST} or newer with npm, and PATH has none such:"
        " install it from https://nodejs.org/, then try again."
    )


def _has_node() -> bool:
    found = re.match(r"v(\d+)\.", _words_of("node", "--version"))
    return bool(found and int(found[1]) >= NODE_AT_LEAST and shutil.which("npm"))


def prefer_openblas() -> None:
    """Give Spark a native BLAS where that costs nothing to ask for; it runs without one too."""
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
    """Make sure of one tool, once a run."""
    REQUIRED[name]()


@exit_with_one_sentence
def main(arguments: Sequence[str] | None = None) -> None:
    """Make sure of the tools that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m operations.tools", description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(REQUIRED), metavar="NAME")
    for name in parser.parse_args(arguments).names:
        require(name)


if __name__ == "__main__":
    sys.exit(main())
