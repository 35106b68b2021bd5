"""The similar step: all pairs of movies, in blocks."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

import similar
from learning.step_log import StepLog
from marquee.recommender.model import ModelError
from marquee.recommender.model_folder import read_model, write_folder
from marquee.recommender.similarity import (
    SIMILAR,
    blocks_of,
    nearest,
    read_similar,
    similar_movies,
)
from tests.models import random_model

SAY = StepLog("similar")
MODEL = random_model(90)


def test_comparing_blocks_on_spark_equals_comparing_all_movies_together(
    spark: SparkSession,
) -> None:
    [whole] = blocks_of(MODEL, 90)
    expected = similar_movies(MODEL.rating.movie_ids, [nearest(whole, whole)])
    found = similar.compare_movies(spark, MODEL, movies_a_block=25)
    np.testing.assert_array_equal(found.similar_ids, expected.similar_ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_the_step_adds_similar_movies_to_a_model_folder_that_stays_whole(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_folder(MODEL, tmp_path)
    found = similar.run(spark, similar.arguments_from(["--model", tmp_path.as_uri()]), SAY)
    assert read_similar((tmp_path / SIMILAR).read_bytes()).of(100) == found.of(100) != []
    assert read_model(tmp_path).model_id == MODEL.model_id


def test_a_missing_model_fails_with_what_is_missing(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no manifest\.json"):
        similar.run(spark, similar.arguments_from(["--model", tmp_path.as_uri()]), SAY)
