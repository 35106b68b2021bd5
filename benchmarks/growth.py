"""Time a form's way to its text with a fresh model, on 100,000 ratings and on 20 million.

Starts two local AWS, one per data set (synthetic, with as many users and movies as MovieLens 100K
and 20M). Each imports and trains once; then forms go to both in turns. As in `benchmarks.flow`,
submit_step is configured so that no model counts as stale. The time that remains is that of the
recommend step with the newest model, which must not grow with the number of ratings.

Training on 20 million ratings takes half an hour on two cores. Fewer iterations (--iterations) give
a model of the same size. With --random-factors nothing is trained: a model of the same movies and
rank with random factors is published. The time from form to text does not depend on how good the
factors are.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import boto3
from rich.console import Console
from rich.table import Table

from benchmarks.flow import form_to_text, quantiles, timed_post
from benchmarks.machine import machine
from benchmarks.synthetic import SHAPES, Shape, made_ratings, write_movielens
from learning.fitting import size_for
from marquee.contracts import DataVersion, timestamp
from marquee.recommender.model import Counts
from marquee.recommender.model_folder import HELD_OUT, pack_rating, to_files
from marquee.requests.emr_step_requests import (
    StepRequest,
    new_data_version,
    new_model_id,
    prepare_step,
    train_step,
)
from operations.console import Phases
from operations.deployment import Deployment, choose_deployment
from operations.import_ratings import load_titles, read_into_canonical_files, upload
from operations.models import see_pair, switch_to
from operations.running_steps import locations, run_step
from operations.train import TrainedModel
from tests.deployment import RunningDeployment, local_deployment, running_locally
from tests.models import random_model

AT_MOST = 1.5  # ratio of the time on the large data set to that on the small one
FIRST_PHONE = 5_700_000
QUESTIONS = 35  # as many as training chooses

console = Console(width=110)


def main() -> None:
    """Run the benchmark and print times and goal; exits with 0 even if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", choices=SHAPES, default="100k", help="the smaller data set")
    parser.add_argument("--large", choices=SHAPES, default="20m", help="the larger data set")
    parser.add_argument("--forms", type=int, default=10, help="forms sent to each, alternately")
    parser.add_argument("--driver-memory", default="6g", help="driver memory of the import's steps")
    parser.add_argument("--iterations", type=int, default=2, help="iterations of each training")
    parser.add_argument(
        "--random-factors",
        action="store_true",
        help="publish a generated model instead of training",
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the ratings")
    parser.add_argument(
        "--ports",
        type=lambda text: [int(port) for port in text.split(",")],
        help="ports of two running local AWS that have imported the small and the large data set",
    )
    options = parser.parse_args()
    sizes = (options.small, options.large)
    with ExitStack() as stack:
        if options.ports:
            deployments = [running_locally(port) for port in options.ports]
        else:
            deployments = [stack.enter_context(imported(size, options)) for size in sizes]
        for deployment in deployments:
            stack.enter_context(deployment.model_kept_fresh())
        report(sizes, measured(deployments, options.forms))


@contextmanager
def imported(size: str, options: argparse.Namespace) -> Iterator[RunningDeployment]:
    """Start a local AWS with a data set of that size and an active model of it."""
    with tempfile.TemporaryDirectory() as folder:
        state, raw = Path(folder) / "state", Path(folder) / f"made-up-{size}"
        shape = SHAPES[size]
        write_movielens(made_ratings(shape, options.seed), shape.movies, raw, options.seed)
        with local_deployment(state) as deployment:
            with acting_on(deployment):
                bring_in(deployment, size, raw, options)
            yield deployment


@contextmanager
def acting_on(deployment: RunningDeployment) -> Iterator[None]:
    """Set the environment variables that make the operator's tools act on this deployment."""
    before = dict(os.environ)
    os.environ.update(deployment.variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def bring_in(
    deployment: RunningDeployment, size: str, raw: Path, options: argparse.Namespace
) -> None:
    """Import as `make import` does, but without additional models and similar movies.

    No form needs those. The steps' driver is limited to --driver-memory, because both local AWS
    share a machine.
    """
    here = choose_deployment("local", deployment.port)
    memory: str = options.driver_memory
    with Phases() as phases:
        with read_into_canonical_files(here, phases, raw) as found, phases.phase("upload") as phase:
            data = new_data_version(found.name, datetime.now(UTC))
            upload(here, found, data, phase)
        where, model_id = locations(here), new_model_id(datetime.now(UTC))
        with phases.phase(f"prepare {found.name}") as phase:
            run_step(here, _with(prepare_step(where, data), memory), phase.detail)
        if options.random_factors:
            put_random_model(here, data, model_id, SHAPES[size])
        else:
            step = train_step(where, data, model_id)
            more = ("--iterations", str(options.iterations))
            with phases.phase(f"train on {found.name}") as phase:
                run_step(here, _with(step, memory, *more), phase.detail)
        with phases.phase("load the titles") as phase:
            load_titles(here, TrainedModel(model_id, found.name, None), phase)
    switch_to(here, model_id, see_pair(here))


def put_random_model(
    deployment: Deployment, data: DataVersion, model_id: str, shape: Shape
) -> None:
    """Write a model folder as training on such a data set would, but with random factors."""
    rank = size_for(shape.ratings).rank
    model = replace(
        random_model(shape.movies, rank, first=1),
        model_id=model_id,
        dataset=data.dataset,
        data_version=data.version,
        trained_at=timestamp(datetime.now(UTC)),
        counts=Counts(shape.users, shape.movies, shape.ratings, 0),
        questionnaire=tuple(range(1, QUESTIONS + 1)),
        sizes={},
    )
    s3, bucket = boto3.client("s3"), deployment.parameter("models-bucket")
    for name, content in {HELD_OUT: pack_rating(model.rating), **to_files(model)}.items():
        s3.put_object(Bucket=bucket, Key=f"{model_id}/{name}", Body=content)


def _with(step: StepRequest, driver_memory: str, *more: str) -> StepRequest:
    jar = step["HadoopJarStep"]
    command, *rest = jar["Args"]
    arguments = [command, "--driver-memory", driver_memory, *rest, *more]
    return step | {"HadoopJarStep": jar | {"Args": arguments}}


def measured(deployments: list[RunningDeployment], forms: int) -> list[list[float]]:
    """Return the seconds of each form by deployment, without a first form that warms it up."""
    first = FIRST_PHONE + int(time.time()) % 90 * 1000
    seconds: list[list[float]] = [[] for _ in deployments]
    for number in range(forms + 1):
        for place, deployment in enumerate(deployments):
            _, visitor = timed_post(deployment, first + number)
            deployment.follow(visitor)
            taken = form_to_text(deployment, visitor)
            if number:
                seconds[place].append(taken)
    return seconds


def report(sizes: tuple[str, ...], seconds: list[list[float]]) -> None:
    """Print the seconds of each data set, and whether the ratio of the medians meets the goal."""
    table = Table(title=f"Form → text with a fresh model (seconds), {machine()}")
    for heading in ("ratings", "fastest", "p50 / p95", "ratio of the p50s"):
        table.add_column(heading, justify="right")
    middle = [statistics.median(each) for each in seconds]
    for size, each, own in zip(sizes, seconds, middle, strict=True):
        ratings = f"{SHAPES[size].ratings:,}"
        ratio = f"{own / middle[0]:.2f} x"
        table.add_row(ratings, f"{min(each):.2f}", quantiles(each), ratio)
    console.print(table)
    met = "met" if middle[-1] <= AT_MOST * middle[0] else "NOT met"
    console.print(f"Goal: at most {AT_MOST} times as long on {sizes[-1]} as on {sizes[0]}: {met}.")


if __name__ == "__main__":
    main()
