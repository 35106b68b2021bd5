"""Time immediate picks through the API on a model of Netflix size, and cold starts.

Runs against the local deployment of `make local` (PORT names another). Publishes a model with
random factors (17,770 movies, rank 64) for the duration, and restores the active model at the end.

The function's own time comes from its log: from the arrival of the event to the answer, runtime
included. A cold start is timed at the caller: after a change of its configuration, the function
starts its process, imports everything, reads the model and answers.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.netflix_size import netflix_size_model, random_visitors
from marquee.aws.buckets import ModelsBucket
from marquee.contracts import timestamp
from marquee.recommender.model_folder import to_files
from marquee.requests.emr_step_requests import new_model_id
from tests.deployment import RunningDeployment, eventually, running_locally

P50_AT_MOST, P99_AT_MOST, OWN_P99_AT_MOST = 40.0, 150.0, 25.0  # milliseconds
COLD_AT_MOST = 2.5  # seconds
QUESTIONS = 35
REPORTED = re.compile(r"^REPORT .*\tDuration: ([0-9.]+) ms", re.MULTILINE)

console = Console(width=100)


def main() -> None:
    """Run the benchmark; exits with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=500, help="number of calls for picks, one by one"
    )
    parser.add_argument("--cold-starts", type=int, default=5)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "4566")))
    options = parser.parse_args()
    deployment = running_locally(options.port)
    console.print(machine())
    with model_of_netflix_size(deployment):
        answered, own = warm(deployment, options.calls)
        cold = [cold_start(deployment, number) for number in range(options.cold_starts)]
    sys.exit(0 if report(answered, own, cold) else 1)


@contextmanager
def model_of_netflix_size(deployment: RunningDeployment) -> Iterator[None]:
    """Publish a model of Netflix size for the duration of the context."""
    s3, bucket = deployment.client("s3"), deployment.parameters["models-bucket"]
    before = ModelsBucket(s3, bucket).current()
    if before is None:
        sys.exit("There is no model yet: run 'make local' first.")
    trained_at = timestamp(datetime.now(UTC))
    model = replace(
        netflix_size_model(),
        model_id=new_model_id(datetime.now(UTC)),
        dataset=before.dataset,
        data_version=before.data_version,
        trained_at=trained_at,
    )
    model = replace(model, questionnaire=tuple(list(model.movies)[:QUESTIONS]), sizes={})
    files = to_files(model)
    for name, content in files.items():
        s3.put_object(Bucket=bucket, Key=f"{model.model_id}/{name}", Body=content)
    counts = model.counts
    now = replace(
        before,
        model_id=model.model_id,
        trained_at=trained_at,
        users=counts.users,
        ratings=counts.ratings,
    )
    newest = before.data.newest_key
    s3.put_object(Bucket=bucket, Key=newest, Body=now.to_json().encode())
    try:
        eventually(
            lambda: deployment.http.get(f"{deployment.api_url}/health").json()["model_id"],
            lambda served: served == model.model_id,
            "the API serving the large model",
        )
        yield
    finally:
        s3.put_object(Bucket=bucket, Key=newest, Body=before.to_json().encode())
        for name in files:
            s3.delete_object(Bucket=bucket, Key=f"{model.model_id}/{name}")


def forms() -> list[dict[str, list[dict[str, int]]]]:
    """Return forms with ratings of ten movies each."""
    return [
        {"ratings": [{"movie_id": movie, "stars": stars} for movie, stars in visitor.items()]}
        for visitor in random_visitors(50, 10, 10)
    ]


def warm(deployment: RunningDeployment, calls: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each call, at the caller and in the function."""
    asked = forms()
    for form in asked[:20]:
        ask(deployment, form)
    begun = time.time()
    answered = [ask(deployment, asked[number % len(asked)]) for number in range(calls)]
    return answered, eventually(
        lambda: reported(deployment, begun), lambda own: len(own) >= calls, "the calls' log lines"
    )


def ask(deployment: RunningDeployment, form: dict[str, list[dict[str, int]]]) -> float:
    """Post a form for picks and return the milliseconds until the answer.

    Raises:
        RuntimeError: if the status of the answer is not 200.
    """
    begun = time.perf_counter()
    answer = deployment.http.post(f"{deployment.api_url}/picks", json=form)
    milliseconds = 1000 * (time.perf_counter() - begun)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return milliseconds


def reported(deployment: RunningDeployment, since: float) -> list[float]:
    """Return the milliseconds that the function's log reports for its calls since then."""
    pages = deployment.client("logs").get_paginator("filter_log_events")
    group = f"/aws/lambda/marquee-{deployment.environment}-ingest"
    return [
        float(found)
        for page in pages.paginate(logGroupName=group, startTime=int(since * 1000))
        for event in page["events"]
        for found in REPORTED.findall(event["message"])
    ]


def cold_start(deployment: RunningDeployment, number: int) -> float:
    """Return the seconds of the first call of a function without an execution environment."""
    with deployment.configured("ingest", {"COLD_START": str(number)}):
        return ask(deployment, forms()[0]) / 1000


def report(answered: Sequence[float], own: Sequence[float], cold: Sequence[float]) -> bool:
    """Print the figures next to the goals; return whether all goals are met."""
    rows = [
        ("picks at the caller, p50", statistics.median(answered), P50_AT_MOST, "ms"),
        ("picks at the caller, p99", _p99(answered), P99_AT_MOST, "ms"),
        ("the function's own time, p50", statistics.median(own), None, "ms"),
        ("the function's own time, p99", _p99(own), OWN_P99_AT_MOST, "ms"),
        ("cold start to the answer, median", statistics.median(cold), COLD_AT_MOST, "s"),
        ("cold start to the answer, slowest", max(cold), COLD_AT_MOST, "s"),
    ]
    table = Table(title=f"POST /picks, 17,770 movies, rank 64; {machine()}")
    for heading in ("", "measured", "goal (at most)", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for name, measured, goal, unit in rows:
        met = "" if goal is None else "met" if measured <= goal else "NOT met"
        wanted = "" if goal is None else f"{goal:g} {unit}"
        table.add_row(name, f"{measured:.{1 if unit == 'ms' else 2}f} {unit}", wanted, met)
    console.print(table)
    return all(goal is None or measured <= goal for _, measured, goal, _ in rows)


def _p99(milliseconds: Sequence[float]) -> float:
    return statistics.quantiles(milliseconds, n=100, method="inclusive")[98]


if __name__ == "__main__":
    main()
