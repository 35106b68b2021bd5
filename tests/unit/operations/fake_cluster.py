"""A fake EMR for the tests of commands that run steps."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3

from marquee.contracts import CurrentModel, DataVersion
from marquee.recommender.model_folder import to_files
from marquee.requests.emr_step_requests import StepLocations, StepRequest
from operations.deployment import Deployment
from tests.unit.aws import model_of_dataset

WHERE = StepLocations("s3://scripts/", "ratings", "models", "results")
COUNTS = {"rows": 300, "ratings": 300, "users": 30, "movies_rated": 20, "duplicates": 0}


def option(step: StepRequest, name: str) -> str:
    arguments: list[str] = step["HadoopJarStep"]["Args"]
    return arguments[arguments.index(name) + 1] if name in arguments else ""


def put(uri: str, content: bytes) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


class Cluster:
    """A fake EMR whose steps write what the real ones write, in the same order."""

    def __init__(self) -> None:
        self.steps: list[StepRequest] = []
        self.fails: dict[str, Exception] = {}  # by the first word of the step's name
        self.before: Callable[[str], None] = lambda kind: None
        self.prepared: dict[str, Any] = {**COUNTS, "bad_rows": {}, "examples": []}

    def run(self, _: Deployment, step: StepRequest, progress: object = None) -> None:
        kind = step["Name"].partition("-")[0]
        self.steps.append(step)
        self.before(kind)
        if kind in self.fails:
            raise self.fails[kind]
        if kind == "prepare":
            for each in ("ratings", "movies", "tags"):
                put(f"{option(step, f'--{each}')}part-0.parquet", each.encode())
            put(f"{option(step, '--report')}prepare.json", json.dumps(self.prepared).encode())
        elif kind == "train":
            self._train(step)

    def _train(self, step: StepRequest) -> None:
        model_id = step["Name"].removeprefix("train-")
        keep_model(DataVersion(option(step, "--dataset"), option(step, "--data-version")), model_id)

    @property
    def last(self) -> StepRequest:
        return self.steps[-1]


def keep_model(data: DataVersion, model_id: str) -> None:
    """Write a model folder, and name the model as the newest one of its data."""
    model = replace(model_of_dataset(data.dataset), model_id=model_id, data_version=data.version)
    for name, content in to_files(model).items():
        put(f"s3://models/{model_id}/{name}", content)
    newest = CurrentModel(model_id, data.dataset, model.trained_at, 100, 5000, 0, data.version)
    put(f"s3://models/{data.newest_key}", newest.to_json().encode())
