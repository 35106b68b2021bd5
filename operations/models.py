"""Read and write the models bucket: the active pair, the active model and its files."""

import json
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import ContractError, CurrentModel
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.objects import CHANGED

CURRENT = "current.json"


@dataclass(frozen=True, slots=True)
class SeenPair:
    """The active pair as it was read.

    Attributes:
        active: the newest model of the active data; None before the first import.
        etag: the ETag of `current.json`; None if there is no such object.
    """

    active: CurrentModel | None
    etag: str | None


def describe_pair(pair: CurrentModel) -> str:
    """Return the name, the version and the size of a pair's data, as messages show them."""
    version = f", version {pair.data_version}" if pair.data_version else ""
    return f"{pair.dataset}{version}, {pair.ratings:,} ratings"


def see_pair(deployment: Deployment) -> SeenPair:
    """Read the active pair, so that it can be replaced only while it is the same."""
    kept = _read(deployment, CURRENT)
    if kept is None:
        return SeenPair(None, None)
    content, etag = kept
    pair = _parse(CURRENT, content)
    return SeenPair(pair.with_newest(newest_model(deployment, pair)), etag)


def current_model(deployment: Deployment) -> CurrentModel | None:
    """Return the active model, or None before the first import."""
    return see_pair(deployment).active


def newest_model(deployment: Deployment, pair: CurrentModel) -> CurrentModel | None:
    """Return the newest model of a pair's data; None if no training has named one."""
    key = pair.data.newest_key
    kept = _read(deployment, key)
    return _parse(key, kept[0]) if kept is not None else None


def _parse(key: str, content: bytes) -> CurrentModel:
    try:
        return CurrentModel.from_json(content)
    except ContractError as error:
        raise OperationError(
            f"{key} in the models bucket cannot be read ({error}): the bucket keeps its former"
            " versions; copy the last readable one over it."
        ) from error


def model_json(deployment: Deployment, model_id: str, name: str) -> Any:
    """Return the content of a JSON file in a model folder, or None if the file is missing."""
    kept = _read(deployment, f"{model_id}/{name}")
    return json.loads(kept[0]) if kept is not None else None


def _read(deployment: Deployment, key: str) -> tuple[bytes, str] | None:
    """Return the content and the ETag of an object, or None if it is missing."""
    s3 = boto3.client("s3")
    try:
        kept = s3.get_object(Bucket=deployment.parameter("models-bucket"), Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    except ClientError as error:
        # Without s3:ListBucket, AWS answers AccessDenied for a missing object.
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "AccessDenied"}:
            return None
        raise
    return kept["Body"].read(), kept["ETag"]


def trained_model(deployment: Deployment, model_id: str) -> CurrentModel:
    """Return what `current.json` says of a trained model.

    Raises:
        OperationError: if the model has no manifest, which a training writes last.
    """
    manifest = model_json(deployment, model_id, "manifest.json")
    if manifest is None:
        raise OperationError(f"There is no complete model {model_id}: train again.")
    metrics = model_json(deployment, model_id, "metrics.json") or {}
    return CurrentModel(
        model_id=model_id,
        dataset=manifest["dataset"],
        trained_at=manifest["trained_at"],
        users=manifest["counts"]["users"],
        ratings=manifest["counts"]["ratings"],
        left_out=(metrics.get("left_out") or {}).get("visitors", 0),
        data_version=manifest.get("data_version", ""),
    )


def publish_model(deployment: Deployment, model_id: str) -> CurrentModel:
    """Make a model the newest one of its data. If that data is active, so is the model then.

    Raises:
        OperationError: if the model is not complete.
    """
    chosen = trained_model(deployment, model_id)
    boto3.client("s3").put_object(
        Bucket=deployment.parameter("models-bucket"),
        Key=chosen.data.newest_key,
        Body=chosen.to_json().encode(),
        ContentType="application/json",
    )
    return chosen


def switch_to(deployment: Deployment, model_id: str, seen: SeenPair) -> CurrentModel:
    """Make a trained model and its data the active pair by one write; keep the former pair.

    Args:
        deployment: the deployment.
        model_id: the model.
        seen: the pair that the new one replaces.

    Raises:
        OperationError: if the model is not complete, or another pair has become active since `seen`
            was read. Then nothing is changed.
    """
    chosen = trained_model(deployment, model_id)
    former = seen.active
    if former is not None:
        # A model of the same data replaces no pair, so the former pair stays the same.
        kept = former.former if former.data == chosen.data else replace(former, former=None)
        chosen = replace(chosen, former=kept)
    condition = {"IfNoneMatch": "*"} if seen.etag is None else {"IfMatch": seen.etag}
    content = chosen.to_json().encode()
    try:
        boto3.client("s3").put_object(
            Bucket=deployment.parameter("models-bucket"),
            Key=CURRENT,
            Body=content,
            ContentType="application/json",
            **condition,  # type: ignore[arg-type]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in CHANGED:
            raise
        now = _read(deployment, CURRENT)
        # The answer to the first try may have been lost: the client then tried again.
        if now is None or now[0] != content:
            raise OperationError(
                "Nothing was changed: another command has made other data active in the meantime."
                " 'make status' shows which; run this command again if it is still needed."
            ) from error
    return chosen
