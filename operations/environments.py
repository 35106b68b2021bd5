"""Build Python environments from hashed lock files: `python -m operations.environments [NAME…]`.

Uses the standard library only, because it runs before any environment exists. An environment is
built once for each content of its lock file; a stamp file named by the content's hash marks it as
built.
"""

import argparse
import fcntl
import hashlib
import json
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from operations import ROOT
from operations.errors import OperationError, exit_with_one_sentence

LOCKS = {
    "development": "requirements/development.lock",
    "localemu": "local_aws/localemu.lock",
    "localstack": "local_aws/localstack.lock",
    "lambda": "requirements/lambda.lock",
    "emr": "requirements/emr.lock",
    "sam": "requirements/sam.lock",
    "benchmarks": "requirements/benchmarks.lock",
}
# Neither Marquee nor its tests need these, so they are built only when named.
ON_DEMAND = ("benchmarks",)
# pip spends half its time on the network and half on unpacking; two builds keep both busy.
BUILT_AT_ONCE = 2


def stamp_name(lock: str) -> str:
    """Return the name of the stamp file for a lock file's text."""
    return f".built-{hashlib.sha256(lock.encode()).hexdigest()[:16]}"


def packages_named(lock: str) -> set[str]:
    """Return the normalised names of the packages that a lock file's text pins."""
    names = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==", lock, re.MULTILINE)
    return {normalised(name) for name in names}


def normalised(name: str) -> str:
    """Return a package's name in normalised form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_built(name: str, root: Path = ROOT) -> bool:
    """Return whether the environment was built from the lock file's current content."""
    lock = (root / LOCKS[name]).read_text()
    return (root / ".venvs" / name / stamp_name(lock)).is_file()


def build_environment(name: str, root: Path = ROOT) -> float:
    """Build or update one environment; return the duration in seconds.

    Raises:
        OperationError: with pip's errors, if the lock file cannot be installed.
    """
    started = time.monotonic()
    folder = root / ".venvs" / name
    lock_file = root / LOCKS[name]
    stamps = list(folder.glob(".built-*"))
    # Without a stamp, the folder is from an attempt that failed halfway, so start afresh.
    if not stamps:
        venv.create(folder, clear=True, with_pip=True, symlinks=True)
    _pip(folder, "install", "--require-hashes", "--requirement", str(lock_file))
    if stamps:
        _remove_what_the_lock_does_not_name(folder, lock_file.read_text())
    for stamp in stamps:
        stamp.unlink()
    (folder / stamp_name(lock_file.read_text())).touch()
    return time.monotonic() - started


def _remove_what_the_lock_does_not_name(folder: Path, lock: str) -> None:
    listed = json.loads(_pip(folder, "list", "--format=json"))
    installed = {normalised(package["name"]) for package in listed}
    extra = sorted(installed - packages_named(lock) - {"pip"})
    if extra:
        _pip(folder, "uninstall", "--yes", *extra)


def _pip(folder: Path, *arguments: str) -> str:
    command = [str(folder / "bin" / "python"), "-m", "pip", *arguments]
    quiet = ["--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*command, *quiet], capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        words = " ".join(errors or done.stderr.splitlines()[-3:])
        raise OperationError(f"The Python environment {folder.name} could not be built: {words}")
    return done.stdout


@contextmanager
def _one_builder_at_a_time(root: Path) -> Iterator[None]:
    (root / ".venvs").mkdir(exist_ok=True)
    with (root / ".venvs" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_missing(names: Sequence[str], root: Path = ROOT) -> None:
    """Build those of the named environments that do not match their lock files."""
    if all(is_built(name, root) for name in names):
        return
    with _one_builder_at_a_time(root):
        missing = [name for name in names if not is_built(name, root)]
        if not missing:
            return
        started = time.monotonic()
        _say(f"Building Python environments: {', '.join(missing)}")
        with ThreadPoolExecutor(BUILT_AT_ONCE) as pool:
            builds = {name: pool.submit(build_environment, name, root) for name in missing}
            for name, running in builds.items():
                _say(f"  {name:<12} {running.result():5.0f} s")
        _say(f"  all          {time.monotonic() - started:5.0f} s")


def _say(words: str) -> None:
    # To stderr, because `make site-url` must print only the address to stdout.
    print(words, file=sys.stderr, flush=True)


@exit_with_one_sentence
def main(arguments: Sequence[str] | None = None) -> None:
    """Build the environments on the command line; without names, all but those on demand."""
    parser = argparse.ArgumentParser(prog="python -m operations.environments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(LOCKS))
    names = parser.parse_args(arguments).names
    names = names or [name for name in LOCKS if name not in ON_DEMAND]
    if unknown := [name for name in names if name not in LOCKS]:
        raise OperationError(
            f"There is no Python environment {unknown[0]!r}: use {', '.join(LOCKS)}."
        )
    build_missing(names)


if __name__ == "__main__":
    sys.exit(main())
