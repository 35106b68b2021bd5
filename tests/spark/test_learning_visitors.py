"""Visitors in training: their latest versions, the bounds on them, and who is left out."""

import json
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from learning import visitors, visitors_in_driver
from learning.hadoop_files import Files
from learning.step_log import StepLog
from learning.visitors import LeftOut, Period
from learning.visitors_in_driver import count_visitors_here, list_objects, read_objects
from marquee.contracts import SCHEMA_VERSION
from tests.spark.tastes import ADA, BOB, models, movies, ratings, stored, visitor

__all__ = ["models", "movies", "ratings", "stored"]  # fixtures
SAY = StepLog("train")
EVE = "01k0000000000000000000000e"


def moment(hour: int, minute: int = 0) -> str:
    return f"2026-11-21T{hour:02}:{minute:02}:00.000Z"


def latest(spark: SparkSession, *rows: tuple[str, int, str, dict[int, int]]) -> DataFrame:
    """Return the latest versions of rows of (visitor id, version, time, ratings)."""
    objects = [(1, *row[:3], "tested", list(row[3].items())) for row in rows]
    made = spark.createDataFrame(objects, visitors.VISITOR_SCHEMA)
    return visitors.latest_versions(made, "tested")


def names(found: DataFrame) -> set[str]:
    return {row["visitor_id"] for row in found.collect()}


# Reading ----------------------------------------------------------------------------------------


def test_the_latest_versions_of_visitors_of_this_data_set_count(
    spark: SparkSession, models: Path
) -> None:
    read = visitors.visitors_of(spark, (models / "visitors").as_uri(), "tested", SAY)
    found = visitors.visitors_ratings(read).collect()
    assert {(row["movie_id"], row["rating"]) for row in found} == {(2, 5.0), (3, 1.0), (999, 5.0)}
    # User ids of data sets are never negative.
    assert max(row["user_id"] for row in found) < 0


@pytest.mark.parametrize("made", [True, False])
def test_without_visitors_there_are_no_ratings_of_visitors(
    spark: SparkSession, tmp_path: Path, made: bool
) -> None:
    folder = tmp_path / "visitors"
    if made:
        folder.mkdir()
    assert visitors.visitors_of(spark, folder.as_uri(), "tested", SAY).collect() == []


def test_visitors_forgotten_since_the_listing_are_skipped_and_counted(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = tmp_path / "date=2026-11-21", tmp_path / "date=2026-11-22"
    for day, visitor_id in ((days[0], ADA), (days[0], BOB), (days[1], EVE)):
        day.mkdir(exist_ok=True)
        (day / f"{visitor_id}-1.json").write_text(visitor(visitor_id, 1, {1: 5}))
    listed = visitors.list_visitors(spark, tmp_path.as_uri())
    assert listed is not None
    (days[0] / f"{ADA}-1.json").unlink()
    (days[1] / f"{EVE}-1.json").unlink()
    days[1].rmdir()

    found = visitors.latest_versions(visitors.read_visitors(listed, SAY), "tested")

    assert names(found) == {BOB}
    assert "skipped 2 of 3 visitor objects" in capsys.readouterr().out


def test_an_unreadable_object_does_not_count_as_deleted(
    spark: SparkSession, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visitors.visitors_of(spark, (models / "visitors").as_uri(), "tested", SAY)  # one is broken
    assert "skipped" not in capsys.readouterr().out


def test_a_visitor_of_a_newer_schema_is_left_out(
    spark: SparkSession,
) -> None:
    rows = [(2, ADA, 1, "", "tested", [(1, 5)]), (1, BOB, 1, "", "tested", [(1, 4)])]
    read = spark.createDataFrame(rows, visitors.VISITOR_SCHEMA)
    assert names(visitors.latest_versions(read, "tested")) == {BOB}


def test_no_rating_of_a_visitor_who_removed_all_of_them_counts(
    spark: SparkSession,
) -> None:
    found = latest(spark, (ADA, 1, moment(8), {1: 5}), (ADA, 2, moment(9), {}))
    assert visitors.visitors_ratings(found).collect() == []


# Bounds -----------------------------------------------------------------------------------------


def test_a_bounded_number_of_a_visitors_ratings_count_and_always_the_same_ones(
    spark: SparkSession,
) -> None:
    given = {movie: 1 + movie % 5 for movie in range(visitors.MOST_RATINGS_OF_A_VISITOR + 50)}
    once, again = (
        visitors.visitors_ratings(latest(spark, (ADA, 1, moment(8), dict(shown))))
        for shown in (given.items(), reversed(given.items()))
    )
    assert once.count() == visitors.MOST_RATINGS_OF_A_VISITOR
    assert set(once.collect()) == set(again.collect())


def test_the_ratings_of_ten_thousand_visitors_are_a_bounded_share_of_the_data_sets(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    many = spark.range(10_000).selectExpr(
        "CAST(id AS STRING) AS visitor_id", "'' AS requested_at",
        "transform(sequence(1, 10), m -> named_struct('movie_id', m, 'stars', 5)) AS ratings",
    )  # fmt: skip
    found, left_out = visitors.count_visitors(many, LeftOut(), 5_005, SAY)
    assert (found.count(), left_out) == (500, 0)
    # Visitors are dropped or kept whole, so that each one's taste stays visible.
    assert found.groupBy("user_id").count().filter("count != 10").count() == 0
    assert "ignored 9950 visitors" in capsys.readouterr().out


def test_all_ratings_of_few_visitors_count(spark: SparkSession) -> None:
    given = latest(spark, (ADA, 1, moment(8), {1: 5, 2: 4}), (BOB, 1, moment(9), {1: 3}))
    found, _ = visitors.count_visitors(given, LeftOut(), 1_000, SAY)
    assert found.count() == 3


def test_visitors_beyond_the_bound_all_have_the_same_chance(
    spark: SparkSession,
) -> None:
    rows = [(-1 - user * 7919 % 1000, movie, 4.0) for user in range(1000) for movie in range(5)]
    given = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    kept, left = visitors.bound(given.repartition(7), 2500)
    users = [row["user_id"] for row in kept.select("user_id").distinct().collect()]
    assert (len(users), left) == (500, 500)
    again, _ = visitors.bound(given.repartition(3), 2500)
    assert kept.exceptAll(again).count() == 0


# Visitors who are left out ----------------------------------------------------------------------


def test_a_period_leaves_out_those_whose_latest_form_came_within_it(
    spark: SparkSession,
) -> None:
    given = latest(
        spark,
        (ADA, 1, moment(8), {1: 5}),
        (BOB, 1, moment(8), {1: 5}),
        (BOB, 2, moment(9), {1: 4, 2: 4}),
        (EVE, 1, moment(10), {1: 1, 2: 1, 3: 1}),
    )
    found, left_out = visitors.count_visitors(
        given, LeftOut((Period(moment(9), moment(10)),)), 1_000, SAY
    )
    # Bob's first version does not count either: a later version replaced it.
    assert left_out == 1
    assert sorted(row["rating"] for row in found.collect()) == [1.0, 1.0, 1.0, 5.0]


def test_the_last_minute_of_a_model_belongs_to_the_period_since_it() -> None:
    assert LeftOut().and_since(moment(9)) == LeftOut((Period(moment(8, 59)),))


def test_consecutive_batches_that_are_left_out_make_one_period() -> None:
    first = LeftOut().and_since(moment(9)).ended(moment(10))
    second = first.and_since(moment(10)).ended(moment(11))
    assert second == LeftOut((Period(moment(8, 59), moment(11)),))


def test_visitors_between_two_distant_batches_count() -> None:
    first = LeftOut().and_since(moment(9)).ended(moment(10))
    found = first.and_since(moment(12)).ended(moment(13))
    assert found == LeftOut((*first.periods, Period(moment(11, 59), moment(13))))


def test_periods_survive_being_written_to_metrics() -> None:
    left_out = LeftOut().and_since(moment(9)).ended(moment(10))
    assert LeftOut.from_metrics({"left_out": left_out.to_metrics(3)}) == left_out


@pytest.mark.parametrize("metrics", [{}, {"left_out": None}])
def test_a_model_that_left_out_no_visitor_leaves_out_none(
    metrics: dict[str, None],
) -> None:
    assert LeftOut.from_metrics(metrics) == LeftOut()


def test_metrics_name_no_periods_once_all_left_out_visitors_are_forgotten() -> None:
    assert LeftOut((Period(moment(9), moment(10)),)).to_metrics(0) is None


# Few visitors, in the driver -------------------------------------------------------------------


def store(folder: Path, content: str, name: str) -> Path:
    path = folder / "date=2026-11-21" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def rows_here(
    spark: SparkSession, folder: Path, left_out: LeftOut, own: int
) -> tuple[list[tuple[int, int, float]], int]:
    """Return the ratings that count and the number of visitors left out, read in the driver."""
    files = Files(spark)
    found = list_objects(files, folder.as_uri())
    assert found is not None
    read = read_objects(files, found, "tested", SAY)
    rows, left = count_visitors_here(read, left_out, own, SAY)
    return sorted(zip(*(column.tolist() for column in rows), strict=True)), left


def rows_on_spark(
    spark: SparkSession, folder: Path, left_out: LeftOut, own: int
) -> tuple[list[tuple[int, int, float]], int]:
    read = visitors.visitors_of(spark, folder.as_uri(), "tested", SAY)
    found, left = visitors.count_visitors(read, left_out, own, SAY)
    return sorted((row["user_id"], row["movie_id"], row["rating"]) for row in found.collect()), left


@pytest.mark.parametrize("own", [100_000, 4_000])
def test_the_driver_counts_the_same_ratings_of_visitors_as_spark(
    spark: SparkSession, tmp_path: Path, own: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some have several versions, too many ratings or another data set; some are unreadable."""
    chance = np.random.default_rng(6)
    for number in range(60):
        name = f"{number:026}"
        for version in range(1, 2 + number % 3):
            many = 140 if number % 10 == 0 else 12
            rated = chance.choice(500, many, replace=False).tolist()
            stars = {movie: int(chance.integers(1, 6)) for movie in rated}
            dataset = "another" if number % 7 == 0 else "tested"
            content = visitor(name, version, stars, dataset, moment(version + number % 4))
            store(tmp_path, content, f"{name}-{version}")
    store(tmp_path, '{"schema_version": 1, "visitor_id"', "broken")
    newer = json.loads(visitor(EVE, 1, {1: 5})) | {"schema_version": SCHEMA_VERSION + 1}
    store(tmp_path, json.dumps(newer), "newer")
    store(tmp_path, visitor(BOB, 1, {1: 5}, at="yesterday"), "no-time")
    left_out = LeftOut((Period(moment(2), moment(3)), Period(moment(5))))
    here = rows_here(spark, tmp_path, left_out, own)
    ignored = "ignored" in capsys.readouterr().out
    assert here == rows_on_spark(spark, tmp_path, left_out, own)
    assert here[1] > 0
    assert ignored is ("ignored" in capsys.readouterr().out) is (own == 4_000)


def test_the_driver_skips_and_counts_visitors_forgotten_since_the_listing(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = store(tmp_path, visitor(ADA, 1, {1: 5}), f"{ADA}-1")
    store(tmp_path, visitor(BOB, 1, {1: 4}), f"{BOB}-1")
    files = Files(spark)
    listed = list_objects(files, tmp_path.as_uri())
    gone.unlink()
    found = read_objects(files, listed or [], "tested", SAY)
    assert [each.visitor_id for each in found] == [BOB]
    assert "skipped 1 of 2 visitor objects" in capsys.readouterr().out


def test_too_many_visitor_objects_are_left_to_spark(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        store(tmp_path, visitor(f"{number:026}", 1, {1: 5}), str(number))
    monkeypatch.setattr(visitors_in_driver, "MOST_OBJECTS", 2)
    assert list_objects(Files(spark), tmp_path.as_uri()) is None


def test_a_missing_folder_of_visitors_holds_no_object(spark: SparkSession, tmp_path: Path) -> None:
    assert list_objects(Files(spark), (tmp_path / "visitors").as_uri()) == []
