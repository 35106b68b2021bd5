"""Time the recommend step in Spark for a hundred visitors and for ten thousand.

Each visitor rated 5 to 20 movies. One session serves the submissions in turns, and the best time of
each counts: the difference is the work for the visitors themselves.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as on the cluster: Spark's tasks are the parallelism

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

import recommend
from benchmarks.machine import machine, processor_seconds
from benchmarks.netflix_size import MOVIES, RANK, netflix_size_model, random_visitors
from learning.hadoop_files import Files
from learning.step_log import StepLog
from marquee.contracts import Member, Rating, Submission
from marquee.recommender.model_folder import write_folder

FEWEST, MOST = 5, 20  # ratings of a visitor

type BatchTimes = tuple[float, float]  # wall-clock seconds, processor seconds

console = Console(width=110)


def main() -> None:
    """Run the benchmark and print the best times; exits with 0 whatever they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=100, help="visitors in the small batch")
    parser.add_argument("--many", type=int, default=10_000, help="visitors in the large batch")
    parser.add_argument("--tries", type=int, default=3, help="number of runs of each batch")
    options = parser.parse_args()
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        write_folder(netflix_size_model(), Path(folder) / "m1")
        counts = (1, options.few, options.many)
        tries = [
            {count: _served(spark, Path(folder), count, run) for count in counts}
            for run in range(options.tries)
        ]
    spark.stop()
    table = Table(title=f"The recommend step: {MOVIES:,} movies, rank {RANK}, {machine()}")
    for heading in ("visitors", "seconds", "more", "processor seconds", "more"):
        table.add_column(heading, justify="right")
    few_seconds, few_processor = _best(tries, options.few)
    for count in counts:
        seconds, processor = _best(tries, count)
        table.add_row(
            f"{count:,}",
            *(f"{seconds:.1f}", f"{seconds - few_seconds:+.1f}"),
            *(f"{processor:.1f}", f"{processor - few_processor:+.1f}"),
        )
    console.print(table)
    console.print(f"more: compared with {options.few} visitors")


def _best(tries: Sequence[Mapping[int, BatchTimes]], count: int) -> BatchTimes:
    seconds, processor = zip(*(each[count] for each in tries), strict=True)
    return min(seconds), min(processor)


def _served(spark: SparkSession, folder: Path, count: int, run: int) -> BatchTimes:
    submission = folder / f"{count}.json"
    submission.write_text(Submission(tuple(_members(count))).to_json_lines())
    arguments = recommend.arguments_from(
        [
            *("--submission", submission.as_uri()),
            *("--model", (folder / "m1").as_uri()),
            *("--results", (folder / f"results-{count}-{run}").as_uri()),
        ]
    )
    begun, used = time.perf_counter(), processor_seconds()
    recommend.run(Files(spark), lambda: nullcontext(spark), arguments, StepLog("recommend"))
    return time.perf_counter() - begun, processor_seconds() - used


def _members(count: int) -> list[Member]:
    return [
        Member(f"01k{number:023d}", 1, "tested", tuple(Rating(*each) for each in stars.items()))
        for number, stars in enumerate(random_visitors(count, FEWEST, MOST))
    ]


if __name__ == "__main__":
    main()
