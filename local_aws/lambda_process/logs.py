"""Writes the logs of functions with the function's role, and reads metrics from them, as AWS does.

The emulators create a log group before each new log stream, and drop the log if the role may not
create groups. Lambda creates a group only if it is missing, and otherwise needs no right to.
"""

import contextlib
import logging
import time
from typing import Any

from botocore.exceptions import ClientError

from local_aws import emulator
from local_aws.lambda_process import embedded_metrics

LOG = logging.getLogger(__name__)


def store_lines(client: Any, group: str, stream: str, text: str) -> bool:
    """Write lines to a log stream, and create the stream first if it is missing.

    Lines that the role may not write are lost, as on Lambda. Returns whether lines were written.

    Args:
        client: a boto3 client of CloudWatch Logs that signs with the function's role.
        group: the log group's name.
        stream: the log stream's name.
        text: what the function printed; empty lines are left out because CloudWatch refuses them.
    """
    now = int(time.time() * 1000)
    lines = [{"timestamp": now, "message": line + "\n"} for line in text.split("\n") if line]
    if not lines:
        return False
    place = {"logGroupName": group, "logStreamName": stream}
    try:
        try:
            client.put_log_events(**place, logEvents=lines)
        except client.exceptions.ResourceNotFoundException:
            make_stream(client, place)
            client.put_log_events(**place, logEvents=lines)
    except ClientError as error:
        LOG.warning("logs of %s not stored: %s", group, error)
        return False
    return True


def make_stream(client: Any, place: dict[str, str]) -> None:
    """Create a log stream, and its group too if that is missing.

    Args:
        client: a boto3 client of CloudWatch Logs.
        place: `logGroupName` and `logStreamName`.
    """
    try:
        client.create_log_stream(**place)
    except client.exceptions.ResourceNotFoundException:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=place["logGroupName"])
        client.create_log_stream(**place)
    except client.exceptions.ResourceAlreadyExistsException:
        return  # another environment of the function created it first


def as_role(role: str, region: str) -> Any:
    """Return a client of CloudWatch Logs that signs with a function's role."""
    return (
        emulator.part("aws.connect")
        .connect_to.with_assumed_role(region_name=region, role_arn=role, service_principal="lambda")
        .logs
    )


def install() -> None:
    """Make the emulator's log writers store logs as Lambda does, and metrics as CloudWatch does."""
    logs = emulator.part("services.lambda_.invocation.logs")
    metrics = embedded_metrics.MetricsWriter()
    embedded_metrics.percentiles_too()

    @emulator.part("utils.patch").patch(logs.LogHandler.run_log_loop)  # type: ignore[untyped-decorator]
    def run_log_loop(_original: Any, handler: Any, *_: Any, **__: Any) -> None:
        client = as_role(handler.role_arn, handler.region)
        while (item := handler.log_queue.get()) is not logs.QUEUE_SHUTDOWN:
            if store_lines(client, item.log_group, item.log_stream, item.logs):
                metrics.note(handler.region, item.logs)
