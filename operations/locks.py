"""Compile the hashed lock files from their requirements (`make lock`; UPGRADE=1 upgrades)."""

import os
import sys

from operations import ROOT
from operations.commands import run_command
from operations.console import Phases
from operations.errors import exit_with_one_sentence

PYTHON = "3.13"
UV = ROOT / ".venvs" / "uv" / "bin" / "uv"
# The emulators run only on the kind of machine that locks them, so their lock files are not
# universal.
UNIVERSAL = "--universal"
LOCKS = {
    "requirements/development": [UNIVERSAL],
    "requirements/lambda": [UNIVERSAL],
    "requirements/emr": [UNIVERSAL],
    "requirements/sam": [UNIVERSAL],
    "requirements/benchmarks": [UNIVERSAL],
    "requirements/uv": [UNIVERSAL],
    "requirements/localemu": [],
    "requirements/localstack": [],
    "layer/requirements": [UNIVERSAL],
}


def lock_of(requirements: str) -> str:
    """Return the lock file's path; `sam build` requires the suffix .txt for the layer's."""
    return f"{requirements}.{'txt' if requirements.startswith('layer/') else 'lock'}"


@exit_with_one_sentence
def main() -> None:
    """Compile every lock file."""
    upgrade = ["--upgrade"] if os.environ.get("UPGRADE") == "1" else []
    with Phases() as phases:
        for requirements, options in LOCKS.items():
            with phases.phase(f"lock {requirements}"):
                _compile(requirements, [*options, *upgrade])


def _compile(requirements: str, options: list[str]) -> None:
    run_command(
        [
            *(str(UV), "pip", "compile", "--quiet", "--generate-hashes"),
            *("--python-version", PYTHON, "--python", sys.executable),
            *("--no-header", "--no-emit-index-url", *options),
            *("--output-file", lock_of(requirements), f"{requirements}.in"),
        ],
        log=ROOT / ".local" / "logs" / f"lock-{requirements.replace('/', '-')}.log",
        what=f"Locking {requirements}.in",
    )


if __name__ == "__main__":
    sys.exit(main())
