"""The choice of visitors to train on when the model is worse with all of them."""

from collections.abc import Callable

import numpy as np
import pytest
from pyspark.sql import SparkSession

from learning.data import RATINGS_SCHEMA
from learning.fitting import size_for
from learning.prepared import RatingRows
from learning.rating_blocks import Ratings
from learning.raw_blocks import Totals
from learning.regression_check import (
    ActiveModel,
    Examination,
    Quality,
    TrainingChoice,
    choose_visitors,
)
from learning.sources import SourcesInDriver, SourcesOnSpark, TrainingSources
from learning.step_log import StepLog
from learning.visitors import VISITOR_SCHEMA, LeftOut, Period, latest_versions
from marquee.contracts import Rating, VisitorObject

SAY = StepLog("train")
TRAINED_AT = "2026-11-21T09:00:00.000Z"
BEFORE = Period("2026-11-21T03:00:00.000Z", "2026-11-21T04:00:00.000Z")
# The hour of each visitor's ratings. All visitors rate the same movie, with different stars.
VISITORS = {"early": 1, "left-out": 3, "late": 10}
STARS = {"early": 2, "left-out": 3, "late": 4}


@pytest.fixture(scope="module", params=["in the driver", "on Spark"])
def sources(spark: SparkSession, request: pytest.FixtureRequest) -> TrainingSources:
    objects = [
        VisitorObject(name, 1, f"2026-11-21T{hour:02}:30:00.000Z", "tested", (given(name),))
        for name, hour in VISITORS.items()
    ]
    if request.param == "in the driver":
        rows = RatingRows(
            np.arange(100), np.ones(100, dtype=np.int32), np.full(100, 5, dtype=np.float32)
        )
        return SourcesInDriver(rows, {1}, objects, seed=1)
    ratings = spark.createDataFrame([(user, 1, 5.0, None) for user in range(100)], RATINGS_SCHEMA)
    lines = spark.sparkContext.parallelize([found.to_json() for found in objects])
    read = spark.read.schema(VISITOR_SCHEMA).json(lines)
    return SourcesOnSpark(ratings, {1}, latest_versions(read, "tested"), seed=1)


def given(name: str) -> Rating:
    return Rating(1, STARS[name])


def worse_with(*names: str) -> Callable[[Ratings, Totals], Examination]:
    """Return an examiner that finds a model worse if it used ratings of any of these visitors."""

    def examine(ratings: Ratings, totals: Totals) -> Examination:
        is_worse = any(STARS[name] in ratings.star_counts().levels for name in names)
        quality = Quality(0.9, 0.1, 0.1, 0.8, is_worse=is_worse)
        return Examination(ratings, totals, size_for(1), False, quality, None)

    return examine


def trained_on(chosen: TrainingChoice) -> set[str]:
    found = chosen.examined.ratings.star_counts().levels
    return {name for name, stars in STARS.items() if stars in found}


def active_model(*left_out: Period) -> ActiveModel:
    return ActiveModel("", TRAINED_AT, LeftOut(left_out), None)


def test_all_visitors_count_without_an_active_model(sources: TrainingSources) -> None:
    chosen = choose_visitors(sources, None, worse_with(*STARS), SAY)
    assert trained_on(chosen) == {"early", "left-out", "late"}
    assert (chosen.left_out, chosen.visitors) == (LeftOut(), 0)


def test_all_visitors_count_where_the_model_is_no_worse(sources: TrainingSources) -> None:
    chosen = choose_visitors(sources, active_model(), worse_with(), SAY)
    assert trained_on(chosen) == {"early", "left-out", "late"}


def test_only_the_newest_visitors_are_left_out_where_they_make_the_model_worse(
    sources: TrainingSources, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = choose_visitors(sources, active_model(), worse_with("late"), SAY)
    assert trained_on(chosen) == {"early", "left-out"}
    assert (chosen.visitors, chosen.examined.quality.is_worse) == (1, False)
    assert "trying without the 1 newest visitors" in capsys.readouterr().out


def test_visitors_left_out_before_stay_left_out_and_new_ones_count(
    sources: TrainingSources,
) -> None:
    chosen = choose_visitors(sources, active_model(BEFORE), worse_with("left-out"), SAY)
    assert trained_on(chosen) == {"early", "late"}
    assert (chosen.left_out, chosen.visitors) == (LeftOut((BEFORE,)), 1)


def test_newer_visitors_who_make_the_model_worse_join_those_left_out_before(
    sources: TrainingSources,
) -> None:
    chosen = choose_visitors(sources, active_model(BEFORE), worse_with("left-out", "late"), SAY)
    assert (trained_on(chosen), chosen.visitors) == ({"early"}, 2)
    assert chosen.left_out.periods[0] == BEFORE


def test_with_all_visitors_those_left_out_count_again_once_they_are_harmless(
    sources: TrainingSources,
) -> None:
    chosen = choose_visitors(sources, active_model(BEFORE), worse_with(), SAY, all_visitors=True)
    assert trained_on(chosen) == {"early", "left-out", "late"}
    assert chosen.visitors == 0


def test_with_all_visitors_those_left_out_stay_left_out_while_they_do_harm(
    sources: TrainingSources,
) -> None:
    examine = worse_with("left-out")
    chosen = choose_visitors(sources, active_model(BEFORE), examine, SAY, all_visitors=True)
    assert "left-out" not in trained_on(chosen)


def test_a_model_that_is_worse_with_any_visitors_is_rejected_with_all_of_them(
    sources: TrainingSources,
) -> None:
    chosen = choose_visitors(sources, active_model(), worse_with("early"), SAY)
    assert chosen.examined.quality.is_worse
    assert (trained_on(chosen), chosen.rejected_with) == ({"early", "left-out", "late"}, 1)
    assert chosen.visitors == 0


def test_a_worse_model_without_new_visitors_is_examined_once(sources: TrainingSources) -> None:
    examined: list[Ratings] = []

    def examine(ratings: Ratings, totals: Totals) -> Examination:
        examined.append(ratings)
        return worse_with("early")(ratings, totals)

    newer = ActiveModel("", "2026-11-21T23:00:00.000Z", LeftOut(), None)
    chosen = choose_visitors(sources, newer, examine, SAY)
    assert (len(examined), chosen.rejected_with) == (1, 0)
