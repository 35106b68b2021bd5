"""Measure the processor time of picks for one visitor, by each model, and their memory.

Uses one thread, like a Lambda of less than 1,769 MB. The first row is a lower bound for all models:
the product of all factors with one visitor's taste.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported

import argparse
import resource
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.netflix_size import MOVIES, RANK, netflix_size_model, random_visitors
from marquee.recommender.model import Model
from marquee.recommender.model_folder import read_model, to_files
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import names_for

WARM_UP = 50

console = Console(width=110)


def main() -> None:
    """Print the times and the memory of each model; exits with 0 whatever they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--visitors", type=int, default=1000, help="visitors, timed one after the other"
    )
    parser.add_argument("--ratings", type=int, default=10, help="ratings of each visitor")
    options = parser.parse_args()
    before = _resident_mebibytes()
    model = read_model(to_files(netflix_size_model()))
    visitors = random_visitors(options.visitors, options.ratings, options.ratings)
    table = Table(title=f"Picks for one visitor: {MOVIES:,} movies, rank {RANK}, {machine()}")
    for heading in ("", "p50 ms", "p99 ms", "of the product", "memory MB"):
        table.add_column(heading, justify="right" if heading else "left")
    product = _milliseconds(_product_of(model), visitors)
    table.add_row("all factors by one visitor's", *_cells(product, product), "")
    for name in names_for(model):
        picks = Recommender(model, name).picks
        picks(visitors[0])
        table.add_row(
            name, *_cells(_milliseconds(picks, visitors), product), f"{_grown(before):.0f}"
        )
    console.print(table)
    console.print("memory: total growth of the process since before the model was made")


def _product_of(model: Model) -> Callable[[Mapping[int, float]], object]:
    factors = np.concatenate(
        [part.loadings for part in model.rating.parts] + [model.ranking.factors], axis=1
    )
    taste = np.ones(factors.shape[1], dtype=np.float32)
    return lambda _: factors @ taste


def _milliseconds(
    run: Callable[[Mapping[int, float]], object], visitors: Sequence[Mapping[int, float]]
) -> list[float]:
    for visitor in visitors[:WARM_UP]:
        run(visitor)
    taken = []
    for visitor in visitors:
        begun = time.process_time()
        run(visitor)
        taken.append((time.process_time() - begun) * 1000)
    return taken


def _cells(taken: Sequence[float], product: Sequence[float]) -> tuple[str, str, str]:
    middle, late = np.percentile(taken, [50, 99])
    return f"{middle:.2f}", f"{late:.2f}", f"{middle / np.median(product):.1f} x"


def _grown(before: float) -> float:
    return _resident_mebibytes() - before


def _resident_mebibytes() -> float:
    """Return the peak resident memory of the process; Linux reports it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
