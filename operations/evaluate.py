"""Evaluate models on a data set's held-out ratings; never publishes a model."""

import json
from pathlib import Path
from typing import Any

import boto3

from marquee.recommender.scorers import UnknownModelError, models_named
from marquee.requests.emr_step_requests import evaluate_step
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import (
    Found,
    Origin,
    origin_of,
    prepare_data_set,
    read_into_canonical_files,
)
from operations.models import current_model
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

    They are prepared first, unless that was done before.
    """
    try:
        names = models_named(models)
    except UnknownModelError as error:
        raise OperationError(f"Nothing was evaluated: {error}") from error
    with read_into_canonical_files(deployment, phases, path, name) as found:
        where = locations(deployment)
        known = origin_of(deployment, found.name)
        wanted = Origin(found.digests(), where.scripts)
        if known == wanted:
            out.print("  already prepared from these files")
        else:
            _spare_the_active(deployment, found, known, wanted)
            prepare_data_set(deployment, phases, found)
    step = evaluate_step(
        where,
        found.name,
        models=names,
        split=split,
        seed=seed,
        official=bool(found.report.official_tests),
    )
    with phases.phase(f"evaluate on {found.name}") as phase:
        run_step(deployment, step, phase.detail)
        report = _report(deployment, found.name)
        phase.result = f"split {report['split']['name']}, seed {report['split']['seed']}"
    return report


def _spare_the_active(
    deployment: Deployment, found: Found, known: Origin | None, wanted: Origin
) -> None:
    """Raise OperationError if preparing would replace the active data set with other ratings.

    It raises only if the data set is the active one and the files differ from those that the
    active data set was made from. An unknown origin counts as different.
    """
    current = current_model(deployment)
    same_files = known is not None and known.files == wanted.files
    if current is not None and current.dataset == found.name and not same_files:
        raise OperationError(
            f"{found.name} is the active data set, but {found.folder} contains other files than it"
            " was made from: choose another name, such as NAME=another, or import them."
        )


def _report(deployment: Deployment, dataset: str) -> dict[str, Any]:
    kept = boto3.client("s3").get_object(
        Bucket=deployment.parameter("ratings-bucket"),
        Key=f"reports/dataset={dataset}/evaluation.json",
    )
    return dict(json.loads(kept["Body"].read()))
