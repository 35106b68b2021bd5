"""Keeps personal data out of the emulator's log: phone numbers, texts, links and tokens.

The emulator logs every text with its phone number, at debug levels the input and headers of every
call, and whatever an error message quotes. What an operator needs stays in the log: which call
failed, with which error, and where.
"""

import io
import logging
import re
import sys
from typing import Any, override

PHONE, TOKEN, TEXT, HIDDEN = "<phone>", "<token>", "<text>", "<hidden>"
_RULES = (
    # E.164 and its usual spellings; also in a URL, where + is %2B.
    (re.compile(r"(?:\+|%2B)\d(?:[ ().-]{0,2}\d){6,14}", re.IGNORECASE), PHONE),
    # A visitor's token (HMAC-SHA256 in base64url), also at the end of a link.
    (re.compile(r"(?<![\w+/=-])[\w-]{43}(?![\w+/=-])"), TOKEN),
    (re.compile(r"(?<=[0-9a-z]{26}\.)[\w-]{43}(?![\w-])"), TOKEN),
    (re.compile(r"(?i)(?<=bearer )[\w.~+/=-]+"), TOKEN),
)
_TEXT = "Delivering SMS message"
_CALLS = ("input", "output", "request_headers", "response_headers")
_LOGGERS_OF_CALLS = ("request.aws", "request.http", "request.internal.aws", "request.internal.http")


def masked(text: str) -> str:
    """Return the text with phone numbers and tokens masked."""
    for pattern, shown in _RULES:
        text = pattern.sub(shown, text)
    return text


class MaskedStream(io.TextIOBase):
    """A text stream that masks what it writes to another stream.

    Each write is masked by itself. That is enough because logging, `print` and tracebacks write
    whole lines or values at a time.
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
    """Mask everything that this process prints and logs.

    Call it before anything stores a reference to the standard streams.
    """
    sys.stdout, sys.stderr = MaskedStream(sys.stdout), MaskedStream(sys.stderr)


def install(emulator: str) -> None:
    """Remove texts and the data of calls from the log of the emulator of this name."""
    logging.getLogger(f"{emulator}.services.sns.publisher").addFilter(without_text)
    for name in _LOGGERS_OF_CALLS:
        logging.getLogger(f"{emulator}.{name}").addFilter(without_data)


def without_text(record: logging.LogRecord) -> bool:
    """Mask the phone number and the words in the line that the emulator logs for each text."""
    if str(record.msg).startswith(_TEXT):
        record.msg, record.args = f"{_TEXT} to {PHONE}: {TEXT}", ()
    return True


def without_data(record: logging.LogRecord) -> bool:
    """Hide input, output and headers in the lines of calls; only debug levels show them."""
    for name in _CALLS:
        if hasattr(record, name):
            setattr(record, name, HIDDEN)
    return True
