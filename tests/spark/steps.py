"""Run steps with the Spark session of the tests, which they must not stop."""

from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from pyspark.sql import SparkSession

import similar
import train
from learning.hadoop_files import Files
from learning.step_log import StepLog
from marquee.recommender.model import Model
from marquee.recommender.similarity import SimilarMovies


def session_of(spark: SparkSession) -> Callable[[], AbstractContextManager[SparkSession]]:
    return lambda: nullcontext(spark)


def run_train(spark: SparkSession, arguments: Namespace) -> Model:
    return train.run(Files(spark), session_of(spark), arguments, StepLog("train"))


def run_similar(spark: SparkSession, folder: Path) -> SimilarMovies:
    arguments = similar.arguments_from(["--model", folder.as_uri()])
    return similar.run(Files(spark), session_of(spark), arguments, StepLog("similar"))
