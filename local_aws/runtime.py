"""Main of the emulator's process: the watchdog of its children first, then the emulator itself."""

import tempfile
from pathlib import Path

from local_aws import child_processes, emulator, log_masking


def main() -> None:
    """Run the emulator until it is told to stop."""
    log_masking.mask_output()
    log_masking.install(emulator.chosen().name)
    child_processes.start_watchdog(Path(tempfile.gettempdir()) / "watchdog.pid")
    # After the watchdog: importing the emulator takes seconds, in which it could be killed.
    emulator.part("runtime.main").main()


if __name__ == "__main__":
    main()
