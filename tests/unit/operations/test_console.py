"""The messages of a long phase in a log or a pipe, where no animation is shown."""

import pytest

from operations.console import HEARTBEAT_SECONDS, Phases, RunningPhase


def long_running(phase: RunningPhase) -> RunningPhase:
    """Return the phase as if it had been silent for as long as allowed."""
    phase.reported_at -= HEARTBEAT_SECONDS
    return phase


def test_a_long_phase_prints_what_it_is_doing(capsys: pytest.CaptureFixture[str]) -> None:
    with Phases() as phases, phases.phase("train on films") as phase:
        long_running(phase).detail("s-1 running for 15 s")

        assert "train on films" in (said := capsys.readouterr().out)
        assert "s-1 running for 15 s" in said


def test_a_long_upload_prints_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Phases() as phases, phases.phase("upload") as phase:
        long_running(phase).bar(1, 4)

        assert "25%" in capsys.readouterr().out


def test_a_phase_does_not_print_every_detail(capsys: pytest.CaptureFixture[str]) -> None:
    with Phases() as phases, phases.phase("train on films") as phase:
        long_running(phase).detail("first")
        capsys.readouterr()
        phase.detail("second")

        assert capsys.readouterr().out == ""
