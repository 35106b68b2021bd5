"""Entry point of the emulator's process: starts the watchdog, then the emulator."""

import tempfile
from pathlib import Path

from local_aws import child_processes, emulator, log_masking


def main() -> None:
    """Run the emulator until it is stopped."""
    log_masking.mask_output()
    log_masking.install(emulator.chosen_emulator().name)
    child_processes.start_watchdog(Path(tempfile.gettempdir()) / "watchdog.pid")
    # The watchdog starts first: importing the emulator takes seconds, and this process could be
    # killed meanwhile.
    emulator.part("runtime.main").main()


if __name__ == "__main__":
    main()
