"""Checks of a body before its form is validated: media type, encoding, size and JSON.

The size limit bounds the time of all checks, whatever a caller sends.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

JSON = "application/json"
MAX_BODY_BYTES = 64 * 1024
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_METHODS_WITH_BODY = frozenset({"POST", "PUT"})
# Every field of a form has bounds far below numbers of this length. Longer numbers are not
# converted: the time for that grows with the square of their length, and Python refuses more than
# 4,300 digits.
_MOST_DIGITS = 20
_BEYOND_EVERY_BOUND = int(1e20)
# Far above the fields of any form. Each unknown field costs an error of its own, so that 64 KiB of
# them take most of the time that a body may take.
MOST_FIELDS = 1000


class BodyRefusedError(Exception):
    """The body cannot be read as a form; `status` is the HTTP status code of the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class CheckedEvent:
    """An event with a body within the size limit, or without a body and with the error."""

    event: dict[str, Any]
    refused: BodyRefusedError | None = None


def receive(event: Mapping[str, Any]) -> CheckedEvent:
    """Check the body of an API Gateway event whose method sends a form (POST or PUT).

    The bodies of other events stay unread.

    A refused body is removed, so that no code parses it. The route then lacks its form, and
    `routes.refusals` responds with the reason.
    """
    if event.get("httpMethod") not in _METHODS_WITH_BODY:
        return CheckedEvent(dict(event))
    try:
        text = _text(event)
    except BodyRefusedError as error:
        return CheckedEvent(_with_json(event, None), error)
    return CheckedEvent(_with_json(event, text))


def parse_body(text: str) -> Any:
    """Parse the JSON of a body.

    A whole number of more than 20 characters becomes ±10²⁰, which is also beyond every field's
    bounds.

    Raises:
        BodyRefusedError: if the text is not JSON, is nested too deeply, has an object of too many
            fields, or contains half of a surrogate pair, which is not valid text (RFC 7493, section
            2.1).
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_constant=_refuse_constant,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "The body holds half a character (a surrogate without its pair); leave it out."
        raise BodyRefusedError(400, message) from error
    except RecursionError as error:
        raise BodyRefusedError(400, "The body is nested too deeply.") from error
    except json.JSONDecodeError as error:
        message = "The body is not JSON; check its commas and quotes."
        raise BodyRefusedError(400, message) from error
    return value


def _text(event: Mapping[str, Any]) -> str | None:
    media_type = _header(event, "content-type")
    if media_type is not None:
        _check_media_type(media_type)
    body = event.get("body")
    if body is None:
        return None
    # A character has at least one byte, and base64 has four characters for three bytes.
    characters = MAX_BODY_BYTES * 4 // 3 + 4 if event.get("isBase64Encoded") else MAX_BODY_BYTES
    if len(body) > characters:
        raise _oversized()
    try:
        octets = (
            base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        )
        text = octets.decode()
    except ValueError as error:  # not base64, or not UTF-8
        raise BodyRefusedError(400, "The body is not UTF-8.") from error
    if len(octets) > MAX_BODY_BYTES:
        raise _oversized()
    return text


def _check_media_type(header: str) -> None:
    """Refuse a media type other than JSON in UTF-8.

    Types and parameter names are case-insensitive (RFC 9110, section 8.3.1).
    """
    media_type, *parameters = (part.strip() for part in header.lower().split(";"))
    if media_type != JSON:
        raise BodyRefusedError(415, "Send the form as application/json.")
    for charset in _charsets(parameters):
        if charset not in CHARSETS:
            raise BodyRefusedError(415, "Send the form as UTF-8: application/json; charset=utf-8.")


def _charsets(parameters: list[str]) -> Iterator[str]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            yield value.strip().strip('"')


def _header(event: Mapping[str, Any], wanted: str) -> str | None:
    for name, value in (event.get("headers") or {}).items():
        if name.lower() == wanted:
            return str(value)
    return None


def _with_json(event: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """Return the event with this body and the only media type that Powertools reads as JSON."""
    headers = {
        name: JSON if name.lower() == "content-type" else value
        for name, value in (event.get("headers") or {}).items()
    }
    return {**event, "headers": headers, "body": text, "isBase64Encoded": False}


def _oversized() -> BodyRefusedError:
    return BodyRefusedError(413, f"Send at most {MAX_BODY_BYTES // 1024} KiB.")


def _object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(fields) > MOST_FIELDS:
        message = f"An object of the body has {len(fields)} fields; send at most {MOST_FIELDS}."
        raise BodyRefusedError(400, message)
    return dict(fields)


def _whole_number(digits: str) -> int:
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    return -_BEYOND_EVERY_BOUND if digits.startswith("-") else _BEYOND_EVERY_BOUND


def _refuse_constant(name: str) -> NoReturn:
    raise BodyRefusedError(400, f"The body is not JSON; {name} is no JSON number.")
