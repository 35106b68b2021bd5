"""Reads the texts queue and sends one text to each visitor through SNS."""

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
from marquee.aws.settings import SendTextSettings
from marquee.contracts import TextMessage, parse_timestamp
from marquee.requests.send_text import SECONDS_TO_SEND, NotYetError, TextOutcome

SETTINGS = SendTextSettings.from_environment()
# With less time left, no text is started: the work before the claim may be slow as well.
SECONDS_FOR_A_TEXT = SECONDS_TO_SEND + 5

logger, tracer, metrics = observe("send-text")
texter = wiring.texter(SETTINGS)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_method(capture_response=False, capture_error=False)
def send(record: SQSRecord, context: LambdaContext) -> None:
    """Send the text that a message asks for, and count its outcome as metrics.

    Raises:
        NotYetError: if too little time is left, or if the visitor cannot be texted yet.
    """
    logger.set_correlation_id(record.message_id)
    message = TextMessage.from_json(record.body)
    logger.set_correlation_id(message.visitor_id)

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if seconds_left() < SECONDS_FOR_A_TEXT:
        raise NotYetError("too little time is left to send another text")
    outcome = texter.text(message, seconds_left)
    logger.info("text: %s", outcome)
    if outcome is TextOutcome.TEXTED:
        metrics.add_metric("VisitorsTexted", "Count", 1)
        metrics.add_metric("SecondsFromFormToText", "Seconds", seconds_since_form(message))
        metrics.add_metric("SecondsFromPicksToText", "Seconds", seconds_since_queued(record))
    elif outcome is TextOutcome.DELIVERY_UNKNOWN:
        metrics.add_metric("DeliveryUnknown", "Count", 1)
    elif outcome is TextOutcome.OVER_THE_CAP:
        metrics.add_metric("TextsOverTheCap", "Count", 1)
    elif outcome in (TextOutcome.OPTED_OUT, TextOutcome.OVER_THE_PHONES_LIMIT):
        metrics.add_metric("TextsWithheld", "Count", 1)
    if outcome in (TextOutcome.DELIVERY_UNKNOWN, TextOutcome.REJECTED):
        metrics.add_metric("VisitorsFailed", "Count", 1)


def seconds_since_form(message: TextMessage) -> float:
    """Return the seconds since the visitor sent the form; 0 if the visitor was just forgotten."""
    progress = wiring.visitors(SETTINGS).get(message.visitor_id)
    if progress is None:
        return 0.0
    return (datetime.now(UTC) - parse_timestamp(progress.requested_at)).total_seconds()


def seconds_since_queued(record: SQSRecord) -> float:
    """Return the seconds since the text's message was queued, right after the picks were stored."""
    return datetime.now(UTC).timestamp() - int(record.attributes.sent_timestamp) / 1000


def send_or_report(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Send a message's text; log a failure and raise it, so that SQS redelivers the message.

    Powertools passes the context to the parameter `lambda_context`, by name.
    """
    try:
        send(record, lambda_context)
    except Exception as error:
        logger.warning("text not sent, SQS will deliver the message again: %s", error)
        raise


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process a batch of messages; SQS redelivers only those that failed."""
    logger.set_correlation_id(context.aws_request_id)
    return process_partial_response(
        event=event, record_handler=send_or_report, processor=processor, context=context
    )
