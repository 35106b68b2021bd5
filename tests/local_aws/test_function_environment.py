"""A function's environment variables."""

from pathlib import Path
from typing import Any

from local_aws.lambda_process.environment import function_environment

GIVEN = {
    "AWS_LAMBDA_FUNCTION_NAME": "marquee-local-ingest",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 512,
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "_AWS_XRAY_DAEMON_PORT": "2000",
    "LOCALSTACK_RUNTIME_ID": "abc",
    "EDGE_PORT": "4566",
    "AWS_LAMBDA_LOG_LEVEL": None,
    "_HANDLER": "app.handler",
}


def environment(chosen: dict[str, str] | None = None, **options: Any) -> dict[str, str]:
    settings: dict[str, Any] = {
        "runtime": "python3.13",
        "runtime_api": "127.0.0.1:9001",
        "code": Path("/code"),
        "layers": [Path("/layer")],
        "python": Path("/venv/bin/python"),
        "scratch": Path("/scratch"),
        "xray_daemon": None,
    }
    return function_environment(GIVEN, chosen or {}, **settings | options)


def test_a_function_sees_nothing_of_localstack() -> None:
    names = environment()

    assert not [name for name in names if "LOCALSTACK" in name or name == "EDGE_PORT"]
    assert "AWS_LAMBDA_LOG_LEVEL" not in names


def test_a_function_finds_its_layers_modules() -> None:
    path = environment()["PYTHONPATH"].split(":")

    assert path == ["/layer/python", "/layer/python/lib/python3.13/site-packages"]


def test_a_functions_own_path_comes_after_its_layers() -> None:
    path = environment({"PYTHONPATH": "/mine"})["PYTHONPATH"].split(":")

    assert path[-1] == "/mine"


def test_the_variables_of_the_function_override_the_defaults() -> None:
    names = environment({"LANG": "fr_FR.UTF-8", "LOG_LEVEL": "DEBUG"})

    assert (names["LANG"], names["LOG_LEVEL"]) == ("fr_FR.UTF-8", "DEBUG")


def test_numbers_are_passed_as_text() -> None:
    assert environment()["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"


def test_the_xray_daemon_has_the_address_that_the_operator_set() -> None:
    assert environment(xray_daemon="127.0.0.1:5005")["AWS_XRAY_DAEMON_ADDRESS"] == "127.0.0.1:5005"
    assert environment()["AWS_XRAY_DAEMON_ADDRESS"] == "127.0.0.1:2000"


def test_a_function_cannot_read_the_credential_files_of_the_machine() -> None:
    assert environment()["HOME"] == "/scratch"
