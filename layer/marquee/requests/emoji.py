"""Remove emoji from text that is sent by SMS or greets a person."""

import re
import unicodedata

from anyascii import anyascii

_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3")  # join emoji, or choose how a sign is drawn
_NAMED = re.compile(":[^:]+:")  # anyascii transliterates an emoji to its name: `:clapper:`


def without_emoji(text: str) -> str:
    """Return the text with a space in place of each emoji.

    Joiners and skin tones are dropped only if the text has an emoji; other signs, letters and
    digits stay.
    """
    if not any(map(_is_emoji, text)):
        return text
    return "".join(
        " " if _is_emoji(character) else character
        for character in text
        if character not in _JOINERS and not _is_skin_tone(character)
    )


def _is_emoji(character: str) -> bool:
    """Return whether a sign's transliteration is a name; flags consist of signs for letters."""
    if unicodedata.category(character) != "So":
        return False
    is_flag_letter = "\U0001f1e6" <= character <= "\U0001f1ff"
    return is_flag_letter or _NAMED.fullmatch(anyascii(character)) is not None


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"
