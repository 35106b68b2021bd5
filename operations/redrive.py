"""Redrive dead letters, once the cause of their failure is fixed.

Dead letters of sweeps are dropped: the schedule starts a new sweep within minutes, and each sweep
looks at all requests that wait now, not at those that waited when an earlier sweep failed.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_sqs import SQSClient

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.releases import ALIAS

QUEUES = ("visitors", "results", "texts")
_MOVING_SECONDS = 120
_BATCH = 10


def redrive(deployment: Deployment) -> int:
    """Redrive the queues' dead letters and reconcile's, except sweeps; return how many."""
    sqs = boto3.client("sqs")
    total = 0
    for name in QUEUES:
        queue = deployment.parameter(f"{name}-queue-url")
        moved = _move_back(sqs, f"{queue}-dead-letters", queue)
        out.print(f"{name:<10} {moved} dead letter{'' if moved == 1 else 's'} moved back")
        total += moved
    functions = boto3.client("lambda")

    def call_reconcile(event: Any) -> None:
        functions.invoke(
            FunctionName=f"{deployment.prefix}-reconcile",
            Qualifier=ALIAS,
            InvocationType="Event",
            Payload=json.dumps(event),
        )

    again, sweeps = reconcile_again(
        sqs, deployment.parameter("reconcile-dead-letters-url"), call_reconcile
    )
    out.print(f"{'reconcile':<10} {again} event{'' if again == 1 else 's'} sent again")
    if sweeps:
        out.print(
            f"{'':<10} {sweeps} sweep{'' if sweeps == 1 else 's'} dropped: "
            "the next scheduled one checks everything that waits"
        )
    return total + again


def waiting(sqs: SQSClient, queue_url: str) -> int:
    """Return the approximate number of messages that wait in a queue."""
    attributes = sqs.get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def _move_back(sqs: SQSClient, dead_letters: str, queue: str) -> int:
    if not waiting(sqs, dead_letters):
        return 0
    source = _arn(sqs, dead_letters)
    try:
        # With an explicit destination, dead letters that were sent there by hand move too.
        sqs.start_message_move_task(SourceArn=source, DestinationArn=_arn(sqs, queue))
    except ClientError as error:
        # An emulator may not support this call; any other error is real.
        if error.response["Error"]["Code"] not in {"UnsupportedOperation", "InternalFailure"}:
            raise
        return _carry_back(sqs, dead_letters, queue)
    deadline = time.monotonic() + _MOVING_SECONDS
    while time.monotonic() < deadline:
        task = sqs.list_message_move_tasks(SourceArn=source)["Results"][0]
        if task["Status"] == "FAILED":
            raise OperationError(
                f"SQS could not move the dead letters of {source}: {task.get('FailureReason')}"
            )
        if task["Status"] != "RUNNING":
            return task["ApproximateNumberOfMessagesMoved"]
        time.sleep(0.5)
    raise OperationError(
        f"SQS is still moving the dead letters of {source}: check 'make status' in a while."
    )


def _arn(sqs: SQSClient, queue_url: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return attributes["Attributes"]["QueueArn"]


def _carry_back(sqs: SQSClient, dead_letters: str, queue: str) -> int:
    """Send each message before deleting it: a crash in between duplicates one but loses none."""
    carried = 0
    while messages := _receive(sqs, dead_letters):
        for message in messages:
            sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
            carried += 1
    return carried


def reconcile_again(
    sqs: SQSClient, dead_letters: str, call_reconcile: Callable[[Any], None]
) -> tuple[int, int]:
    """Call reconcile with each event in its dead letters, except sweeps, which are dropped.

    Args:
        sqs: an SQS client.
        dead_letters: the URL of reconcile's dead-letter queue.
        call_reconcile: calls the function with one event, without waiting for it to finish.

    Returns:
        The number of events sent to reconcile, and the number of sweeps dropped.
    """
    handled = sweeps = 0
    while messages := _receive(sqs, dead_letters):
        for message in messages:
            event = event_of_dead_letter(message["Body"])
            if isinstance(event, dict) and event.get("action") == "sweep":
                sweeps += 1
            else:
                call_reconcile(event)
                handled += 1
            sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
    return handled, sweeps


def event_of_dead_letter(body: str) -> Any:
    """Return the event of a failed asynchronous call.

    A failure destination wraps the event in a failure record; a dead-letter queue does not.
    """
    letter = json.loads(body)
    if isinstance(letter, dict) and "requestPayload" in letter:
        return letter["requestPayload"]
    return letter


def _receive(sqs: SQSClient, queue_url: str) -> list[Any]:
    received = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=_BATCH)
    return list(received.get("Messages", []))
