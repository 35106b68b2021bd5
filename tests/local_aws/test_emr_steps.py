"""The order of a cluster's steps, and the effect of a failure or a cancellation on the others."""

from local_aws.emr.steps import CANCEL_AND_WAIT, CONTINUE, State, Step, StepFailure, Steps

WENT_WRONG = StepFailure("Unknown Error.", "ValueError", "s3://logs/stderr.gz")


def steps(count: int, action_on_failure: str = CONTINUE) -> Steps:
    """Return `count` pending steps, named 0, 1, …"""
    made = Steps()
    made.add(Step(str(number), action_on_failure, {}) for number in range(count))
    return made


def states(of: Steps) -> list[str]:
    return [step.state.value for step in of.all]


def test_steps_run_one_at_a_time_in_the_order_they_came() -> None:
    queue = steps(3)

    first = queue.start_next(concurrency=1)
    while_busy = queue.start_next(concurrency=1)
    queue.finish(first[0], None)
    second = queue.start_next(concurrency=1)

    assert [step.name for step in first + while_busy + second] == ["0", "1"]


def test_as_many_steps_run_concurrently_as_the_concurrency_level_allows() -> None:
    queue = steps(3)

    assert [step.name for step in queue.start_next(concurrency=2)] == ["0", "1"]


def test_a_finished_step_reports_when_it_was_created_started_and_ended() -> None:
    queue = steps(1)
    (step,) = queue.start_next(concurrency=1)

    queue.finish(step, None)

    assert step.started_at is not None
    assert step.ended_at is not None
    assert step.created_at <= step.started_at <= step.ended_at


def test_after_a_failure_with_continue_the_next_step_runs() -> None:
    queue = steps(2)
    (step,) = queue.start_next(concurrency=1)

    queue.finish(step, WENT_WRONG)
    queue.start_next(concurrency=1)

    assert states(queue) == ["FAILED", "RUNNING"]
    assert step.failure == WENT_WRONG


def test_after_a_failure_with_cancel_and_wait_the_waiting_steps_are_cancelled() -> None:
    queue = steps(3, CANCEL_AND_WAIT)
    (step,) = queue.start_next(concurrency=1)

    queue.finish(step, WENT_WRONG)

    assert states(queue) == ["FAILED", "CANCELLED", "CANCELLED"]


def test_a_pending_step_is_cancelled_immediately() -> None:
    queue = steps(1)

    assert queue.cancel(queue.all[0])
    assert states(queue) == ["CANCELLED"]


def test_a_running_step_is_cancelled_when_its_process_has_ended() -> None:
    queue = steps(1)
    (step,) = queue.start_next(concurrency=1)

    queue.cancel(step)
    while_ending = step.state
    queue.finish(step, WENT_WRONG)

    assert (while_ending, step.state) == (State.CANCEL_PENDING, State.CANCELLED)
    assert step.failure is None


def test_a_finished_step_cannot_be_cancelled() -> None:
    queue = steps(1)
    (step,) = queue.start_next(concurrency=1)
    queue.finish(step, None)

    assert not queue.cancel(step)
    assert states(queue) == ["COMPLETED"]


def test_every_change_is_reported_once_and_in_order() -> None:
    queue = steps(1)
    (step,) = queue.start_next(concurrency=1)
    queue.finish(step, None)

    states = [change.state for change in queue.take_changes()]

    assert states == [State.PENDING, State.RUNNING, State.COMPLETED]
    assert queue.take_changes() == []
