"""Time an iteration of ALS: Marquee's, Spark MLlib's and `implicit`'s.

All fit the same synthetic ratings (benchmarks/synthetic.py): explicit ALS on all ratings, implicit
ALS on likes, or the three models that training fits, together. A short and a long fit are timed in
turns in one process; the difference of their times, divided by the difference of their iterations,
excludes reading, shuffling into blocks and starting. Each contestant runs in its own process, and
their order is reversed every round.

Other programs may run at the same time. Therefore the fastest fit of each length counts, processor
seconds of all processes (to which waiting does not add) are shown next to wall-clock seconds, and
the machine's load is printed.

| contestant | |
|---|---|
| Marquee | batched numpy on Spark's executors, a block for each 500,000 ratings |
| Marquee, driver | the same in one process, as training does up to two million ratings |
| MLlib, BLAS | MLlib with a native BLAS on one thread a task, and as many blocks |
| MLlib | its defaults: 10 blocks, plain Java where no BLAS is found |
| implicit | conjugate gradients, 3 steps an iteration: its default; implicit ALS only |
| implicit, exact | the same with a Cholesky solve for each user and movie, as MLlib has |
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from implicit.als import AlternatingLeastSquares
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine, processor_seconds
from benchmarks.spark import local_spark
from benchmarks.synthetic import SHAPES, made_ratings, write_movielens
from learning.als import Objective, Target, fit_als
from learning.blas import has_native_blas
from learning.fitting import CONFIDENCE, RANKING_REGULARISATION, size_for
from learning.mllib import MllibFits, mllib_fits
from learning.rating_blocks import MovieBaseline, Ratings
from learning.ratings_on_spark import read_ratings
from marquee.recommender.model import LIKED

MARQUEE, MARQUEE_DRIVER = "Marquee", "Marquee, driver"
MLLIB_BLAS, MLLIB = "MLlib, BLAS", "MLlib"
IMPLICIT, IMPLICIT_EXACT = "implicit", "implicit, exact"
EXPLICIT_ALS, IMPLICIT_ALS, THREE = "explicit", "implicit", "three models"
ON_SPARK = (MARQUEE, MARQUEE_DRIVER, MLLIB_BLAS, MLLIB)
CONTESTANTS = {
    EXPLICIT_ALS: ON_SPARK,
    IMPLICIT_ALS: (*ON_SPARK, IMPLICIT, IMPLICIT_EXACT),
    THREE: ON_SPARK,
}
RANKS = (32, 64)
ITERATIONS = (1, 4)  # the long fit has three more, with one checkpoint if every third makes one
ROUNDS = 2
CORES = 2
JAVA_BLAS = "-Ddev.ludovic.netlib.blas.nativeLib=none -Ddev.ludovic.netlib.lapack.nativeLib=none"
MLLIB_BLOCKS = 10  # its default
SEED = 1

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Task:
    """The task of one process: a contestant fits one kind of ALS of some ranks to one data set."""

    contestant: str
    kind: str
    ranks: tuple[int, ...]
    ratings: int
    iterations: tuple[int, int]
    folder: str  # that holds ratings.csv


@dataclass(frozen=True, slots=True)
class FitTimes:
    """The times of one fit."""

    rank: int
    iterations: int
    seconds: float
    processor_seconds: float


def main() -> None:
    """Run the benchmark, or with the hidden option `--task` the fits of one contestant.

    The benchmark starts itself with `--task` in a process for each contestant, and reads one line
    of JSON per fit from its output.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1m,10m", help=f"a list of {', '.join(SHAPES)}")
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help="rounds; each runs every contestant in a process of its own",
    )
    parser.add_argument("--driver-memory", default="6g")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        given = json.loads(options.task)
        task = Task(**given | {"ranks": tuple(given["ranks"])})
        for timed in _timed(task, options.driver_memory):
            print(json.dumps(asdict(timed)), flush=True)
        return
    for size in options.sizes.split(","):
        _compare(size, options.rounds, options.driver_memory)


def _compare(size: str, rounds: int, driver_memory: str) -> None:
    shape = SHAPES[size]
    with tempfile.TemporaryDirectory() as folder:
        write_movielens(made_ratings(shape), shape.movies, Path(folder))
        for kind, contestants in CONTESTANTS.items():
            found: dict[str, list[FitTimes]] = {name: [] for name in contestants}
            loads = [os.getloadavg()[0]]
            for number in range(rounds):
                for name in contestants if number % 2 == 0 else reversed(contestants):
                    task = Task(name, kind, RANKS, shape.ratings, ITERATIONS, folder)
                    found[name] += _in_a_process(task, driver_memory)
                    loads.append(os.getloadavg()[0])
                    console.print(f"  {size} {kind} round {number + 1} {name}: done")
            title = (
                f"{kind} ALS, {shape.ratings:,} ratings, {shape.users:,} users, "
                f"{shape.movies:,} movies: seconds an iteration; {machine()}, "
                f"{min(loads):.1f} to {max(loads):.1f} while it ran"
            )
            _report(title, found)


def _in_a_process(task: Task, driver_memory: str) -> list[FitTimes]:
    command = [sys.executable, "-m", "benchmarks.training", "--task", json.dumps(asdict(task))]
    # A step's environment names no kernel, so the library chooses one for the machine.
    inherited = {name: at for name, at in os.environ.items() if not name.startswith("OPENBLAS_")}
    done = subprocess.run(
        [*command, "--driver-memory", driver_memory],
        env=inherited | {"OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [
        FitTimes(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")
    ]


def _report(title: str, found: dict[str, list[FitTimes]]) -> None:
    table = Table(title=title)
    for heading in ("", "rank", "seconds", "of Marquee's", "processor seconds", "of Marquee's"):
        table.add_column(heading, justify="right" if heading else "left")
    for rank in RANKS:
        ours = _an_iteration(found[MARQUEE], rank)
        for name, timed in found.items():
            own = _an_iteration(timed, rank)
            cells = [
                cell
                for mine, other in zip(own, ours, strict=True)
                for cell in (f"{mine:.2f}", f"{mine / other:.2f} x")
            ]
            table.add_row(name, str(rank), *cells)
    console.print(table)


def _an_iteration(found: Sequence[FitTimes], rank: int) -> tuple[float, float]:
    """Return seconds and processor seconds per iteration, from the fastest long and short fits."""
    few, many = ITERATIONS
    of_rank = [each for each in found if each.rank == rank]

    def between(of: Callable[[FitTimes], float]) -> float:
        least = [min(of(each) for each in of_rank if each.iterations == n) for n in (few, many)]
        return (least[1] - least[0]) / (many - few)

    return between(lambda each: each.seconds), between(lambda each: each.processor_seconds)


def _timed(task: Task, driver_memory: str) -> list[FitTimes]:
    if task.contestant in (IMPLICIT, IMPLICIT_EXACT):
        return _timed_implicit(task)
    return _timed_on_spark(task, driver_memory)


def _timed_on_spark(task: Task, driver_memory: str) -> list[FitTimes]:
    plain = task.contestant == MLLIB
    schema = "user_id LONG, movie_id INT, rating FLOAT, seconds LONG"
    with local_spark(
        CORES,
        spark__driver__memory=driver_memory,
        spark__driver__extraJavaOptions=f"-XX:+UseParallelGC {JAVA_BLAS if plain else ''}",
        spark__sql__shuffle__partitions=str(CORES * 4),
    ) as spark:
        if task.contestant in (MLLIB, MLLIB_BLAS) and has_native_blas(spark) == plain:
            raise SystemExit(f"{task.contestant} must run with{'out' if plain else ''} native BLAS")
        rows = spark.read.schema(schema).csv(f"{task.folder}/ratings.csv", header=True)
        most = task.ratings if task.contestant == MARQUEE_DRIVER else 0
        ratings, _ = read_ratings(rows.select("user_id", "movie_id", "rating"), most_in_driver=most)
        fit = _fit_of(spark, task, ratings, plain=plain)
        return _by_turns(task, fit, processor_seconds)


def _fit_of(
    spark: SparkSession, task: Task, ratings: Ratings, *, plain: bool
) -> Callable[[int, int], None]:
    """Return a function that fits with a rank and a number of iterations."""
    baseline = MovieBaseline.of(ratings.star_counts())
    objectives = _objectives(task)
    if task.contestant in (MARQUEE, MARQUEE_DRIVER):
        sides = ratings.sides(baseline)
        return lambda rank, iterations: _done(
            fit_als(sides, objectives, rank=rank, iterations=iterations, seed=SEED)
        )
    fits = mllib_fits(spark, ratings, baseline, SEED)
    ratings.release()
    if plain:
        fits = replace(fits, blocks=MLLIB_BLOCKS)

    def fit(rank: int, iterations: int) -> None:
        with ThreadPoolExecutor(len(objectives)) as pool:
            list(pool.map(lambda each: _fit_by_mllib(fits, each, rank, iterations), objectives))

    return fit


def _fit_by_mllib(fits: MllibFits, objective: Objective, rank: int, iterations: int) -> None:
    rows = fits.rows
    if objective.target is Target.LIKES:
        rows = rows.filter(F.col("stars") >= LIKED).withColumn("liked", F.lit(1.0))
    model = fits.als(objective, rank, iterations).fit(rows)
    model.userFactors.count()
    model.itemFactors.count()


def _done(_: object) -> None:
    """Drop what was fitted."""


def _objectives(task: Task) -> tuple[Objective, ...]:
    size = size_for(task.ratings)
    explicit = Objective(Target.STARS, size.regularisation)
    likes = Objective(Target.LIKES, RANKING_REGULARISATION, CONFIDENCE)
    residuals = Objective(Target.RESIDUALS, size.residual_regularisation)
    return {
        EXPLICIT_ALS: (explicit,),
        IMPLICIT_ALS: (likes,),
        THREE: (explicit, residuals, likes),
    }[task.kind]


def _timed_implicit(task: Task) -> list[FitTimes]:
    columns = np.loadtxt(
        f"{task.folder}/ratings.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2), dtype=np.float32
    )
    kept = columns[columns[:, 2] >= LIKED].astype(np.int32)
    liked = csr_matrix((np.ones(len(kept), dtype=np.float32), (kept[:, 0], kept[:, 1])))

    def fit(rank: int, iterations: int) -> None:
        AlternatingLeastSquares(
            factors=rank,
            alpha=1 + CONFIDENCE,
            regularization=RANKING_REGULARISATION,
            iterations=iterations,
            use_cg=task.contestant == IMPLICIT,
            num_threads=CORES,
            random_state=SEED,
        ).fit(liked, show_progress=False)

    with threadpool_limits(1, "blas"):
        return _by_turns(task, fit, time.process_time)


def _by_turns(
    task: Task, fit: Callable[[int, int], None], processor_seconds: Callable[[], float]
) -> list[FitTimes]:
    """Time short and long fits in turns, after a fit that only warms up."""
    few, many = task.iterations
    found = []
    for rank in task.ranks:
        fit(rank, few)
        for iterations in (few, many):
            begun, before = time.perf_counter(), processor_seconds()
            fit(rank, iterations)
            taken = time.perf_counter() - begun
            found.append(FitTimes(rank, iterations, taken, processor_seconds() - before))
    return found


if __name__ == "__main__":
    main()
