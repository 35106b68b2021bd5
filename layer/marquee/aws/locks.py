"""Who does what only one at a time may do: items of the idempotency table, gone by themselves."""

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class LockTable:
    """Implements `marquee.ports.Locks`.

    A lock is the item `lock/<name>` with its holder and the second it expires. Every try to take it
    has a holder of its own: a client that repeats a call, because the answer to it was lost, finds
    itself as the holder and still has the lock.
    """

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)
        self._held: dict[str, str] = {}

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        holder = uuid4().hex
        try:
            self._table.update_item(
                Key={"id": _key(name)},
                UpdateExpression="SET holder = :me, expiration = :until",
                # DynamoDB deletes expired items only within days, so the time is compared as well.
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
            return  # its time was up and another holds it now


def _key(name: str) -> str:
    return f"lock/{name}"
