"""Reads the results queue, stores visitors' picks and queues their texts."""

import json
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
from marquee.aws.settings import QueueResultsSettings
from marquee.contracts import ResultsMessage, ResultsPlace, parse_results_key
from marquee.requests.collect import Collected
from marquee.requests.s3_events import created_keys

SETTINGS = QueueResultsSettings.from_environment()

logger, tracer, metrics = observe("queue-results")
collector = wiring.collector(SETTINGS)
rest_of_results = wiring.rest_of_results(SETTINGS)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def asked_for(body: str) -> list[tuple[str, ResultsPlace | None]]:
    """Return the submissions that a message names, each with the place to continue from.

    A message is either an S3 event about result objects, or the rest that an earlier run handed on.

    Returns:
        Submission ids, each with the place at which the earlier run stopped (None for the start).
    """
    if "submission_id" in json.loads(body):
        message = ResultsMessage.from_json(body)
        return [(message.submission_id, message.after)]
    return [(parse_results_key(key), None) for key in created_keys(body)]


@tracer.capture_method(capture_response=False, capture_error=False)
def collect(record: SQSRecord, context: LambdaContext) -> None:
    """Collect the results that a message names, and hand on the rest if time runs out."""
    logger.set_correlation_id(record.message_id)
    for submission_id, after in asked_for(record.body):
        logger.set_correlation_id(submission_id)
        collected = collector.collect(
            submission_id,
            lambda: context.get_remaining_time_in_millis() / 1000,
            after,
            again=int(record.attributes.approximate_receive_count) > 1,
        )
        if collected.stopped_at is not None:
            rest_of_results.hand_on(ResultsMessage(submission_id, collected.stopped_at))
            logger.info("out of time, the remaining results are handed on")
        if collected.stopped_at is not None and collected.unreadable:
            # `collect` raises for unreadable lines only in the run that reaches the end, and that
            # run does not read these lines again.
            logger.error("unreadable result lines: %s", collected.unreadable)
        report(collected, submission_id)


def report(collected: Collected, submission_id: str) -> None:
    """Log the outcome for each visitor and count the outcomes as metrics."""
    for result in collected.recommended:
        logger.set_correlation_id(result.visitor_id)
        logger.info("visitor recommended", extra={"submission_id": submission_id})
    for result in collected.failed:
        logger.set_correlation_id(result.visitor_id)
        logger.warning("visitor failed", extra={"reason": result.error})
    metrics.add_metric("VisitorsRecommended", "Count", len(collected.recommended))
    metrics.add_metric("VisitorsFailed", "Count", len(collected.failed))


def collect_or_report(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Collect a message's results; log a failure and raise it, so that SQS redelivers the message.

    Powertools passes the context to the parameter `lambda_context`, by name.
    """
    try:
        collect(record, lambda_context)
    except Exception as error:
        logger.warning("results not collected, SQS will deliver the message again: %s", error)
        raise


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process a batch of messages; SQS redelivers only those that failed."""
    logger.set_correlation_id(context.aws_request_id)
    return process_partial_response(
        event=event, record_handler=collect_or_report, processor=processor, context=context
    )
