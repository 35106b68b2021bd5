"""Parsing the output of other programs."""

import json

import pytest

from operations.logs import summary
from operations.running_steps import last_words
from operations.sam import resource_complete


def test_a_complete_resource_of_a_stack_is_named() -> None:
    line = "CREATE_COMPLETE      AWS::Lambda::Function   Ingest          -"

    assert resource_complete(line) == "Ingest"


def test_the_last_words_of_a_step_are_its_own_sentence() -> None:
    output = (
        "[   3.1 s] train: reading\n"
        "train: there are no ratings under s3://b/ratings/\n"
        "26/11/21 20:00:01 INFO ShutdownHookManager: Shutdown hook called\n"
    )

    assert last_words(output) == "train: there are no ratings under s3://b/ratings/"


@pytest.mark.parametrize("step", ["prepare", "train", "recommend", "evaluate"])
def test_the_sentence_of_every_step_is_recognised(step: str) -> None:
    sentence = f"{step}: there is no such thing"

    assert last_words(f"{sentence}\nValueError: something else\n") == sentence


def test_the_last_words_of_a_step_without_a_sentence_are_its_exception() -> None:
    output = (
        "26/11/21 20:00:00 ERROR Executor: Exception in task 0.0\n"
        "Traceback (most recent call last):\n"
        '  File "train.py", line 9, in <module>\n'
        "py4j.protocol.Py4JJavaError: An error occurred while calling o35.fit.\n"
        "26/11/21 20:00:01 INFO ShutdownHookManager: Shutdown hook called\n"
    )

    assert last_words(output).startswith("py4j.protocol.Py4JJavaError")


def test_a_step_without_a_sentence_or_an_exception_has_no_last_words() -> None:
    assert last_words("26/11/21 20:00:01 INFO ShutdownHookManager: Shutdown hook called\n") == ""


@pytest.mark.parametrize("line", ["START RequestId: 1", "END RequestId: 1", '{"_aws": {}}'])
def test_the_lines_of_the_lambda_runtime_are_left_out_of_logs(line: str) -> None:
    assert summary(line) is None


def test_a_structured_line_is_shown_in_words() -> None:
    line = json.dumps({"level": "INFO", "message": "texted", "correlation_id": "c", "other": 1})

    assert summary(line) == ("INFO", "texted correlation_id=c")


def test_a_plain_line_is_shown_unchanged() -> None:
    assert summary("Traceback") == ("INFO", "Traceback")
