"""Phone numbers, by Google's libphonenumber."""

import phonenumbers

_EXAMPLE = "+14155550123"


class PhoneError(ValueError):
    """The phone number cannot be texted; the message says how to write it."""


def country_of(phone: str) -> str | None:
    """Give the country (ISO 3166, two letters) of a number in E.164; None where it has none."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    return region if region and region.isalpha() else None


def to_e164(text: str) -> str:
    """Give the number in E.164 (`+14155550123`).

    Spaces, hyphens and brackets are fine; the country code is not optional, because the same
    local number exists in many countries.
    """
    if not text.strip().startswith("+"):
        raise PhoneError(
            "Write the phone number with + and its country code, "
            f"as in {_EXAMPLE} (United States) or +442079460958 (United Kingdom)."
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
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
