"""The arguments given to sam, and the parsing of its output."""

from typing import Any

import pytest

from operations.invoke.sam_local import FunctionError, answer_of, declaring, env_vars

FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "CodeUri": "IngestFunction",
        "Environment": {"Variables": {"SITE_URL": "{{resolve:ssm:/marquee/local/site-url}}"}},
    },
}
TEMPLATE: dict[str, Any] = {
    "Globals": {"Function": {"Timeout": 3}},
    "Resources": {"IngestFunction": FUNCTION, "ReconcileFunction": {"Properties": {}}},
}


@pytest.mark.parametrize(
    ("printed", "answer"),
    [('{"statusCode": 201}\n', {"statusCode": 201}), ("null", None), ('"hello"', "hello")],
)
def test_the_answer_is_what_the_function_returned(printed: str, answer: object) -> None:
    assert answer_of(printed) == answer


def test_an_answer_that_contains_an_error_message_is_not_an_error() -> None:
    printed = '{"errorMessage": "ours", "errorType": "ours", "statusCode": 200}'

    assert answer_of(printed)["statusCode"] == 200


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        (
            '{"errorMessage": "no such event", "errorType": "ContractError",'
            ' "requestId": "1", "stackTrace": ["  File ..."]}',
            "The function failed with ContractError: no such event",
        ),
        (
            '{"errorType": "Runtime.ExitError", "errorMessage": "exit status 3"}',
            "The function failed with Runtime.ExitError: exit status 3",
        ),
        ("Task timed out after 3.00 seconds", "The function failed: Task timed out after 3.00"),
        ("\n", "The function returned no answer"),
    ],
)
def test_a_failure_after_which_sam_exits_with_0_is_an_error(printed: str, sentence: str) -> None:
    with pytest.raises(FunctionError, match=f"^{sentence}"):
        answer_of(printed)


def test_variables_that_the_template_does_not_name_are_declared() -> None:
    declared = declaring(TEMPLATE, "IngestFunction", ["SITE_URL", "AWS_ENDPOINT_URL"])

    properties = declared["Resources"]["IngestFunction"]["Properties"]
    assert properties["Environment"]["Variables"] == {
        "SITE_URL": "{{resolve:ssm:/marquee/local/site-url}}",
        "AWS_ENDPOINT_URL": "",
    }


def test_variables_of_a_function_without_any_are_declared() -> None:
    declared = declaring(TEMPLATE, "ReconcileFunction", ["AWS_ENDPOINT_URL"])

    properties = declared["Resources"]["ReconcileFunction"]["Properties"]
    assert properties == {"Environment": {"Variables": {"AWS_ENDPOINT_URL": ""}}}


def test_declaring_variables_does_not_change_the_rest_of_the_template() -> None:
    declared = declaring(TEMPLATE, "ReconcileFunction", ["AWS_ENDPOINT_URL"])

    assert declared["Globals"] == TEMPLATE["Globals"]
    assert declared["Resources"]["IngestFunction"] == FUNCTION
    assert TEMPLATE["Resources"]["ReconcileFunction"] == {"Properties": {}}


def test_the_variables_file_names_the_function_as_the_template_does() -> None:
    assert env_vars("IngestFunction", {"SITE_URL": "http://localhost/"}) == {
        "IngestFunction": {"SITE_URL": "http://localhost/"}
    }
