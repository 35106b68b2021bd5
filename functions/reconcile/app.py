"""Reacts to EMR step events and to two schedules: training, and the sweep for stuck requests."""

from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from marquee.aws import wiring
from marquee.aws.observability import observe
from marquee.aws.settings import ReconcileSettings
from marquee.contracts import ContractError
from marquee.requests.reconcile import ReconcileOutcome

SETTINGS = ReconcileSettings.from_environment()
STEP_STATUS_CHANGE = "EMR Step Status Change"
ENDED_BADLY = ("FAILED", "CANCELLED")

logger, tracer, metrics = observe("reconcile")
ledger = wiring.ledger(SETTINGS)
reconciler = wiring.reconciler(SETTINGS, ledger)


def step_changed(event: EventBridgeEvent) -> ReconcileOutcome:
    """Handle a failed or cancelled step of one of our clusters; ignore every other change."""
    step = event.detail
    if step["clusterId"] not in SETTINGS.clusters or step["state"] not in ENDED_BADLY:
        return ReconcileOutcome()
    metrics.add_metric("StepsFailed", "Count", 1)
    if step["name"].startswith("train-"):
        metrics.add_metric("TrainingsFailed", "Count", 1)
    logger.warning(
        "step failed or was cancelled", extra={"step": step["name"], "state": step["state"]}
    )
    return reconciler.step_ended_badly(step["name"])


def train_on_schedule() -> ReconcileOutcome:
    """Add a train step, unless no data set is active or one is pending or running already."""
    if not reconciler.adder.can_train():
        logger.info("no data set is active yet, so there is nothing to train")
    elif reconciler.adder.is_training():
        logger.info("a train step is already pending or running")
    else:
        logger.info("train step added", extra={"model_id": reconciler.adder.train()})
    return ReconcileOutcome()


def sweep(context: LambdaContext) -> ReconcileOutcome:
    """Sweep, and count the visitors that the active model leaves out."""
    # Lambda retries a failed invocation under the same request id.
    done = reconciler.sweep(
        context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000
    )
    logger.info("sweep: %s", done.swept, extra={"requeued": len(done.requeued)})
    metrics.add_metric("VisitorsLeftOut", "Count", reconciler.adder.visitors_left_out())
    return done


def report(done: ReconcileOutcome) -> None:
    """Log what was done for each visitor and count it as metrics.

    Raises:
        ExceptionGroup: if something went wrong; everything else was done nevertheless.
    """
    for result in done.recommended:
        logger.set_correlation_id(result.visitor_id)
        logger.info("visitor recommended")
    for result in done.unserved:
        logger.set_correlation_id(result.visitor_id)
        logger.warning("visitor failed", extra={"reason": result.error})
    for progress in done.failed:
        logger.set_correlation_id(progress.visitor_id)
        logger.warning("visitor failed")
    for visitor_id in done.expired:
        logger.set_correlation_id(visitor_id)
        logger.info("visitor expired and forgotten")
    for submission_id in done.resubmitted:
        logger.set_correlation_id(submission_id)
        logger.warning("submission submitted again")
    failed = len(done.failed) + len(done.unserved)
    metrics.add_metric("VisitorsRecommended", "Count", len(done.recommended))
    metrics.add_metric("VisitorsFailed", "Count", failed)
    metrics.add_metric("VisitorsForgotten", "Count", len(done.expired))
    metrics.add_metric("DeliveryUnknown", "Count", done.delivery_unknown)
    metrics.add_metric("VisitorsWaitingWithoutCluster", "Count", done.waiting_without_cluster)
    if done.errors:
        raise ExceptionGroup("part of the work failed; the rest was done", done.errors)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
@event_source(data_class=EventBridgeEvent)
def handler(event: EventBridgeEvent, context: LambdaContext) -> None:
    """Handle a step event of EMR, or a schedule's event with the action `sweep` or `train`.

    Raises:
        ContractError: if the event is none of these.
        ExceptionGroup: if something went wrong with some visitors or submissions.
    """
    logger.set_correlation_id(event.get("id") or context.aws_request_id)
    ledger.register(context)
    if event.get("detail-type") == STEP_STATUS_CHANGE:
        report(step_changed(event))
    elif event.get("action") == "sweep":
        report(sweep(context))
    elif event.get("action") == "train":
        report(train_on_schedule())
    else:
        raise ContractError(f"reconcile does not handle such an event: {sorted(event.raw_event)}")
