"""Find the steps that served a submission, in EMR's list, and what they logged, in S3."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import parse_timestamp
from marquee.requests.emr_step_requests import parse_recommend_step_name
from operations.deployment import Deployment
from operations.running_steps import StoredLog, stored_log
from operations.waterfall.spans import Line, StepRun
from operations.waterfall.waiting import PollPolicy, wait_for

type ListedStep = Mapping[str, Any]

_LINE = re.compile(r"\[ *(?P<seconds>\d+\.\d) s\] \w+: (?P<message>.+)")
_BEGAN = re.compile(r"began at (?P<at>\S+)")
_COMPLETED = "COMPLETED"
_ENDED = {_COMPLETED, "FAILED", "CANCELLED", "INTERRUPTED"}
# A log that was stored this long before its step ended, or later, is complete: the local AWS stores
# it just before it notes the step's end, and S3 drops fractions of seconds.
_STORED_BEFORE_THE_END = timedelta(seconds=3)


def step_runs(
    deployment: Deployment, submission_id: str, received_at: datetime, patience: PollPolicy
) -> tuple[StepRun, ...]:
    """Return the runs of the steps that served a submission, as `Moments.steps`.

    Args:
        deployment: the deployment.
        submission_id: the submission.
        received_at: when its visitor was received.
        patience: how long to wait for the steps' logs.

    Returns:
        The runs; empty if EMR does not list them.
    """
    listed = _listed(deployment, received_at)
    ends = time.monotonic() + patience.seconds
    found: list[StepRun] = []
    for step, run in runs_of_submission(listed, submission_id):
        left = replace(patience, seconds=max(ends - time.monotonic(), 0.0))
        found.append(_with_its_log(deployment, step["Id"], run, left))
    return tuple(found)


def _with_its_log(
    deployment: Deployment, step_id: str, run: StepRun, patience: PollPolicy
) -> StepRun:
    if run.started_at is None:  # a step that was cancelled before it started has no log
        return run

    def is_complete(log: StoredLog) -> bool:
        return run.ended_at is None or log.stored_at >= run.ended_at - _STORED_BEFORE_THE_END

    log = wait_for(lambda: stored_log(deployment, step_id, "stdout"), patience, is_complete)
    return with_log(run, log.text) if log else run


def _listed(deployment: Deployment, received_at: datetime) -> list[ListedStep]:
    """Return the cluster's steps, newest first, as far back as any that ended after the form."""
    pages = boto3.client("emr").get_paginator("list_steps")
    steps: list[ListedStep] = []
    try:
        for page in pages.paginate(ClusterId=deployment.parameter("cluster-id")):
            for step in page["Steps"]:
                ended_at = step["Status"]["Timeline"].get("EndDateTime")
                if ended_at is not None and ended_at < received_at - timedelta(minutes=1):
                    return steps
                steps.append(step)
    except ClientError:  # throttled, or the cluster is gone
        return []
    return steps


def runs_of_submission(
    listed: Sequence[ListedStep], submission_id: str
) -> list[tuple[ListedStep, StepRun]]:
    """Return the steps that served a submission, in the order in which they ran.

    Args:
        listed: the cluster's steps as ListSteps describes them, newest first.
        submission_id: the submission.
    """
    attempts: dict[int, ListedStep] = {}
    for step in listed:
        named = parse_recommend_step_name(step["Name"])
        if named is not None and named[0] == submission_id:
            attempts[named[1]] = step
    found: list[tuple[ListedStep, StepRun]] = []
    for attempt, step in sorted(attempts.items()):
        run = step_run(step, attempt)
        waits_since = run.created_at
        training = _training_before(step, listed)
        if training is not None:
            trained = step_run(training, attempt)
            behind = _behind(trained, trained.created_at, listed)
            found.append((training, replace(trained, behind=behind)))
            waits_since = trained.ended_at
        found.append((step, replace(run, behind=_behind(run, waits_since, listed))))
    return found


def _training_before(step: ListedStep, listed: Sequence[ListedStep]) -> ListedStep | None:
    """Return the training of a recommend step's model, if the step was added before its end.

    The training of a model that was active already is none of the step's.
    """
    name = f"train-{_model_id(step)}"
    added_at = step["Status"]["Timeline"]["CreationDateTime"]
    for other in listed:
        ended_at = other["Status"]["Timeline"].get("EndDateTime")
        if other["Name"] == name and (ended_at is None or ended_at > added_at):
            return other
    return None


def _model_id(step: ListedStep) -> str:
    """Return the last part of the step's argument `--model s3://<bucket>/<model_id>/`."""
    following = dict(pairwise(step["Config"]["Args"]))
    return str(following.get("--model", "")).rstrip("/").rpartition("/")[2]


def _behind(run: StepRun, since: datetime | None, listed: Sequence[ListedStep]) -> tuple[str, ...]:
    """Return the kinds of the steps that ran between a time and a run's start, oldest first."""
    if since is None or run.started_at is None:
        return ()
    return tuple(
        other.kind
        for other in map(step_run, reversed(listed))
        if other.started_at is not None
        and other.started_at < run.started_at
        and (other.ended_at is None or other.ended_at > since)
    )


def _kind(step: ListedStep) -> str:
    return str(step["Name"]).partition("-")[0]


def step_run(step: ListedStep, attempt: int = 1) -> StepRun:
    """Return a step's run as EMR describes it, without its log."""
    times, state = step["Status"]["Timeline"], step["Status"]["State"]
    return StepRun(
        kind=_kind(step),
        attempt=attempt,
        created_at=times.get("CreationDateTime"),
        started_at=times.get("StartDateTime"),
        ended_at=times.get("EndDateTime"),
        failed=state in _ENDED and state != _COMPLETED,
    )


def with_log(run: StepRun, log: str) -> StepRun:
    """Return the run with the lines of its log, and with the time at which its script began."""
    lines: list[Line] = []
    script_at: datetime | None = None
    for text in log.splitlines():
        if said := _LINE.fullmatch(text.strip()):
            if began := _BEGAN.fullmatch(said["message"]):
                script_at = parse_timestamp(began["at"])
            else:
                lines.append(Line(float(said["seconds"]), said["message"]))
    return replace(run, script_at=script_at, lines=tuple(lines))
