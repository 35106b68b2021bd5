"""The SQS queues to which functions send messages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marquee.contracts import ResultsMessage, TextMessage, VisitorObject
from marquee.requests.s3_events import announcement

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_WAITING: "QueueAttributeNameType" = "ApproximateNumberOfMessages"
_BATCH = 10  # the most messages that SQS takes in one call


class QueueError(RuntimeError):
    """SQS refused some messages of a batch; it may have accepted the others."""


class TextsQueue:
    """Implements `requests.ports.Texts`."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def send(self, messages: Sequence[TextMessage]) -> None:
        """Send the messages in batches of ten; raises QueueError if SQS refuses some of them."""
        _send(self._sqs, self._url, [message.to_json() for message in messages])

    def waiting(self) -> int:
        """Return about how many messages wait to be received."""
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[_WAITING])
        return int(found["Attributes"][_WAITING])


class ResultsQueue:
    """Implements `requests.ports.RestOfResults`."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def hand_on(self, message: ResultsMessage) -> None:
        """Send one message to the results queue; raises QueueError if SQS refuses it."""
        _send(self._sqs, self._url, [message.to_json()])


class VisitorsQueue:
    """Implements `requests.ports.WaitingLine`: sends visitors to the visitors queue with a delay.

    It sends a new message and does not merely delay the old one, because waiting is not a failed
    delivery and must not bring the message closer to the dead letters.
    """

    def __init__(self, sqs: "SQSClient", url: str, delay_seconds: int) -> None:
        self._sqs, self._url, self._delay_seconds = sqs, url, delay_seconds

    def wait(self, visitors: Sequence[VisitorObject]) -> None:
        """Send one message per visitor, in the format of S3's event about the visitor object.

        SQS delivers the messages after `delay_seconds`.

        Raises:
            QueueError: if SQS refuses some of the messages.
        """
        bodies = [announcement(visitor.key) for visitor in visitors]
        _send(self._sqs, self._url, bodies, self._delay_seconds)


def _send(sqs: "SQSClient", url: str, bodies: Sequence[str], delay_seconds: int = 0) -> None:
    for start in range(0, len(bodies), _BATCH):
        answer = sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_seconds}
                for number, body in enumerate(bodies[start : start + _BATCH])
            ],
        )
        if answer.get("Failed"):
            codes = sorted({entry["Code"] for entry in answer["Failed"]})
            raise QueueError(f"SQS rejected {len(answer['Failed'])} messages: {codes}")
