"""Settings that keep one call to the emulator from waiting for the others.

The emulator is one process of many threads, and each request passes between several of them.
"""

import functools
import sys

from twisted.web import http

# A thread that wants to go on waits this long for the interpreter's lock, once for each of the
# threads before it. Python's default, 5 ms, is for threads that compute; here each request waits
# for the lock dozens of times.
SWITCH_SECONDS = 0.0005


def install() -> None:
    """Apply the settings to this process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # Twisted parses the header with the email package: 9 % of the time spent on requests, always
    # for the same few values.
    http._parseContentType = functools.lru_cache(maxsize=256)(http._parseContentType)
