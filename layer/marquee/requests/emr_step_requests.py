"""Build the EMR steps in the format of EMR's API, without calling AWS."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marquee.contracts import CurrentModel, DataVersion, results_prefix, submission_key

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


def new_data_version(dataset: str, now: datetime) -> DataVersion:
    """Return a new version of a data set; ids of versions sort by time, as those of models do."""
    return DataVersion(dataset, new_model_id(now))


def prepare_step(where: StepLocations, data: DataVersion) -> StepRequest:
    """Return the step that cleans the raw files of a data set and writes Parquet."""
    return _spark_step(
        where,
        f"prepare-{data.dataset}",
        "prepare.py",
        [
            *("--dataset", data.dataset),
            *("--raw", _folder(where, data, "raw")),
            *_prepared(where, data),
            *("--report", _folder(where, data, "reports")),
        ],
    )


def train_step(
    where: StepLocations,
    data: DataVersion,
    model_id: str,
    *,
    active: CurrentModel | None = None,
    sizes: Sequence[int] = (),
    all_visitors: bool = False,
    force: bool = False,
) -> StepRequest:
    """Return the step that trains the model `model_id`.

    Args:
        where: the locations.
        data: the data to train on.
        model_id: the id of the new model.
        active: the active model. If it is of a data set of the same name, the new model must pass
            the regression check against it.
        sizes: ranks of additional ALS models to fit; none if a visitor waits for the model.
        all_visitors: whether to try again with the visitors who are left out of the active model.
        force: whether to accept a model that no ratings could be held out for.
    """
    compared = active.model_id if active is not None and active.dataset == data.dataset else None
    return _spark_step(
        where,
        f"train-{model_id}",
        "train.py",
        [
            *("--dataset", data.dataset),
            *(["--data-version", data.version] if data.version else []),
            *_prepared(where, data),
            *("--visitors", f"s3://{where.ratings_bucket}/visitors/"),
            *("--model", f"s3://{where.models_bucket}/{model_id}/"),
            *("--newest", f"s3://{where.models_bucket}/{data.newest_key}"),
            *(["--in-use", f"s3://{where.models_bucket}/{compared}/"] if compared else []),
            *(["--sizes", ",".join(map(str, sizes))] if sizes else []),
            *(["--all-visitors"] if all_visitors else []),
            *(["--force"] if force else []),
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
    data: DataVersion,
    *,
    models: Sequence[str] = (),
    split: str | None = None,
    seed: int = 1,
    official: bool = False,
) -> StepRequest:
    """Return the step that measures models on a prepared data set.

    Args:
        where: the locations.
        data: the prepared data.
        models: names of the models to measure; all if empty.
        split: the name of the split; None for the official one if there is one, else a random one.
        seed: the seed of the split and of ALS.
        official: whether the raw files hold splits that the data set's makers published.
    """
    return _spark_step(
        where,
        f"evaluate-{data.dataset}",
        "evaluate.py",
        [
            *("--dataset", data.dataset),
            *_prepared(where, data),
            *(["--raw", _folder(where, data, "raw")] if official else []),
            *("--report", _folder(where, data, "reports")),
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


def _folder(where: StepLocations, data: DataVersion, kind: str) -> str:
    return f"s3://{where.ratings_bucket}/{data.prefix(kind)}"


def _prepared(where: StepLocations, data: DataVersion) -> list[str]:
    """Return the options that name what the prepare step writes."""
    kinds = ("ratings", "movies", "tags")
    return [part for kind in kinds for part in (f"--{kind}", _folder(where, data, kind))]


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
