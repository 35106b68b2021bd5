"""Running other programs."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from operations.commands import failure_lines, plain, run_command
from operations.errors import OperationError
from tests.unit.operations.terminal import CTRL_C, terminal

# Runs the program that it is given as the operator's commands do.
RUN = """
import sys
from pathlib import Path

from operations.commands import run_command
from operations.errors import exit_with_one_sentence


@exit_with_one_sentence
def main():
    run_command([sys.argv[1]], log=Path(sys.argv[2]), what="terraform apply", each_line=print)


sys.exit(main())
"""
# Locks, and unlocks as Terraform does: at the first signal it ends in an orderly way, which
# takes longer than Python waits by itself; at the second it stops immediately.
LOCKING = """#!/bin/sh
cd "$(dirname "$0")"
signals=0
trap 'signals=$((signals + 1))' INT TERM
touch locked
echo working
while [ $signals -eq 0 ]; do sleep 0.05; done
echo Interrupt received
part=0
while [ $part -lt 10 ] || [ -e endless ]; do
  if [ $signals -gt 1 ]; then echo Two interrupts received; exit 1; fi
  sleep 0.05
  echo finishing
  part=$((part + 1))
done
rm locked
echo unlocked
"""


@pytest.fixture
def locking(tmp_path: Path) -> Path:
    """Return a program that holds a lock, the file `locked` beside it, until it is interrupted."""
    program = tmp_path / "terraform"
    program.write_text(LOCKING)
    program.chmod(0o755)
    return program


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


def test_the_error_of_a_program_that_was_killed_names_the_signal(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"^it failed: it was killed by SIGKILL \(full log"):
        run_command(["/bin/sh", "-c", "echo Error: x; kill -9 $$"], log=tmp_path / "log", what="it")


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


def test_after_ctrl_c_a_program_ends_by_itself_before_we_stop(
    locking: Path, tmp_path: Path
) -> None:
    with terminal("-c", RUN, str(locking), str(tmp_path / "log")) as operator:
        operator.read_until("working")
        operator.press(CTRL_C)
        status = operator.end()

    assert (status, operator.printed.splitlines()[-1]) == (130, "Stopped.")
    assert "Waiting until terraform apply has ended." in operator.printed
    assert not (tmp_path / "locked").exists()
    assert (tmp_path / "log").read_text().endswith("unlocked\n")


def test_a_second_ctrl_c_reaches_the_program_and_stops_it_halfway(
    locking: Path, tmp_path: Path
) -> None:
    (tmp_path / "endless").touch()

    with terminal("-c", RUN, str(locking), str(tmp_path / "log")) as operator:
        operator.read_until("working")
        operator.press(CTRL_C)
        operator.read_until("finishing")
        operator.press(CTRL_C)
        status = operator.end()

    assert status == 130
    assert (tmp_path / "locked").exists()
    assert (tmp_path / "log").read_text().endswith("Two interrupts received\n")


def test_sigterm_is_passed_on_and_the_program_ends_by_itself(locking: Path, tmp_path: Path) -> None:
    with terminal("-c", RUN, str(locking), str(tmp_path / "log")) as operator:
        operator.read_until("working")
        operator.process.send_signal(signal.SIGTERM)
        status = operator.end()

    assert status == 128 + signal.SIGTERM
    assert not (tmp_path / "locked").exists()


def test_a_program_may_be_run_in_any_thread_and_signals_are_handled_as_before_afterwards(
    tmp_path: Path,
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with ThreadPoolExecutor() as background:
        for attempt in (
            run_command,
            lambda *a, **k: background.submit(run_command, *a, **k).result(),
        ):
            assert attempt(["echo", "hello"], log=tmp_path / "log", what="it") == "hello\n"

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_the_log_and_the_error_are_as_readable_as_the_caller_makes_them(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"^it failed: 2 lines \(full log"):
        run_command(
            [sys.executable, "-c", "print('a'); print('b'); exit(1)"],
            log=tmp_path / "log",
            what="it",
            readable=str.upper,
            explanation=lambda lines: f"{len(lines)} lines",
        )

    assert (tmp_path / "log").read_text() == "A\nB\n"
