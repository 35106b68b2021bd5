"""Time form → picks and form → text, one at a time and 300 together, with and without training.

Runs against the local deployment of `make local` (PORT names another). "Without training"
configures the deployed submit_step so that no model counts as stale, and restores its
configuration at the end.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from tests.deployment import RunningDeployment, Visitor, eventually, running_locally

console = Console(width=110)


@dataclass
class FlowTimes:
    """Seconds of each form and of the burst."""

    to_picks: list[float] = field(default_factory=list)
    to_text: list[float] = field(default_factory=list)
    burst_seconds: float = 0.0
    burst_to_picks: list[float] = field(default_factory=list)
    burst_to_text: list[float] = field(default_factory=list)
    burst_steps: int = 0


def main() -> None:
    """Measure with training and without, and print both; exits with 0 whatever the times are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=10, help="forms sent one at a time")
    parser.add_argument("--burst", type=int, default=300, help="forms in the burst")
    parser.add_argument("--clients", type=int, default=8, help="clients that send the burst")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "4566")))
    options = parser.parse_args()
    deployment = running_locally(options.port)
    console.print(machine())
    measured = {}
    for name in ("with training", "without training"):
        with nullcontext() if name == "with training" else deployment.model_kept_fresh():
            measured[name] = measure(deployment, options, first_phone(name))
    report(measured, options)


def measure(deployment: RunningDeployment, options: argparse.Namespace, phone: int) -> FlowTimes:
    """Send forms one at a time, then a burst, and wait until all are texted.

    Args:
        deployment: the deployment to measure.
        options: the command line; `forms`, `burst` and `clients` are read.
        phone: the first of as many phone numbers as there are forms; none may be in use.
    """
    found = FlowTimes()
    for number in range(options.forms):
        seconds, visitor = timed_post(deployment, phone + number)
        found.to_picks.append(seconds)
        deployment.follow(visitor)
        found.to_text.append(form_to_text(deployment, visitor))
        console.print(f"form {number + 1}: text after {found.to_text[-1]:.1f} s")
    before = {step["Id"] for step in deployment.steps("recommend")}
    phones = range(phone + options.forms, phone + options.forms + options.burst)
    begun = time.perf_counter()
    with ThreadPoolExecutor(options.clients) as clients:
        posted = list(clients.map(lambda number: timed_post(deployment, number), phones))
    found.burst_to_picks = [seconds for seconds, _ in posted]
    visitors = [visitor for _, visitor in posted]
    eventually(
        lambda: len(deployment.texts_by_phone().keys() & {v.phone for v in visitors}),
        lambda count: count == len(visitors),
        "the burst being texted",
        seconds=1800,
        every=1,
    )
    found.burst_seconds = time.perf_counter() - begun
    found.burst_to_text = [form_to_text(deployment, visitor) for visitor in visitors]
    found.burst_steps = len(
        [step for step in deployment.steps("recommend") if step["Id"] not in before]
    )
    console.print(f"burst: {found.burst_seconds:.0f} s, {found.burst_steps} recommend steps")
    return found


def timed_post(deployment: RunningDeployment, number: int) -> tuple[float, Visitor]:
    """Post a form with the phone number of this `number`; return the seconds and the visitor."""
    # Solve the challenges before the clock starts: the page does so while the visitor types.
    form = deployment.form(f"+1312{number:07d}") | {"proof": deployment.proof()}
    begun = time.perf_counter()
    visitor = deployment.register(form)
    return time.perf_counter() - begun, visitor


def form_to_text(deployment: RunningDeployment, visitor: Visitor) -> float:
    """Return the seconds from a form's arrival to the write of `texted`, by the service's clock."""
    item = deployment.client("dynamodb").get_item(
        TableName=deployment.parameters["visitors-table"],
        Key={"visitor_id": {"S": visitor.visitor_id}},
    )["Item"]
    if item["status"]["S"] != "texted":
        seen = deployment.follow(visitor)
        return _between(item["requested_at"]["S"], seen["status_at"])
    return _between(item["requested_at"]["S"], item["status_at"]["S"])


def _between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def report(measured: dict[str, FlowTimes], options: argparse.Namespace) -> None:
    """Print a column for each measurement, under its name."""
    table = Table(title="Marquee's flow on this machine (seconds)")
    for heading in ("", *measured):
        table.add_column(heading, justify="right" if heading else "left")
    burst = f"{options.burst} forms by {options.clients} clients"
    rows: list[tuple[str, Callable[[FlowTimes], str]]] = [
        ("form → picks, p50 / p95", lambda m: quantiles(m.to_picks)),
        ("form → text, p50 / p95", lambda m: quantiles(m.to_text)),
        (f"{burst}: until all are texted", lambda m: f"{m.burst_seconds:.1f}"),
        (f"{burst}: form → picks, p50 / p95", lambda m: quantiles(m.burst_to_picks)),
        (f"{burst}: form → text, p50 / p95", lambda m: quantiles(m.burst_to_text)),
        (f"{burst}: recommend steps", lambda m: str(m.burst_steps)),
    ]
    for title, cell in rows:
        table.add_row(title, *(cell(found) for found in measured.values()))
    console.print(table)


def quantiles(seconds: Sequence[float]) -> str:
    """Format the median and the 95th percentile."""
    if len(set(seconds)) <= 1:
        return f"{seconds[0]:.2f}" if seconds else "-"
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"{cuts[9]:.2f} / {cuts[18]:.2f}"


def first_phone(name: str) -> int:
    """Return the first phone number of this run; seconds since 2026 make it new in every run."""
    base = 5_550_000 if name == "with training" else 5_600_000
    return base + int(time.time()) % 40 * 1000


if __name__ == "__main__":
    main()
