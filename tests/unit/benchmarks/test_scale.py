"""What `make benchmark NAME=scale` prints and draws."""

import re
from pathlib import Path

import pytest

from benchmarks.scale import duration, report_load
from benchmarks.simulation.load_chart import LoadPoint, draw_load_chart
from benchmarks.simulation.outcome import LoadOutcome
from benchmarks.simulation.scenarios import SCENARIOS, Scenario, simulate_load
from operations import ROOT


@pytest.fixture(scope="module")
def outcome() -> LoadOutcome:
    return simulate_load(Scenario("any", "any load", rate=1, hours=0.1))


def test_the_figures_of_a_load_are_printed(
    outcome: LoadOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    report_load("any", outcome)
    printed = capsys.readouterr().out
    for figure in ("any load", f"{outcome.accepted:,}", duration(outcome.p99), "of 20"):
        assert figure in printed


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(41.4, "41 s"), (120, "2 min"), (7300, "2.0 h"), (float("nan"), "-")],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_same_points_give_the_same_chart(tmp_path: Path, outcome: LoadOutcome) -> None:
    points = [LoadPoint(1, outcome), LoadPoint(10, outcome)]
    for name in ("one.svg", "two.svg"):
        draw_load_chart(points, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    assert re.search("forms a second", drawn)


def test_every_load_of_the_page_is_simulated() -> None:
    page = (ROOT / "docs" / "scale.md").read_text()
    table = page.split("## Loads")[1].split("![")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(SCENARIOS)
