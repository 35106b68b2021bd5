"""Fifty concurrent visitors read and write for a minute, with two seconds between calls.

Runs against the local deployment of `make local` (PORT names another). No call may return 5xx, and
nothing may be lost: afterwards the table and the visitor objects must hold what was last
acknowledged, and nothing of forgotten visitors.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx import codes
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from tests.deployment import RunningDeployment, running_locally

console = Console(width=110)


@dataclass
class VisitLog:
    """Milliseconds and statuses by call, calls without an answer, and acknowledged data lost."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Visit:
    """One visitor, who records what the API acknowledged and compares it with what it kept."""

    def __init__(self, api_url: str, movies: list[int], log: VisitLog, seed: int) -> None:
        self._http = httpx.Client(base_url=api_url, timeout=60)
        self._movies, self._log, self._chance = movies, log, random.Random(seed)  # noqa: S311
        self.ratings = [self._rating(movie_id) for movie_id in self._some(6)]
        self.etag = self.visitor_id = ""
        self._bearer: dict[str, str] = {}
        self.forgotten = self.gave_up = False

    def live(self, wait: float, seconds: float, think: float, forget: bool) -> None:
        """Start after `wait` seconds, make calls for `seconds`; if `forget`, end by forgetting."""
        time.sleep(wait)
        try:
            self._visit(seconds, think, forget)
        except httpx.TransportError as error:
            self._log.unanswered.append(f"{type(error).__name__} after {self.etag or 'nothing'}")
            self.gave_up = True

    def _visit(self, seconds: float, think: float, forget: bool) -> None:
        self._come()
        end = time.monotonic() + seconds
        calls: list[Callable[[], Any]] = [self._pick, self._look, self._rate, self._ask]
        while time.monotonic() < end:
            self._chance.choices(calls, weights=[4, 3, 2, 1])[0]()
            time.sleep(self._chance.uniform(0.5 * think, 1.5 * think))
        if forget:
            self._forget()

    def found(self) -> str | None:
        """Return a description of acknowledged data that is not found; None if all is found."""
        answer = self._http.get(self._path, headers=self._bearer)
        if self.forgotten:
            return None if answer.status_code == codes.NOT_FOUND else f"{self.visitor_id} is back"
        if not answer.is_success or answer.headers["ETag"] != self.etag:
            return f"{self.visitor_id} at {answer.headers.get('ETag')} instead of {self.etag}"
        kept = [
            {key: one[key] for key in ("movie_id", "stars")} for one in answer.json()["ratings"]
        ]
        return None if kept == self.ratings else f"{self.visitor_id} has other ratings"

    @property
    def _path(self) -> str:
        return f"/visitors/{self.visitor_id}"

    def _come(self) -> None:
        form = {"name": "Ada", "ratings": self.ratings}
        answer = self._call("POST", "/visitors", form)
        body = answer.json()
        self.visitor_id, self.etag = body["visitor_id"], answer.headers["ETag"]
        self._bearer = {"Authorization": f"Bearer {body['token']}"}

    def _pick(self) -> None:
        self._call("POST", "/picks", {"ratings": self.ratings})

    def _look(self) -> None:
        self._call("GET", self._path)

    def _ask(self) -> None:
        answered = [rating["movie_id"] for rating in self.ratings]
        self._call("POST", "/questionnaire", {"answered": answered, "count": 1})

    def _rate(self) -> None:
        ratings = [self._rating(movie_id) for movie_id in self._some(self._chance.randint(5, 15))]
        answer = self._call("PUT", f"{self._path}/ratings", {"ratings": ratings})
        if answer.is_success:
            self.ratings, self.etag = ratings, answer.headers["ETag"]

    def _forget(self) -> None:
        self.forgotten = self._call("DELETE", self._path).is_success

    def _some(self, count: int) -> list[int]:
        return self._chance.sample(self._movies, count)

    def _rating(self, movie_id: int) -> dict[str, int]:
        return {"movie_id": movie_id, "stars": self._chance.randint(1, 5)}

    def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = self._bearer | ({"If-Match": self.etag} if method == "PUT" else {})
        begun = time.perf_counter()
        answer = self._http.request(method, path, json=body, headers=headers)
        name = f"{method} {path.replace(self.visitor_id or '-', '{id}')}"
        self._log.milliseconds[name].append(1000 * (time.perf_counter() - begun))
        self._log.statuses[name, answer.status_code] += 1
        return answer


def main() -> None:
    """Run the benchmark; exits with 1 after a server error, a missing answer or lost data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=50, help="visitors at the same time")
    parser.add_argument("--arrive", type=float, default=10, help="seconds until all have arrived")
    parser.add_argument("--seconds", type=float, default=60, help="seconds that each stays")
    parser.add_argument("--think", type=float, default=2, help="seconds between two calls")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "4566")))
    options = parser.parse_args()
    deployment = running_locally(options.port)
    console.print(machine())
    with deployment.model_kept_fresh():  # on AWS, training runs on other machines
        log = measure(deployment, options)
    report(log, options)
    failed = any(codes.is_server_error(status) for _, status in log.statuses)
    sys.exit(1 if failed or log.unanswered or log.lost else 0)


def measure(deployment: RunningDeployment, options: argparse.Namespace) -> VisitLog:
    """Let all visitors live at the same time, then look for what the API acknowledged."""
    movies = [movie["movie_id"] for movie in deployment.questionnaire()["movies"]]
    log = VisitLog()
    visits = [Visit(deployment.api_url, movies, log, seed) for seed in range(options.visitors)]
    with ThreadPoolExecutor(options.visitors) as visitors:
        lived = [
            visitors.submit(
                visit.live,
                options.arrive * number / options.visitors,
                options.seconds,
                options.think,
                forget=number % 10 == 0,
            )
            for number, visit in enumerate(visits)
        ]
        for one in lived:
            one.result()
    objects = objects_of(deployment)
    for visit in visits:
        if visit.gave_up:  # an unacknowledged write may or may not have taken effect
            continue
        if lost := visit.found():
            log.lost.append(lost)
        versions = 0 if visit.forgotten else int(visit.etag.strip('"'))
        if objects[visit.visitor_id] != versions:
            log.lost.append(
                f"{visit.visitor_id}: {objects[visit.visitor_id]} of {versions} objects"
            )
    return log


def objects_of(deployment: RunningDeployment) -> Counter[str]:
    """Count the visitor objects of every visitor; there is one per version."""
    pages = deployment.client("s3").get_paginator("list_objects_v2")
    keys = [
        item["Key"]
        for page in pages.paginate(
            Bucket=deployment.parameters["ratings-bucket"], Prefix="visitors/"
        )
        for item in page.get("Contents", [])
    ]
    return Counter(key.rpartition("/")[2].partition("-")[0] for key in keys)


def report(log: VisitLog, options: argparse.Namespace) -> None:
    """Print the times of each call, the calls without an answer and the lost data."""
    title = (
        f"{options.visitors} visitors at the same time for {options.seconds:.0f} s (milliseconds)"
    )
    table = Table(title=title)
    for heading in ("call", "calls", "p50", "p99", "answers"):
        table.add_column(heading, justify="left" if heading in ("call", "answers") else "right")
    everything = [ms for each in log.milliseconds.values() for ms in each]
    for name, taken in [*sorted(log.milliseconds.items()), ("all", everything)]:
        cuts = statistics.quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else []
        answers = {status: n for (call, status), n in sorted(log.statuses.items()) if call == name}
        table.add_row(
            name,
            str(len(taken)),
            *(f"{cuts[at]:.0f}" if cuts else "-" for at in (49, 98)),
            ", ".join(f"{n} of {status}" for status, n in answers.items()),
        )
    console.print(table)
    for name, found in (("without an answer", log.unanswered), ("lost", log.lost)):
        console.print(f"{name}: {'; '.join(found) or 'nothing'}")


if __name__ == "__main__":
    main()
