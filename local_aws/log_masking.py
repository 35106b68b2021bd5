"""Keeps people out of the emulator's log: phones, texts, links and tokens.

The emulator writes every text with its phone, at its debug levels every call with its input and
headers, and whatever an error's message quotes. What matters to an operator stays: which call,
which error, where.
"""

import io
import logging
import re
import sys
from typing import Any, override

PHONE, TOKEN, TEXT, HIDDEN = "<phone>", "<token>", "<text>", "<hidden>"
_RULES = (
    # E.164 and how people write it; as in an address, where + is %2B.
    (re.compile(r"(?:\+|%2B)\d(?:[ ().-]{0,2}\d){6,14}", re.IGNORECASE), PHONE),
    # A visitor's token (HMAC-SHA256 in base64url), also as the end of a link.
    (re.compile(r"(?<![\w+/=-])[\w-]{43}(?![\w+/=-])"), TOKEN),
    (re.compile(r"(?<=[0-9a-z]{26}\.)[\w-]{43}(?![\w-])"), TOKEN),
    (re.compile(r"(?i)(?<=bearer )[\w.~+/=-]+"), TOKEN),
)
_TEXT = "Delivering SMS message"
_CALLS = ("input", "output", "request_headers", "response_headers")
_LOGGERS_OF_CALLS = ("request.aws", "request.http", "request.internal.aws", "request.internal.http")


def masked(text: str) -> str:
    """Return the text without phones, links and tokens."""
    for pattern, shown in _RULES:
        text = pattern.sub(shown, text)
    return text


class MaskedStream(io.TextIOBase):
    """Writes to another stream what is left after masking.

    Python's logging, `print` and the traceback of an error write whole lines or values at a time.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @override
    def write(self, text: str, /) -> int:
        self._stream.write(masked(text))
        return len(text)

    @override
    def flush(self) -> None:
        self._stream.flush()

    @override
    def fileno(self) -> int:
        return int(self._stream.fileno())

    @override
    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    @override
    def writable(self) -> bool:
        return True


def mask_output() -> None:
    """Mask all that this process prints and logs; call it before anything keeps its streams."""
    sys.stdout, sys.stderr = MaskedStream(sys.stdout), MaskedStream(sys.stderr)


def install(emulator: str) -> None:
    """Have no text and no call's data in the log, by the names of the emulator's loggers."""
    logging.getLogger(f"{emulator}.services.sns.publisher").addFilter(without_text)
    for name in _LOGGERS_OF_CALLS:
        logging.getLogger(f"{emulator}.{name}").addFilter(without_data)


def without_text(record: logging.LogRecord) -> bool:
    """Take phone and words out of the line that the emulator writes for each text."""
    if str(record.msg).startswith(_TEXT):
        record.msg, record.args = f"{_TEXT} to {PHONE}: {TEXT}", ()
    return True


def without_data(record: logging.LogRecord) -> bool:
    """Take input, output and headers out of the lines of calls; they show at debug levels only."""
    for name in _CALLS:
        if hasattr(record, name):
            setattr(record, name, HIDDEN)
    return True
