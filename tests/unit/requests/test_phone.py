"""Phone numbers are read as people type them, and normalised or refused with a reason."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from marquee.requests.phone import PhoneError, as_shown, countries_of, country_of, to_e164


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
        ("+1415555012", "too few digits; check it for a missing digit"),
        ("+141555501234", "too many digits; check it for an extra digit"),
        ("(+44) 7700 900123", "does not exist; check it for a missing or an extra digit"),
    ],
)
def test_the_error_of_a_wrong_number_says_how_to_fix_it(text: str, fix: str) -> None:
    with pytest.raises(PhoneError, match=fix):
        to_e164(text)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("07911 123456", "GB", "+447911123456"),
        ("(+44) 7400 123456", "GB", "+447400123456"),
        ("(+44) 7400 123456", "US", "+447400123456"),
        ("+44 (0)7400 123456", "US", "+447400123456"),
        ("1 415 555 0123", "US", "+14155550123"),
        ("415.555.0123", "CA", "+14155550123"),
        ("\u202a+1 415\u00a0555\u20110123\u202c", "GB", "+14155550123"),
        ("\u2066(415) 555-0123\u2069", "US", "+14155550123"),
        ("0044 7400 123456", "US", "+447400123456"),
        ("011 44 7400 123456", "US", "+447400123456"),
        ("\uff0b44 7400 123456", "US", "+447400123456"),
    ],
)
def test_a_number_is_read_as_dialled_in_the_chosen_country(
    text: str, country: str, expected: str
) -> None:
    assert to_e164(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "message"),
    [
        (
            "020 7946 0958",
            "GB",
            "+44 20 7946 0958 is a landline, which cannot receive texts; enter",
        ),
        ("(+44) 7700 900123", "GB", "+44 7700 900123 does not exist; check it for a missing or an"),
        ("555 0123", "US", "+1 5550123 lacks its area code; add the area code."),
        ("0740", "GB", "+44 0740 has too few digits; check it for a missing digit."),
        ("call me", "GB", "“call me” is not a phone number; enter its digits, as in 07400 123456."),
    ],
)
def test_the_error_names_the_number_as_it_was_read(text: str, country: str, message: str) -> None:
    with pytest.raises(PhoneError) as refused:
        to_e164(text, country)
    assert str(refused.value).startswith(message)


def test_the_islands_of_the_united_kingdoms_numbering_plan_count_as_it() -> None:
    assert {country_of(number) for number in ("+447911123456", "+447797712345")} == {"GB"}
    assert {country_of(number) for number in ("+14155550123", "+18762101234")} == {"US", "JM"}


def test_a_country_is_offered_with_its_calling_code_and_an_example() -> None:
    first, second = countries_of(["US", "GB", "XX"])
    assert (first.country, first.calling_code, first.example) == ("GB", "44", "07400 123456")
    assert (second.country, second.calling_code) == ("US", "1")


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


def writings(number: phonenumbers.PhoneNumber) -> set[str]:
    """Return a number as people write it: with and without its country code, and marked."""
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    code, _, rest = international.partition(" ")
    plain = {national, international, f"({code}) {rest}", international.replace("+", "00", 1)}
    return plain | {f"\u202a{each}\u202c" for each in plain}


MOBILES = {
    region: number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
}


@pytest.mark.parametrize("region", MOBILES)
def test_the_example_of_every_country_is_read_in_any_writing(region: str) -> None:
    number = MOBILES[region]
    expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert {to_e164(text, region) for text in writings(number)} == {expected}


@given(st.sampled_from(sorted(EXAMPLES)), st.sampled_from(sorted(MOBILES)))
def test_a_number_with_its_country_code_means_the_same_in_every_country(
    example: str, country: str
) -> None:
    number, _ = EXAMPLES[example]
    shown = as_shown(number)
    if is_taken(number):
        assert to_e164(shown, country) == number
    else:
        with pytest.raises(PhoneError, match="which cannot receive texts"):
            to_e164(shown, country)


@given(st.text(max_size=40), st.sampled_from(["US", "GB", None]))
def test_any_text_is_a_number_or_refused_with_a_reason(text: str, country: str | None) -> None:
    try:
        found = to_e164(text, country)
    except PhoneError as refused:
        found = str(refused)
    assert re.fullmatch(r"\+\d+|.*[;:,] .*\.", found, re.DOTALL)


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
    with pytest.raises(PhoneError, match=f"is {kind}.*, which cannot receive texts; enter"):
        to_e164(number)
