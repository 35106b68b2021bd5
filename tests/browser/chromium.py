"""Which Chromium the browser tests and the screenshots run in."""

import os
import shutil
from pathlib import Path

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# No sandbox: it needs user namespaces, which root in a container lacks. The page under test is
# our own. The rest keeps Chromium from calling anybody but that page.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromiumError(RuntimeError):
    """No Chromium is on this machine; the message says how to get one."""


def executable() -> Path:
    """Find Chromium: `CHROMIUM` if set, else on PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise NoChromiumError(f"CHROMIUM names {named}, which is no file; correct or unset it.")
        return Path(named)
    for name in EXECUTABLES:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NoChromiumError(
        "No Chromium on PATH; install it (Debian: apt-get install chromium) "
        "or set CHROMIUM to its path."
    )
