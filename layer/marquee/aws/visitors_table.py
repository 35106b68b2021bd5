"""The visitors table: one item per visitor, one conditional write per change."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeIs, cast

from botocore.exceptions import ClientError

from marquee.aws.batch_get import batch_get
from marquee.contracts import Pick, Rating, movie_ids_from, picks_from, ratings_from, timestamp
from marquee.requests.ports import Slice
from marquee.requests.visitor import Page, Phone, Progress, Recipient, Registration, Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_OPEN_INDEX = "open"
_EXPIRY_INDEX = "expiry"
# DynamoDB deletes an item this long after the visitor's expiry. Only the item records the dates in
# the visitor objects' keys, so afterwards those objects cannot be found. The sweep therefore gets
# many chances to forget the visitor first.
_UNFORGOTTEN = timedelta(days=7)
# The status of an emptied item, whose visitor is being forgotten. It is not a `Status`, because
# code outside this module never sees such an item.
_EMPTY = "empty"
# The attributes that the flow needs. Name and phone are not among them.
_FLOW = (
    "visitor_id, version, dataset, #status, status_at, requested_at, ratings, texts, dismissed, "
    "submission_id, text_claimed_at, text_counted_in, reason, model_id, picks, requeued, "
    "token_generation"
)
_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": _FLOW,
    "ExpressionAttributeNames": {"#status": "status"},
}
_PAGE: dict[str, Any] = {
    "ProjectionExpression": (
        f"{_FLOW}, #name, expires_at, forget_at, phone_ends, phone_mark, limit_salt, "
        "form_digest, renewal, unseen, saved, unanswered"
    ),
    "ExpressionAttributeNames": {"#status": "status", "#name": "name"},
}
# The attributes that `empty` removes. `dates` and `requested_at` stay, because they give the dates
# of the visitor objects that are still to be deleted.
_TAKEN = (
    "name", "phone", "phone_ends", "phone_mark", "limit_salt", "consent_at", "texts", "dataset",
    "ratings", "dismissed", "unseen", "saved", "picks", "model_id", "reason", "submission_id",
    "unanswered", "text_claimed_at", "text_claim",
    "forget_on", "forget_at", "form_digest", "renewal", "text_counted_in",
    "requeued",
)  # fmt: skip


class VisitorsTable:
    """Implements `requests.ports.Visitors`, which documents the methods."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", name: str) -> None:
        self._dynamodb, self._name = dynamodb, name
        self._table = dynamodb.Table(name)
        # For `_move`, which several threads may call at the same time: clients are thread-safe,
        # resources are not.
        self._client = dynamodb.meta.client

    def create(self, registration: Registration) -> bool:
        """Put the item on condition that the id is free; an emptied item still occupies its id."""
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
            **_expiry_values(registration.expires_at),
            "limit_salt": registration.limit_salt,
            "ratings": _rating_items(registration.ratings, registration.rated_at),
            "dismissed": list(registration.dismissed),
            "unseen": list(registration.unseen),
            "saved": list(registration.saved),
            "dates": {registration.requested_at[:10]},
        }
        if registration.form_digest is not None:
            item["form_digest"] = registration.form_digest
        if registration.phone is not None:
            item |= _phone_values(registration.phone, registration.requested_at)
        return _took_effect(
            lambda: self._table.put_item(
                Item=item, ConditionExpression="attribute_not_exists(visitor_id)"
            )
        )

    def exists(self, visitor_id: str) -> bool:
        """Read only the status, because botocore takes 10 ms to parse 500 ratings."""
        answer = self._table.get_item(
            Key={"visitor_id": visitor_id},
            ConsistentRead=True,
            ProjectionExpression="#status",
            ExpressionAttributeNames={"#status": "status"},
        )
        return _is_visitor(answer.get("Item"))

    def get(self, visitor_id: str) -> Progress | None:
        """Read the attributes of a `Progress` with a consistent read."""
        answer = self._table.get_item(
            Key={"visitor_id": visitor_id}, ConsistentRead=True, **_PROJECTION
        )
        item = answer.get("Item")
        return _progress(item) if _is_visitor(item) else None

    def page(self, visitor_id: str) -> Page | None:
        """Read the attributes of a `Page` with a consistent read."""
        answer = self._table.get_item(Key={"visitor_id": visitor_id}, ConsistentRead=True, **_PAGE)
        item = answer.get("Item")
        return _page(item) if _is_visitor(item) else None

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        """Read the items consistently, 100 per call; an id that is given twice is read once."""
        keys = [{"visitor_id": visitor_id} for visitor_id in dict.fromkeys(visitor_ids)]
        items = batch_get(self._dynamodb, self._name, keys, ConsistentRead=True, **_PROJECTION)
        found = [_progress(item) for item in items if _is_visitor(item)]
        return {progress.visitor_id: progress for progress in found}

    def recipient(self, visitor_id: str) -> Recipient | None:
        """Read the whole item with a consistent read; only this read includes the phone number."""
        item = self._table.get_item(Key={"visitor_id": visitor_id}, ConsistentRead=True).get("Item")
        if not _is_visitor(item) or "phone" not in item:
            return None
        return Recipient(
            name=str(item["name"]),
            phone=str(item["phone"]),
            progress=_progress(item),
            phone_mark=cast("str | None", item.get("phone_mark")),
        )

    def open(
        self, status: Status, until: datetime, most: int, after: str | None = None
    ) -> Slice[Progress]:
        """Query the index `open` for ids, then read the items.

        A slice may be empty although `after` is set, because the index lags behind the table.
        """
        keys = self._open_keys(status.value, until, most, after)
        # The index lags behind the table. Leave out visitors whose status has changed since.
        found = [p for p in self.get_many(keys.found).values() if p.status is status]
        return Slice(found, keys.after)

    def emptied(self, until: datetime, most: int, after: str | None = None) -> Slice[str]:
        """Query the index `open` for items that were emptied at `until` or earlier."""
        return self._open_keys(_EMPTY, until, most, after)

    def expired(self, now: datetime, most: int, after: str | None = None) -> Slice[str]:
        """List visitors who are expired at `now` and still to be forgotten.

        The index is queried day by day, oldest day first; a slice holds visitors of one day only.
        Its bookmark is the last `forget_at`, in seconds since 1970.
        """
        since, end = -1 if after is None else int(after), round(now.timestamp())
        if since >= end:
            return Slice([])
        for days in range(_UNFORGOTTEN.days, -1, -1):
            day = f"{now.astimezone(UTC) - timedelta(days=days):%Y-%m-%d}"
            answer = self._table.query(
                IndexName=_EXPIRY_INDEX,
                KeyConditionExpression="forget_on = :day AND forget_at BETWEEN :after AND :now",
                ExpressionAttributeValues={":day": day, ":after": since + 1, ":now": end},
                Limit=most,
            )
            items = [
                (int(str(item["forget_at"])), str(item["visitor_id"])) for item in answer["Items"]
            ]
            if not items:
                continue
            kept = items
            if "LastEvaluatedKey" in answer:  # as in _open_keys
                kept = [item for item in items if item[0] < items[-1][0]] or items
            return Slice([visitor_id for _, visitor_id in kept], str(kept[-1][0]))
        return Slice([])

    def _open_keys(self, status: str, until: datetime, most: int, after: str | None) -> Slice[str]:
        """Return the visitor ids in a slice of the index; its bookmark is the last `status_at`.

        ExclusiveStartKey is not used, because the item that it names may have left the index since.
        """
        answer = self._table.query(
            IndexName=_OPEN_INDEX,
            KeyConditionExpression="open_status = :status AND status_at BETWEEN :after AND :until",
            ExpressionAttributeValues={
                ":status": status,
                # A DynamoDB key must not be empty, hence "0", which sorts before every timestamp.
                # "~" sorts after every character of a timestamp.
                ":after": "0" if after is None else f"{after}~",
                ":until": timestamp(until),
            },
            Limit=most,
        )
        items = [(str(item["status_at"]), str(item["visitor_id"])) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer or not items:
            return Slice([visitor_id for _, visitor_id in items])
        # More visitors with the last `status_at` may follow. Leave all of them to the next slice,
        # unless the whole slice has that `status_at`.
        kept = [item for item in items if item[0] < items[-1][0]] or items
        return Slice([visitor_id for _, visitor_id in kept], kept[-1][0])

    def mark_requeued(self, progress: Progress, now: datetime) -> bool:
        """Write `requeued`, the time and the number of requeueings at this status."""
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": progress.visitor_id},
                UpdateExpression="SET requeued = :requeued",
                ConditionExpression="version = :version AND #status = :status",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":version": progress.version,
                    ":status": progress.status.value,
                    # Valid for this version at this status only, so no other write removes it.
                    ":requeued": {
                        "version": progress.version,
                        "status": progress.status.value,
                        "times": progress.requeued_times + 1,
                        "at": timestamp(now),
                    },
                },
            )
        )

    def mark_submitted(self, visitor_id: str, version: int, submission_id: str) -> bool:
        """Write the status on condition that this version is at `received`.

        The item stays in the index `open`.
        """
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
        """Write the picks on condition that this version is at `received` or `submitted`.

        The item stays in the index `open` only if a text is wanted. Scores are rounded to four
        decimals, predicted stars to two.
        """
        values = {"model_id": model_id, "picks": [_pick_item(pick) for pick in picks]}
        at = [Status.RECEIVED, Status.SUBMITTED]
        # If a text is wanted, the item stays open until it is sent; otherwise the picks are the
        # end.
        return self._move(
            visitor_id, version, Status.RECOMMENDED, at, values, texts=True
        ) or self._move(visitor_id, version, Status.RECOMMENDED, at, values, texts=False)

    def claim_text(self, visitor_id: str, version: int, claim: str) -> bool:
        """Write claim and time on condition that no other claim is stored.

        This version must also be at `recommended` and want a text.
        """
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression="SET text_claimed_at = :now, text_claim = :claim",
                ConditionExpression=(
                    "version = :version AND #status = :recommended AND texts = :true "
                    "AND (attribute_not_exists(text_claimed_at) OR text_claim = :claim)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":now": timestamp(datetime.now(UTC)),
                    ":claim": claim,
                    ":true": True,
                    ":version": version,
                    ":recommended": Status.RECOMMENDED.value,
                },
            )
        )

    def release_text(
        self, visitor_id: str, version: int, claim: str, counted_in: str | None
    ) -> bool:
        """Remove the claim on condition that it is stored for this version at `recommended`."""
        counted = {":counted_in": counted_in} if counted_in else {}
        remember = "SET text_counted_in = :counted_in " if counted else ""
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression=f"{remember}REMOVE text_claimed_at, text_claim",
                ConditionExpression=(
                    "version = :version AND #status = :recommended AND text_claim = :claim"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":version": version,
                    ":recommended": Status.RECOMMENDED.value,
                    ":claim": claim,
                    **counted,
                },
            )
        )

    def mark_texted(self, visitor_id: str, version: int) -> bool:
        """Write the status on condition that this version is at `recommended`.

        The item leaves the index `open`.
        """
        return self._move(visitor_id, version, Status.TEXTED, while_at=[Status.RECOMMENDED])

    def mark_failed(
        self, visitor_id: str, version: int, reason: str, while_at: Collection[Status]
    ) -> bool:
        """Write status and reason on condition that this version is at one of `while_at`.

        The item leaves the index `open`.
        """
        return self._move(visitor_id, version, Status.FAILED, while_at, {"reason": reason})

    def mark_logged(self, visitor_id: str, version: int) -> bool:
        """Remove the item from the index `open` on condition that this version is at `saved`."""
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression="REMOVE open_status",
                ConditionExpression="version = :version AND #status = :saved",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":version": version, ":saved": Status.SAVED.value},
            )
        )

    def revise(self, before: Progress, revised: Page, phone: Phone | None) -> bool:
        """Write the next version in one conditional update.

        The update adds the request's date to `dates`, and removes the submission, the claim, the
        reason and the picks of the former version.
        """
        after = revised.progress
        values: dict[str, Any] = {
            "version": after.version,
            "dataset": after.dataset,
            "texts": after.texts,
            "requested_at": after.requested_at,
            "status": after.status.value,
            "open_status": after.status.value,
            "status_at": after.status_at,
            **_expiry_values(revised.expires_at),
            "ratings": _rating_items(after.ratings, revised.rated_at),
            "dismissed": list(after.dismissed),
            "unseen": list(revised.unseen),
            "saved": list(revised.saved),
            "unanswered": [_pick_item(pick) for pick in revised.unanswered],
        }
        if phone is not None:
            values |= _phone_values(phone, after.requested_at)
        if after.token_generation != before.token_generation:
            values["token_generation"] = after.token_generation
            if revised.renewal is not None:
                values["renewal"] = revised.renewal
        names, filled, assignments = _assignments(values)
        claim = "text_claimed_at = :claimed_at"
        if before.text_claimed_at is None:
            claim = "attribute_not_exists(text_claimed_at)"
        else:
            filled[":claimed_at"] = before.text_claimed_at
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": before.visitor_id},
                UpdateExpression=(
                    f"SET {assignments} "
                    "REMOVE submission_id, text_claimed_at, text_claim, text_counted_in, reason, "
                    "model_id, picks ADD dates :date"
                ),
                ConditionExpression=(
                    f"#version = :before AND #status = :stood_at AND {claim} "
                    f"AND {_generation_is(before)}"
                ),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    **filled,
                    ":generation": before.token_generation,
                    ":before": before.version,
                    ":stood_at": before.status.value,
                    ":date": {after.requested_at[:10]},
                },
            )
        )

    def token_generation(self, visitor_id: str) -> int | None:
        """Read the generation with a consistent read; an item that stores none has generation 1."""
        answer = self._table.get_item(
            Key={"visitor_id": visitor_id},
            ConsistentRead=True,
            ProjectionExpression="visitor_id, token_generation",
        )
        item = answer.get("Item")
        return None if item is None else int(cast("Decimal", item.get("token_generation", 1)))

    def renew_token(self, before: Progress, renewal: str | None) -> bool:
        """Increment the generation if it is unchanged and the item is not emptied."""
        values: dict[str, Any] = {"token_generation": before.token_generation + 1}
        if renewal is not None:
            values["renewal"] = renewal
        names, filled, assignments = _assignments(values)
        return _took_effect(
            lambda: self._table.update_item(
                Key={"visitor_id": before.visitor_id},
                UpdateExpression=f"SET {assignments}",
                ConditionExpression=(
                    "attribute_exists(visitor_id) AND #status <> :empty "
                    f"AND {_generation_is(before)}"
                ),
                ExpressionAttributeNames={**names, "#status": "status"},
                ExpressionAttributeValues={
                    **filled,
                    ":empty": _EMPTY,
                    ":generation": before.token_generation,
                },
            )
        )

    def empty(
        self, visitor_id: str, *, expired_at: datetime | None = None
    ) -> Collection[str] | None:
        """Remove all attributes in `_TAKEN`; the item keeps the dates of the visitor objects.

        Without `expired_at` the call can be repeated and returns the same dates. DynamoDB deletes
        the item after seven days if `remove` does not.
        """
        now = datetime.now(UTC)
        values = {
            "status": _EMPTY,
            "open_status": _EMPTY,
            "status_at": timestamp(now),
            "expires_at": round((now + _UNFORGOTTEN).timestamp()),
        }
        names, filled, assignments = _assignments(values)
        condition = "attribute_exists(visitor_id)"
        if expired_at is not None:
            condition = "forget_at <= :expired_at"
            filled[":expired_at"] = round(expired_at.timestamp())
        taken = {f"#taken{number}": name for number, name in enumerate(_TAKEN)}
        try:
            answer = self._table.update_item(
                Key={"visitor_id": visitor_id},
                UpdateExpression=f"SET {assignments} REMOVE {', '.join(taken)}",
                ConditionExpression=condition,
                ExpressionAttributeNames={**names, **taken},
                ExpressionAttributeValues=filled,
                ReturnValues="ALL_NEW",
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return None
        item = answer["Attributes"]
        dates = {str(item["requested_at"])[:10]}
        return dates | {str(date) for date in cast("set[str]", item.get("dates", set()))}

    def remove(self, visitor_id: str) -> None:
        """Delete the item on condition that it is emptied."""
        _took_effect(
            lambda: self._table.delete_item(
                Key={"visitor_id": visitor_id},
                ConditionExpression="#status = :empty",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":empty": _EMPTY},
            )
        )

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
        """Write a status if the stored version and status are the expected ones.

        The item stays in the index `open` while a result or a text is still to come.

        Args:
            visitor_id: the visitor's id.
            version: the version that must be stored.
            to: the status to write.
            while_at: the statuses of which one must be stored.
            values: more attributes to write.
            texts: if given, the item's `texts` (a text is wanted) must have this value, too.

        Returns:
            Whether the write took effect.
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
        names, filled, assignments = _assignments(written)
        return _took_effect(
            lambda: self._client.update_item(
                TableName=self._name,
                Key={"visitor_id": visitor_id},
                UpdateExpression=f"SET {assignments}" + ("" if is_open else " REMOVE open_status"),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**expected, **filled},
            )
        )


def _took_effect(write: Any) -> bool:
    """Run a conditional write and return whether its condition held."""
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _generation_is(before: Progress) -> str:
    """Return the condition that the token generation is unchanged; generation 1 is not stored."""
    stored = "token_generation = :generation"
    first = before.token_generation == 1
    return f"(attribute_not_exists(token_generation) OR {stored})" if first else stored


def _assignments(values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any], str]:
    """Return the names, the values and the text of a SET clause.

    Every name is a placeholder, because DynamoDB reserves some names.
    """
    return (
        {f"#{name}": name for name in values},
        {f":{name}": value for name, value in values.items()},
        ", ".join(f"#{name} = :{name}" for name in values),
    )


def _is_visitor(item: Mapping[str, Any] | None) -> TypeIs[Mapping[str, Any]]:
    """Return whether the item exists and has not been emptied."""
    return item is not None and item["status"] != _EMPTY


def _expiry_values(expires_at: int) -> dict[str, Any]:
    """Return the attributes that say when a visitor is forgotten.

    `forget_on` (a date) and `forget_at` (seconds since 1970) are the keys of the index `expiry`,
    which the sweep reads. `expires_at` is when DynamoDB deletes the item.
    """
    return {
        "forget_on": f"{datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d}",
        "forget_at": expires_at,
        "expires_at": expires_at + round(_UNFORGOTTEN.total_seconds()),
    }


def _phone_values(phone: Phone, consent_at: str) -> dict[str, str]:
    return {
        "phone": phone.number,
        "phone_ends": phone.ends,
        "phone_mark": phone.mark,
        "consent_at": consent_at,
    }


def _rating_items(
    ratings: Sequence[Rating], rated_at: Mapping[int, str]
) -> list[dict[str, int | str]]:
    """Return the items of ratings; `rated_at`, by movie_id, need not have all of them."""
    return [
        {
            "movie_id": rating.movie_id,
            "stars": rating.stars,
            **({"rated_at": at} if (at := rated_at.get(rating.movie_id)) else {}),
        }
        for rating in ratings
    ]


def _pick_item(pick: Pick) -> dict[str, Any]:
    return {
        "movie_id": pick.movie_id,
        "score": Decimal(str(round(pick.score, 4))),
        "stars": Decimal(str(round(pick.stars, 2))),
        "because": list(pick.because),
    }


def _progress(item: Mapping[str, Any]) -> Progress:
    plain = _without_decimals(item)
    requeued = plain.get("requeued", {})
    if any(requeued.get(name) != plain[name] for name in ("version", "status")):
        requeued = {}
    return Progress(
        visitor_id=plain["visitor_id"],
        version=plain["version"],
        dataset=plain["dataset"],
        status=Status(plain["status"]),
        status_at=plain["status_at"],
        requested_at=plain["requested_at"],
        ratings=ratings_from(plain["ratings"]),
        texts=plain["texts"],
        dismissed=movie_ids_from(plain.get("dismissed", []), "dismissed"),
        submission_id=plain.get("submission_id"),
        text_claimed_at=plain.get("text_claimed_at"),
        text_counted_in=plain.get("text_counted_in"),
        reason=plain.get("reason"),
        model_id=plain.get("model_id"),
        picks=picks_from(plain["picks"]) if "picks" in plain else None,
        requeued_times=requeued.get("times", 0),
        requeued_at=requeued.get("at"),
        token_generation=plain.get("token_generation", 1),
    )


def _page(item: Mapping[str, Any]) -> Page:
    return Page(
        progress=_progress(item),
        name=str(item["name"]),
        # Items that were stored before the index `expiry` existed have no `forget_at`.
        expires_at=int(item.get("forget_at", item["expires_at"])),
        phone_ends=item.get("phone_ends"),
        phone_mark=item.get("phone_mark"),
        form_digest=item.get("form_digest"),
        renewal=item.get("renewal"),
        limit_salt=str(item.get("limit_salt", item["visitor_id"])),
        rated_at={
            int(rating["movie_id"]): str(rating["rated_at"])
            for rating in item["ratings"]
            if "rated_at" in rating
        },
        unseen=movie_ids_from(_without_decimals(item.get("unseen", [])), "unseen"),
        saved=movie_ids_from(_without_decimals(item.get("saved", [])), "saved"),
        unanswered=picks_from(_without_decimals(item.get("unanswered", []))),
    )


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_without_decimals(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_decimals(item) for key, item in value.items()}
    return value
