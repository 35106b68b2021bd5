"""Running other programs."""

import sys
from pathlib import Path

import pytest

from operations.commands import failure_lines, plain, run_command
from operations.errors import OperationError


def test_the_sentence_of_a_framed_terraform_error_is_extracted() -> None:
    lines = ["Apply started", "╷", "│ Error: creating S3 Bucket (x)", "│ ", "│   on b.tf line 1:"]

    assert failure_lines(lines).startswith("Error: creating S3 Bucket (x)")


def test_output_without_an_error_line_is_summed_up_by_its_last_lines() -> None:
    assert failure_lines(["one", "two", "three", "four"]) == "two three four"


def test_colours_are_removed_from_messages() -> None:
    assert plain("\x1b[31m│ Error\x1b[0m: no") == "Error: no"


def test_the_error_of_a_failing_program_names_what_was_run(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"^sam build failed: Error: no template"):
        run_command(
            [sys.executable, "-c", "import sys; print('Error: no template'); sys.exit(1)"],
            log=tmp_path / "sam.log",
            what="sam build",
        )


def test_all_output_of_a_failing_program_is_in_the_log(tmp_path: Path) -> None:
    script = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(1)"

    with pytest.raises(OperationError):
        run_command([sys.executable, "-u", "-c", script], log=tmp_path / "log", what="it")

    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_the_error_of_a_missing_program_names_it(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="needs no-such-program, which is not installed"):
        run_command(["no-such-program"], log=tmp_path / "log", what="it")


def test_each_line_is_passed_on_as_it_is_printed(tmp_path: Path) -> None:
    heard: list[str] = []

    run_command(
        [sys.executable, "-c", "print('a'); print('b')"],
        log=tmp_path / "log",
        what="it",
        each_line=heard.append,
    )

    assert heard == ["a", "b"]


def test_the_program_does_not_inherit_our_pythonpath(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "layer")
    script = "import os; print(os.environ.get('PYTHONPATH'))"

    assert run_command([sys.executable, "-c", script], log=tmp_path / "log", what="it") == "None\n"
