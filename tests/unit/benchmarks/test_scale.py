"""What `make benchmark NAME=scale` prints and draws."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.scale import duration, report_load, report_quotas
from benchmarks.simulation.load_chart import LoadPoint, draw_load_chart
from benchmarks.simulation.outcome import LoadOutcome
from benchmarks.simulation.quotas import EMR_ARGUMENTS, QUOTAS
from benchmarks.simulation.scenarios import SCENARIOS, Scenario, simulate_load
from marquee.contracts import ALS_RANKS, DataVersion
from marquee.requests.emr_step_requests import (
    StepLocations,
    new_model_id,
    recommend_step,
    train_step,
)
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


def test_each_quota_is_printed_with_its_document(capsys: pytest.CaptureFixture[str]) -> None:
    report_quotas()
    printed = capsys.readouterr().out
    assert all(quota.name in printed and quota.page in printed for quota in QUOTAS)


def test_the_steps_arguments_stay_below_their_quota() -> None:
    where = StepLocations(f"s3://{'b' * 63}/steps/{'0' * 16}/", *("b" * 63 for _ in range(3)))
    model_id = new_model_id(datetime(2026, 12, 1, tzinfo=UTC))
    data = DataVersion("d" * 40, model_id)
    steps = (
        recommend_step(where, "0" * 32, model_id, attempt=3),
        train_step(where, data, model_id, sizes=ALS_RANKS, all_visitors=True, force=True),
    )
    for step in steps:
        assert sum(map(len, step["HadoopJarStep"]["Args"])) < EMR_ARGUMENTS.most / 5


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
