"""S3 event notifications, as they arrive in a queue's messages."""

import json
from urllib.parse import quote_plus, unquote_plus

from marquee.contracts import ContractError


def announcement(key: str) -> str:
    """Announce an object as S3 does, as far as `created_keys` reads it."""
    record = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key)}}}
    return json.dumps({"Records": [record]})


def created_keys(body: str) -> list[str]:
    """Give the keys of the objects that a message announces.

    Empty for the `s3:TestEvent` that S3 sends when notifications are set up. Keys arrive
    URL-encoded.
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
        raise ContractError(f"the message is no S3 event notification: {error!r}") from error
