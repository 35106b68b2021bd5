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
    Block,
    nearest,
    read_similar,
    similar_movies,
    vectors_of,
)
from tests.models import random_model

SAY = StepLog("similar")
MODEL = random_model(90)


def test_given_blocks_when_compared_on_spark_then_it_is_as_if_all_were_compared_at_once(
    spark: SparkSession,
) -> None:
    whole = Block(0, vectors_of(MODEL), MODEL.rating.support)
    expected = similar_movies(MODEL.rating.movie_ids, [nearest(whole, whole)])
    found = similar.similar(spark, MODEL, movies_a_block=25)
    np.testing.assert_array_equal(found.neighbours, expected.neighbours)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_given_a_model_folder_when_run_then_similar_movies_lie_in_it_and_it_is_still_whole(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_folder(MODEL, tmp_path)
    found = similar.run(spark, similar.arguments_from(["--model", tmp_path.as_uri()]), SAY)
    assert read_similar((tmp_path / SIMILAR).read_bytes()).of(100) == found.of(100) != []
    assert read_model(tmp_path).model_id == MODEL.model_id


def test_given_no_model_when_run_then_the_error_says_what_is_missing(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"has no manifest\.json"):
        similar.run(spark, similar.arguments_from(["--model", tmp_path.as_uri()]), SAY)
