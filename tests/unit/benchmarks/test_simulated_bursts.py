"""The simulation against bursts that were measured on the local AWS."""

from pathlib import Path

import pytest

from benchmarks.simulation.bursts import BURSTS, Burst, simulate
from benchmarks.simulation.published import published_figure
from operations.errors import OperationError

WITHIN = 0.20


@pytest.mark.parametrize("burst", BURSTS, ids=lambda burst: burst.name)
def test_a_simulated_burst_takes_as_long_as_the_measured_one(burst: Burst) -> None:
    simulated = simulate(burst)
    assert abs(simulated.seconds / burst.measured - 1) <= WITHIN
    assert simulated.twice == 0


def test_a_figure_is_read_from_its_table(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("| | one | two |\n|---|---|---|\n| 10 forms, p50 / p95 | 1 / 2 | 1,300 / 4 |\n")
    assert published_figure("10 forms, p50 / p95", 2, file=file) == 1300
    assert published_figure("10 forms, p50 / p95", 1, part=1, file=file) == 2


@pytest.mark.parametrize(("row", "column"), [("11 forms", 1), ("10 forms", 1), ("10 forms", 7)])
def test_a_figure_that_is_not_there_is_named(tmp_path: Path, row: str, column: int) -> None:
    file = tmp_path / "README.md"
    file.write_text("| 10 forms | fast |\n")
    with pytest.raises(OperationError, match=row):
        published_figure(row, column, file=file)


def test_the_same_seed_gives_the_same_outcome() -> None:
    burst = BURSTS[0]
    assert simulate(burst, seed=7) == simulate(burst, seed=7)


def test_a_slower_machine_is_noticed() -> None:
    """The comparison can fail: it is not true of any times."""
    burst = BURSTS[1]
    fast = simulate(burst).seconds
    slow = simulate(burst, cores=1).seconds
    assert slow > (1 + WITHIN) * fast
