"""The Makefile passes values on as they are."""

import subprocess

import pytest

from operations import ROOT

VALUES = ["a b/ratings.csv", "it's mine.csv", 'a "b".csv', "-x", "*", "a;b", "`id`"]


def passed_on(target: str, **variables: str) -> list[str]:
    """Return the arguments that a target passes to `python -m operations`."""
    done = subprocess.run(
        [
            *("make", "--silent", "--old-file", "environment-development", target),
            "OPERATE=printf '%s\\n'",
            *(f"{name}={value}" for name, value in variables.items()),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("target", ["import", "evaluate"])
def test_any_path_can_be_imported_and_evaluated(target: str, value: str) -> None:
    assert passed_on(target, DATA=value)[-2:] == ["--", value]


@pytest.mark.parametrize("value", VALUES)
def test_any_file_can_be_submitted(value: str) -> None:
    assert passed_on("flow", FILE=value)[-2:] == ["--file", value]


def test_an_import_passes_on_how_to_read_and_whether_to_add() -> None:
    passed = passed_on("import", DATA="drop", SCALE="1 to 10", APPEND="1", CHECK="1")
    assert passed[-6:] == ["--scale", "1 to 10", "--append", "--check", "--", "drop"]
