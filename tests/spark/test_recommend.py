"""The recommend step: one result for every member, even next to broken ones."""

import json
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import recommend
from learning.hadoop_files import Files
from learning.step_log import StepError, StepLog
from marquee.contracts import Member, Rating, Result, Submission
from marquee.recommender.model import Model, ModelError
from marquee.recommender.model_folder import write_folder
from marquee.recommender.picks import Recommender
from tests.models import random_model

MOVIES = 40
SAY = StepLog("recommend")


def a_model() -> Model:
    return random_model(MOVIES, first=1)


def member(number: int, ratings: dict[int, int], dataset: str = "tested") -> Member:
    given = tuple(Rating(movie_id, stars) for movie_id, stars in ratings.items())
    return Member(f"01k000000000000000000000{number:02d}", 1, dataset, given)


GOOD = [member(n, {n: 5, n + 1: 4, n + 2: 1, n + 3: 2, n + 4: 5}) for n in range(1, 13)]
BEST = [
    pick.movie_id
    for pick in Recommender(a_model()).picks({r.movie_id: r.stars for r in GOOD[0].ratings}, 12)
]
PICKY = Member(f"01k{'0' * 21}23", 1, "tested", GOOD[0].ratings, (*BEST[:2], 900))
BAD_LINES = [
    "{not json",
    "[]",
    '{"schema_version":9,"visitor_id":"newer","version":3,"dataset":"tested","ratings":[]}',
    '{"schema_version":1,"visitor_id":"stars","version":2,"dataset":"tested",'
    '"ratings":[{"movie_id":1,"stars":9}]}',
    '{"schema_version":1,"visitor_id":"huge","version":99999999999999999999999,'
    '"dataset":"tested","ratings":[]}',
    "",
]


def run(spark: SparkSession, folder: Path) -> None:
    recommend.run(Files(spark), lambda: nullcontext(spark), arguments_for(folder), SAY)


@pytest.fixture(scope="module", params=["in this process", "on Spark"])
def served(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Run the step on good members, unknown movies, another data set and broken lines."""
    folder = tmp_path_factory.mktemp("served")
    write_folder(a_model(), folder / "m1")
    odd = [
        member(20, {900: 5, 901: 1}),
        member(21, {1: 5}, "another"),
        member(22, {1: 5, 900: 1}),
        PICKY,
    ]
    lines = Submission((*GOOD, *odd)).to_json_lines() + "\n".join(BAD_LINES) + "\n"
    (folder / "submission.json").write_text(lines)
    (folder / "results").mkdir()
    (folder / "results" / "part-of-an-earlier-try.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "on Spark":
            patch.setattr(recommend, "SMALL_BYTES", 0)
        run(spark, folder)
    return folder


def arguments_for(folder: Path) -> Namespace:
    return recommend.arguments_from(
        [
            *("--submission", (folder / "submission.json").as_uri()),
            *("--model", (folder / "m1").as_uri() + "/"),
            *("--results", (folder / "results").as_uri() + "/"),
        ]
    )


@pytest.fixture(scope="module")
def results(served: Path) -> dict[str, Result]:
    parts = sorted((served / "results").glob("part-*.json"))
    lines = [line for part in parts for line in part.read_text().splitlines()]
    found = [Result.from_json(line) for line in lines]
    return {result.visitor_id or f"nameless {n}": result for n, result in enumerate(found)}


def test_dismissed_movies_are_replaced_by_the_next_best(
    results: dict[str, Result],
) -> None:
    assert [pick.movie_id for pick in results[PICKY.visitor_id].picks] == BEST[2:]


def test_each_good_member_gets_the_picks_of_the_fold_in(
    results: dict[str, Result],
) -> None:
    recommender = Recommender(a_model())
    for one in GOOD:
        picks = recommender.picks({rating.movie_id: rating.stars for rating in one.ratings})
        assert results[one.visitor_id].picks == tuple(picks)


def test_each_good_member_gets_ten_picks(
    results: dict[str, Result],
) -> None:
    assert {len(results[one.visitor_id].picks) for one in GOOD} == {10}


def test_a_member_who_rated_no_known_movie_gets_an_error_that_says_so(
    results: dict[str, Result],
) -> None:
    assert results[member(20, {}).visitor_id].error == "model m1 knows none of the rated movies"


def test_a_member_of_another_data_set_gets_an_error_that_names_both(
    results: dict[str, Result],
) -> None:
    wanted = "the ratings are of data set 'another', the model of 'tested'"
    assert results[member(21, {}).visitor_id].error == wanted


def test_an_unknown_movie_among_a_members_ratings_is_ignored(
    results: dict[str, Result],
) -> None:
    assert len(results[member(22, {}).visitor_id].picks) == 10


@pytest.mark.parametrize(
    ("visitor_id", "version", "reason"),
    [("newer", 3, "schema version 9"), ("stars", 2, "stars is 9"), ("huge", 0, "is not a version")],
)
def test_the_error_of_an_unusable_line_still_names_the_visitor(
    results: dict[str, Result], visitor_id: str, version: int, reason: str
) -> None:
    result = results[visitor_id]
    assert result.version == version
    assert reason in (result.error or "")


def test_lines_that_are_not_objects_get_errors_without_a_visitor(
    results: dict[str, Result],
) -> None:
    nameless = [result for name, result in results.items() if name.startswith("nameless")]
    assert len(nameless) == 2
    assert all(result.error for result in nameless)


def test_every_line_except_blank_ones_has_one_result(
    results: dict[str, Result],
) -> None:
    assert len(results) == len(GOOD) + 4 + len(BAD_LINES) - 1


def test_results_of_an_earlier_attempt_are_replaced(served: Path) -> None:
    assert not (served / "results" / "part-of-an-earlier-try.json").exists()


def test_success_is_marked_after_a_submission(served: Path) -> None:
    assert (served / "results" / "_SUCCESS").exists()


def test_a_result_line_holds_either_picks_or_an_error(
    served: Path,
) -> None:
    parts = (served / "results").glob("part-*.json")
    bodies = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    assert all(("picks" in body) != ("error" in body) for body in bodies)


def test_a_missing_submission_fails_with_its_name(spark: SparkSession, tmp_path: Path) -> None:
    write_folder(a_model(), tmp_path / "m1")
    with pytest.raises(StepError, match=r"submission\.json does not exist"):
        run(spark, tmp_path)


def test_a_half_written_model_fails_with_an_error_that_says_so(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="missing or half-written"):
        run(spark, tmp_path)


def test_both_ways_of_serving_write_equal_results(
    spark: SparkSession, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines_in(served / "results")
    for most in (0, 10**9):
        monkeypatch.setattr(recommend, "SMALL_BYTES", most)
        run(spark, served)
        assert lines_in(served / "results") == before


def lines_in(results: Path) -> list[str]:
    parts = results.glob("part-*.json")
    bodies = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def test_files_can_be_read_without_a_session(spark: SparkSession, tmp_path: Path) -> None:
    """The gateway of the session that runs anyway stands for that of spark-submit."""
    (tmp_path / "a").write_bytes(b"abc")
    files = Files.without_session()
    assert files.read((tmp_path / "a").as_uri()) == b"abc"
    assert files.size((tmp_path / "a").as_uri()) == 3


def test_success_is_marked_even_after_an_empty_submission(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_folder(a_model(), tmp_path / "m1")
    (tmp_path / "submission.json").write_text("")
    run(spark, tmp_path)
    assert (tmp_path / "results" / "_SUCCESS").exists()
