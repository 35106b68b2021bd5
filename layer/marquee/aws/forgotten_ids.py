"""Ids of recently forgotten visitors: expiring items of the idempotency table."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class ForgottenIdsTable:
    """Implements `requests.ports.ForgottenIds`; an item holds only the id and its expiry."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", table: str) -> None:
        self._table = dynamodb.Table(table)

    def note(self, visitor_id: str, until: datetime) -> None:
        """Write the item, or replace the expiry of the existing one."""
        self._table.update_item(
            Key={"id": f"forgotten/{visitor_id}"},
            UpdateExpression="SET expiration = :until",
            ExpressionAttributeValues={":until": round(until.timestamp())},
        )

    def has(self, visitor_id: str) -> bool:
        """Look for the item with a consistent read.

        DynamoDB may take days to delete an expired item; until then the id still counts.
        """
        answer = self._table.get_item(Key={"id": f"forgotten/{visitor_id}"}, ConsistentRead=True)
        return "Item" in answer
