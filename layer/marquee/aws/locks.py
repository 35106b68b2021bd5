"""Locks: expiring items of the idempotency table."""

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class LockTable:
    """Implements `requests.ports.Locks`.

    A lock is the item `lock/<name>` with its holder and its expiry (seconds since 1970). Each call
    of `take` uses a new holder id. If the client repeats a request whose response was lost, it
    finds that id as the holder, and the call still succeeds.
    """

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)
        self._held: dict[str, str] = {}

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        """Write the item on condition that there is none or that it has expired."""
        holder = uuid4().hex
        try:
            self._table.update_item(
                Key={"id": _key(name)},
                UpdateExpression="SET holder = :me, expiration = :until",
                # DynamoDB may take days to delete an expired item, so compare the expiry as well.
                ConditionExpression=(
                    "attribute_not_exists(id) OR expiration <= :now OR holder = :me"
                ),
                ExpressionAttributeValues={
                    ":me": holder,
                    ":now": int(now.timestamp()),
                    ":until": ceil(now.timestamp() + seconds),
                },
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        self._held[name] = holder
        return True

    def release(self, name: str) -> None:
        """Delete the item on condition that the holder is the one of this object's last `take`."""
        holder = self._held.pop(name, None)
        if holder is None:
            return
        try:
            self._table.delete_item(
                Key={"id": _key(name)},
                ConditionExpression="holder = :me",
                ExpressionAttributeValues={":me": holder},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return  # the lock expired and another process took it


def _key(name: str) -> str:
    return f"lock/{name}"
