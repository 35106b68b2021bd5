"""The simulation against bursts that were measured on the local AWS."""

import pytest

from benchmarks.simulation.bursts import BURSTS, Burst, simulate
from operations import ROOT

WITHIN = 0.20


@pytest.mark.parametrize("burst", BURSTS, ids=lambda burst: burst.name)
def test_a_simulated_burst_takes_as_long_as_the_measured_one(burst: Burst) -> None:
    simulated = simulate(burst)
    assert abs(simulated.seconds / burst.measured - 1) <= WITHIN
    assert simulated.twice == 0


@pytest.mark.parametrize("burst", BURSTS, ids=lambda burst: burst.name)
def test_the_measured_figure_is_published(burst: Burst) -> None:
    assert f" {burst.measured:,.0f} |" in (ROOT / burst.source).read_text()


def test_the_same_seed_gives_the_same_outcome() -> None:
    burst = BURSTS[0]
    assert simulate(burst, seed=7) == simulate(burst, seed=7)


def test_a_slower_machine_is_noticed() -> None:
    """The comparison can fail: it is not true of any times."""
    burst = BURSTS[1]
    fast = simulate(burst).seconds
    slow = simulate(burst, cores=1).seconds
    assert slow > (1 + WITHIN) * fast
