"""Compose the text: ten titles, a link to the visitor's page and the opt-out line.

The text is in GSM-7 and has at most three parts. A part of a multi-part message holds 153 septets
(3GPP TS 23.040, 9.2.3.24.1). A single character outside GSM 03.38 would turn the whole message
into UCS-2, with 67 characters per part.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from anyascii import anyascii

from marquee.requests.emoji import without_emoji
from marquee.requests.greeting import greeting_name
from marquee.requests.identity import TOKEN_CHARACTERS, VISITOR_ID_CHARACTERS

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
    """Return the text.

    If it is too long, the longest titles are shortened first. The link and the opt-out line are
    never shortened. The name is left out if it could be more than a name (`requests.greeting`).

    Raises:
        TextTooLongError: if the link leaves too little room for the titles.
    """
    greeted = greeting_name(name)
    greeting = f"{greeted}, your Marquee picks:" if greeted else "Your Marquee picks:"
    numbers = [f"{place}. " for place in range(1, len(titles) + 1)]
    fixed = septets("\n".join([greeting, *numbers, link, OPT_OUT]))
    room = MAX_PARTS * PART_SEPTETS - fixed
    fitted = _fit([_line(title) for title in titles], room)
    lines = [number + title for number, title in zip(numbers, fitted, strict=True)]
    return "\n".join([greeting, *lines, link, OPT_OUT])


def link_to(site_url: str, visitor_id: str, token: str) -> str:
    """Return the address of a visitor's page."""
    return f"{site_url}#{visitor_id}.{token}"


def preview_link(site_url: str) -> str:
    """Return a link as long as a visitor's, with letters `x` in place of the id and the token."""
    return link_to(site_url, "x" * VISITOR_ID_CHARACTERS, "x" * TOKEN_CHARACTERS)


def to_gsm7(text: str) -> str:
    """Return the text with characters that GSM-7 lacks transliterated; others (é, ñ, ü…) stay.

    Emoji are left out: their transliteration is their name, such as `:clapper:`.
    """
    return "".join(
        character
        if character in _BASIC or character in _EXTENDED
        else "".join(c for c in anyascii(character) if c in _BASIC or c in _EXTENDED)
        for character in without_emoji(text)
    )


def septets(text: str) -> int:
    """Return the length in septets; characters of the extension table take two.

    Raises:
        ValueError: if a character is not in GSM-7.
    """
    if unknown := set(text) - _BASIC - _EXTENDED:
        raise ValueError(f"not GSM-7: {sorted(unknown)}")
    return len(text) + sum(character in _EXTENDED for character in text)


def parts(text: str) -> int:
    """Return the number of parts as which the message is billed."""
    length = septets(text)
    return 1 if length <= SINGLE_PART_SEPTETS else -(-length // PART_SEPTETS)


def _line(text: str) -> str:
    """Return the text in GSM-7 on one line; `?` if nothing is left."""
    return " ".join(to_gsm7(text).split()) or "?"


def _fit(titles: list[str], room: int) -> list[str]:
    """Shorten the longest titles to one common length, so that all fit into `room` septets."""
    longest = max(map(septets, titles), default=0)
    if sum(map(septets, titles)) <= room:
        return titles

    def overflows(limit: int) -> bool:
        return sum(septets(_shorten(title, limit)) for title in titles) > room

    too_long = bisect_left(range(longest + 1), True, lo=_SHORTEST_TITLE, key=overflows)
    if too_long == _SHORTEST_TITLE:
        raise TextTooLongError(
            f"the link leaves {room} septets for {len(titles)} titles; shorten the site's address"
        )
    return [_shorten(title, too_long - 1) for title in titles]


def _shorten(text: str, limit: int) -> str:
    """Return the text, cut and with an ellipsis if it is longer than `limit` septets."""
    if septets(text) <= limit:
        return text
    lengths = accumulate(map(septets, text))
    kept = sum(1 for length in lengths if length + len(_ELLIPSIS) <= limit)
    return text[:kept].rstrip(" ,.:;-") + _ELLIPSIS
