"""Entry point of the emulator's process: starts the watchdog, then the emulator."""

import sys
import tempfile
from pathlib import Path

from local_aws import child_processes, emulator, log_masking

# After this many seconds Python lets another thread run. With its default of 5 ms, a call that
# holds DynamoDB's lock waits up to 5 ms for each busy thread, and all others wait for the lock.
SWITCH_SECONDS = 0.0005


def main() -> None:
    """Run the emulator until it is stopped."""
    sys.setswitchinterval(SWITCH_SECONDS)
    log_masking.mask_output()
    log_masking.install(emulator.chosen_emulator().name)
    child_processes.start_watchdog(Path(tempfile.gettempdir()) / "watchdog.pid")
    # The watchdog starts first: importing the emulator takes seconds, and this process could be
    # killed meanwhile.
    emulator.part("runtime.main").main()


if __name__ == "__main__":
    main()
