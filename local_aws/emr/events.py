"""Events that EMR puts on EventBridge's default bus when the state of a step or cluster changes.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-cloudwatch-events.html
"""

import json
from datetime import datetime

from local_aws.emr.steps import State, StepStateChange

SEVERITY = {State.FAILED: "ERROR", State.CANCELLED: "WARN"}
HAPPENED = {
    State.PENDING: "was added to Amazon EMR cluster {cluster} at {at} and is pending execution.",
    State.RUNNING: "in Amazon EMR cluster {cluster} started running at {at}.",
    State.COMPLETED: "in Amazon EMR cluster {cluster} completed execution at {at}. "
    "The step took {minutes} minutes to complete.",
    State.FAILED: "in Amazon EMR cluster {cluster} failed at {at}.",
    State.CANCELLED: "in Amazon EMR cluster {cluster} was cancelled at {at}.",
}


def clock_time(at: datetime) -> str:
    """Return a time in the format of EMR's messages; `at` is in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def step_event(change: StepStateChange, cluster_id: str, cluster_name: str) -> dict[str, object]:
    """Return the PutEvents entry for one change of a step's state."""
    step = change.step
    began = step.started_at or change.at
    happened = HAPPENED[change.state].format(
        cluster=f"{cluster_id} ({cluster_name})",
        at=clock_time(change.at),
        minutes=int((change.at - began).total_seconds() // 60),
    )
    return {
        "Time": change.at,
        "Source": "aws.emr",
        "DetailType": "EMR Step Status Change",
        "Detail": json.dumps(
            {
                "severity": SEVERITY.get(change.state, "INFO"),
                "actionOnFailure": step.action_on_failure,
                "stepId": step.id,
                "name": step.name,
                "clusterId": cluster_id,
                "state": change.state.value,
                "message": f"Step {step.id} ({step.name}) {happened}",
            }
        ),
    }


def cluster_event(
    cluster_id: str, cluster_name: str, state: str, code: str, at: datetime
) -> dict[str, object]:
    """Return the PutEvents entry for a cluster's new state.

    Args:
        cluster_id: the cluster's id.
        cluster_name: the cluster's name.
        state: the new state.
        code: EMR's code of the reason, e.g. USER_REQUEST.
        at: the time of the change, in UTC.
    """
    return {
        "Time": at,
        "Source": "aws.emr",
        "DetailType": "EMR Cluster State Change",
        "Detail": json.dumps(
            {
                "severity": "CRITICAL" if state == "TERMINATED_WITH_ERRORS" else "INFO",
                "stateChangeReason": json.dumps({"code": code}),
                "name": cluster_name,
                "clusterId": cluster_id,
                "state": state,
                "message": f"Amazon EMR Cluster {cluster_id} ({cluster_name}) "
                f"is {state} since {clock_time(at)}.",
            }
        ),
    }
