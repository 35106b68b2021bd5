"""Simulate a deployment on AWS under loads from one form a second to a million at once.

Runs the product's own rules on models of AWS (`benchmarks/simulation`) and prints how long texts
take, how deep the queues get, which quotas are reached and what it costs. Nothing is deployed.
docs/scale.md says what follows from the figures.
"""

import argparse
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.simulation.bursts import BURSTS, simulate
from benchmarks.simulation.load_chart import draw_load_chart, simulate_loads
from benchmarks.simulation.outcome import LoadOutcome
from benchmarks.simulation.quotas import QUOTAS
from benchmarks.simulation.scenarios import SCENARIOS, simulate_load

console = Console(width=200)

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A row of the table: its heading, and the text of a load's cell."""

    title: str
    cell: Callable[[LoadOutcome], str]


def main() -> None:
    """Simulate, and print the tables; writes the chart if a file for it is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these loads only")
    parser.add_argument("--seed", type=int, default=1, help="seed of all random choices")
    parser.add_argument("--chart", type=Path, help="SVG file for the chart of time over load")
    options = parser.parse_args()
    # An outage makes sweeps log an error each time; here it is part of the load.
    logging.getLogger("marquee").setLevel(logging.CRITICAL)
    report_bursts(options.seed)
    for scenario in SCENARIOS:
        if scenario.name in options.only:
            report_load(scenario.name, simulate_load(scenario, options.seed))
    report_quotas()
    if options.chart:
        draw_load_chart(simulate_loads(options.seed), options.chart)
        console.print(f"chart: {options.chart}")


def report_bursts(seed: int) -> None:
    """Compare simulated bursts with those that were measured on the local AWS."""
    table = Table(title="Bursts on the local AWS: seconds until they had ended")
    for heading in ("", "measured", "simulated", "difference", "recommend steps"):
        table.add_column(heading, justify="right" if heading else "left")
    for burst in BURSTS:
        simulated = simulate(burst, seed)
        table.add_row(
            burst.name,
            f"{burst.measured:,.0f}",
            f"{simulated.seconds:,.0f}",
            f"{simulated.seconds / burst.measured - 1:+.0%}",
            f"{simulated.steps}",
        )
    console.print(table)


def report_load(name: str, outcome: LoadOutcome) -> None:
    """Print the figures of one load."""
    table = Table(title=f"{name}: {outcome.title}", show_header=False)
    table.add_column("")
    table.add_column("")
    for row in ROWS:
        table.add_row(row.title, row.cell(outcome))
    for use in outcome.uses:
        refused = f"; {use.refused:,} calls refused" if use.refused else ""
        table.add_row(f"quota, {use.quota.name}", f"{use.used:,.2f} of {use.limit:,g}{refused}")
    console.print(table)


def report_quotas() -> None:
    """Print AWS's default quotas, each with the document that states it."""
    table = Table(title="AWS's default quotas")
    for heading in ("", "default", "document"):
        table.add_column(heading)
    for quota in QUOTAS:
        default = f"{quota.most:,}" if quota.most else f"{quota.rate:,g} a second"
        burst = f", {quota.burst:,g} at once" if quota.burst else ""
        table.add_row(quota.name, default + burst, quota.page)
    console.print(table)


def duration(seconds: float) -> str:
    """Format seconds, minutes or hours."""
    if math.isnan(seconds):
        return "-"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _pair(seconds: Sequence[float]) -> str:
    return " / ".join(map(duration, seconds))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


ROWS = (
    FigureRow("hours simulated", lambda o: f"{o.hours:.1f}"),
    FigureRow(
        "forms sent / accepted / refused",
        lambda o: f"{o.offered:,} / {o.accepted:,} / {o.refused:,}",
    ),
    FigureRow("longest wait until accepted", lambda o: duration(o.api_wait)),
    FigureRow("form → picks, p50 / p99", lambda o: _pair((o.picks_p50, o.picks_p99))),
    FigureRow("form → text, p50 / p99", lambda o: _pair((o.p50, o.p99))),
    FigureRow("texted / within six hours", lambda o: f"{o.texted:,} / {o.within_six_hours:,}"),
    FigureRow("texted twice", lambda o: f"{o.twice:,}"),
    FigureRow("failed / over the day's cap", lambda o: f"{o.failed:,} / {o.over_the_cap:,}"),
    FigureRow("not ended", lambda o: _counts({str(s): n for s, n in o.open.items()})),
    FigureRow("deepest queues", lambda o: _counts(dict(o.depths))),
    FigureRow("most in flight", lambda o: _counts(dict(o.in_flight))),
    FigureRow("dead letters", lambda o: f"{o.dead:,}"),
    FigureRow("queued again by sweeps", lambda o: f"{o.requeued:,}"),
    FigureRow("recommend steps / trainings", lambda o: f"{o.steps:,} / {o.trainings:,}"),
    FigureRow(
        "dollars",
        lambda o: ", ".join(f"{usd:,.0f} {what}" for what, usd in o.dollars.items()),
    ),
)


if __name__ == "__main__":
    main()
