"""Our corrections of the emulator's evaluation of conditions."""

import pytest

from local_aws.iam.evaluator import CaseInsensitiveKeys, undecided_conditions

REQUEST = CaseInsensitiveKeys({"aws:SourceArn": "arn:aws:s3:::b", "s3:prefix": "visitors/"})


def test_a_condition_key_is_found_in_any_case() -> None:
    assert REQUEST.get("AWS:sourcearn") == "arn:aws:s3:::b"
    assert REQUEST["S3:PREFIX"] == "visitors/"
    assert "AWS:SourceArn" in REQUEST
    assert "aws:SourceAccount" not in REQUEST


@pytest.mark.parametrize(
    "operator", ["StringNotEquals", "ArnNotLike", "NotIpAddress", "ForAllValues:StringLike"]
)
def test_an_operator_that_holds_without_its_key_needs_no_comparison(operator: str) -> None:
    conditions = {operator: {"aws:Absent": "x", "s3:prefix": "y"}}
    assert undecided_conditions(conditions, REQUEST) == {operator: {"s3:prefix": "y"}}


@pytest.mark.parametrize("operator", ["StringEquals", "ArnLike", "Bool", "Null"])
def test_any_other_operator_is_compared_even_without_its_key(operator: str) -> None:
    conditions = {operator: {"aws:Absent": "x"}}
    assert undecided_conditions(conditions, REQUEST) == conditions


def test_values_of_a_policy_are_compared_as_text() -> None:
    found = undecided_conditions({"Bool": {"aws:Secure": True}, "StringLike": {"a": ["b"]}}, {})
    assert found == {"Bool": {"aws:Secure": "true"}, "StringLike": {"a": ["b"]}}
