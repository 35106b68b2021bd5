"""The similar step: all pairs of movies, in blocks."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

import similar
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
from tests.spark.steps import run_similar

MODEL = random_model(90)


def test_comparing_blocks_equals_comparing_all_movies_together(
    spark: SparkSession,
) -> None:
    [whole] = blocks_of(MODEL, 90)
    expected = similar_movies(MODEL.rating.movie_ids, [nearest(whole, whole)])
    for found in (
        similar.compare_movies(spark, MODEL, movies_a_block=25),
        similar.compare_movies_here(MODEL, movies_a_block=25),
    ):
        np.testing.assert_array_equal(found.similar_ids, expected.similar_ids)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


@pytest.mark.parametrize("most_here", [90, 89])
def test_the_step_adds_similar_movies_to_a_model_folder_that_stays_whole(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_here: int
) -> None:
    monkeypatch.setattr(similar, "MOST_MOVIES_HERE", most_here)
    write_folder(MODEL, tmp_path)
    found = run_similar(spark, tmp_path)
    assert read_similar((tmp_path / SIMILAR).read_bytes()).of(100) == found.of(100) != []
    assert read_model(tmp_path).model_id == MODEL.model_id


def test_a_missing_model_fails_with_what_is_missing(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no manifest\.json"):
        run_similar(spark, tmp_path)
