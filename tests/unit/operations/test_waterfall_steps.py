"""The steps that served a submission, as EMR lists them, and their logs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learning.step_log import step
from operations.waterfall.spans import Line, StepRun
from operations.waterfall.step_runs import runs_of_submission, with_log

SUBMISSION_ID = "9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d"
BEGAN = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)


def listed(
    name: str,
    created: float,
    started: float | None,
    ended: float | None,
    *,
    model: str = "m-2",
    state: str = "COMPLETED",
) -> dict[str, Any]:
    """Return a step as ListSteps describes it; times are in seconds."""
    times = {"CreationDateTime": created, "StartDateTime": started, "EndDateTime": ended}
    return {
        "Id": f"s-{name}",
        "Name": name,
        "Config": {"Args": ["spark-submit", "x.py", "--model", f"s3://models/{model}/"]},
        "Status": {
            "State": state,
            "Timeline": {
                key: BEGAN + timedelta(seconds=value)
                for key, value in times.items()
                if value is not None
            },
        },
    }


def runs(*steps: dict[str, Any]) -> list[StepRun]:
    """Return the submission's runs among steps that are given oldest first."""
    return [run for _, run in runs_of_submission(steps[::-1], SUBMISSION_ID)]


def kinds(found: list[StepRun]) -> list[tuple[str, int]]:
    return [(run.kind, run.attempt) for run in found]


RECOMMEND = f"recommend-{SUBMISSION_ID}"


def test_a_recommend_step_alone_is_the_only_one() -> None:
    (run,) = runs(listed(RECOMMEND, 1, 2, 3))
    assert (run.kind, run.attempt, run.failed) == ("recommend", 1, False)
    assert run.started_at == BEGAN + timedelta(seconds=2)


def test_the_training_of_the_steps_model_comes_before_it() -> None:
    found = runs(listed("train-m-2", 1, 1, 9), listed(RECOMMEND, 1, 9, 12))
    assert kinds(found) == [("train", 1), ("recommend", 1)]


def test_a_training_that_had_ended_before_the_step_was_added_is_none_of_its_own() -> None:
    assert kinds(runs(listed("train-m-2", 1, 1, 9), listed(RECOMMEND, 10, 10, 12))) == [
        ("recommend", 1)
    ]


def test_the_training_of_another_model_is_what_the_step_waited_behind() -> None:
    (run,) = runs(listed("train-m-3", 1, 1, 9), listed(RECOMMEND, 2, 9, 12))
    assert run.behind == ("train",)


def test_the_steps_own_training_is_not_what_it_waited_behind() -> None:
    found = runs(listed("train-m-2", 1, 1, 9), listed(RECOMMEND, 1, 9, 12))
    assert [run.behind for run in found] == [(), ()]


def test_a_step_waits_behind_others_before_its_own_training_only() -> None:
    found = runs(
        listed("recommend-a", 0, 1, 4),
        listed("train-m-2", 2, 4, 9),
        listed(RECOMMEND, 2, 9, 12),
    )
    assert [(run.kind, run.behind) for run in found] == [
        ("train", ("recommend",)),
        ("recommend", ()),
    ]


def test_steps_that_ended_before_or_started_after_are_not_what_it_waited_behind() -> None:
    (run,) = runs(
        listed("similar-m-1", 0, 0, 1), listed(RECOMMEND, 2, 3, 5), listed("similar-m-2", 2, 5, 6)
    )
    assert run.behind == ()


def test_attempts_come_in_their_order_and_other_submissions_are_left_out() -> None:
    found = runs(
        listed("train-m-2", 1, 1, 2, state="FAILED"),
        listed(RECOMMEND, 1, 2, 3, state="FAILED"),
        listed(f"recommend-{'a' * 32}", 3, 3, 4),
        listed(f"{RECOMMEND}-2", 4, 4, 6, model="m-1"),
    )
    assert kinds(found) == [("train", 1), ("recommend", 1), ("recommend", 2)]
    assert [run.failed for run in found] == [True, True, False]


@pytest.mark.parametrize(
    ("state", "failed"),
    [("CANCELLED", True), ("INTERRUPTED", True), ("RUNNING", False), ("PENDING", False)],
)
def test_a_step_failed_if_it_ended_without_completing(state: str, failed: bool) -> None:
    (run,) = runs(listed(RECOMMEND, 1, None, None, state=state))
    assert run.failed is failed
    assert run.ended_at is None


def test_the_lines_that_a_step_prints_are_read_with_the_time_at_which_its_script_began(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # a timestamp drops microseconds
    with step("train") as say:
        say("read 3 ratings")
    run = with_log(StepRun("train"), "Warning: noise\n" + capsys.readouterr().out)
    assert [line.message for line in run.lines] == ["read 3 ratings"]
    assert run.script_at is not None
    assert before <= run.script_at <= datetime.now(UTC)


def test_the_lines_of_an_older_release_have_no_time_of_the_script() -> None:
    run = with_log(StepRun("train"), "[   3.2 s] train: read 3 ratings\n[  12.0 s] train: wrote x")
    assert run.script_at is None
    assert run.lines == (Line(3.2, "read 3 ratings"), Line(12.0, "wrote x"))
