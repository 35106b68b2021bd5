"""Show the texts that the local AWS would have sent."""

from dataclasses import dataclass
from typing import Any

import httpx

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError


@dataclass(frozen=True)
class SentText:
    """A text as SNS accepted it."""

    phone: str
    body: str


def sent_texts(deployment: Deployment) -> list[SentText]:
    """Return the texts sent so far on the local AWS, oldest first for each phone.

    Raises:
        OperationError: on AWS, which keeps no copies of texts; or if the local AWS does not answer.
    """
    if not deployment.is_local:
        raise OperationError(
            "AWS keeps no copies of texts: 'make texts' works on the local AWS only. The alarms and"
            f" the dashboard marquee-{deployment.name} show whether texts were delivered."
        )
    try:
        answer = httpx.get(f"{deployment.endpoint}/_aws/sns/sms-messages")
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise OperationError(deployment.silence) from error
    by_phone: dict[str, list[dict[str, Any]]] = answer.json()["sms_messages"]
    return [SentText(phone, sent["Message"]) for phone, texts in by_phone.items() for sent in texts]


def show_texts(deployment: Deployment) -> None:
    """Print the texts sent so far on the local AWS."""
    texts = sent_texts(deployment)
    for text in texts:
        out.print(f"[bold]to {text.phone}[/]")
        out.print(text.body, markup=False)
        out.print()
    out.print(f"{len(texts)} text{'' if len(texts) == 1 else 's'} sent")
