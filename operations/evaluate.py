"""Evaluate models on a data set's held-out ratings; never publishes a model."""

import json
from pathlib import Path
from typing import Any

import boto3

from marquee.contracts import DataVersion
from marquee.recommender.scorers import UnknownModelError, models_named
from marquee.requests.emr_step_requests import evaluate_step
from operations.console import Phases, out
from operations.data_versions import EVALUATION
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import (
    Origin,
    origin_of,
    prepare_data_set,
    read_into_canonical_files,
)
from operations.running_steps import locations, run_step


def evaluate_models(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    *,
    name: str | None = None,
    models: str | None = None,
    split: str | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Evaluate models on the ratings that a path names; return the report.

    They are prepared first, unless that was done before. The active ratings never change.
    """
    try:
        names = models_named(models)
    except UnknownModelError as error:
        raise OperationError(f"Nothing was evaluated: {error}") from error
    with read_into_canonical_files(deployment, phases, path, name) as found:
        where = locations(deployment)
        data = DataVersion(found.name, EVALUATION)
        if origin_of(deployment, data) == Origin(found.digests(), where.scripts):
            out.print("  already prepared from these files")
        else:
            prepare_data_set(deployment, phases, found, data)
    step = evaluate_step(
        where,
        data,
        models=names,
        split=split,
        seed=seed,
        official=bool(found.report.official_tests),
    )
    with phases.phase(f"evaluate on {found.name}") as phase:
        run_step(deployment, step, phase.detail)
        report = _report(deployment, data)
        phase.result = f"split {report['split']['name']}, seed {report['split']['seed']}"
    return report


def _report(deployment: Deployment, data: DataVersion) -> dict[str, Any]:
    kept = boto3.client("s3").get_object(
        Bucket=deployment.parameter("ratings-bucket"),
        Key=f"{data.prefix('reports')}evaluation.json",
    )
    return dict(json.loads(kept["Body"].read()))
