"""Read from the models bucket: the active model, its movies and its quality."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import CurrentModel
from operations.deployment import Deployment
from operations.errors import OperationError

CURRENT = "current.json"


def current_model(deployment: Deployment) -> CurrentModel | None:
    """Return the active model, or None before the first training."""
    kept = _read(deployment, CURRENT)
    return CurrentModel.from_json(kept) if kept is not None else None


def model_json(deployment: Deployment, model_id: str, name: str) -> Any:
    """Return the content of a JSON file in a model folder, or None if the file is missing."""
    kept = _read(deployment, f"{model_id}/{name}")
    return json.loads(kept) if kept is not None else None


def _read(deployment: Deployment, key: str) -> bytes | None:
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
    return kept["Body"].read()


def switch_to(deployment: Deployment, model_id: str) -> CurrentModel:
    """Publish a trained model and make its data set the active one.

    Raises:
        OperationError: if the model has no manifest, which a training writes last.
    """
    manifest = model_json(deployment, model_id, "manifest.json")
    if manifest is None:
        raise OperationError(f"There is no complete model {model_id}: train again.")
    metrics = model_json(deployment, model_id, "metrics.json") or {}
    current = CurrentModel(
        model_id=model_id,
        dataset=manifest["dataset"],
        trained_at=manifest["trained_at"],
        users=manifest["counts"]["users"],
        ratings=manifest["counts"]["ratings"],
        left_out=(metrics.get("left_out") or {}).get("visitors", 0),
    )
    boto3.client("s3").put_object(
        Bucket=deployment.parameter("models-bucket"),
        Key=CURRENT,
        Body=current.to_json().encode(),
        ContentType="application/json",
    )
    return current
