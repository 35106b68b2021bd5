"""Queue results → visitors' picks, and the texts queue."""

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
from marquee.aws.settings import Settings
from marquee.contracts import parse_results_key
from marquee.s3_events import created_keys

SETTINGS = Settings.from_environment()

logger, tracer, metrics = observe("queue-results")
collector = wiring.collector(SETTINGS)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_method(capture_response=False, capture_error=False)
def collect(record: SQSRecord) -> None:
    logger.set_correlation_id(record.message_id)
    for key in created_keys(record.body):
        submission_id = parse_results_key(key)
        logger.set_correlation_id(submission_id)
        collected = collector.collect(submission_id)
        for result in collected.recommended:
            logger.set_correlation_id(result.visitor_id)
            logger.info("visitor recommended", extra={"submission_id": submission_id})
        for result in collected.failed:
            logger.set_correlation_id(result.visitor_id)
            logger.warning("visitor failed", extra={"reason": result.error})
        metrics.add_metric("VisitorsRecommended", "Count", len(collected.recommended))
        metrics.add_metric("VisitorsFailed", "Count", len(collected.failed))


def collect_or_report(record: SQSRecord) -> None:
    try:
        collect(record)
    except Exception as error:
        logger.warning("results not collected, the message comes again: %s", error)
        raise


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    logger.set_correlation_id(context.aws_request_id)
    return process_partial_response(
        event=event, record_handler=collect_or_report, processor=processor, context=context
    )
