"""Reads the visitors queue and makes one submission, with its EMR steps, of each batch."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from marquee.aws import wiring
from marquee.aws.observability import observe
from marquee.aws.settings import SubmitStepSettings
from marquee.contracts import ContractError, parse_timestamp, parse_visitor_key
from marquee.requests.s3_events import created_keys
from marquee.requests.submit import SubmitOutcome

SETTINGS = SubmitStepSettings.from_environment()

logger, tracer, metrics = observe("submit-step")
ledger = wiring.ledger(SETTINGS)
submitter = wiring.submitter(SETTINGS, ledger)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def visitors_named(body: str) -> list[tuple[str, int]]:
    """Return the visitor id and version of each visitor object that a message announces.

    Raises:
        ContractError: if the message cannot be read.
    """
    return [parse_visitor_key(key) for key in created_keys(body)]


def readable(records: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the visitors of all readable messages; `settle` fails the unreadable ones."""
    named: list[tuple[str, int]] = []
    for record in records:
        try:
            named += visitors_named(record["body"])
        except ContractError as error:
            logger.warning("unreadable message: %s", error)
    return named


def settle(record: SQSRecord, outcome: SubmitOutcome) -> None:
    """Raise the error of one of the message's visitors, so that SQS redelivers only this message.

    Raises:
        ContractError: if the message cannot be read.
    """
    for named in visitors_named(record.body):
        if named in outcome.errors:
            raise outcome.errors[named]


def report(outcome: SubmitOutcome) -> None:
    """Log the outcome for each visitor and count the outcomes as metrics."""
    if outcome.waiting:  # one line for all: up to a thousand visitors return every few seconds
        waiting = len(outcome.waiting)
        logger.info("visitors wait for the cluster", extra={"visitors": waiting})
    now = datetime.now(UTC)
    for progress in outcome.visitors:
        logger.set_correlation_id(progress.visitor_id)
        logger.info("visitor submitted", extra={"submission_id": outcome.submission_id})
        waited = (now - parse_timestamp(progress.requested_at)).total_seconds()
        metrics.add_metric("SecondsFromFormToSubmission", "Seconds", waited)
    for visitor_id in outcome.forgotten:
        logger.set_correlation_id(visitor_id)
        logger.info("visitor forgotten, nothing to submit")
    for progress in outcome.failed:
        logger.set_correlation_id(progress.visitor_id)
        logger.warning(
            "visitor failed", extra={"reason": "the data set of the ratings is no longer active"}
        )
    for (visitor_id, _), error in outcome.errors.items():
        logger.set_correlation_id(visitor_id)
        logger.warning("visitor not submitted, SQS will deliver the message again: %s", error)
    metrics.add_metric("VisitorsSubmitted", "Count", len(outcome.visitors))
    metrics.add_metric("VisitorsFailed", "Count", len(outcome.failed))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Submit all visitors of a batch of messages; SQS redelivers only the messages that failed."""
    logger.set_correlation_id(context.aws_request_id)
    ledger.register(context)
    outcome = submitter.submit(readable(event["Records"]))
    report(outcome)
    return process_partial_response(
        event=event,
        record_handler=lambda record: settle(record, outcome),
        processor=processor,
        context=context,
    )
