"""Redact account numbers, credentials and personal data from texts for other people."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from operations import ROOT

ACCOUNT, KEY, SECRET = "<account>", "<access key>", "<secret>"
PHONE, EMAIL, CALLER = "<phone>", "<e-mail>", "<caller>"
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# Shorter values are not replaced everywhere, because ordinary words may contain them.
_SHORTEST_SECRET = 8

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+"), EMAIL),
    # AWS's key ids, with the prefixes of IAM (IAM User Guide, "Unique identifiers").
    (re.compile(r"\b[AL][A-Z]{3}[A-Z0-9]{12,28}\b(?<=[A-Z0-9]{16})"), KEY),
    # The name of a user or of a session is often a person's name.
    (
        re.compile(
            r"(arn:[\w-]+:(?:iam|sts)::[^:\s]*:(?:user|assumed-role|federated-user)/)[^\s\"',]+"
        ),
        rf"\1{CALLER}",
    ),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), ACCOUNT),
    (re.compile(r"\+\d[\d ()-]{6,16}\d"), PHONE),
    (
        re.compile(
            r"(?i)(bearer\s+|(?:token|secret|password|signature|credential)\"?\s*[=:]\s*\"?)"
            r"[\w+/=.~-]{8,}"
        ),
        rf"\1{SECRET}",
    ),
)
# Tokens, secret keys and AWS's encoded messages are long. They mix digits with letters of both
# cases, or are hexadecimal.
_LONG = re.compile(r"(?<![\w+/=-])[\w+=-]{32,}(?![\w+=-])")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_SECRET_KEY = re.compile(
    r"(?<![\w+/=])(?=[\w+/]*\d)(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])[\w+/]{40}={0,2}(?![\w+/=])"
)


def redact(text: str, variables: Mapping[str, str] = os.environ, also: Iterable[str] = ()) -> str:
    """Return a text without account numbers, credentials, tokens, phones, e-mails and home paths.

    Args:
        text: the text to redact.
        variables: environment variables; the values of the secret ones are redacted.
        also: further values to redact.
    """
    known = [variables.get(name, "") for name in _SECRET_VARIABLES]
    for value in sorted({*known, *also}, key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, SECRET)
    for folder, shown in ((ROOT, "."), (Path.home(), "~")):
        if folder != Path("/"):
            text = text.replace(f"{folder}/", f"{shown}/").replace(str(folder), shown)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _SECRET_KEY.sub(SECRET, text)
    return _LONG.sub(_unless_a_name, text)


def _unless_a_name(found: re.Match[str]) -> str:
    word = found[0]
    mixed = any(map(str.isdigit, word)) and word.lower() != word != word.upper()
    return SECRET if mixed or _HEXADECIMAL.fullmatch(word) else word
