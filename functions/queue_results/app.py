"""Reads the results queue, stores visitors' picks and queues their texts."""

import json
from dataclasses import dataclass
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
from marquee.aws.settings import QueueResultsSettings
from marquee.contracts import (
    ResultsMessage,
    ResultsPlace,
    parse_results_key,
    parse_timestamp,
)
from marquee.requests.collect import CollectOutcome
from marquee.requests.s3_events import created_objects

SETTINGS = QueueResultsSettings.from_environment()

logger, tracer, metrics = observe("queue-results")
collector = wiring.collector(SETTINGS)
rest_of_results = wiring.rest_of_results(SETTINGS)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@dataclass(frozen=True)
class CollectionRequest:
    """A submission whose results are to be collected.

    Attributes:
        submission_id: the submission.
        after: the place at which an earlier run stopped; None for the start.
        written_at: when the results were complete, in ISO 8601; None if the message does not say.
    """

    submission_id: str
    after: ResultsPlace | None = None
    written_at: str | None = None


def collection_requests(body: str) -> list[CollectionRequest]:
    """Return the submissions that a message names.

    A message is either an S3 event about result objects, or the rest that an earlier run handed on.
    """
    if "submission_id" in json.loads(body):
        message = ResultsMessage.from_json(body)
        return [CollectionRequest(message.submission_id, after=message.after)]
    return [
        CollectionRequest(parse_results_key(created.key), written_at=created.written_at)
        for created in created_objects(body)
    ]


@tracer.capture_method(capture_response=False, capture_error=False)
def collect(record: SQSRecord, context: LambdaContext) -> None:
    """Collect the results that a message names, and hand on the rest if time runs out."""
    logger.set_correlation_id(record.message_id)
    for request in collection_requests(record.body):
        logger.set_correlation_id(request.submission_id)
        collected = collector.collect(
            request.submission_id,
            lambda: context.get_remaining_time_in_millis() / 1000,
            request.after,
            again=int(record.attributes.approximate_receive_count) > 1,
        )
        if collected.stopped_at is not None:
            rest_of_results.hand_on(ResultsMessage(request.submission_id, collected.stopped_at))
            logger.info("out of time, the remaining results are handed on")
        if collected.stopped_at is not None and collected.unreadable:
            # `collect` raises for unreadable lines only in the run that reaches the end, and that
            # run does not read these lines again.
            logger.error("unreadable result lines: %s", collected.unreadable)
        report(collected, request)


def report(collected: CollectOutcome, request: CollectionRequest) -> None:
    """Log the outcome for each visitor and count the outcomes as metrics.

    The lines also say when the results were complete, which S3 alone knows once they are deleted.
    """
    fields = {"submission_id": request.submission_id}
    if request.written_at is not None:
        fields["results_written_at"] = request.written_at
    for result in collected.recommended:
        logger.set_correlation_id(result.visitor_id)
        logger.info("visitor recommended", extra=fields)
    for result in collected.failed:
        logger.set_correlation_id(result.visitor_id)
        logger.warning("visitor failed", extra={"reason": result.error})
    now = datetime.now(UTC)
    for submitted_at in collected.submitted_at:
        waited = (now - parse_timestamp(submitted_at)).total_seconds()
        metrics.add_metric("SecondsFromSubmissionToPicks", "Seconds", waited)
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
