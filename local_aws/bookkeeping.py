"""Books that the emulator keeps and nobody here reads, left out: they took most of its time.

Measured while a thousand forms were worked on: of the time that requests took inside the emulator,
54 % went into CloudWatch metrics, with a write to a database of its own for every message that SQS
took or gave and for every call of a function, and 8 % into CloudTrail's record of every call.

The metrics of SQS are switched off by a setting, see `launcher.environment`.
"""

from local_aws import emulator


def install() -> None:
    """Leave out what is written down for every call."""
    leave_out_lambda_metrics()
    leave_out_cloudtrail()


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
