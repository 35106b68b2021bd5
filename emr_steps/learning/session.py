"""The Spark session of a step that fits models."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from learning.hadoop_files import Files


@contextmanager
def fitting_session(name: str) -> Iterator[SparkSession]:
    """Open a session with a checkpoint folder, which is deleted when the session ends."""
    with SparkSession.builder.appName(name).getOrCreate() as spark:
        files = Files(spark)
        checkpoints = files.temporary_folder(uuid.uuid4().hex)
        spark.sparkContext.setCheckpointDir(checkpoints)
        try:
            yield spark
        finally:
            files.delete(checkpoints)
