"""A small local Spark for all tests, with the settings that the steps rely on."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.spark.prepared import Prepared, Preparing, prepared_in


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # The workers import the code from marquee.zip, as on a cluster.
    root = Path(__file__).parents[2]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root / "layer"), str(root / "emr_steps")])
    scratch = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .appName("marquee tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        # These jobs are so short that the optimising compiler costs more time than it saves.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.files.minPartitionNum", "1")
        .config("spark.local.dir", str(scratch))
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .getOrCreate()
    )
    session.sparkContext.setCheckpointDir((scratch / "checkpoints").as_uri())
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def preparing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Preparing:
    """Return a function that prepares files (contents by name) and returns report and folder."""

    def run(files: Mapping[str, str | bytes]) -> Prepared:
        folder = tmp_path_factory.mktemp("prepared")
        raw = folder / "raw"
        raw.mkdir()
        for name, content in files.items():
            (raw / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return prepared_in(spark, folder, raw), folder

    return run
