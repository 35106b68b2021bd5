"""Build the EMR steps in the format of EMR's API, without calling AWS."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marquee.contracts import CurrentModel, results_prefix, submission_key

type StepRequest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepLocations:
    """The locations of the steps' scripts, inputs and outputs.

    `scripts` is an `s3://…/` prefix that holds the step scripts and `marquee.zip`. The others are
    bucket names.
    """

    scripts: str
    ratings_bucket: str
    models_bucket: str
    results_bucket: str


def new_model_id(now: datetime) -> str:
    """Return a new model id.

    Ids sort by time, and two that are made in the same second differ.
    """
    return f"{now.astimezone(UTC):%Y%m%dt%H%M%Sz}-{secrets.token_hex(3)}"


def prepare_step(where: StepLocations, dataset: str) -> StepRequest:
    """Return the step that cleans the raw files of a data set and writes Parquet."""
    ratings = f"s3://{where.ratings_bucket}"
    return _spark_step(
        where,
        f"prepare-{dataset}",
        "prepare.py",
        [
            *("--dataset", dataset),
            *("--raw", f"{ratings}/raw/{dataset}/"),
            *("--ratings", f"{ratings}/ratings/dataset={dataset}/"),
            *("--movies", f"{ratings}/movies/dataset={dataset}/"),
            *("--tags", f"{ratings}/tags/dataset={dataset}/"),
            *("--report", f"{ratings}/reports/dataset={dataset}/"),
        ],
    )


def train_step(
    where: StepLocations,
    dataset: str,
    model_id: str,
    *,
    active: CurrentModel | None = None,
    switch: bool = False,
    sizes: Sequence[int] = (),
    all_visitors: bool = False,
) -> StepRequest:
    """Return the step that trains the model `model_id`.

    Args:
        where: the locations.
        dataset: the data set to train on.
        model_id: the id of the new model.
        active: the active model. If it is of the same data set, the new model must pass the
            regression check against it.
        switch: whether the data set becomes the active one.
        sizes: ranks of additional ALS models to fit; none if a visitor waits for the model.
        all_visitors: whether to try again with the visitors who are left out of the active model.
    """
    compared = active.model_id if active is not None and active.dataset == dataset else None
    ratings = f"s3://{where.ratings_bucket}"
    return _spark_step(
        where,
        f"train-{model_id}",
        "train.py",
        [
            *("--dataset", dataset),
            *("--ratings", f"{ratings}/ratings/dataset={dataset}/"),
            *("--movies", f"{ratings}/movies/dataset={dataset}/"),
            *("--tags", f"{ratings}/tags/dataset={dataset}/"),
            *("--visitors", f"{ratings}/visitors/"),
            *("--model", f"s3://{where.models_bucket}/{model_id}/"),
            *("--current", f"s3://{where.models_bucket}/current.json"),
            *(["--in-use", f"s3://{where.models_bucket}/{compared}/"] if compared else []),
            *(["--sizes", ",".join(map(str, sizes))] if sizes else []),
            *(["--switch"] if switch else []),
            *(["--all-visitors"] if all_visitors else []),
        ],
    )


def similar_step(where: StepLocations, model_id: str) -> StepRequest:
    """Return the step that finds the similar movies of every movie in a trained model."""
    return _spark_step(
        where,
        f"similar-{model_id}",
        "similar.py",
        ["--model", f"s3://{where.models_bucket}/{model_id}/"],
    )


def evaluate_step(
    where: StepLocations,
    dataset: str,
    *,
    models: Sequence[str] = (),
    split: str | None = None,
    seed: int = 1,
    official: bool = False,
) -> StepRequest:
    """Return the step that measures models on a prepared data set.

    Args:
        where: the locations.
        dataset: the data set.
        models: names of the models to measure; all if empty.
        split: the name of the split; None for the official one if there is one, else a random one.
        seed: the seed of the split and of ALS.
        official: whether the raw files hold splits that the data set's makers published.
    """
    ratings = f"s3://{where.ratings_bucket}"
    return _spark_step(
        where,
        f"evaluate-{dataset}",
        "evaluate.py",
        [
            *("--dataset", dataset),
            *("--ratings", f"{ratings}/ratings/dataset={dataset}/"),
            *("--movies", f"{ratings}/movies/dataset={dataset}/"),
            *("--tags", f"{ratings}/tags/dataset={dataset}/"),
            *(["--raw", f"{ratings}/raw/{dataset}/"] if official else []),
            *("--report", f"{ratings}/reports/dataset={dataset}/"),
            *(["--models", ",".join(models)] if models else []),
            *(["--split", split] if split else []),
            *("--seed", str(seed)),
        ],
    )


def recommend_step(
    where: StepLocations, submission_id: str, model_id: str, *, attempt: int = 1
) -> StepRequest:
    """Return the step that computes the picks of a submission with a model."""
    return _spark_step(
        where,
        recommend_step_name(submission_id, attempt),
        "recommend.py",
        [
            *("--submission", f"s3://{where.ratings_bucket}/{submission_key(submission_id)}"),
            *("--model", f"s3://{where.models_bucket}/{model_id}/"),
            *("--results", f"s3://{where.results_bucket}/{results_prefix(submission_id)}"),
        ],
    )


def recommend_step_name(submission_id: str, attempt: int) -> str:
    """Return the name of a recommend step; attempts after the first have their number in it."""
    return f"recommend-{submission_id}" + (f"-{attempt}" if attempt > 1 else "")


def parse_recommend_step_name(name: str) -> tuple[str, int] | None:
    """Return submission id and attempt of a recommend step; None for any other step."""
    kind, _, rest = name.partition("-")
    submission_id, _, attempt = rest.partition("-")
    if kind != "recommend" or not submission_id:
        return None
    return submission_id, int(attempt) if attempt.isdigit() else 1


def _spark_step(
    where: StepLocations, name: str, script: str, arguments: Sequence[str]
) -> StepRequest:
    scripts = where.scripts.rstrip("/")
    return {
        "Name": name,
        # A failed step must not cancel the steps of other visitors.
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [
                *("spark-submit", "--deploy-mode", "client"),
                *("--py-files", f"{scripts}/marquee.zip"),
                f"{scripts}/{script}",
                *arguments,
            ],
        },
    }
