"""The texts queue."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marquee.contracts import TextMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class QueueError(RuntimeError):
    """SQS refused messages of a batch."""


class TextsQueue:
    """Implements `marquee.ports.Texts`."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def send(self, messages: Sequence[TextMessage]) -> None:
        answer = self._sqs.send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(number), "MessageBody": message.to_json()}
                for number, message in enumerate(messages)
            ],
        )
        if answer.get("Failed"):
            codes = sorted({entry["Code"] for entry in answer["Failed"]})
            raise QueueError(
                f"{len(answer['Failed'])} of {len(messages)} messages were refused: {codes}"
            )
