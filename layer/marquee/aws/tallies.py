"""What was counted against a limit: sets in the idempotency table, which forgets them by itself."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class Tallies:
    """Implements `marquee.ports.Tally`."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)

    def add(self, key: str, what: str, most: int, until: datetime) -> bool:
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
