"""The train step: its input, the fit and its output."""

import json
import math
import shutil
import sqlite3
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

import train
from learning import data, liked_share, prepared, sources, visitors_in_driver
from learning.hadoop_files import Files
from learning.prepared import PreparedMovie, RatingRows
from learning.regression_check import Examination, examine_model, read_active_model
from learning.sources import SourcesInDriver
from learning.step_log import StepError, StepLog
from learning.visitors import LeftOut
from marquee.contracts import CurrentModel, DataVersion, VisitorObject, timestamp
from marquee.recommender.liked_share import LikedShare
from marquee.recommender.links import ExternalIds, read_links
from marquee.recommender.model import Model, Movie
from marquee.recommender.model_folder import (
    HELD_OUT,
    LIKED_SHARE,
    LINKS,
    SERIES,
    TITLES,
    pack_rating,
    read_beside,
    read_model,
    to_files,
)
from marquee.recommender.picks import Recommender
from marquee.serving.title_search import TitleSearch
from tests.models import rating_of
from tests.spark.steps import run_train
from tests.spark.tastes import (
    MOVIES,
    PARTS,
    USERS,
    models,
    movies,
    ratings,
    stored,
    title_of,
    visitor,
)

__all__ = ["models", "movies", "ratings", "stored"]  # fixtures

SAY = StepLog("train")
NOW = "2026-11-21T20:00:00.000Z"


def arguments_for(stored: Path, model: Path, *more: str) -> Namespace:
    return train.arguments_from(
        [
            *("--dataset", "tested"),
            *("--ratings", (stored / "ratings").as_uri()),
            *("--movies", (stored / "movies").as_uri()),
            *("--visitors", (model.parent / "visitors").as_uri()),
            *("--model", model.as_uri() + "/"),
            *("--newest", (model.parent / "newest.json").as_uri()),
            *more,
        ]
    )


@pytest.fixture(scope="module")
def trained(spark: SparkSession, stored: Path, models: Path) -> Model:
    run_train(spark, arguments_for(stored, models / "m1"))
    return read_model(models / "m1")


def test_training_counts_ratings_and_visitors(trained: Model) -> None:
    counts = trained.counts
    assert (counts.ratings, counts.users, counts.visitors) == (USERS * 15 + 2, USERS + 1, 1)


def test_a_visitor_with_one_of_two_tastes_gets_picks_of_that_taste_only(
    trained: Model,
) -> None:
    picks = Recommender(trained).picks({0: 5, 2: 5, 4: 5, 1: 1, 3: 1})
    assert {pick.movie_id % 2 for pick in picks} == {0}


def test_the_picks_of_a_model_of_two_tastes_beat_popularity(trained: Model) -> None:
    metrics = trained.metrics
    assert metrics["test_rmse"] < 0.5
    assert metrics["ndcg@10"] > metrics["popularity_ndcg@10"]


def test_the_questionnaire_names_movies_of_the_model(trained: Model) -> None:
    assert set(trained.questionnaire) <= trained.movies.keys()
    assert len(trained.questionnaire) == 30


def test_a_model_is_named_as_the_newest_one_of_its_data(trained: Model, models: Path) -> None:
    newest = CurrentModel.from_json((models / "newest.json").read_text())
    assert (newest.model_id, newest.dataset, newest.ratings) == ("m1", "tested", USERS * 15 + 2)
    assert newest.data_version == ""


def test_a_model_names_the_version_of_its_data(
    spark: SparkSession, stored: Path, tmp_path: Path
) -> None:
    run_train(spark, arguments_for(stored, tmp_path / "m1", "--data-version", "v1"))
    newest = CurrentModel.from_json((tmp_path / "newest.json").read_text())
    assert newest.data == DataVersion("tested", "v1")
    assert read_model(tmp_path / "m1").data_version == "v1"


def test_a_model_counts_as_older_than_a_visitor_who_came_during_its_training(
    spark: SparkSession, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[str] = []
    read = visitors_in_driver.read_objects

    def read_then_come(*arguments: Any) -> list[VisitorObject]:
        found = read(*arguments)
        came.append(timestamp(datetime.now(UTC)))
        return found

    monkeypatch.setattr(sources, "read_objects", read_then_come)
    model = run_train(spark, arguments_for(stored, tmp_path / "m2"))
    assert model.trained_at < came[0]


def test_no_temporary_file_stays_after_a_model_is_written(trained: Model, models: Path) -> None:
    assert [path for path in models.rglob("*.temporary") if path.is_file()] == []


def test_the_title_index_of_a_trained_model_finds_its_movies(trained: Model, models: Path) -> None:
    index = read_beside(models / "m1", TITLES)
    assert TitleSearch(trained, index).search(title_of(7).lower(), 1) == [7]


def test_a_trained_model_has_the_series_of_its_movies(trained: Model, models: Path) -> None:
    [series] = trained.series
    assert (series.name, series.movie_ids) == ("Alien", PARTS)
    assert (models / "m1" / SERIES).is_file()


def test_a_trained_model_predicts_how_many_picks_a_visitor_will_like(
    spark: SparkSession, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liked_share, "LEAST_EXAMINED", 10)
    run_train(spark, arguments_for(stored, tmp_path / "m2"))
    model = read_model(tmp_path / "m2")
    assert (tmp_path / "m2" / LIKED_SHARE).is_file()
    assert model.liked_share is not None
    # A visitor whose ratings fit neither taste gets picks that nobody can be sure of.
    fitting, unsure = {0: 5.0, 2: 5.0, 4: 5.0, 1: 1.0, 3: 1.0}, {0: 5.0, 2: 1.0, 1: 5.0, 3: 1.0}
    share = LikedShare(model.rating, model.liked_share)
    sure, less = (share.of(given, Recommender(model).picks(given)) for given in (fitting, unsure))
    assert sure is not None
    assert less is not None
    assert sure > less


def test_a_movie_gets_its_common_name_out_of_alternative_titles(trained: Model) -> None:
    title = "Amelie (Fabuleux destin d'Amélie Poulain, Le)"
    movies = [PreparedMovie(2, title, 2001, ("Romance",))]
    others = ("Le Fabuleux destin d'Amélie Poulain",)
    expected = {2: Movie(2, "Amelie", 2001, ("Romance",), others)}
    assert data.titles_of(movies, trained.rating.movie_ids) == expected


def test_a_model_of_movies_prepared_without_links_has_none(trained: Model, models: Path) -> None:
    assert read_beside(models / "m1", LINKS) is None


def test_a_model_has_the_links_of_its_movies(trained: Model) -> None:
    movies = [
        PreparedMovie(2, "Movie 2", imdb="0114709", tmdb=862),
        PreparedMovie(3, "Movie 3"),
        PreparedMovie(999, "Not rated", imdb="0113228", tmdb=15602),
    ]
    beside = train.files_beside(trained, movies, SAY)
    assert read_links(beside[LINKS]) == {2: ExternalIds("0114709", 862)}


def test_a_model_trained_by_a_python_without_fts5_is_whole(
    trained: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Model) -> bytes:
        raise sqlite3.OperationalError("no such module: fts5")

    monkeypatch.setattr(train, "build_titles", refuse)
    assert train.files_beside(trained, [], SAY) == {}


def copy_of(model: Path, folder: Path) -> None:
    """Copy a model folder without Hadoop's checksum files, so that tests can change files in it."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("*.crc"))


def test_a_burst_of_nonsense_is_left_out_and_the_model_is_published(
    spark: SparkSession,
    stored: Path,
    models: Path,
    trained: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        visitors_in_driver, "MOST_SHARE_OF_VISITORS", 10.0
    )  # keep all of the nonsense
    copy_of(models / "m1", tmp_path / "m1")
    day = tmp_path / "visitors" / "date=2026-11-21"
    day.mkdir(parents=True)
    chance = np.random.default_rng(3)
    later = timestamp(datetime.now(UTC))
    for number in range(200):
        stars = dict(enumerate(chance.integers(1, 6, MOVIES).tolist()))
        name = f"{number:026}"
        (day / f"{name}-1.json").write_text(visitor(name, 1, stars, at=later))
    arguments = arguments_for(stored, tmp_path / "m2", "--in-use", (tmp_path / "m1").as_uri())
    run_train(spark, arguments)

    current = CurrentModel.from_json((tmp_path / "newest.json").read_text())
    assert (current.model_id, current.left_out, current.ratings) == ("m2", 200, USERS * 15)
    metrics = read_model(tmp_path / "m2").metrics
    assert metrics["left_out"]["visitors"] == 200
    assert metrics["left_out"]["periods"][0]["until"] == current.trained_at
    assert metrics["is_worse"] is False


@pytest.fixture(scope="module")
def oracle(models: Path, trained: Model) -> Path:
    """Return an active model that knows the two tastes exactly, copied from a trained one."""
    folder = models / "oracle"
    copy_of(models / "m1", folder)
    even = np.where(trained.rating.movie_ids % 2 == 0, 1.5, -1.5)
    exact = rating_of(np.full(len(even), 3.0), 10 * even[:, None], first=0)
    (folder / HELD_OUT).write_bytes(pack_rating(replace(exact, noise=0.01)))
    return folder


def test_a_model_worse_than_the_active_one_is_rejected(
    spark: SparkSession, stored: Path, models: Path, oracle: Path
) -> None:
    active = (models / "newest.json").read_text()
    arguments = arguments_for(stored, models / "m3", "--in-use", oracle.as_uri() + "/")
    with pytest.raises(StepError, match=r"worse than the active one .* was rejected.* visitors"):
        run_train(spark, arguments)
    assert (models / "newest.json").read_text() == active
    # Steps submitted with the rejected model read its folder, so the folder holds the active model.
    assert read_model(models / "m3").model_id == "m1"
    assert read_model(models / "m3" / train.REJECTED).model_id == "m3"


def test_a_worse_model_of_newly_imported_ratings_is_rejected_with_the_way_on(
    spark: SparkSession, stored: Path, oracle: Path, tmp_path: Path
) -> None:
    more = ("--in-use", oracle.as_uri() + "/", "--data-version", "v2")
    with pytest.raises(StepError, match=r"was rejected.*import them under another NAME"):
        run_train(spark, arguments_for(stored, tmp_path / "m3", *more))
    assert not (tmp_path / "newest.json").exists()


def test_a_model_of_the_same_ratings_is_published(
    spark: SparkSession, stored: Path, models: Path, trained: Model
) -> None:
    active = (models / "m1").as_uri() + "/"
    model = run_train(spark, arguments_for(stored, models / "m4", "--in-use", active))
    assert model.metrics["in_use_rmse"] == pytest.approx(model.metrics["test_rmse"], abs=0.05)
    assert CurrentModel.from_json((models / "newest.json").read_text()).model_id == "m4"


@pytest.fixture(scope="module")
def unmeasurable(
    spark: SparkSession, stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return prepared ratings of which none is held out."""
    folder = tmp_path_factory.mktemp("unmeasurable")
    ratings = spark.read.parquet((stored / "ratings").as_uri())
    few = ratings.filter(data.held_out_flag(1) == 0).limit(3)
    few.write.parquet((folder / "ratings").as_uri())
    copy_of(stored / "movies", folder / "movies")
    return folder


def test_new_ratings_of_which_none_can_be_held_out_replace_no_model_of_the_same_name(
    spark: SparkSession, unmeasurable: Path, models: Path, trained: Model, tmp_path: Path
) -> None:
    more = ("--in-use", (models / "m1").as_uri(), "--data-version", "v2")
    with pytest.raises(StepError, match=r"none of the 3 ratings can be held out.*FORCE=1"):
        run_train(spark, arguments_for(unmeasurable, tmp_path / "m2", *more))
    assert not (tmp_path / "newest.json").exists()
    assert not (tmp_path / "m2" / "manifest.json").exists()


@pytest.mark.parametrize("more", [["--data-version", "v2", "--force"], []])
def test_force_accepts_unmeasurable_ratings_and_later_trainings_on_them_go_on(
    spark: SparkSession,
    unmeasurable: Path,
    models: Path,
    trained: Model,
    tmp_path: Path,
    more: list[str],
) -> None:
    in_use = ("--in-use", (models / "m1").as_uri())
    run_train(spark, arguments_for(unmeasurable, tmp_path / "m2", *in_use, *more))
    assert CurrentModel.from_json((tmp_path / "newest.json").read_text()).model_id == "m2"


def spoilt_copy(model: Path, folder: Path, spoilt: dict[str, bytes | None]) -> str:
    copy_of(model, folder)
    for name, content in spoilt.items():
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
    return folder.as_uri()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"manifest.json": b'{"dataset": "another"}'},
        {"manifest.json": b"{"},
        {"metrics.json": None},
        {"metrics.json": b'{"seed": 1, "test_percent": 15, "left_out": 3}'},
    ],
)
def test_an_active_model_of_other_data_or_an_unreadable_one_is_ignored(
    spark: SparkSession,
    trained: Model,
    models: Path,
    tmp_path: Path,
    spoilt: dict[str, bytes | None],
) -> None:
    folder = spoilt_copy(models / "m1", tmp_path / "m1", spoilt)
    assert read_active_model(Files(spark), folder, "tested", 1, SAY) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"metrics.json": b'{"seed": 2, "test_percent": 15, "left_out": null}'},
        {"held_out.npz": b"half of"},
        {"held_out.npz": None},
    ],
)
def test_an_active_model_that_cannot_be_compared_skips_the_comparison(
    spark: SparkSession,
    trained: Model,
    models: Path,
    tmp_path: Path,
    spoilt: dict[str, bytes | None],
) -> None:
    folder = spoilt_copy(models / "m1", tmp_path / "m1", spoilt)
    active = read_active_model(Files(spark), folder, "tested", 1, SAY)
    assert active is not None
    # The training time is known anyway. It decides which visitors are left out.
    assert (active.rating, active.trained_at) == (None, trained.trained_at)


def no_session() -> SparkSession:
    raise AssertionError("a small data set needs no Spark")


def examination_of(rows: list[tuple[int, int, float]], movies: list[PreparedMovie]) -> Examination:
    """Examine a model of these ratings only."""
    users, movie_ids, stars = zip(*rows, strict=True) if rows else ((), (), ())
    given = RatingRows(
        np.array(users, dtype=np.int64),
        np.array(movie_ids, dtype=np.int32),
        np.array(stars, dtype=np.float32),
    )
    source = SourcesInDriver(given, {movie.movie_id for movie in movies}, [], seed=1)
    ratings, totals, _ = source.without(LeftOut(), SAY)
    return examine_model(ratings, totals, movies, session=no_session, seed=1, say=SAY)


def model_of(rows: list[tuple[int, int, float]], movies: list[PreparedMovie]) -> Model:
    """Fit a model to these ratings only."""
    return train.complete(
        examination_of(rows, movies),
        movies,
        session=no_session,
        dataset="tested",
        model_id="m",
        trained_at=NOW,
        seed=1,
        say=SAY,
    )


def test_a_model_of_one_user_and_one_movie_is_whole_and_has_no_rmse(
    movies: list[PreparedMovie],
) -> None:
    model = model_of([(7, 3, 4.0)], movies)
    assert (list(model.movies), model.metrics["test_rmse"]) == ([3], None)


ODD_RATINGS: dict[str, list[tuple[int, int, float]]] = {
    "one user": [(7, movie, 1.0 + movie % 5) for movie in range(MOVIES)],
    "one movie": [(user, 3, 1.0 + user % 5) for user in range(40)],
    "all equal, and nobody liked any": [(u, m, 3.0) for u in range(12) for m in range(MOVIES)],
    "a user with 10,000 ratings": [
        *((7, movie, 1.0 + movie % 5) for movie in range(10_000)),
        *((user, movie, 4.0) for user in range(10, 20) for movie in range(user, 10_020, 1000)),
    ],
}


@pytest.mark.parametrize("odd", ODD_RATINGS)
def test_odd_ratings_make_a_whole_model_that_picks_the_remaining_movies(odd: str) -> None:
    rows = ODD_RATINGS[odd]
    known = {movie for _, movie, _ in rows}
    movies = [PreparedMovie(movie, title_of(movie), 2000, ("Drama",)) for movie in known]
    model = read_model(to_files(model_of(rows, movies)))
    assert not model.metrics["is_worse"]
    assert model.movies.keys() == known
    for given in ({}, {3: 5.0}, dict.fromkeys(known, 4.0)):
        picks = Recommender(model).picks(given)
        assert len(picks) == min(10, len(known - given.keys()))
        assert all(1 <= pick.stars <= 5 for pick in picks)


def test_training_without_ratings_fails_and_says_to_import(movies: list[PreparedMovie]) -> None:
    with pytest.raises(StepError, match="import a data set first"):
        examination_of([], movies)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.5, 66.0])
def test_ratings_that_are_not_finite_fail_with_their_number(
    movies: list[PreparedMovie], bad: float
) -> None:
    with pytest.raises(StepError, match="1 ratings are not finite numbers"):
        examination_of([(7, 3, bad), (8, 3, 4.0)], movies)


@pytest.mark.parametrize("limit", ["ratings", "visitors"])
def test_a_large_data_set_is_trained_on_with_spark_and_gives_the_same_model(
    spark: SparkSession,
    stored: Path,
    models: Path,
    trained: Model,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    limit: str,
) -> None:
    """Either many ratings or many visitors make a data set large."""
    if limit == "ratings":
        monkeypatch.setattr(prepared, "MOST_BYTES_IN_DRIVER", 0)
    else:
        monkeypatch.setattr(visitors_in_driver, "MOST_OBJECTS", 0)
    run_train(spark, arguments_for(stored, models / f"large-{limit}"))
    assert "started the Spark session" in capsys.readouterr().out
    model = read_model(models / f"large-{limit}")
    assert (model.counts, model.movies) == (trained.counts, trained.movies)
    assert model.metrics["test_rmse"] == pytest.approx(trained.metrics["test_rmse"], abs=1e-6)


def test_training_on_a_data_set_that_is_not_prepared_names_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match="run the prepare step of 'tested' first"):
        run_train(spark, arguments_for(tmp_path, tmp_path / "m"))


def test_metrics_can_be_read_as_plain_json(trained: Model, models: Path) -> None:
    written = json.loads((models / "m1" / "metrics.json").read_text())
    assert written == trained.metrics


def test_a_local_spark_checkpoints_in_the_temporary_folder(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert Files(spark).temporary_folder("x") == (tmp_path / "marquee-x").as_uri()
