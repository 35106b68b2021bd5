"""The EMR steps as EMR wants to be asked for them. Pure: no AWS is called here."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marquee.contracts import CurrentModel, results_prefix, submission_key

type Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepLocations:
    """Where the steps' scripts, inputs and outputs lie.

    `scripts` is an `s3://…/` prefix that holds the step scripts and `marquee.zip`; the others
    are bucket names.
    """

    scripts: str
    ratings_bucket: str
    models_bucket: str
    results_bucket: str


def new_model_id(now: datetime) -> str:
    """Name a model so that names sort by time and two made in one second differ."""
    return f"{now.astimezone(UTC):%Y%m%dt%H%M%Sz}-{secrets.token_hex(3)}"


def prepare_step(where: StepLocations, dataset: str) -> Step:
    """Clean the raw files of a data set into Parquet."""
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
    in_use: CurrentModel | None = None,
    switch: bool = False,
    sizes: Sequence[int] = (),
    all_visitors: bool = False,
) -> Step:
    """Train `model_id`; with `switch` the data set becomes the active one.

    `in_use` is the model that the new one must not be worse than, if it is of the same data set.
    `sizes` are the ranks of ALS to fit beside it: not where a visitor waits for the model.
    `all_visitors` tries again with those whom the model in use was trained without.
    """
    compared = in_use.model_id if in_use is not None and in_use.dataset == dataset else None
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


def similar_step(where: StepLocations, model_id: str) -> Step:
    """Find each movie's most similar ones, by a trained model."""
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
) -> Step:
    """Measure models on a prepared data set: all of them, by its own split, where none are named.

    `official` tells that the raw files hold splits that the data set's makers published.
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
) -> Step:
    """Serve a submission from a model."""
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
    return f"recommend-{submission_id}" + (f"-{attempt}" if attempt > 1 else "")


def parse_recommend_step_name(name: str) -> tuple[str, int] | None:
    """Give the submission and the attempt of a recommend step, None for any other step."""
    kind, _, rest = name.partition("-")
    submission_id, _, attempt = rest.partition("-")
    if kind != "recommend" or not submission_id:
        return None
    return submission_id, int(attempt) if attempt.isdigit() else 1


def _spark_step(where: StepLocations, name: str, script: str, arguments: Sequence[str]) -> Step:
    scripts = where.scripts.rstrip("/")
    return {
        "Name": name,
        # A failed step must not take other visitors' steps with it.
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
