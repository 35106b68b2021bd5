"""Terraform's messages: what they say to people, and why a run failed."""

import json
from typing import Any

import pytest

from operations.terraform_messages import explanation, in_words, message_of, messages


def message(words: str, **rest: Any) -> str:
    """Return a line as Terraform 1.11 prints it, without the parts that nobody reads."""
    return json.dumps({"@level": "info", "@message": words, "@module": "terraform.ui", **rest})


def error(summary: str, detail: str = "", *, severity: str = "error", **rest: Any) -> str:
    diagnostic = {"severity": severity, "summary": summary, "detail": detail, **rest}
    words = f"{severity.title()}: {summary}"
    return message(words, type="diagnostic", diagnostic=diagnostic)


REJECTED = error(
    "Invalid value for variable",
    "core_instance_count must be a whole number\nfrom 1 to 100.\n\nThis was checked by the rule at"
    " variables.tf:90,3-13.",
    range={"filename": "local.tfvars", "start": {"line": 7, "column": 1, "byte": 9}},
)
NO_BUCKET = error(
    "creating S3 Bucket (marquee-x): BucketAlreadyExists",
    address='aws_s3_bucket.this["site"]',
    range={"filename": "buckets.tf", "start": {"line": 3, "column": 1, "byte": 9}},
)


def test_a_message_is_logged_in_terraforms_own_words() -> None:
    creating = "aws_emr_cluster.this: Still creating... [4m10s elapsed]"

    assert in_words(message(creating, type="apply_progress", hook={})) == f"{creating}\n"


def test_an_error_is_logged_with_its_place_and_all_of_its_detail() -> None:
    assert in_words(REJECTED) == (
        "Error: Invalid value for variable\n"
        "  local.tfvars line 7\n"
        "core_instance_count must be a whole number\nfrom 1 to 100.\n\n"
        "This was checked by the rule at variables.tf:90,3-13.\n"
    )


def test_a_state_that_terraform_could_save_nowhere_is_logged() -> None:
    assert '{"serial": 7}' in in_words(message("Emergency state dump", state={"serial": 7}))


@pytest.mark.parametrize("line", ["panic: runtime error\n", "\n", "[1]\n", '{"format": 1}\n'])
def test_a_line_that_holds_no_message_is_logged_as_it_is(line: str) -> None:
    assert message_of(line) is None
    assert in_words(line) == line


def test_messages_are_read_among_other_lines() -> None:
    assert [each["@message"] for each in messages(["crash", message("a"), message("b")])] == [
        "a",
        "b",
    ]


def test_a_failure_is_explained_by_its_error_and_the_place_in_one_sentence() -> None:
    assert explanation([message("Terraform 1.11.4"), REJECTED]) == (
        "Invalid value for variable: core_instance_count must be a whole number from 1 to 100."
        " (local.tfvars line 7)"
    )


def test_an_error_of_aws_names_the_resource() -> None:
    assert explanation([NO_BUCKET]) == (
        "creating S3 Bucket (marquee-x): BucketAlreadyExists"
        ' (aws_s3_bucket.this["site"], buckets.tf line 3)'
    )


def test_warnings_explain_no_failure() -> None:
    assert explanation([error("Deprecated", severity="warning"), NO_BUCKET]).startswith("creating")


def test_of_many_errors_the_first_are_told_once_each_and_the_rest_are_counted() -> None:
    lines = [error(name) for name in ("a", "a", "b", "c", "d", "e")]

    assert explanation(lines) == "a; b; c; and 2 more"


def test_a_crash_is_explained_by_the_words_that_it_left() -> None:
    assert explanation([message("Plan: 1 to add"), "Error: plugin crashed\n"]).startswith(
        "Error: plugin crashed"
    )
