"""Start or stop the local AWS, or report whether it runs."""

import argparse
import sys
from pathlib import Path

from local_aws import launcher
from local_aws.emulator import EmulatorError
from local_aws.installation import InstallationError


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start the local AWS; returns once it answers")
    start.add_argument("--port", type=int, default=4566)
    start.add_argument(
        "--wait", action="store_true", help="stay in the foreground; Ctrl-C stops the local AWS"
    )
    stop = commands.add_parser(
        "stop", help="stop the local AWS and empty its state folder, except for the log"
    )
    status = commands.add_parser("status", help="report whether it runs (exit code 0) or not (1)")
    for command in (start, stop, status):
        command.add_argument(
            "--state", type=Path, required=True, help="folder for the local AWS's state"
        )
    return parser


def main(argv: list[str]) -> int:
    """Run one command and return the exit code."""
    options = argument_parser().parse_args(argv)
    state = options.state.resolve()
    try:
        if options.command == "start":
            print(launcher.start(options.port, state))
            if options.wait:
                launcher.wait(state)
        elif options.command == "stop":
            print(launcher.stop(state))
        else:
            running = launcher.running_local_aws(state)
            print(running.sentence() if running else "The local AWS is not running.")
            return 0 if running else 1
    except (EmulatorError, InstallationError, launcher.LauncherError) as error:
        print(f"local_aws: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
