"""The train step for the models besides rating and ranking: means, tags, other sizes of ALS."""

from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

import train
from learning.hadoop_files import Files
from learning.prepared import PreparedTag
from learning.profiles import MOST_PEOPLE, MOST_TAGS, profiles_of
from learning.rating_blocks import StarCounts
from learning.ratings_on_spark import read_ratings
from learning.step_log import StepLog
from marquee.recommender.model import Model
from marquee.recommender.model_folder import read_model
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import names_for
from tests.spark.steps import run_train
from tests.spark.tastes import TAGS_SCHEMA, models, movies, ratings, stored

__all__ = ["models", "movies", "ratings", "stored"]  # fixtures

SAY = StepLog("train")
# Even movies have the tag "even"; nobody rated movie 999.
TAGS = [(movie, "even", 3) for movie in range(0, 30, 2)] + [(999, "even", 1), (1, "odd", 2)]


@pytest.fixture(scope="module")
def trained(
    spark: SparkSession, stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp("models")
    spark.createDataFrame(TAGS, TAGS_SCHEMA).write.parquet((folder / "tags").as_uri())
    arguments = train.arguments_from(
        [
            *("--dataset", "tested"),
            *("--ratings", (stored / "ratings").as_uri()),
            *("--movies", (stored / "movies").as_uri()),
            *("--tags", (folder / "tags").as_uri()),
            *("--visitors", (folder / "visitors").as_uri()),
            *("--model", (folder / "m1").as_uri()),
            *("--newest", (folder / "newest.json").as_uri()),
            *("--sizes", "8"),
        ]
    )
    run_train(spark, arguments)
    return read_model(folder / "m1"), folder


def test_only_trained_sizes_can_be_named(
    trained: tuple[Model, Path],
) -> None:
    model, _ = trained
    assert model.sizes[8].loadings.shape == (30, 8)
    assert [name for name in names_for(model) if name.startswith("als")] == ["als-8"]


def test_als_of_another_size_distinguishes_two_tastes(
    trained: tuple[Model, Path],
) -> None:
    picks = Recommender(trained[0], "als-8").picks({0: 5, 2: 5, 4: 5, 1: 1, 3: 1})
    assert {pick.movie_id % 2 for pick in picks} == {0}


@pytest.mark.parametrize("name", ["tags", "tags-ls"])
def test_a_visitor_who_likes_movies_with_a_tag_gets_picks_with_it(
    trained: tuple[Model, Path], name: str
) -> None:
    picks = Recommender(trained[0], name).picks({0: 5, 2: 5, 4: 5, 6: 5, 1: 1, 3: 1, 5: 1, 7: 1})
    assert {pick.movie_id % 2 for pick in picks} == {0}


def test_rare_tags_are_left_out(trained: tuple[Model, Path]) -> None:
    profiles = trained[0].profiles
    assert profiles is not None
    assert profiles.tag_names == ("even",)
    assert profiles.tag_people is not None
    assert profiles.tag_people[:, 0].tolist() == [3, 0] * 15


def test_the_copy_of_a_model_with_sizes_for_a_rejected_one_is_whole(
    spark: SparkSession, trained: tuple[Model, Path]
) -> None:
    model, folder = trained
    train.copy_model((folder / "m1").as_uri(), (folder / "m2").as_uri(), Files(spark))
    assert names_for(read_model(folder / "m2")) == names_for(model)


def test_a_size_without_a_name_is_rejected() -> None:
    with pytest.raises(ArgumentTypeError, match="no ALS model of rank '64': use 8, 16, 32"):
        train.ranks_from("8,64")


IDS = np.array([1, 2], dtype=np.int32)


@pytest.fixture(scope="module")
def few(spark: SparkSession) -> StarCounts:
    rows = [(1, 1, 5.0), (2, 1, 4.0), (3, 1, 1.0), (1, 2, 2.0), (2, 2, 3.0)]
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    return read_ratings(frame)[0].star_counts()


def test_each_movie_has_its_mean_and_its_median(few: StarCounts) -> None:
    profiles = profiles_of(few, IDS)
    np.testing.assert_allclose(profiles.mean, [10 / 3, 2.5], rtol=1e-6)
    assert profiles.median.tolist() == [4.0, 2.5]


def test_a_data_set_without_tags_gives_none(few: StarCounts) -> None:
    profiles = profiles_of(few, IDS)
    assert (profiles.tag_names, profiles.tag_people) == ((), None)


def test_the_most_used_tags_are_kept_and_counts_fit_a_byte(few: StarCounts) -> None:
    tags = [PreparedTag(1 + number % 2, f"tag {number}", 3 + number) for number in range(300)]
    profiles = profiles_of(few, IDS, tags)
    assert profiles.tag_names[:2] == ("tag 299", "tag 298")
    assert len(profiles.tag_names) == MOST_TAGS
    assert profiles.tag_people is not None
    assert profiles.tag_people.dtype == np.uint8
    assert int(profiles.tag_people.max()) == MOST_PEOPLE
