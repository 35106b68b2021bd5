"""Seconds that the recommend step takes for a hundred visitors and for ten thousand, in Spark.

A model of Netflix size with random factors: 17,770 movies, rank 64. Both batches are served in one
session, twice, and the better time of each counts: what is left is the visitors' own work.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

import recommend
from benchmarks.machine import machine
from marquee.contracts import Member, Rating, Submission
from marquee.model import write_folder
from marquee.progress import Progress
from tests.models import FIRST, random_model

MOVIES, RANK, SEED, RATINGS = 17_770, 64, 1, 10
TRIES = 2

console = Console(width=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=100, help="visitors of the small batch")
    parser.add_argument("--many", type=int, default=10_000, help="visitors of the large one")
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
        write_folder(random_model(MOVIES, RANK), Path(folder) / "m1")
        seconds = {
            count: min(_served(spark, Path(folder), count, run) for run in range(TRIES))
            for count in (1, options.few, options.many)
        }
    spark.stop()
    table = Table(title=f"The recommend step: {MOVIES:,} movies, rank {RANK}, {machine()}")
    for heading in ("visitors", "seconds", f"more than {options.few}"):
        table.add_column(heading, justify="right")
    for count, taken in seconds.items():
        table.add_row(f"{count:,}", f"{taken:.1f}", f"{taken - seconds[options.few]:+.1f}")
    console.print(table)


def _served(spark: SparkSession, folder: Path, count: int, run: int) -> float:
    submission = folder / f"{count}.json"
    submission.write_text(Submission(tuple(_members(count))).to_json_lines())
    arguments = recommend.arguments_from(
        [
            *("--submission", submission.as_uri()),
            *("--model", (folder / "m1").as_uri()),
            *("--results", (folder / f"results-{count}-{run}").as_uri()),
        ]
    )
    begun = time.perf_counter()
    recommend.run(spark, arguments, Progress("recommend"))
    return time.perf_counter() - begun


def _members(count: int) -> list[Member]:
    chance = np.random.default_rng(SEED)
    return [
        Member(
            f"01k{number:023d}",
            1,
            "tested",
            tuple(
                Rating(int(movie) + FIRST, int(chance.integers(1, 6)))
                for movie in chance.choice(MOVIES, RATINGS, replace=False)
            ),
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    main()
