"""Phone numbers are normalised, or refused with the mend."""

import pytest

from marquee.phone import PhoneError, to_e164


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+14155550123", "+14155550123"),
        ("+1 (415) 555-0123", "+14155550123"),
        (" +44 20 7946 0958 ", "+442079460958"),
        ("+49 30 901820", "+4930901820"),
    ],
)
def test_a_number_with_its_country_code_is_normalised(text: str, expected: str) -> None:
    assert to_e164(text) == expected


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("4155550123", "country code"),
        ("(415) 555-0123", "country code"),
        ("0049 30 901820", "country code"),
        ("", "country code"),
        ("+", "not a phone number"),
        ("+abc", "not a phone number"),
        ("+1415555012", "missing or an extra digit"),
        ("+141555501234", "missing or an extra digit"),
    ],
)
def test_a_wrong_number_is_told_how_to_mend_it(text: str, mend: str) -> None:
    with pytest.raises(PhoneError, match=mend):
        to_e164(text)
