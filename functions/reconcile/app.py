"""EMR step events and two schedules → puts right what events alone leave undone."""

from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from marquee.aws import wiring
from marquee.aws.observability import observe
from marquee.aws.settings import Settings
from marquee.contracts import ContractError
from marquee.reconciling import Reconciled

SETTINGS = Settings.from_environment()
STEP_STATUS_CHANGE = "EMR Step Status Change"
ENDED_BADLY = ("FAILED", "CANCELLED")

logger, tracer, metrics = observe("reconcile")
ledger = wiring.ledger(SETTINGS)
reconciler = wiring.reconciler(SETTINGS, ledger)


def step_changed(event: EventBridgeEvent) -> Reconciled:
    step = event.detail
    if step["clusterId"] not in SETTINGS.clusters or step["state"] not in ENDED_BADLY:
        return Reconciled()
    metrics.add_metric("StepsFailed", "Count", 1)
    logger.warning("step ended badly", extra={"step": step["name"], "state": step["state"]})
    return reconciler.step_ended_badly(step["name"])


def train_on_schedule() -> Reconciled:
    """Add a train step, unless there is nothing to train or one is waiting already."""
    if not reconciler.adder.can_train():
        logger.info("no data set is active yet, so there is nothing to train")
    elif reconciler.adder.is_training():
        logger.info("a train step is waiting already")
    else:
        logger.info("training", extra={"model_id": reconciler.adder.train()})
    return Reconciled()


def sweep(context: LambdaContext) -> Reconciled:
    # Lambda calls a function that failed again, under the same id.
    done = reconciler.sweep(
        context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000
    )
    logger.info("sweep: %s", done.swept, extra={"requeued": len(done.requeued)})
    metrics.add_metric("VisitorsLeftOut", "Count", reconciler.adder.visitors_left_out())
    return done


def report(done: Reconciled) -> None:
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
        raise ExceptionGroup("some of the sweep went wrong, all else was done", done.errors)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
@event_source(data_class=EventBridgeEvent)
def handler(event: EventBridgeEvent, context: LambdaContext) -> None:
    logger.set_correlation_id(event.get("id") or context.aws_request_id)
    ledger.register(context)
    if event.get("detail-type") == STEP_STATUS_CHANGE:
        report(step_changed(event))
    elif event.get("action") == "sweep":
        report(sweep(context))
    elif event.get("action") == "train":
        report(train_on_schedule())
    else:
        raise ContractError(f"reconcile knows no such event: {sorted(event.raw_event)}")
