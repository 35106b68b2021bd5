"""The local AWS's log holds no personal data but still says what went wrong."""

import base64
import io
import logging
import sys
from pathlib import Path

import pytest

from local_aws import launcher, log_masking
from tests.local_aws.conftest import command, start

PHONE = "+14155550123"
WORDS = "Zebulon, your picks: Casablanca"
# Not random: every process must collect tests of the same names.
TOKEN = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
VISITOR = "01kb3w8m6t9x2d4f5g7h8j0k1n"


@pytest.mark.parametrize(
    "line",
    [
        f"Delivering to {PHONE}",
        f"GET /sms?phoneNumber=%2B{PHONE[1:]} => 200",
        "Invalid parameter: PhoneNumber Reason: +1 415 555-0123 is not valid",
        f"https://site.example/#{VISITOR}.{TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f'{{"token": "{TOKEN}"}}',
    ],
)
def test_phones_and_tokens_in_a_line_are_masked(line: str) -> None:
    shown = log_masking.masked(line)
    assert TOKEN not in shown
    assert "0123" not in shown
    assert log_masking.PHONE in shown or log_masking.TOKEN in shown


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-28T02:06:50.123 INFO --- [et.reactor-9] localemu.request.aws : AWS s3.Put => 200",
        "arn:aws:sns:us-east-1:000000000000:marquee-local-alarms",
        f"GET /visitors/{VISITOR} => 200",
        "marquee-local-000000000000-ratings/visitors/date=2026-11-28/x-1.json",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "botocore.exceptions.ClientError: An error occurred (Throttling) when calling Publish",
    ],
)
def test_a_line_without_personal_data_is_not_changed(line: str) -> None:
    assert log_masking.masked(line) == line


def test_all_printed_and_logged_lines_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.StringIO()
    monkeypatch.setattr(sys, "stdout", kept)
    monkeypatch.setattr(sys, "stderr", kept)
    log_masking.mask_output()
    print("printed", PHONE)
    logger = logging.getLogger("test_log_masking")
    logger.addHandler(handler := logging.StreamHandler())
    try:
        int(f"no number {PHONE}")
    except ValueError:
        logger.exception("failed for %s", PHONE)
    finally:
        logger.removeHandler(handler)
    assert "4155550123" not in kept.getvalue()
    assert kept.getvalue().count(log_masking.PHONE) >= 3
    assert "Traceback" in kept.getvalue()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("level", ["info", "trace"])
def test_a_text_and_a_visitor_leave_no_personal_data_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setenv("LS_LOG", level)
    state = tmp_path / "state"
    aws = start(state)
    try:
        aws.client("sns").publish(PhoneNumber=PHONE, Message=WORDS)
        table = {"TableName": "visitors", "BillingMode": "PAY_PER_REQUEST"}
        aws.client("dynamodb").create_table(
            **table,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        item = {"id": {"S": "1"}, "name": {"S": "Zebulon"}, "phone": {"S": PHONE}}
        aws.client("dynamodb").put_item(TableName="visitors", Item=item)
        log = state / launcher.LOG
        assert "sns.Publish" in log.read_text().replace("SNS", "sns")
        assert [oct(path.stat().st_mode)[-3:] for path in (state, log)] == ["700", "600"]
        assert files_with_personal_data(state) == []
    finally:
        command("stop", "--state", str(state))
    assert files_with_personal_data(state) == []


def files_with_personal_data(folder: Path) -> list[str]:
    """Return the files below the folder that hold the phone, the name or the text."""
    wanted = (PHONE[1:].encode(), b"Zebulon", b"Casablanca")
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(word in path.read_bytes() for word in wanted)]
