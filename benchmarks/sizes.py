"""Check on synthetic ratings whether training chooses sensible hyperparameters.

Uses one split of `make evaluate`. Compares the hyperparameters that training chooses by the number
of ratings with others that differ in one number. The best values for synthetic ratings need not be
the best for real ones: the benchmark shows that such a fit completes, and whether a similar one is
much better.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

import evaluate
from benchmarks.machine import machine
from benchmarks.spark import local_spark
from benchmarks.synthetic import NOISE, SHAPES, made_ratings, write_movielens
from learning.data import titles_of
from learning.fitting import Size, size_for
from learning.measuring import measure_models, people_to_measure
from learning.metrics import Examiner, estimates_of
from learning.splits import RANDOM, split_named
from marquee.contracts import PICKS
from marquee.recommender.model import Counts, Model
from marquee.recommender.picks import candidates_of
from marquee.recommender.scorers import POPULARITY, RANKING, scorer_named
from tests.spark.prepared import prepared_in

SEED = 1
SPLIT = split_named(RANDOM, SEED, ())
FLAG = SPLIT.flag(RANDOM)

console = Console(width=110)


def main() -> None:
    """Fit and measure each set of hyperparameters, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", choices=SHAPES, default="1m", help="size of the generated ratings"
    )
    parser.add_argument("--driver-memory", default="6g")
    options = parser.parse_args()
    shape = SHAPES[options.size]
    table = Table(title=f"{shape.ratings:,} generated ratings, noise {NOISE} stars; {machine()}")
    for heading in ("", "RMSE", f"nDCG@{PICKS}", "seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    with (
        local_spark(spark__driver__memory=options.driver_memory) as spark,
        tempfile.TemporaryDirectory() as folder,
    ):
        raw, prepared = Path(folder) / "raw", Path(folder) / "prepared"
        write_movielens(made_ratings(shape, SEED), shape.movies, raw, SEED)
        prepared_in(spark, prepared, raw)
        arguments = evaluate.arguments_from(
            [
                *("--dataset", options.size, "--seed", str(SEED)),
                *("--ratings", (prepared / "ratings").as_uri()),
                *("--movies", (prepared / "movies").as_uri()),
                *("--report", (prepared / "reports").as_uri()),
            ]
        )
        ratings = evaluate.ratings_of(spark, arguments, SPLIT)
        for name, size in sizes(ratings.totals.ratings):
            cells = _measured(ratings, size)
            console.print(name, *cells)
            table.add_row(name, *cells)
    console.print(table)


def sizes(ratings: int) -> Iterator[tuple[str, Size]]:
    """Return the hyperparameters that training chooses, and variations in one number."""
    rule = size_for(ratings)
    yield (
        f"the rule: rank {rule.rank}, {rule.iterations} iterations, λ {rule.regularisation:g}",
        rule,
    )
    yield (
        f"{rule.iterations // 2} iterations",
        replace(rule, iterations=rule.iterations // 2),
    )
    for regularisation in (
        rule.regularisation / 2,
        rule.regularisation * 1.5,
        rule.regularisation * 2,
    ):
        yield (
            f"λ {regularisation:g}",
            replace(rule, regularisation=regularisation, residual_regularisation=regularisation),
        )
    yield f"rank {rule.rank * 2}", replace(rule, rank=rule.rank * 2)
    yield f"rank {rule.rank // 2}", replace(rule, rank=rule.rank // 2)


def _measured(ratings: evaluate.EvaluationData, size: Size) -> tuple[str, str, str]:
    """Return RMSE and nDCG, half of their 95 % confidence intervals, and the seconds of the fit."""
    totals = ratings.totals
    begun = time.perf_counter()
    fitting = ratings.fitting(FLAG)
    movies = titles_of(ratings.movies, fitting.movie_ids)
    model = fitting.fit(size, totals.scale, movies)
    fitting.release()
    seconds = time.perf_counter() - begun
    counts = Counts(totals.users, len(model.rating.movie_ids), totals.ratings, totals.visitors)
    shell = Model("", ratings.dataset, "", counts, model.rating, model.ranking, movies, ())
    candidates = candidates_of(model.rating.support)
    examiners = {
        name: Examiner(model.rating, scorer_named(name, shell), candidates)
        for name in (RANKING, POPULARITY)
    }
    people = people_to_measure(ratings.rows, FLAG, totals.users)
    found = measure_models(ratings.rows, people, examiners)
    ours, popularity = estimates_of(found[RANKING]), estimates_of(found[POPULARITY])
    stars, ndcg, other = ours["rmse"], ours[f"ndcg@{PICKS}"], popularity[f"ndcg@{PICKS}"]
    if stars is None or ndcg is None or other is None:
        raise SystemExit("no user has held-out ratings: generate more ratings")
    return (
        f"{stars.value:.4f} ± {stars.margin:.4f}",
        f"{ndcg.value:.3f} ± {ndcg.margin:.3f} (popularity {other.value:.3f})",
        f"{seconds:.0f}",
    )


if __name__ == "__main__":
    main()
