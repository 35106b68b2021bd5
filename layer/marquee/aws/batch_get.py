"""BatchGetItem for any number of keys, repeated for keys that DynamoDB left unprocessed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_BATCH = 100  # the most keys that one call takes


def batch_get(
    dynamodb: "DynamoDBServiceResource",
    table: str,
    keys: Sequence[dict[str, Any]],
    **request: Any,
) -> Iterator[dict[str, Any]]:
    """Yield the items that exist, in no particular order.

    Args:
        dynamodb: the resource to call.
        table: the table's name.
        keys: the items' keys, without duplicates: DynamoDB refuses duplicates in a call.
        **request: more parameters, such as a projection or consistent reads.
    """
    for start in range(0, len(keys), _BATCH):
        left: Sequence[Any] = keys[start : start + _BATCH]
        while left:
            items: Any = {table: {"Keys": left, **request}}
            answer: Any = dynamodb.batch_get_item(RequestItems=items)
            yield from answer["Responses"].get(table, [])
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
