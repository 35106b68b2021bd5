"""Write and read S3 event notifications in queue messages."""

import json
from urllib.parse import quote_plus, unquote_plus

from marquee.contracts import ContractError


def announcement(key: str) -> str:
    """Return a message that announces an object as S3 does, with the fields `created_keys` reads.

    `key` is the object's key.
    """
    record = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key)}}}
    return json.dumps({"Records": [record]})


def created_keys(body: str) -> list[str]:
    """Return the keys of the created objects that a message announces.

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
            unquote_plus(record["s3"]["object"]["key"])
            for record in event["Records"]
            if record["eventName"].startswith("ObjectCreated")
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"the message is not an S3 event notification: {error!r}") from error
