"""Phone numbers are normalised or refused with a reason."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from marquee.requests.phone import PhoneError, to_e164


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+14155550123", "+14155550123"),
        ("+1 (415) 555-0123", "+14155550123"),
        (" +44 7400 123456 ", "+447400123456"),
        ("+49 1512 3456789", "+4915123456789"),
    ],
)
def test_a_number_with_its_country_code_is_normalised(text: str, expected: str) -> None:
    assert to_e164(text) == expected


@pytest.mark.parametrize(
    ("text", "fix"),
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
def test_the_error_of_a_wrong_number_says_how_to_fix_it(text: str, fix: str) -> None:
    with pytest.raises(PhoneError, match=fix):
        to_e164(text)


KINDS = {
    getattr(PhoneNumberType, name): name
    for name in (
        "FIXED_LINE", "MOBILE", "FIXED_LINE_OR_MOBILE", "TOLL_FREE", "PREMIUM_RATE", "SHARED_COST",
        "VOIP", "PERSONAL_NUMBER", "PAGER", "UAN", "VOICEMAIL",
    )
}  # fmt: skip
TEXTABLE = {"MOBILE", "FIXED_LINE_OR_MOBILE"}


def examples() -> dict[str, tuple[str, str]]:
    """Return the library's examples by region and kind, as (number, kind detected for it)."""
    found = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind, name in KINDS.items():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
                found[f"{region} {name}"] = (text, KINDS[phonenumbers.number_type(number)])
    return found


EXAMPLES = examples()


def is_taken(number: str) -> bool:
    try:
        to_e164(number)
    except PhoneError:
        return False
    return True


def test_only_mobile_phones_are_accepted_in_every_region() -> None:
    assert len(EXAMPLES) > 1000
    taken = {name for name, (number, _) in EXAMPLES.items() if is_taken(number)}
    assert taken == {name for name, (_, kind) in EXAMPLES.items() if kind in TEXTABLE}
    assert {f"{region} MOBILE" for region in ("US", "CA", "GB", "IE", "AU", "NZ")} <= taken
    assert not {name for name in taken if name.split()[1] not in (*TEXTABLE, "FIXED_LINE")}


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+19005550100", "a premium-rate number"),
        ("+449012345678", "a premium-rate number"),
        ("+447012345678", "a personal number"),
        ("+611900123456", "a premium-rate number"),
        ("+611300123456", "a shared-cost number"),
        ("+353155012345", "a landline"),
        ("+353818123456", "a company.s number"),
        ("+441212345678", "a landline"),
        ("+442079460958", "a landline"),
        ("+18005550100", "a toll-free number"),
        ("+447640123456", "a pager"),
        ("+445612345678", "an internet phone number"),
    ],
)
def test_the_error_of_another_kind_of_number_names_its_kind(number: str, kind: str) -> None:
    with pytest.raises(PhoneError, match=f"This is {kind}.*mobile phone"):
        to_e164(number)
