"""Publish a kept model again (`make rollback-model`): the previous one or a named one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from marquee.contracts import CurrentModel, DataVersion
from marquee.recommender.model import ModelError
from marquee.recommender.model_folder import (
    BESIDE_FILE_NAMES,
    file_names_of,
    read_beside,
    read_model,
)
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model, publish_model
from operations.objects import folders

# A limit, because each model is read whole to check it, and a deployment with few ratings trains
# for every submission.
SHOWN = 10


@dataclass(frozen=True)
class KeptModel:
    """A model folder in the models bucket; `damage` says why it is unusable, None if it is usable.

    Data set, time and metrics are empty if the folder cannot be read.
    """

    model_id: str
    dataset: str = ""
    data_version: str = ""
    trained_at: str = ""
    ratings: int = 0
    metrics: Mapping[str, Any] | None = None
    damage: str | None = None

    @property
    def data(self) -> DataVersion:
        """The data that the model was trained on."""
        return DataVersion(self.dataset, self.data_version)

    def __str__(self) -> str:
        if self.damage is not None:
            return f"{self.model_id}  cannot be used: {self.damage}"
        words = [self.model_id, self.dataset, f"trained {self.trained_at}"]
        words.append(f"{self.ratings:,} ratings")
        rmse = (self.metrics or {}).get("test_rmse")
        if rmse is not None:
            words.append(f"test RMSE {rmse:.4f} stars")
        return "  ".join(words)


def rollback_model(deployment: Deployment, phases: Phases, model_id: str | None = None) -> None:
    """List the kept models and publish one: the named one, or the previous one.

    Raises:
        OperationError: if no model is active, or the model is not kept, damaged, half-written or
            of other data than the active one.
    """
    current = current_model(deployment)
    if current is None:
        raise OperationError(
            f"Deployment {deployment.name!r} has no active model: import ratings with"
            " 'make import DATA=…'."
        )
    with phases.phase("check the kept models") as phase:
        ids = kept_model_ids(deployment)
        checked: dict[str, KeptModel] = {}
        for each in ids[:SHOWN]:
            phase.detail(each)
            checked[each] = check(deployment, each)
        phase.result = f"{len(checked)} of {len(ids)}, the newest first"
    for kept in checked.values():
        mark = "  (active)" if kept.model_id == current.model_id else ""
        out.print(f"  {kept}{mark}", markup=False)
    chosen = (
        _named(deployment, model_id, ids, current)
        if model_id
        else _the_one_before(deployment, ids, current, checked)
    )
    publish_model(deployment, chosen.model_id)
    out.print(
        f"Active now: {chosen.model_id}, trained {chosen.trained_at}. Before:"
        f" {current.model_id}, trained {current.trained_at}. The API uses it within seconds. The"
        " next training, scheduled or for new visitors, publishes a new model.",
        markup=False,
    )


def kept_model_ids(deployment: Deployment) -> list[str]:
    """Return the ids of all model folders, newest first, including half-written ones."""
    bucket = deployment.parameter("models-bucket")
    return sorted(folders(boto3.client("s3"), bucket, ""), reverse=True)


def check(deployment: Deployment, model_id: str) -> KeptModel:
    """Read a whole model folder and check every file against the manifest's checksums.

    A damaged model does not raise; `damage` of the result says what is wrong.
    """
    s3, bucket = boto3.client("s3"), deployment.parameter("models-bucket")

    def read(name: str) -> bytes:
        try:
            return s3.get_object(Bucket=bucket, Key=f"{model_id}/{name}")["Body"].read()
        except s3.exceptions.NoSuchKey as error:
            raise LookupError(name) from error

    try:
        model = read_model(read)
        for name in set(file_names_of(read)) & set(BESIDE_FILE_NAMES):
            read_beside(read, name)
    except ModelError as error:
        # Training again does not bring an older model back.
        return KeptModel(model_id, damage=str(error).removesuffix("; train again"))
    return KeptModel(
        model_id,
        model.dataset,
        model.data_version,
        model.trained_at,
        model.counts.ratings,
        dict(model.metrics),
    )


def _named(
    deployment: Deployment, model_id: str, ids: list[str], current: CurrentModel
) -> KeptModel:
    if model_id not in ids:
        raise OperationError(
            f"MODEL is {model_id!r}: no such model is kept. The newest are"
            f" {', '.join(ids[:3]) or 'none'}."
        )
    if model_id == current.model_id:
        raise OperationError(f"MODEL is {model_id!r}, which is already the active model.")
    kept = check(deployment, model_id)
    if kept.damage is not None:
        raise OperationError(f"Model {model_id} cannot be used: {kept.damage}. Choose another.")
    if kept.dataset != current.dataset:
        raise OperationError(
            f"Model {model_id} was trained on {kept.dataset!r}, and the active data set is"
            f" {current.dataset!r}, which visitors rated: import {kept.dataset!r} to switch to it."
        )
    if kept.data != current.data:
        raise OperationError(
            f"Model {model_id} was trained on other ratings of {kept.dataset!r} than the active"
            " ones: 'make rollback-data' brings back the former ratings together with their model."
        )
    return kept


def _the_one_before(
    deployment: Deployment,
    ids: list[str],
    current: CurrentModel,
    checked: Mapping[str, KeptModel],
) -> KeptModel:
    older: Iterator[KeptModel] = (
        checked.get(each) or check(deployment, each) for each in ids if each < current.model_id
    )
    usable = (each for each in older if each.damage is None and each.data == current.data)
    found = next(usable, None)
    if found is None:
        raise OperationError(
            f"Nothing was changed: no complete model of the active ratings ({current.dataset!r}) is"
            f" older than {current.model_id}, which is the active one. 'make rollback-data' brings"
            " back the former ratings together with their model."
        )
    return found
