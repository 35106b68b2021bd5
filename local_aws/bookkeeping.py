"""Books that the emulator keeps and nobody here reads, left out: they took most of its time.

Measured while a thousand forms were worked on: of the time that requests took inside the emulator,
54 % went into CloudWatch metrics, with a write to a database of its own for every message that SQS
took or gave and for every call of a function, and 8 % into CloudTrail's record of every call. Of
what was left without them, 38 % went into a line of the log for every call.

The metrics of SQS are switched off by a setting, see `launcher.environment`.
"""

import logging
from http import HTTPStatus

from local_aws import emulator

LOGGERS_OF_CALLS = ("request.aws", "request.internal.aws")
# Nine calls of ten: those of items and messages.
BUSY_CALLS = {
    *("GetItem", "BatchGetItem", "Query", "Scan"),
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    *("SendMessage", "SendMessageBatch", "ReceiveMessage", "GetQueueAttributes"),
    *("DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility"),
}


def install() -> None:
    """Leave out what is written down for every call."""
    leave_out_lambda_metrics()
    leave_out_cloudtrail()
    leave_out_lines_of_success()


def leave_out_lambda_metrics() -> None:
    """Publish no metric for a call of a function."""
    versions = emulator.part("services.lambda_.invocation.version_manager")
    for name in ("record_cw_metric_invocation", "record_cw_metric_error"):
        getattr(versions, name)  # an emulator that has renamed it must not go on publishing
        setattr(versions, name, lambda *_arguments, **_named: None)


def leave_out_cloudtrail() -> None:
    """Record no calls; LocalStack does not either."""
    if emulator.chosen().name != "localemu":
        return
    recording = emulator.part("services.cloudtrail.recording_hook")
    recording.register_recording_hook  # noqa: B018  as above
    recording.register_recording_hook = lambda: None


def leave_out_lines_of_success() -> None:
    """Log calls of items and messages only where they were refused or failed."""
    for name in LOGGERS_OF_CALLS:
        logging.getLogger(f"{emulator.chosen().name}.{name}").addFilter(is_worth_a_line)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether a call's line tells of more than a success of a busy call."""
    match record.args:
        case (_, operation, int(status), *_):
            return operation not in BUSY_CALLS or status >= HTTPStatus.BAD_REQUEST
        case _:
            return True
