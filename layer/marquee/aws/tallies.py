"""Counts for limits and caps: expiring items of the idempotency table."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class Tallies:
    """Implements `requests.ports.Tally`: one set per key.

    The cost of a write grows with the number of things in the set.
    """

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)

    def add(self, key: str, what: str, most: int, until: datetime) -> bool:
        """Add `what` to the set on condition that it is in the set or the set has room.

        The item's expiry becomes `until`.
        """
        try:
            self._table.update_item(
                Key={"id": key},
                UpdateExpression="SET expiration = :until ADD counted :what",
                ConditionExpression=(
                    "attribute_not_exists(counted) OR size(counted) < :most "
                    "OR contains(counted, :one)"
                ),
                ExpressionAttributeValues={
                    ":until": round(until.timestamp()),
                    ":what": {what},
                    ":one": what,
                    ":most": most,
                },
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


class Counters:
    """Implements `requests.ports.Counter`: one item per key, whose size does not grow with counts.

    If the response to a call is lost, the client repeats the call. The event may then be counted
    twice, but is never missed.
    """

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)

    def add(self, key: str, most: Mapping[str, int], until: datetime) -> str | None:
        """Add 1 to every count in one update, on condition that each is below its largest count.

        The item's expiry becomes `until`.
        """
        places = list(enumerate(most.items()))
        below = [
            f"(attribute_not_exists(#n{place}) OR #n{place} < :most{place})" for place, _ in places
        ]
        try:
            self._table.update_item(
                Key={"id": key},
                UpdateExpression=(
                    "SET expiration = :until "
                    f"ADD {', '.join(f'#n{place} :one' for place, _ in places)}"
                ),
                ConditionExpression=" AND ".join(below),
                ExpressionAttributeNames={f"#n{place}": name for place, (name, _) in places},
                ExpressionAttributeValues={
                    ":until": round(until.timestamp()),
                    ":one": 1,
                    **{f":most{place}": limit for place, (_, limit) in places},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException as refused:
            counted = cast("dict[str, Any]", refused.response)["Item"]
            return next(
                name
                for name, limit in most.items()
                if int(counted.get(name, {}).get("N", "0")) >= limit
            )
        return None
