"""The visitors table: one item a visitor, one conditional write a status."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from marquee.aws.batch_get import batch_get
from marquee.contracts import Pick, picks_from, ratings_from, timestamp
from marquee.visitor import Progress, Recipient, Registration, Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_OPEN_INDEX = "open"
# Everything the flow needs; name and phone are not among it.
_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": (
        "visitor_id, version, dataset, #status, status_at, requested_at, ratings, texts, "
        "submission_id, text_claimed_at, reason, model_id, picks"
    ),
    "ExpressionAttributeNames": {"#status": "status"},
}


class VisitorsTable:
    """Implements `marquee.ports.Visitors`."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", name: str) -> None:
        self._dynamodb, self._name = dynamodb, name
        self._table = dynamodb.Table(name)

    def create(self, registration: Registration) -> bool:
        item: dict[str, Any] = {
            "visitor_id": registration.visitor_id,
            "version": registration.version,
            "dataset": registration.dataset,
            "name": registration.name,
            "texts": registration.phone is not None,
            "requested_at": registration.requested_at,
            "status": Status.RECEIVED.value,
            "open_status": Status.RECEIVED.value,
            "status_at": registration.requested_at,
            "expires_at": registration.expires_at,
            "ratings": [
                {"movie_id": rating.movie_id, "stars": rating.stars}
                for rating in registration.ratings
            ],
        }
        if registration.phone is not None:
            item |= {"phone": registration.phone, "consent_at": registration.requested_at}
        return _took_effect(
            lambda: self._table.put_item(
                Item=item, ConditionExpression="attribute_not_exists(visitor_id)"
            )
        )

    def get(self, visitor_id: str) -> Progress | None:
        answer = self._table.get_item(
            Key={"visitor_id": visitor_id}, ConsistentRead=True, **_PROJECTION
        )
        item = answer.get("Item")
        return _progress(item) if item else None

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        keys = [{"visitor_id": visitor_id} for visitor_id in dict.fromkeys(visitor_ids)]
        items = batch_get(self._dynamodb, self._name, keys, ConsistentRead=True, **_PROJECTION)
        return {progress.visitor_id: progress for progress in map(_progress, items)}

    def recipient(self, visitor_id: str) -> Recipient | None:
        item = self._table.get_item(Key={"visitor_id": visitor_id}, ConsistentRead=True).get("Item")
        if not item or "phone" not in item:
            return None
        return Recipient(str(item["name"]), str(item["phone"]), _progress(item))

    def open(self, status: Status, before: datetime) -> list[Progress]:
        keys: list[str] = []
        request: dict[str, Any] = {
            "IndexName": _OPEN_INDEX,
            "KeyConditionExpression": "open_status = :status AND status_at < :before",
            "ExpressionAttributeValues": {":status": status.value, ":before": timestamp(before)},
        }
        while True:
            answer = self._table.query(**request)
            keys += [str(item["visitor_id"]) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        # The index lags behind the table: whoever has moved on is left out.
        return [p for p in self.get_many(keys).values() if p.status is status]

    def mark_submitted(self, visitor_id: str, version: int, submission_id: str) -> bool:
        return self._move(
            visitor_id,
            version,
            Status.SUBMITTED,
            while_at=[Status.RECEIVED],
            values={"submission_id": submission_id},
        )

    def mark_recommended(
        self, visitor_id: str, version: int, model_id: str, picks: Sequence[Pick]
    ) -> bool:
        values = {"model_id": model_id, "picks": [_pick_item(pick) for pick in picks]}
        at = [Status.RECEIVED, Status.SUBMITTED]
        # Without a phone the picks are the end, with one the text is still to come.
        return self._move(
            visitor_id, version, Status.RECOMMENDED, at, values, texts=True
        ) or self._move(visitor_id, version, Status.RECOMMENDED, at, values, texts=False)

    def claim_text(self, visitor_id: str, version: int) -> bool:
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression="SET text_claimed_at = :now",
                ConditionExpression=(
                    "version = :version AND #status = :recommended "
                    "AND attribute_not_exists(text_claimed_at)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":now": timestamp(datetime.now(UTC)),
                    ":version": version,
                    ":recommended": Status.RECOMMENDED.value,
                },
            )
        )

    def release_text(self, visitor_id: str, version: int) -> bool:
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression="REMOVE text_claimed_at",
                ConditionExpression="version = :version AND #status = :recommended",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":version": version,
                    ":recommended": Status.RECOMMENDED.value,
                },
            )
        )

    def mark_texted(self, visitor_id: str, version: int) -> bool:
        return self._move(visitor_id, version, Status.TEXTED, while_at=[Status.RECOMMENDED])

    def mark_failed(
        self, visitor_id: str, version: int, reason: str, while_at: Collection[Status]
    ) -> bool:
        return self._move(visitor_id, version, Status.FAILED, while_at, {"reason": reason})

    def _move(
        self,
        visitor_id: str,
        version: int,
        to: Status,
        while_at: Collection[Status],
        values: Mapping[str, Any] | None = None,
        *,
        texts: bool | None = None,
    ) -> bool:
        """Write a status, provided that version and present status are the ones expected.

        `texts` adds the condition that the visitor did (or did not) give a phone.
        """
        is_open = to is Status.SUBMITTED or (to is Status.RECOMMENDED and texts is True)
        written = {"status": to.value, "status_at": timestamp(datetime.now(UTC)), **(values or {})}
        if is_open:
            written["open_status"] = to.value
        statuses = {f":at{number}": status.value for number, status in enumerate(while_at)}
        condition = f"version = :version AND #status IN ({', '.join(statuses)})"
        expected: dict[str, Any] = {":version": version, **statuses}
        if texts is not None:
            condition += " AND texts = :texts"
            expected[":texts"] = texts
        assignments = ", ".join(f"#{name} = :{name}" for name in written)
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression=f"SET {assignments}" + ("" if is_open else " REMOVE open_status"),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in written},
                ExpressionAttributeValues={
                    **expected,
                    **{f":{name}": value for name, value in written.items()},
                },
            )
        )


def _took_effect(write: Any) -> bool:
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _pick_item(pick: Pick) -> dict[str, Any]:
    return {
        "movie_id": pick.movie_id,
        "score": Decimal(str(round(pick.score, 4))),
        "stars": Decimal(str(round(pick.stars, 2))),
        "because": list(pick.because),
    }


def _progress(item: Mapping[str, Any]) -> Progress:
    plain = _without_decimals(item)
    return Progress(
        visitor_id=plain["visitor_id"],
        version=plain["version"],
        dataset=plain["dataset"],
        status=Status(plain["status"]),
        status_at=plain["status_at"],
        requested_at=plain["requested_at"],
        ratings=ratings_from(plain["ratings"]),
        texts=plain["texts"],
        submission_id=plain.get("submission_id"),
        text_claimed_at=plain.get("text_claimed_at"),
        reason=plain.get("reason"),
        model_id=plain.get("model_id"),
        picks=picks_from(plain["picks"]) if "picks" in plain else None,
    )


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_without_decimals(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_decimals(item) for key, item in value.items()}
    return value
