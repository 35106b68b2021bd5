"""Run the prepare step from a test."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from pyspark.sql import SparkSession

import prepare
from learning.step_log import StepLog

type Prepared = tuple[prepare.ImportReport, Path]
type Preparing = Callable[[Mapping[str, str | bytes]], Prepared]


def prepared_in(spark: SparkSession, folder: Path, raw: Path) -> prepare.ImportReport:
    """Run the prepare step on `raw`; write ratings, movies, tags and reports below `folder`."""
    arguments = Namespace(
        dataset="tested",
        raw=raw.as_uri(),
        ratings=(folder / "ratings").as_uri(),
        movies=(folder / "movies").as_uri(),
        tags=(folder / "tags").as_uri(),
        report=(folder / "reports").as_uri(),
    )
    return prepare.prepare(spark, arguments, StepLog("prepare"))
