"""Choose the name in a text's greeting, if the name cannot be anything but a name.

There is no proof that the phone belongs to the visitor. The name must therefore not carry a
message to a stranger, such as a link, a phone number or a sum of money. The rule checks the name as
it would be shown, after transliteration, so that look-alike letters of other scripts do not pass.
The rule is strict, because a rejected name costs nothing but the greeting.
"""

import re
import unicodedata

from anyascii import anyascii

from marquee.requests.emoji import without_emoji

_MOST_LETTERS = 20
_HYPHENS_AND_APOSTROPHES = {"\u2010": "-", "\u2011": "-", "\u2019": "'", "\u02bc": "'"}
# The non-ASCII Latin letters of GSM 03.38. All other non-ASCII characters are transliterated.
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
    "www|http|[a-z]dot[a-z]{2}"  # also a spelt-out address: evildotcom
    "|hundred|thousand|million|billion|dollar|money|bitcoin|bucks"
)
_ROMAN_NUMBER = re.compile("[IVXLCDM]{2,}")
_ROUND_NUMBER_IN_LETTERS = re.compile("[il]*o{2,}[ilo]*")  # IOO and lOO look like 100


def greeting_name(name: str) -> str | None:
    """Return the first word of a name in letters of GSM 03.38, or None to leave the name out.

    Emoji count as spaces. A name is left out if it contains anything else than letters, spaces,
    hyphens and apostrophes, or a letter with a numeric value (such as Chinese numerals), or if its
    first word spells a number, a currency or an address, is a single letter, or has more than 20
    characters.
    """
    name = without_emoji(name)
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
    """Transliterate all characters but ASCII and the Latin letters of GSM 03.38."""
    plain = (_HYPHENS_AND_APOSTROPHES.get(character, character) for character in word)
    return "".join(c if c in _SHOWN_AS_THEY_ARE else anyascii(c) for c in plain)


def _says_more(word: str) -> bool:
    plain = re.sub("[-']", "", anyascii(word).lower())
    return bool(
        _NEVER_WHOLE.fullmatch(plain)
        or _NEVER_INSIDE.search(plain)
        or _ROUND_NUMBER_IN_LETTERS.fullmatch(plain)
    )
