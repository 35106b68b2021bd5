"""The name that a text greets its recipient by, where that name can be nothing but a name.

Nobody has proved that the phone belongs to the visitor, so the name field must not carry a message
to a stranger: a link, a phone number or a sum of money. The rule judges what would be shown, after
transliteration: a letter that only looks like another one is shown as what it is. Whoever's name
is left out loses a greeting and nothing else, so the rule is strict.
"""

import re
import unicodedata

from anyascii import anyascii

_MOST_LETTERS = 20
_HYPHENS_AND_APOSTROPHES = {"\u2010": "-", "\u2011": "-", "\u2019": "'", "\u02bc": "'"}
# The Latin letters of GSM 03.38 that are not ASCII; everything else is transliterated.
_SHOWN_AS_THEY_ARE = frozenset("èéùìòÇØøÅåÆæßÉÄÖÑÜäöñüà")
_LETTER = f"[A-Za-z{''.join(sorted(_SHOWN_AS_THEY_ARE))}]"
_ONE_NAME = re.compile(f"{_LETTER}{{2,}}(?:[-']{_LETTER}+){{0,2}}|{_LETTER}'{_LETTER}{{2,}}")
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_CURRENCIES = ("eur", "gbp", "usd", "aud", "cad", "nzd", "btc", "cash", "yen", "euro", "pound")
_NEVER_WHOLE = re.compile("|".join((*_NUMBERS, *_CURRENCIES)) + "|euros|pounds")
_NEVER_INSIDE = re.compile(
    "www|http|[a-z]dot[a-z]{2}"  # an address that is spelt out: evildotcom
    "|hundred|thousand|million|billion|dollar|money|bitcoin|bucks"
)
_ROMAN_NUMBER = re.compile("[IVXLCDM]{2,}")
_ROUND_NUMBER_IN_LETTERS = re.compile("[il]*o{2,}[ilo]*")  # IOO, lOO: 100


def greeting_name(name: str) -> str | None:
    """Give the first word of a name, in letters of GSM 03.38; None where it is to be left out.

    Left out is every name that holds anything but letters, spaces, hyphens and apostrophes, that
    has a letter with a numeric value (such as the Chinese ones), or whose first word spells a
    number, a currency or an address.
    """
    if not all(_may_stand_in_a_name(character) for character in name):
        return None
    words = unicodedata.normalize("NFKC", name).split()
    if not words:
        return None
    first = words[0]
    if _ROMAN_NUMBER.fullmatch(_shown(first)):
        return None
    word = _shown(first.capitalize() if first.isupper() else first).strip("-'")
    if len(word) > _MOST_LETTERS or not _ONE_NAME.fullmatch(word) or _says_more(word):
        return None
    return word


def _may_stand_in_a_name(character: str) -> bool:
    if character in "-' " or character in _HYPHENS_AND_APOSTROPHES:
        return True
    is_letter = unicodedata.category(character)[0] in "LM"
    return is_letter and unicodedata.numeric(character, None) is None


def _shown(word: str) -> str:
    """Transliterate what GSM 03.38 lacks, and all that is no Latin letter."""
    plain = (_HYPHENS_AND_APOSTROPHES.get(character, character) for character in word)
    return "".join(c if c in _SHOWN_AS_THEY_ARE else anyascii(c) for c in plain)


def _says_more(word: str) -> bool:
    plain = re.sub("[-']", "", anyascii(word).lower())
    return bool(
        _NEVER_WHOLE.fullmatch(plain)
        or _NEVER_INSIDE.search(plain)
        or _ROUND_NUMBER_IN_LETTERS.fullmatch(plain)
    )
