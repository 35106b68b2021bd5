"""Switches off records that the emulator writes for every call and that this project never reads.

They took most of the emulator's time. Measured while the local AWS processed a thousand forms:

- 54 % of the time that requests spent inside the emulator went into CloudWatch metrics, with one
  database write for every message sent to or received from SQS and for every function call;
- 8 % went into CloudTrail's record of every call;
- of the remaining time, 38 % went into one log line for every call.

A setting switches off the metrics of SQS; see `launcher.environment`.
"""

import logging
from http import HTTPStatus

from local_aws import emulator

LOGGERS_OF_CALLS = ("request.aws", "request.internal.aws")
# Calls about items and messages: nine out of ten calls.
BUSY_CALLS = {
    *("GetItem", "BatchGetItem", "Query", "Scan"),
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    *("SendMessage", "SendMessageBatch", "ReceiveMessage", "GetQueueAttributes"),
    *("DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility"),
}


def install() -> None:
    """Switch off the records that are written for every call."""
    leave_out_lambda_metrics()
    leave_out_cloudtrail()
    leave_out_lines_of_success()


def leave_out_lambda_metrics() -> None:
    """Publish no metrics for function calls."""
    versions = emulator.part("services.lambda_.invocation.version_manager")
    for name in ("record_cw_metric_invocation", "record_cw_metric_error"):
        getattr(versions, name)  # fails if a new emulator version has renamed the function
        setattr(versions, name, lambda *_arguments, **_named: None)


def leave_out_cloudtrail() -> None:
    """Record no calls in CloudTrail; LocalStack records none anyway."""
    if emulator.chosen_emulator().name != "localemu":
        return
    recording = emulator.part("services.cloudtrail.recording_hook")
    recording.register_recording_hook  # noqa: B018  as above
    recording.register_recording_hook = lambda: None


def leave_out_lines_of_success() -> None:
    """Log calls about items and messages only if they were refused or failed."""
    for name in LOGGERS_OF_CALLS:
        logging.getLogger(f"{emulator.chosen_emulator().name}.{name}").addFilter(is_worth_a_line)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return False for the log line of a successful call in `BUSY_CALLS`, True for any other."""
    match record.args:
        case (_, operation, int(status), *_):
            return operation not in BUSY_CALLS or status >= HTTPStatus.BAD_REQUEST
        case _:
            return True
