"""The arguments given to sam, and the parsing of its output."""

from typing import Any

import pytest

from local_aws.invoke.sam_local import FunctionError, answer_of, declaring, env_vars

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
def test_what_the_function_returned_is_its_answer(printed: str, answer: object) -> None:
    assert answer_of(printed) == answer


def test_an_answer_that_merely_has_an_error_message_among_others_is_an_answer() -> None:
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
def test_a_failure_that_sam_prints_and_exits_0_with_is_a_failure(
    printed: str, sentence: str
) -> None:
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


def test_declaring_leaves_the_rest_of_the_template_as_it_was_built() -> None:
    declared = declaring(TEMPLATE, "ReconcileFunction", ["AWS_ENDPOINT_URL"])

    assert declared["Globals"] == TEMPLATE["Globals"]
    assert declared["Resources"]["IngestFunction"] == FUNCTION
    assert TEMPLATE["Resources"]["ReconcileFunction"] == {"Properties": {}}


def test_the_variables_file_names_the_function_as_the_template_does() -> None:
    assert env_vars("IngestFunction", {"SITE_URL": "http://localhost/"}) == {
        "IngestFunction": {"SITE_URL": "http://localhost/"}
    }
