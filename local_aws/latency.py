"""Settings that reduce how long one call to the emulator waits for other calls.

The emulator is one process with many threads, and several threads handle each request in turn.
"""

import functools
import sys

from twisted.web import http

# How long a thread waits before it requests the interpreter's lock from the thread that holds it;
# a thread waits once for each thread ahead of it. Python's default, 5 ms, suits threads that
# compute. Here each request waits for the lock dozens of times.
SWITCH_SECONDS = 0.0005


def install() -> None:
    """Apply the settings to this process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # Twisted parses the Content-Type header with the email package. This took 9 % of the time spent
    # on requests, always for the same few values.
    http._parseContentType = functools.lru_cache(maxsize=256)(http._parseContentType)
