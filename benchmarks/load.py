"""Post ten thousand forms by 16 clients while every kind of fault occurs, twice on the same table.

Starts a local AWS and stops it at the end; --port uses a running one and leaves it running. Some
forms are posted twice, some messages are delivered twice or late, functions die between two
writes, one step fails once and another one always. Meanwhile the API is read. Every form must end
with one text, or with a reason that a fault explains, and the figures must meet the goals. Exits
with 1 if anything was lost or doubled, or was slower than its goal.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from tests.deployment import RunningDeployment, local_deployment, running_locally
from tests.integration.phones import fictitious_numbers
from tests.load.forms import Load
from tests.load.pour import pour
from tests.load.seen import Observations, quantile

GOAL_DRAINED_A_SECOND = 10.0
GOAL_READ_MILLISECONDS = 1000.0  # p99
GOAL_MEMORY_BYTES = 1.5e9
GOAL_TIMES_AS_LONG = 1.2  # of the second round, whose table holds the first round's visitors
MOST_ENDED = 0.95  # the rest waits for redelivery after a function died
READS = ("GET /health", "GET /visitors/{id}")

console = Console(width=120)


def main() -> None:
    """Run the benchmark; exits with 1 if a goal is missed or a process or file is left over."""
    options = parse_arguments()
    console.print(machine())
    left: list[str] = []
    with deployment_for(options, left) as deployment:
        rounds = measure(deployment, options)
    if options.port is None:
        console.print(f"left by make stop: {'; '.join(left) or 'nothing'}")
    missed = [f"round {n}: {goal}" for n, seen in enumerate(rounds, 1) for goal in missed_by(seen)]
    missed += missed_by_all(rounds) + left
    console.print(f"goals missed: {'; '.join(missed) or 'none'}")
    sys.exit(1 if missed else 0)


def parse_arguments() -> argparse.Namespace:
    """Parse the arguments of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=10_000, help="forms in a round")
    parser.add_argument(
        "--clients", type=int, default=16, help="clients that post at the same time"
    )
    parser.add_argument("--rounds", type=int, default=2, help="rounds with the same table")
    parser.add_argument("--repeated", type=float, default=0.05, help="share of forms posted twice")
    parser.add_argument("--doubled", type=float, default=0.025, help="share of messages doubled")
    parser.add_argument("--delayed", type=float, default=0.025, help="share of messages delayed")
    parser.add_argument(
        "--backlog",
        type=float,
        default=0.15,
        help="share of the forms, the last ones, that are held until all are answered; the service "
        "then drains them with nothing else to do",
    )
    parser.add_argument("--deaths", type=int, default=12, help="texts during which a function dies")
    parser.add_argument(
        "--no-faults", action="store_true", help="post forms, some of them twice, without faults"
    )
    parser.add_argument("--minutes", type=float, default=60, help="most minutes of a round")
    parser.add_argument("--port", type=int, help="port of a running local AWS (default: start one)")
    return parser.parse_args()


def load_of(options: argparse.Namespace, number: int) -> Load:
    """Return the load of one round; its number is the seed of random choices."""
    quiet = options.no_faults
    return Load(
        forms=options.forms,
        clients=options.clients,
        repeated=options.repeated,
        doubled=0 if quiet else options.doubled,
        delayed=0 if quiet else options.delayed,
        batch_deaths=0 if quiet else 4,
        text_deaths=0 if quiet else options.deaths,
        deaths_elsewhere=0 if quiet else 2,
        failing_steps=not quiet,
        backlog=round(options.backlog * options.forms),
        seconds=60 * options.minutes,
        seed=number,
    )


@contextmanager
def deployment_for(options: argparse.Namespace, left: list[str]) -> Iterator[RunningDeployment]:
    """Yield the deployment of --port, or start one and append what it leaves to `left`."""
    if options.port is not None:
        yield running_locally(options.port)
        return
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        with local_deployment(state) as deployment:
            yield deployment
        left += left_by_stop(Path(folder))


def left_by_stop(folder: Path) -> list[str]:
    """List the files left in a folder and, where /proc exists, the processes that use it."""
    files = [f"the file {path}" for path in folder.rglob("*") if path.is_file()]
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            at = str((process / "cwd").readlink())
        except OSError:  # it has ended, or belongs to another user
            continue
        if process.name != str(os.getpid()) and (
            str(folder) in words or at.startswith(str(folder))
        ):
            processes.append(f"process {process.name}")
    return files + processes


def measure(deployment: RunningDeployment, options: argparse.Namespace) -> list[Observations]:
    """Post the forms of each round and return what was seen, one entry per round.

    A table of all rounds so far is printed after each round.
    """
    rounds = []
    # The forms would reach the daily cap of texts.
    unlimited = {"TEXTS_A_DAY_IN_ALL": "1000000"}
    # As on AWS: locally, staleness is examined every second, and the day's visitors are listed.
    examined = {"TRAINING_INTERVAL_SECONDS": "300"}
    texted = deployment.texts_by_phone().keys()
    phones = (number for number in fictitious_numbers() if number not in texted)
    with (
        deployment.model_kept_fresh(),
        deployment.configured("submit-step", examined),
        deployment.configured("send-text", unlimited),
    ):
        for number in range(1, options.rounds + 1):
            load = load_of(options, number)
            console.print(f"round {number}: {load.forms} forms by {load.clients} clients")
            rounds.append(pour(deployment, load, list(islice(phones, load.forms)), console.print))
            report(rounds)
    return rounds


def missed_by(seen: Observations) -> list[str]:
    """List the goals that a round missed."""
    reads = max((quantile(seen.milliseconds_of(path), 99) for path in READS), default=0.0)
    missed = {
        "a form was not answered": seen.answered < seen.load.forms,
        "an answer was wrong": bool(seen.wrong_answers),
        "a form was lost": bool(seen.lost),
        "a text was sent twice": bool(seen.doubled),
        "delivery unknown without a death": bool(seen.unexplained),
        "the local SNS did not answer in time": bool(seen.unanswered),
        "there is a dead letter": bool(seen.dead),
        "a read failed": bool(seen.failed_reads),
        f"reads p99 of {reads:.0f} ms": reads > GOAL_READ_MILLISECONDS,
        "the backlog drained too slowly": seen.drained_a_second(MOST_ENDED) < GOAL_DRAINED_A_SECOND,
        "the local AWS took too much memory": seen.memory_bytes > GOAL_MEMORY_BYTES,
    }
    return [goal for goal, is_missed in missed.items() if is_missed]


def missed_by_all(rounds: Sequence[Observations]) -> list[str]:
    """List the later rounds that took too long compared with the first."""
    first = rounds[0].ended_within(MOST_ENDED)
    return [
        f"round {number} took more than {GOAL_TIMES_AS_LONG} times as long as the first"
        for number, seen in enumerate(rounds[1:], 2)
        if not seen.ended_within(MOST_ENDED) <= GOAL_TIMES_AS_LONG * first
    ]


@dataclass(frozen=True)
class TableRow:
    """A row of the table: its heading, and the text of a round's cell."""

    title: str
    cell: Callable[[Observations], str]


def report(rounds: Sequence[Observations]) -> None:
    """Print a table of the rounds, then up to five examples of each kind of failure."""
    load = rounds[0].load
    table = Table(title=f"{load.forms} forms by {load.clients} clients on the local AWS")
    table.add_column("")
    for number in range(1, len(rounds) + 1):
        table.add_column(f"round {number}", justify="right")
    for row in ROWS:
        table.add_row(row.title, *(row.cell(seen) for seen in rounds))
    console.print(table)
    for number, seen in enumerate(rounds, 1):
        for name, found in (
            ("wrong answers", seen.wrong_answers),
            ("lost", seen.lost),
            ("doubled", seen.doubled),
            ("unknown, SNS did not answer in time", seen.unanswered),
            ("unknown, no function died there", seen.unexplained),
            ("dead letters", seen.dead),
            ("deaths that did not happen", seen.deaths_left),
        ):
            if found:
                console.print(f"round {number}, {name} ({len(found)}): {'; '.join(found[:5])} …")


def _within(share: float) -> Callable[[Observations], str]:
    return lambda seen: _seconds(seen.ended_within(share))


def _seconds(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.0f}"


def _quantiles(milliseconds: Sequence[float]) -> str:
    return " / ".join(f"{quantile(milliseconds, percent):.0f}" for percent in (50, 99))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _reads(path: str) -> Callable[[Observations], str]:
    return lambda seen: _quantiles(seen.milliseconds_of(path))


def _refusals(seen: Observations) -> str:
    return _counts({str(status or "no answer"): n for status, n in seen.refusals.items()})


def _died(seen: Observations) -> str:
    return f"{seen.deaths_planted - len(seen.deaths_left)} of {seen.deaths_planted}"


def _machine_loads(seen: Observations) -> str:
    loads = seen.machine_loads or [math.nan]
    return f"{min(loads):.1f} to {max(loads):.1f}"


def _failed_steps(seen: Observations) -> str:
    failed = [states for states in seen.step_states if "FAILED" in states]
    return "; ".join(" → ".join(map(str.lower, states)) for states in failed) or "none"


ROWS = (
    TableRow("answered", lambda seen: str(seen.answered)),
    TableRow("rejected before that, by status", _refusals),
    TableRow("seconds until all were answered", lambda seen: f"{seen.answered_after:.0f}"),
    TableRow("POST /visitors, p50 / p99 (ms)", lambda seen: _quantiles(seen.post_milliseconds)),
    TableRow("seconds until 50 % had ended", _within(0.5)),
    TableRow("seconds until 95 % had ended", _within(MOST_ENDED)),
    TableRow("seconds until all had ended", _within(1.0)),
    TableRow("drained, forms a second", lambda seen: f"{seen.drained_a_second(MOST_ENDED):.1f}"),
    TableRow("ends", lambda seen: _counts(dict(seen.ends))),
    TableRow("lost", lambda seen: str(len(seen.lost))),
    TableRow("texted twice", lambda seen: str(len(seen.doubled))),
    TableRow("delivery unknown, where a function died", lambda seen: str(len(seen.unknown))),
    TableRow("delivery unknown, where SNS did not answer", lambda seen: str(len(seen.unanswered))),
    TableRow("delivery unknown, where neither happened", lambda seen: str(len(seen.unexplained))),
    TableRow("functions that died", _died),
    TableRow("messages doubled", lambda seen: str(seen.messages_doubled)),
    TableRow("messages delayed", lambda seen: str(seen.messages_delayed)),
    TableRow("recommend steps", lambda seen: str(seen.recommend_steps)),
    TableRow("steps that failed", _failed_steps),
    TableRow("dead letters", lambda seen: str(len(seen.dead))),
    *(TableRow(f"{path}, p50 / p99 (ms)", _reads(path)) for path in READS),
    TableRow("reads that failed", lambda seen: str(seen.failed_reads.total())),
    TableRow("peak memory of the emulator (MB)", lambda seen: f"{seen.memory_bytes / 1e6:.0f}"),
    TableRow("load of the machine, lowest to highest", _machine_loads),
)


if __name__ == "__main__":
    main()
