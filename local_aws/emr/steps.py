"""Steps of one cluster: their states, which may run next, and how a failure affects the others."""

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    """State of a step."""

    PENDING = "PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


ACTIVE = (State.PENDING, State.RUNNING, State.CANCEL_PENDING)
BUSY = (State.RUNNING, State.CANCEL_PENDING)
CONTINUE = "CONTINUE"
CANCEL_AND_WAIT = "CANCEL_AND_WAIT"
TERMINATE = ("TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")
ACTIONS_ON_FAILURE = (CONTINUE, CANCEL_AND_WAIT, *TERMINATE)


def new_id(prefix: str) -> str:
    """Return a new identifier as EMR makes them: the prefix, then 13 capital letters and digits.

    The prefix is `s-` for a step and `j-` for a cluster.
    """
    letters = string.ascii_uppercase + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(13))


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed; `log_file` is the log's `s3://` address, or "" without a log URI."""

    reason: str
    message: str
    log_file: str


@dataclass
class Step:
    """One step and its outcome; `jar_step` is the request's HadoopJarStep."""

    name: str
    action_on_failure: str
    jar_step: dict[str, object]
    id: str = field(default_factory=lambda: new_id("s-"))
    state: State = State.PENDING
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    failure: StepFailure | None = None

    @property
    def arguments(self) -> list[str]:
        """The step's command line."""
        arguments = self.jar_step.get("Args")
        return [str(part) for part in arguments] if isinstance(arguments, list) else []


@dataclass(frozen=True)
class StepStateChange:
    """A change of a step's state, to be published to EventBridge."""

    step: Step
    state: State
    at: datetime


class Steps:
    """The steps of one cluster, oldest first. Not thread-safe: callers must hold a lock."""

    def __init__(self) -> None:
        self.all: list[Step] = []
        self.changes: list[StepStateChange] = []

    def take_changes(self) -> list[StepStateChange]:
        """Return the changes since the last call, in order."""
        changes, self.changes = self.changes, []
        return changes

    def add(self, steps: Iterable[Step]) -> None:
        """Append pending steps."""
        for step in steps:
            self.all.append(step)
            self.changes.append(StepStateChange(step, State.PENDING, step.created_at))

    def get(self, step_id: str) -> Step | None:
        """Return the step with this id, or None if this cluster does not have it."""
        return next((step for step in self.all if step.id == step_id), None)

    def in_state(self, *states: State) -> list[Step]:
        """Return the steps in any of these states, oldest first."""
        return [step for step in self.all if step.state in states]

    def start_next(self, concurrency: int) -> list[Step]:
        """Mark the oldest pending steps as running and return them.

        Args:
            concurrency: how many steps may run at the same time, those already running included.
        """
        room = concurrency - len(self.in_state(*BUSY))
        chosen = self.in_state(State.PENDING)[: max(room, 0)]
        for step in chosen:
            step.started_at = self.set_state(step, State.RUNNING)
        return chosen

    def last_ended(self) -> Step | None:
        """Return the step that ended last, or None if none has started and ended."""
        ended = [step for step in self.all if step.ended_at and step.started_at]
        return max(ended, key=lambda step: step.ended_at or step.created_at, default=None)

    def finish(self, step: Step, failure: StepFailure | None, concurrency: int = 1) -> None:
        """Record that a running step ended: it succeeded, failed or was cancelled.

        Args:
            step: the step.
            failure: why it failed, or None.
            concurrency: the cluster's step concurrency level. Above 1, EMR continues with the other
                steps whatever the step's action on failure is.
        """
        if step.state is State.CANCEL_PENDING:
            self.end(step, State.CANCELLED, "Cancelled by user")
        elif failure is None:
            self.end(step, State.COMPLETED)
        else:
            step.failure = failure
            self.end(step, State.FAILED)
            if concurrency == 1 and step.action_on_failure == CANCEL_AND_WAIT:
                self.cancel_pending("A previous step failed")

    def cancel_pending(self, reason: str) -> None:
        """Cancel every step that has not started."""
        for step in self.in_state(State.PENDING):
            self.end(step, State.CANCELLED, reason)

    def cancel(self, step: Step) -> bool:
        """Cancel a pending step immediately, or mark a running step as to be cancelled.

        Returns:
            False if the step is neither pending nor running.
        """
        if step.state is State.PENDING:
            self.end(step, State.CANCELLED, "Cancelled by user")
            return True
        if step.state is State.RUNNING:
            step.state = State.CANCEL_PENDING
            return True
        return False

    def end(self, step: Step, state: State, reason: str = "") -> None:
        """Set a step's final state and the reason for it."""
        step.reason = reason
        step.ended_at = self.set_state(step, state)

    def set_state(self, step: Step, state: State) -> datetime:
        """Change a step's state, record the change for `take_changes`, and return its time."""
        now = datetime.now(UTC)
        step.state = state
        self.changes.append(StepStateChange(step, state, now))
        return now
