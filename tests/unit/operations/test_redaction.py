"""Published output holds no account numbers, credentials, personal data or private folders."""

from pathlib import Path

import pytest

from operations import ROOT
from operations.redaction import redact

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ENCODED = "dHJ1c3QgbWUsIHRoaXMgaXMgYW4gZW5jb2RlZCBtZXNzYWdlIDEyMw"


@pytest.mark.parametrize(
    ("text", "hidden", "left"),
    [
        ("bucket marquee-re-123456789012-ratings", "123456789012", "marquee-re-<account>-ratings"),
        ("arn:aws:sqs:eu-west-1:123456789012:marquee-re-texts", "123456789012", "marquee-re-texts"),
        ("arn:aws:iam::123456789012:user/ada is not authorized", "ada", "is not authorized"),
        ("arn:aws:sts::123456789012:assumed-role/Admin/grace", "grace", "arn:aws:sts::"),
        ("key AKIAIOSFODNN7EXAMPLE is", "AKIAIOSFODNN7EXAMPLE", "key <access key> is"),
        ("key ASIAIOSFODNN7EXAMPLE is", "ASIAIOSFODNN7EXAMPLE", "key <access key> is"),
        (f"secret {SECRET_KEY}.", SECRET_KEY, "secret <secret>."),
        ("alarms go to ada@example.org now", "ada@example.org", "alarms go to <e-mail> now"),
        ("a text to +12025550143 failed", "2025550143", "a text to <phone> failed"),
        ("a text to +1 202 555 0143 failed", "555 0143", "a text to <phone> failed"),
        ("Authorization: Bearer abc.def-123456", "abc.def-123456", "Bearer <secret>"),
        ('{"token": "0123abcd4567"}', "0123abcd4567", '{"token": "<secret>"}'),
        ("https://x.example/?X-Amz-Signature=0123abcd4567&a=1", "0123abcd4567", "&a=1"),
        ("0f" * 32, "0f0f", "<secret>"),
        (f"Encoded authorization failure message: {ENCODED}", ENCODED, "failure message: <secret>"),
        (f"(full log: {ROOT}/.local/re/logs/sam.log)", str(ROOT), "(full log: ./.local/re/logs"),
        (f"{Path.home()}/.aws/config", str(Path.home()), "~/.aws/config"),
    ],
)
def test_private_data_is_removed(text: str, hidden: str, left: str) -> None:
    seen = redact(text, {})

    assert hidden not in seen
    assert left in seen


@pytest.mark.parametrize(
    "text",
    [
        "aws_s3_bucket_server_side_encryption_configuration.this: Creation complete after 12s",
        "Apply complete! Resources: 93 added, 0 changed, 0 destroyed.",
        "2026-11-27T22:00:00Z the step recommend (s-1ABCDEF) ended failed",
        "GET /health is answered by 'second', not by 'the first version'.",
        "UPDATE_ROLLBACK_COMPLETE AWS::Lambda::EventSourceMapping",
    ],
)
def test_text_without_private_data_is_not_changed(text: str) -> None:
    assert redact(text, {}) == text


def test_secrets_of_the_shell_are_removed_in_any_form() -> None:
    assert redact("said plain-words", {"AWS_SECRET_ACCESS_KEY": "plain-words"}) == "said <secret>"


def test_a_secret_that_is_too_short_is_not_removed() -> None:
    assert redact("a test of tests", {"AWS_SECRET_ACCESS_KEY": "test"}) == "a test of tests"
