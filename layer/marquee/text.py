"""The text message: ten titles, a link back and the opt-out line, in GSM-7 and three parts.

A part of a multi-part message holds 153 septets (3GPP TS 23.040, 9.2.3.24.1); one character
outside GSM 03.38 would turn the whole message into UCS-2 with 67 characters a part.
"""

from collections.abc import Sequence

from anyascii import anyascii

MAX_PARTS = 3
SINGLE_PART_SEPTETS = 160
PART_SEPTETS = 153
OPT_OUT = "Reply STOP to opt out."

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€")
_ELLIPSIS = "..."
_SHORTEST_TITLE = 8


class TextTooLongError(ValueError):
    """The link alone leaves no room for the titles."""


def compose(name: str, titles: Sequence[str], link: str) -> str:
    """Write the message; the longest titles are shortened first, link and opt-out line never."""
    greeting = f"{_shorten(_line(name), 20)}, your Marquee picks:"
    numbers = [f"{place}. " for place in range(1, len(titles) + 1)]
    fixed = septets("\n".join([greeting, *numbers, link, OPT_OUT]))
    room = MAX_PARTS * PART_SEPTETS - fixed
    fitted = _fit([_line(title) for title in titles], room)
    lines = [number + title for number, title in zip(numbers, fitted, strict=True)]
    return "\n".join([greeting, *lines, link, OPT_OUT])


def to_gsm7(text: str) -> str:
    """Transliterate what GSM-7 lacks; what it has (é, ñ, ü…) stays as it is."""
    return "".join(
        character
        if character in _BASIC or character in _EXTENDED
        else "".join(c for c in anyascii(character) if c in _BASIC or c in _EXTENDED)
        for character in text
    )


def septets(text: str) -> int:
    """Count 7-bit units; characters of the extension table take two."""
    unknown = {c for c in text if c not in _BASIC and c not in _EXTENDED}
    if unknown:
        raise ValueError(f"not GSM-7: {sorted(unknown)}")
    return sum(2 if character in _EXTENDED else 1 for character in text)


def parts(text: str) -> int:
    """Count the parts that the message is billed as."""
    length = septets(text)
    return 1 if length <= SINGLE_PART_SEPTETS else -(-length // PART_SEPTETS)


def _line(text: str) -> str:
    return " ".join(to_gsm7(text).split()) or "?"


def _fit(titles: list[str], room: int) -> list[str]:
    """Shorten the longest titles to one common length that fits `room` septets."""
    if sum(map(septets, titles)) <= room:
        return titles
    for limit in range(max(map(septets, titles)), _SHORTEST_TITLE - 1, -1):
        shortened = [_shorten(title, limit) for title in titles]
        if sum(map(septets, shortened)) <= room:
            return shortened
    raise TextTooLongError(
        f"the link leaves {room} septets for {len(titles)} titles; shorten the site's address"
    )


def _shorten(text: str, limit: int) -> str:
    if septets(text) <= limit:
        return text
    kept = text
    while septets(kept) + len(_ELLIPSIS) > limit:
        kept = kept[:-1]
    return kept.rstrip(" ,.:;-") + _ELLIPSIS
