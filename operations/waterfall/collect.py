"""Collect the moments of one request: from its item, the functions' logs, EMR and the steps' logs.

The local AWS and AWS record the same, but AWS shows it later: log lines after some seconds, and a
step's log after up to five minutes.
"""

from collections.abc import Callable
from datetime import datetime

import boto3

from marquee.contracts import parse_timestamp
from operations.deployment import Deployment
from operations.flow import Flow
from operations.waterfall.function_runs import FunctionRun, FunctionRuns, logged_at
from operations.waterfall.spans import BATCH, FORM, NOTICED, QUEUED, Moments
from operations.waterfall.step_runs import step_runs
from operations.waterfall.waiting import PollPolicy, wait_for

# By whether the deployment is local.
LOGS = {True: PollPolicy(5.0, 0.2), False: PollPolicy(60.0, 5.0)}
STEP_LOGS = {True: PollPolicy(5.0, 0.2), False: PollPolicy(420.0, 10.0)}
# Of a message that is delivered again, send_text logs that there is nothing to do.
_TEXTED = "text: (?!nothing to do).*"


def collect_moments(
    deployment: Deployment, flow: Flow, progress: Callable[[str], None] = lambda _: None
) -> Moments:
    """Collect what was recorded of a request that has ended as `texted` or `recommended`.

    Args:
        deployment: the deployment.
        flow: the request.
        progress: called with what is waited for.
    """
    requested_at, submission_id = _request(deployment, flow.visitor_id)
    received_at = parse_timestamp(requested_at)
    functions = FunctionRuns(deployment, flow.visitor_id, received_at)
    logs = LOGS[deployment.is_local]
    texted = flow.hops[-1].status == "texted"

    progress("the functions' log lines")
    form = wait_for(lambda: functions.find("ingest", "visitor received"), logs)
    batch = wait_for(lambda: functions.find("submit-step", "visitor submitted"), logs)
    collected, swept = wait_for(lambda: _collected(functions), logs) or (None, False)
    text = wait_for(lambda: functions.find("send-text", _TEXTED), logs) if texted else None
    progress("the steps' logs")
    steps = (
        step_runs(deployment, submission_id, received_at, STEP_LOGS[deployment.is_local])
        if submission_id
        else ()
    )
    return Moments(
        received_at=received_at,
        ended_at=flow.hops[-1].at,
        texted=texted,
        answered_at=form.ended_at if form else None,
        batch_at=batch.started_at if batch else None,
        cluster_was_busy=batch is not None
        and functions.said_before(batch, "submit-step", "visitors wait for the cluster"),
        steps=steps,
        results_at=_results_at(collected),
        noticed_at=collected.started_at if collected else None,
        swept=swept,
        recommended_at=_recommended_at(flow, collected, text),
        texting_at=text.started_at if text else None,
        starts={
            name: run.cold_start
            for name, run in ((FORM, form), (BATCH, batch), (NOTICED, collected), (QUEUED, text))
            if run is not None and run.cold_start is not None
        },
    )


def _request(deployment: Deployment, visitor_id: str) -> tuple[str, str | None]:
    """Return when the visitor's form was received, and the submission of their request."""
    item = (
        boto3.resource("dynamodb")
        .Table(deployment.parameter("visitors-table"))
        .get_item(
            Key={"visitor_id": visitor_id}, ProjectionExpression="requested_at, submission_id"
        )["Item"]
    )
    submission_id = item.get("submission_id")
    return str(item["requested_at"]), str(submission_id) if submission_id else None


def _collected(functions: FunctionRuns) -> tuple[FunctionRun, bool] | None:
    """Return the run that stored the visitor's picks, and whether it was the sweep."""
    for function in ("queue-results", "reconcile"):
        if run := functions.find(function, "visitor recommended"):
            return run, function == "reconcile"
    return None


def _results_at(collected: FunctionRun | None) -> datetime | None:
    written_at = collected.line.get("results_written_at") if collected else None
    return parse_timestamp(written_at) if written_at else None


def _recommended_at(
    flow: Flow, collected: FunctionRun | None, text: FunctionRun | None
) -> datetime | None:
    """Return when the picks were stored: as `follow_flow` saw it, or as the collector logged it.

    The collector logs it after it has queued the texts, so the text may have begun before.
    """
    for hop in flow.hops:
        if hop.status == "recommended":
            return hop.at
    if collected is None:
        return None
    logged = logged_at(collected.line)
    return min(logged, text.started_at) if text else logged
