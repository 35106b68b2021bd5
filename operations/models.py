"""Read what lies in the models bucket: the model in use, its movies, how good it is."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import CurrentModel
from operations.environment import Environment
from operations.errors import OperationError

CURRENT = "current.json"


def current_model(environment: Environment) -> CurrentModel | None:
    """Return the model in use, None before the first training."""
    kept = _read(environment, CURRENT)
    return CurrentModel.from_json(kept) if kept is not None else None


def model_json(environment: Environment, model_id: str, name: str) -> Any:
    """Return a JSON file of a model folder, None where the folder lacks it."""
    kept = _read(environment, f"{model_id}/{name}")
    return json.loads(kept) if kept is not None else None


def _read(environment: Environment, key: str) -> bytes | None:
    s3 = boto3.client("s3")
    try:
        kept = s3.get_object(Bucket=environment.parameter("models-bucket"), Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    except ClientError as error:
        # Without ListBucket on AWS a missing object looks forbidden.
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "AccessDenied"}:
            return None
        raise
    return kept["Body"].read()


def switch_to(environment: Environment, model_id: str) -> CurrentModel:
    """Make a trained model the one in use, and its data set the active one."""
    manifest = model_json(environment, model_id, "manifest.json")
    if manifest is None:
        raise OperationError(f"There is no whole model {model_id}: train again.")
    metrics = model_json(environment, model_id, "metrics.json") or {}
    current = CurrentModel(
        model_id=model_id,
        dataset=manifest["dataset"],
        trained_at=manifest["trained_at"],
        users=manifest["counts"]["users"],
        ratings=manifest["counts"]["ratings"],
        left_out=(metrics.get("left_out") or {}).get("visitors", 0),
    )
    boto3.client("s3").put_object(
        Bucket=environment.parameter("models-bucket"),
        Key=CURRENT,
        Body=current.to_json().encode(),
        ContentType="application/json",
    )
    return current
