"""Read phone numbers as visitors type them, and check them with Google's libphonenumber."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

_EXAMPLE = "+14155550123"
# `0049…` is how numbers of other countries are dialled in most countries, but not in all.
_DIALLED_ABROAD = re.compile(r"^00\s*(?=[1-9])")
_INTERNATIONAL = re.compile(r"[\s(]*[+\uff0b]")  # `(+44) 7400 123456` also begins with a plus sign
# Guernsey, Jersey and the Isle of Man have numbers of the United Kingdom's numbering plan. Their
# people dial them as numbers of the United Kingdom, and so does the list of countries.
_SAME_PLAN = {"GG": "GB", "JE": "GB", "IM": "GB"}

# Some countries, such as the United States, use the same numbers for mobile phones and landlines.
# There the two cannot be distinguished, and the library returns FIXED_LINE_OR_MOBILE.
_TEXTABLE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
# A text to any of these kinds is lost or costs the sender extra.
_KINDS = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.VOIP: "an internet phone number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that forwards calls",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.UAN: "a company's number",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
}
_LENGTHS = {
    ValidationResult.TOO_SHORT: "has too few digits; check it for a missing digit",
    ValidationResult.TOO_LONG: "has too many digits; check it for an extra digit",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code; add the area code",
}


class PhoneError(ValueError):
    """The number cannot be texted; the message names it, says why and what to enter instead."""


@dataclass(frozen=True, slots=True)
class TextedCountry:
    """A country whose phones are texted.

    Attributes:
        country: ISO 3166 code, two letters.
        calling_code: without a plus sign, such as `44`.
        example: a mobile number as people in the country write it.
    """

    country: str
    calling_code: str
    example: str


def countries_of(codes: Iterable[str]) -> list[TextedCountry]:
    """Return the countries of these ISO 3166 codes, sorted by code; unknown codes are left out."""
    found = []
    for code in sorted(codes):
        example = phonenumbers.example_number_for_type(code, PhoneNumberType.MOBILE)
        if example is not None:
            national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
            found.append(TextedCountry(code, str(example.country_code), national))
    return found


def country_of(phone: str) -> str | None:
    """Return the country (ISO 3166, two letters) of a number in E.164; None if it has none.

    Numbers of Guernsey, Jersey and the Isle of Man are numbers of the United Kingdom's plan: `GB`.
    """
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    return _SAME_PLAN.get(region, region) if region and region.isalpha() else None


def as_shown(phone: str) -> str:
    """Return a number in E.164 with spaces for reading: `+44 7400 123456`."""
    return _shown(phonenumbers.parse(phone, None))


def to_e164(text: str, country: str | None = None) -> str:
    """Return the number in E.164 (`+14155550123`).

    Spaces, hyphens, brackets, trunk zeros and invisible characters, such as the direction marks of
    a copied number, are dropped. Only two kinds of number are accepted, by the number types of
    libphonenumber: mobile, and either mobile or landline.

    Args:
        text: the number as typed. With a plus sign and a country code it may be of any country.
        country: ISO 3166 code of the country in which a number without country code is dialled.
            If None, the country code is required, because the same local number exists in many
            countries.

    Raises:
        PhoneError: if the text is not a valid number, or the number is of another kind.
    """
    typed = _visible(text)
    number = _read(typed, country)
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        if length == ValidationResult.IS_POSSIBLE_LOCAL_ONLY and number.italian_leading_zero:
            length = ValidationResult.TOO_SHORT  # an area code follows a trunk zero
        fault = _LENGTHS.get(length, "does not exist; check it for a missing or an extra digit")
        raise PhoneError(f"{_shown(number)} {fault}.")
    kind = phonenumbers.number_type(number)
    if kind not in _TEXTABLE:
        raise PhoneError(
            f"{_shown(number)} is {_KINDS.get(kind, 'not a mobile number')}, which cannot receive "
            "texts; enter the number of a mobile phone."
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _visible(text: str) -> str:
    """Return the text without invisible format and control characters (categories Cf and Cc)."""
    shown = (" " if character.isspace() else character for character in text)
    return "".join(
        character for character in shown if unicodedata.category(character) not in ("Cf", "Cc")
    ).strip()


def _read(typed: str, country: str | None) -> PhoneNumber:
    """Return the number that was typed; it may not exist."""
    if country is None and not _INTERNATIONAL.match(typed):
        raise PhoneError(
            f"“{typed}” has no country code; write the phone number with + and its country code, "
            f"as in {_EXAMPLE} (United States) or +447400123456 (United Kingdom)."
        )
    number = _parsed(typed, country)
    if country is not None and (number is None or not phonenumbers.is_valid_number(number)):
        number = _parsed(_DIALLED_ABROAD.sub("+", typed), country) or number
    if number is None:
        raise PhoneError(
            f"“{typed}” is not a phone number; enter its digits, as in {_example(country)}."
        )
    return number


def _parsed(typed: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None


def _example(country: str | None) -> str:
    return next((each.example for each in countries_of([country] if country else [])), _EXAMPLE)


def _shown(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
