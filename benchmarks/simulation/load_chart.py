"""Draw the time from form to picks and to text over the load."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.simulation.outcome import LoadOutcome
from benchmarks.simulation.scenarios import Scenario, simulate_load

LOADS = (0.1, 0.3, 1, 3, 10, 15, 18, 20, 25, 35, 45, 60, 100)  # forms a second, for an hour
_INK, _GRID = "#333333", "#cccccc"


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """The outcome of one load, in forms a second."""

    rate: float
    outcome: LoadOutcome


def simulate_loads(seed: int = 1) -> list[LoadPoint]:
    """Simulate an hour of each load with a fresh model, until every request has ended."""
    return [
        LoadPoint(
            rate,
            simulate_load(Scenario(f"{rate:g}", f"{rate:g} a second", rate, 1, drain=24), seed),
        )
        for rate in LOADS
    ]


def draw_load_chart(points: Sequence[LoadPoint], file: Path) -> None:
    """Draw the chart as SVG; the same points give the same file."""
    # Imported here because nothing else in the simulation needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    rates = [point.rate for point in points]
    with mpl.rc_context({"svg.hashsalt": "marquee", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for label, colour, style, values in (
            ("text, p99", "#b3261e", "-", [point.outcome.p99 for point in points]),
            ("text, p50", "#b3261e", "--", [point.outcome.p50 for point in points]),
            ("picks, p99", "#1f5fa8", "-", [point.outcome.picks_p99 for point in points]),
            ("picks, p50", "#1f5fa8", "--", [point.outcome.picks_p50 for point in points]),
        ):
            axes.plot(rates, values, style, color=colour, marker="o", markersize=3, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title("From form to picks and to text, one hour of load (simulated)", color=_INK)
        axes.set_xlabel("forms a second")
        axes.set_ylabel("time")
        axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        axes.set_yticks([10, 60, 600, 3600, 6 * 3600], ["10 s", "1 min", "10 min", "1 h", "6 h"])
        axes.grid(color=_GRID, linewidth=0.5)
        axes.legend(frameon=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, format="svg", metadata={"Date": None})
