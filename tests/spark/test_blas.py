"""Training warns if MLlib has no native BLAS, where MLlib fits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from learning import fitting, regression_check
from learning.blas import MISSING
from marquee.recommender.model_folder import read_model
from tests.spark.steps import run_train
from tests.spark.tastes import movies, ratings, stored
from tests.spark.test_train import arguments_for

__all__ = ["movies", "ratings", "stored"]  # fixtures

ROOT = Path(__file__).parents[2]
ASKS = """
from pyspark.sql import SparkSession
from learning.blas import has_native_blas
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.extraJavaOptions", "-Ddev.ludovic.netlib.blas.nativeLib=none")
    .getOrCreate()
)
print("native:", has_native_blas(spark))
spark.stop()
"""


def test_a_java_without_a_native_blas_is_recognised() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASKS],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layer", ROOT / "emr_steps"))),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "native: False" in asked.stdout


def test_the_log_warns_where_mllib_fits_without_a_native_blas(
    spark: SparkSession,
    stored: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(regression_check, "has_native_blas", lambda _: False)
    warned = {}
    for solver, most in (("numpy", 10**9), ("mllib", 0)):
        monkeypatch.setattr(fitting, "MOST_BYTES_OF_USERS", most)
        folder = tmp_path / solver / "m1"
        run_train(spark, arguments_for(stored, folder, "--iterations", "1"))
        assert read_model(folder).metrics["solver"] == solver
        warned[solver] = MISSING in capsys.readouterr().out
    assert warned == {"numpy": False, "mllib": True}
