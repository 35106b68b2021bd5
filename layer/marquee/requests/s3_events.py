"""Write and read S3 event notifications in queue messages."""

import json
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_plus

from marquee.contracts import ContractError


@dataclass(frozen=True, slots=True)
class CreatedObject:
    """An object that a message announces.

    `written_at` is when S3 stored it, in ISO 8601; None in messages of `announcement`.
    """

    key: str
    written_at: str | None


def announcement(key: str) -> str:
    """Return a message that announces an object as S3 does, with the fields `created_keys` needs.

    `key` is the object's key.
    """
    record = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key)}}}
    return json.dumps({"Records": [record]})


def created_keys(body: str) -> list[str]:
    """Return the keys of the created objects that a message announces, as `created_objects`."""
    return [created.key for created in created_objects(body)]


def created_objects(body: str) -> list[CreatedObject]:
    """Return the created objects that a message announces.

    The list is empty for the `s3:TestEvent` that S3 sends when notifications are set up. Keys
    arrive URL-encoded and are returned decoded.

    Raises:
        ContractError: if the message is not an S3 event notification.
    """
    try:
        event = json.loads(body)
        if event.get("Event") == "s3:TestEvent":
            return []
        return [
            CreatedObject(unquote_plus(record["s3"]["object"]["key"]), record.get("eventTime"))
            for record in event["Records"]
            if record["eventName"].startswith("ObjectCreated")
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"the message is not an S3 event notification: {error!r}") from error
