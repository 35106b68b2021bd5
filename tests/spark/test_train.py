"""The train step: what it reads, what it fits, what it writes."""

import json
import math
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

import train
from marquee.contracts import CurrentModel, Rating, VisitorObject, timestamp
from marquee.fold_in import Recommender
from marquee.hadoop import Files
from marquee.model import Model, read_model
from marquee.progress import Progress, StepError

MOVIES, USERS, HUGE = 30, 80, 2**40
ADA, BOB = "01k0000000000000000000000a", "01k0000000000000000000000b"
SAY = Progress("train")
NOW = "2026-11-21T20:00:00.000Z"


def visitor(visitor_id: str, version: int, ratings: dict[int, int], dataset: str = "tested") -> str:
    given = tuple(Rating(movie_id, stars) for movie_id, stars in ratings.items())
    return VisitorObject(visitor_id, version, "2026-11-21T20:00:00.000Z", dataset, given).to_json()


@pytest.fixture(scope="module")
def ratings(spark: SparkSession) -> DataFrame:
    """Two tastes: even users love even movies, odd users odd ones. Ids beyond 32 bits."""
    chance = np.random.default_rng(2)
    rows = [
        (HUGE + user, movie, 4.5 if (user + movie) % 2 == 0 else 1.5)
        for user in range(USERS)
        for movie in sorted(chance.choice(MOVIES, 15, replace=False).tolist())
    ]
    return spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT").cache()


@pytest.fixture(scope="module")
def movies(spark: SparkSession) -> DataFrame:
    rows = [(movie, f"Movie {movie}", 2000 + movie, ["Drama"]) for movie in range(MOVIES)]
    return spark.createDataFrame(rows, train.MOVIES_SCHEMA)


@pytest.fixture(scope="module")
def stored(ratings: DataFrame, movies: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    dated = ratings.withColumn("rated_at", F.timestamp_seconds(F.lit(0)))
    dated.write.parquet((folder / "ratings").as_uri())
    movies.write.parquet((folder / "movies").as_uri())
    return folder


def arguments_for(stored: Path, model: Path, *more: str) -> Namespace:
    return train.arguments_from(
        [
            *("--dataset", "tested"),
            *("--ratings", (stored / "ratings").as_uri()),
            *("--movies", (stored / "movies").as_uri()),
            *("--visitors", (model.parent / "visitors").as_uri()),
            *("--model", model.as_uri() + "/"),
            *("--current", (model.parent / "current.json").as_uri()),
            *more,
        ]
    )


@pytest.fixture(scope="module")
def models(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with visitors beside it: Ada changed her mind, Bob rated something else."""
    folder = tmp_path_factory.mktemp("models")
    days = folder / "visitors" / "date=2026-11-21", folder / "visitors" / "date=2026-11-22"
    for day in days:
        day.mkdir(parents=True)
    (days[0] / f"{ADA}-1.json").write_text(visitor(ADA, 1, {0: 5, 1: 5}))
    (days[1] / f"{ADA}-2.json").write_text(visitor(ADA, 2, {2: 5, 3: 1, 999: 5}))
    (days[0] / f"{BOB}-1.json").write_text(visitor(BOB, 1, {4: 1}, dataset="another"))
    (days[0] / "broken.json").write_text('{"schema_version": 1, "visitor_id"')
    return folder


@pytest.fixture(scope="module")
def trained(spark: SparkSession, stored: Path, models: Path) -> Model:
    train.run(spark, arguments_for(stored, models / "m1"), SAY)
    return read_model(models / "m1")


def test_given_ratings_and_visitors_when_trained_then_both_are_counted(trained: Model) -> None:
    counts = trained.counts
    assert (counts.ratings, counts.users, counts.visitors) == (USERS * 15 + 2, USERS + 1, 1)


def test_given_two_tastes_when_trained_then_a_visitor_of_one_is_picked_only_of_it(
    trained: Model,
) -> None:
    picks = Recommender(trained.rating).picks({0: 5, 2: 5, 4: 5, 1: 1, 3: 1})
    assert {pick.movie_id % 2 for pick in picks} == {0}


def test_given_two_tastes_when_measured_then_the_model_beats_its_baseline(trained: Model) -> None:
    metrics = trained.metrics
    assert metrics["test_rmse"] < 0.5 < metrics["baseline_rmse"]


def test_given_a_model_when_trained_then_its_questionnaire_names_its_movies(trained: Model) -> None:
    assert set(trained.questionnaire) <= trained.movies.keys()
    assert len(trained.questionnaire) == 20


def test_given_no_model_in_use_when_trained_then_current_names_the_new_one(
    trained: Model, models: Path
) -> None:
    current = CurrentModel.from_json((models / "current.json").read_text())
    assert (current.model_id, current.dataset, current.ratings) == ("m1", "tested", USERS * 15 + 2)


def test_given_a_visitor_during_training_then_the_model_counts_as_older_than_she(
    spark: SparkSession, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[str] = []
    read = train.read_visitors

    def read_then_come(*arguments: Any) -> DataFrame:
        found = read(*arguments)
        came.append(timestamp(datetime.now(UTC)))
        return found

    monkeypatch.setattr(train, "read_visitors", read_then_come)
    model = train.run(spark, arguments_for(stored, tmp_path / "m2"), SAY)
    assert model.trained_at < came[0]


def test_given_a_written_model_then_no_temporary_file_stays(trained: Model, models: Path) -> None:
    assert [path for path in models.rglob("*.temporary") if path.is_file()] == []


def test_given_a_users_ratings_when_folded_in_then_her_factors_are_those_of_mllib(
    spark: SparkSession, ratings: DataFrame
) -> None:
    marked = train.with_split(ratings, 1)
    users = train.users_of(marked)
    totals, starts = train.totals_of(users)
    indexed = train.with_user_index(marked, users, starts).cache()
    baseline = train.baseline_of(indexed)
    size = train.Size(rank=4, iterations=5, regularisation=0.1, blocks=2)
    als = train.fit(train.with_baseline(indexed, baseline), size, seed=3)
    model = train.rating_model(als, baseline, size, totals)
    of_mllib = {row["id"]: row["features"] for row in als.userFactors.collect()}
    given: dict[int, dict[int, float]] = {}
    for row in indexed.collect():
        given.setdefault(row["user"], {})[row["movie_id"]] = row["rating"]
    recommender = Recommender(model)
    for user, rated in given.items():
        np.testing.assert_allclose(
            recommender.fold_in(rated).factors, of_mllib[user], rtol=1e-3, atol=1e-4
        )


def test_given_users_in_many_partitions_when_indexed_then_numbers_are_dense_and_unique(
    ratings: DataFrame,
) -> None:
    marked = train.with_split(ratings.repartition(7), 1)
    users = train.users_of(marked)
    _, starts = train.totals_of(users)
    numbers = train.with_user_index(marked, users, starts).select("user").distinct().collect()
    assert sorted(row["user"] for row in numbers) == list(range(USERS))


def test_given_other_partitions_when_split_then_the_test_ratings_are_the_same(
    ratings: DataFrame,
) -> None:
    once, again = (
        train.with_split(rows, 5).filter("test").select("user_id", "movie_id")
        for rows in (ratings, ratings.repartition(5))
    )
    assert once.exceptAll(again).count() == 0
    assert again.count() == once.count()


def test_given_ratings_when_split_then_about_15_percent_are_held_back(ratings: DataFrame) -> None:
    share = train.with_split(ratings, 1).filter("test").count() / (USERS * 15)
    assert 0.11 < share < 0.19


def test_given_visitors_when_read_then_latest_versions_of_this_data_set_count(
    spark: SparkSession, models: Path
) -> None:
    objects = train.read_visitors(spark, (models / "visitors").as_uri(), Files(spark), SAY)
    found = train.visitors_ratings(objects, "tested").collect()
    assert {(row["movie_id"], row["rating"]) for row in found} == {(2, 5.0), (3, 1.0), (999, 5.0)}


def test_given_visitors_when_read_then_their_user_ids_are_below_every_data_sets(
    spark: SparkSession, models: Path
) -> None:
    objects = train.read_visitors(spark, (models / "visitors").as_uri(), Files(spark), SAY)
    users = [row["user_id"] for row in train.visitors_ratings(objects, "tested").collect()]
    assert max(users) < 0


@pytest.mark.parametrize("made", [True, False])
def test_given_no_visitors_yet_when_read_then_there_are_none(
    spark: SparkSession, tmp_path: Path, made: bool
) -> None:
    folder = tmp_path / "visitors"
    if made:
        folder.mkdir()
    assert train.read_visitors(spark, folder.as_uri(), Files(spark), SAY).collect() == []


def test_given_a_visitor_of_a_newer_schema_when_read_then_she_is_left_out(
    spark: SparkSession,
) -> None:
    rows = [(2, ADA, 1, "", "tested", [(1, 5)]), (1, BOB, 1, "", "tested", [(1, 4)])]
    found = train.visitors_ratings(spark.createDataFrame(rows, train.VISITOR_SCHEMA), "tested")
    assert [row["rating"] for row in found.collect()] == [4.0]


def test_given_a_visitor_who_took_her_ratings_back_when_read_then_none_of_them_count(
    spark: SparkSession,
) -> None:
    rows = [(1, ADA, 1, "", "tested", [(1, 5)]), (1, ADA, 2, "", "tested", [])]
    found = train.visitors_ratings(spark.createDataFrame(rows, train.VISITOR_SCHEMA), "tested")
    assert found.collect() == []


@pytest.mark.parametrize(
    ("current", "switch", "moves"),
    [
        (None, False, True),
        ("tested", False, True),
        ("another", False, False),
        ("another", True, True),
        ("{", False, False),
        ("{", True, True),
    ],
)
def test_given_a_model_in_use_when_trained_then_only_its_data_set_or_a_switch_moves_it(
    spark: SparkSession, tmp_path: Path, current: str | None, switch: bool, moves: bool
) -> None:
    path = tmp_path / "current.json"
    if current == "{":
        path.write_text(current)
    elif current:
        path.write_text(CurrentModel("m0", current, "2026-11-21T20:00:00Z", 1, 1).to_json())
    found = train.moves_current(Files(spark), path.as_uri(), "tested", switch=switch, say=SAY)
    assert found is moves


def test_given_one_user_and_one_movie_when_trained_then_the_model_is_whole_and_has_no_rmse(
    spark: SparkSession, movies: DataFrame
) -> None:
    one = spark.createDataFrame([(7, 3, 4.0)], "user_id LONG, movie_id INT, rating FLOAT")
    model = train.trained(
        one, movies, dataset="tested", model_id="m", trained_at=NOW, seed=1, say=SAY
    )
    assert (list(model.movies), model.metrics["test_rmse"]) == ([3], None)


def test_given_no_ratings_when_trained_then_the_error_says_to_import(
    spark: SparkSession, movies: DataFrame
) -> None:
    none = spark.createDataFrame([], "user_id LONG, movie_id INT, rating FLOAT")
    with pytest.raises(StepError, match="import a data set first"):
        train.trained(none, movies, dataset="tested", model_id="m", trained_at=NOW, seed=1, say=SAY)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_given_ratings_that_are_not_finite_when_trained_then_the_error_counts_them(
    spark: SparkSession, movies: DataFrame, bad: float | None
) -> None:
    rows = [(7, 3, bad), (8, 3, 4.0)]
    ratings = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    with pytest.raises(StepError, match="1 ratings are not finite numbers"):
        train.trained(
            ratings, movies, dataset="tested", model_id="m", trained_at=NOW, seed=1, say=SAY
        )


def test_given_a_data_set_that_is_not_prepared_when_trained_then_the_error_names_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match="run the prepare step of 'tested' first"):
        train.run(spark, arguments_for(tmp_path, tmp_path / "m"), SAY)


@pytest.mark.parametrize(("ratings", "rank"), [(30_000, 16), (1_000_000, 32), (100_000_000, 64)])
def test_given_more_ratings_when_sized_then_the_model_grows(ratings: int, rank: int) -> None:
    assert train.size_for(ratings).rank == rank


def test_given_a_hundred_million_ratings_when_sized_then_they_are_spread_over_many_blocks() -> None:
    assert train.size_for(100_000_000).blocks == 200


def test_given_metrics_when_written_then_they_can_be_read_as_plain_json(
    trained: Model, models: Path
) -> None:
    written = json.loads((models / "m1" / "metrics.json").read_text())
    assert written == trained.metrics


def test_given_a_local_spark_when_it_checkpoints_then_it_does_so_in_the_temporary_folder(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert Files(spark).temporary_folder("x") == (tmp_path / "marquee-x").as_uri()
