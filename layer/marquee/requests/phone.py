"""Check and format phone numbers with Google's libphonenumber."""

import phonenumbers
from phonenumbers import PhoneNumberType

_EXAMPLE = "+14155550123"

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


class PhoneError(ValueError):
    """The phone number cannot be texted; the message says why and what to enter instead."""


def country_of(phone: str) -> str | None:
    """Return the country (ISO 3166, two letters) of a number in E.164; None if it has none."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    return region if region and region.isalpha() else None


def to_e164(text: str) -> str:
    """Return the number in E.164 (`+14155550123`).

    Spaces, hyphens and brackets are allowed. The country code is required, because the same local
    number exists in many countries. Only two kinds of number are accepted, by the number types of
    libphonenumber: mobile, and either mobile or landline.

    Raises:
        PhoneError: if the text is not a valid number, or the number is of another kind.
    """
    if not text.strip().startswith("+"):
        raise PhoneError(
            "Write the phone number with + and its country code, "
            f"as in {_EXAMPLE} (United States) or +447400123456 (United Kingdom)."
        )
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise PhoneError(
            f"This is not a phone number; write + and its country code, as in {_EXAMPLE}."
        ) from error
    if not phonenumbers.is_valid_number(number):
        raise PhoneError(
            f"No such number exists under country code +{number.country_code}; "
            "check it for a missing or an extra digit."
        )
    kind = phonenumbers.number_type(number)
    if kind not in _TEXTABLE:
        raise PhoneError(
            f"This is {_KINDS.get(kind, 'not a mobile number')}, which cannot receive texts; "
            "enter the number of a mobile phone."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
