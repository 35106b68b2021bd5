"""What LocalStack calls when it starts and when it stops."""

from localstack.runtime import hooks

from local_aws import faults, queue_batches
from local_aws.emr import provider


@hooks.on_infra_start()  # type: ignore[untyped-decorator]
def marquee_start() -> None:
    """Extend LocalStack before its first request."""
    queue_batches.install()
    faults.install()


@hooks.on_infra_shutdown()  # type: ignore[untyped-decorator]
def marquee_stop() -> None:
    """End what runs on LocalStack's behalf."""
    provider.end_steps()
