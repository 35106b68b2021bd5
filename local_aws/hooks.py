"""Hooks that the emulator calls when it starts and when it stops."""

import sys
import tempfile
from pathlib import Path

from local_aws import (
    alarm_tags,
    bookkeeping,
    child_processes,
    deliveries,
    emulator,
    faults,
    instance,
    latency,
    queue_batches,
    s3_listing,
    service_index,
    stack_updates,
)
from local_aws.emr import provider
from local_aws.iam import enforcement
from local_aws.lambda_process import logs, turns

hooks = emulator.part("runtime.hooks")


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def marquee_start() -> None:
    """Extend the emulator before its first request."""
    # The default is a fixed folder: two local AWSs on one machine would share it, and one of them
    # would empty it under the other.
    emulator.part("services.s3.provider").DEFAULT_S3_TMP_DIR = str(
        Path(tempfile.gettempdir()) / "s3"
    )
    service_index.install()
    bookkeeping.install()
    latency.install()
    queue_batches.install()
    s3_listing.install()
    turns.install()
    logs.install()
    archive_spark_classes()
    alarm_tags.install()
    stack_updates.install()
    faults.install()
    deliveries.install()
    instance.install()
    if emulator.chosen().enforces_iam:
        enforcement.install()


def archive_spark_classes() -> None:
    """Archive Spark's classes in the background, unless the archive exists already."""
    child_processes.spawn_and_forget([sys.executable, "-m", "local_aws.emr.class_archive"])


@hooks.on_infra_shutdown()  # type: ignore[untyped-decorator]
def marquee_stop() -> None:
    """End the EMR steps that still run."""
    provider.end_steps()
