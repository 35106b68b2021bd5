"""Bookmarks: how far each phase of the sweep has come, as items of the idempotency table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class BookmarksTable:
    """Implements `requests.ports.Bookmarks`: one item `bookmarks/<name>`, which never expires.

    The item's `places` are the bookmarks by name.
    """

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)

    def get(self, name: str) -> Mapping[str, str]:
        """Read the item's `places` with a consistent read."""
        answer = self._table.get_item(Key={"id": _key(name)}, ConsistentRead=True)
        return cast("Mapping[str, str]", answer.get("Item", {}).get("places", {}))

    def put(self, name: str, places: Mapping[str, str]) -> None:
        """Replace the whole item without a condition: only the holder of the lock writes it."""
        self._table.put_item(Item={"id": _key(name), "places": dict(places)})


def _key(name: str) -> str:
    return f"bookmarks/{name}"
