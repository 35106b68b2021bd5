"""Main of the LocalStack process: the watchdog of its children first, then LocalStack itself."""

import tempfile
from pathlib import Path

from local_aws import child_processes


def main() -> None:
    """Run LocalStack until it is told to stop."""
    child_processes.start_watchdog(Path(tempfile.gettempdir()) / "watchdog.pid")
    # after the watchdog: importing LocalStack takes seconds, in which it could be killed
    from localstack.runtime.main import main as run_localstack  # noqa: PLC0415

    run_localstack()


if __name__ == "__main__":
    main()
