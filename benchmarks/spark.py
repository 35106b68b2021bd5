"""A local Spark session for a benchmark, with little logging."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession


@contextmanager
def local_spark(cores: int = 2, **settings: str) -> Iterator[SparkSession]:
    """Open a local session, stopped at the end.

    `settings` are Spark's, with `__` in place of dots: `spark__driver__memory="4g"`.
    """
    builder = SparkSession.builder.master(f"local[{cores}]")
    configuration = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    } | {name.replace("__", "."): value for name, value in settings.items()}
    for name, value in configuration.items():
        builder = builder.config(name, value)
    with tempfile.TemporaryDirectory() as scratch:
        spark = builder.config("spark.local.dir", scratch).getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        spark.sparkContext.setCheckpointDir(f"{scratch}/checkpoints")
        try:
            yield spark
        finally:
            spark.stop()
