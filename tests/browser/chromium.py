"""The Chromium that runs the browser tests and the screenshots."""

import os
import shutil
from pathlib import Path

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# The sandbox is off because it needs user namespaces, which root in a container lacks; the page
# under test is our own. The other options keep Chromium from calling any other host.
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
    """No Chromium on this machine; the message says how to install one."""


def executable() -> Path:
    """Return Chromium's path: the variable `CHROMIUM` if set, otherwise found on PATH.

    Raises:
        NoChromiumError: if there is none.
    """
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
