"""Phone numbers through the API: the countries that are texted, and what the page is told."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.api import FORM, Api
from tests.unit.aws import Aws, put_model


@pytest.fixture(scope="module")
def api(account: Aws, warm: Api) -> Iterator[Api]:
    account.wipe()
    put_model(account)
    yield warm
    account.wipe()


def check(api: Api, phone: str, country: str) -> tuple[int, dict[str, Any]]:
    form = {"phone": phone, "country": country}
    status, answer, _ = api.call("POST", "/phones", raw=json.dumps(form))  # without a proof
    return status, answer


def test_only_countries_that_are_texted_are_listed(api: Api) -> None:
    status, answer, _ = api.call("GET", "/phones/countries")
    assert status == 200
    codes = {each["country"]: each["calling_code"] for each in answer["countries"]}
    assert codes == {"AU": "61", "CA": "1", "GB": "44", "IE": "353", "NZ": "64", "US": "1"}
    assert all(check(api, one["example"], one["country"])[0] == 200 for one in answer["countries"])


@pytest.mark.parametrize(
    ("typed", "country", "phone", "shown", "of"),
    [
        ("07911 123456", "GB", "+447911123456", "+44 7911 123456", "GB"),
        ("(+44) 7400 123456", "US", "+447400123456", "+44 7400 123456", "GB"),
        ("1 415 555 0123", "US", "+14155550123", "+1 415-555-0123", "US"),
        ("\u202a+1 415 555 0123\u202c", "GB", "+14155550123", "+1 415-555-0123", "US"),
    ],
)
def test_a_number_is_returned_as_it_will_be_texted(
    api: Api, typed: str, country: str, phone: str, shown: str, of: str
) -> None:
    assert check(api, typed, country) == (200, {"phone": phone, "shown": shown, "country": of})


@pytest.mark.parametrize(
    ("typed", "country", "field", "message"),
    [
        ("020 7946 0958", "GB", "phone", r"\+44 20 7946 0958 is a landline, .*mobile phone\."),
        ("(+44) 7700 900123", "GB", "phone", r"\+44 7700 900123 does not exist; check it .*\."),
        ("+49 1512 3456789", "GB", "phone", r"\+49 1512 3456789 is a number of DE; .*AU, CA, GB.*"),
        ("0151 23456789", "DE", "country", r".*'DE'; choose one of AU, CA, GB, IE, NZ, US\."),
        ("", "GB", "phone", r"“” is not a phone number; enter its digits, as in 07400 123456\."),
    ],
)
def test_a_refusal_names_the_field_the_value_and_the_fix(
    api: Api, typed: str, country: str, field: str, message: str
) -> None:
    status, answer = check(api, typed, country)
    (error,) = answer["errors"]
    assert (status, error["field"]) == (422, field)
    assert re.fullmatch(message, error["message"])


@pytest.mark.parametrize(
    "typed", ["020 7946 0958", "07911 123456", "0740 01234", "+49 1512 3456789"]
)
def test_no_number_gets_into_the_logs_or_their_tracebacks(
    api: Api,
    typed: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    check(api, typed, "GB")
    for number in (typed, typed.replace("0", "+44 ", 1)):
        assert api.call("POST", "/visitors", FORM | {"phone": number})[0] in (201, 422)
    logged = capsys.readouterr().out + caplog.text
    assert "refused" in logged
    # A traceback may show a number with other separators.
    digits = re.sub(r"[^\d]", "", typed).lstrip("0")
    assert not re.search(r"[ ().-]*".join(digits), logged)
