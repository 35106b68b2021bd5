"""The evaluate step: its held-out ratings, its figures and its report."""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

import evaluate
from learning import new_visitors
from learning.als import Objective, Target
from learning.fitting import Fitting, Size
from learning.mllib import movie_factors
from learning.old_setting import REGULARISATION, ByOldSetting
from learning.rating_blocks import RatingBlock
from learning.ratings_on_spark import read_ratings
from learning.splits import NEW, RANDOM, new_flag, official_pairs, split_named, with_folds
from learning.step_log import StepError, StepLog
from marquee.recommender.fold_in import RatedMovies
from marquee.recommender.questionnaire import Questioner
from marquee.recommender.scorers import EVALUATED, MLLIB, UnknownModelError, scorer_named
from tests.spark.tastes import MOVIES_SCHEMA

MOVIES, USERS, EACH = 60, 60, 36
SAY = StepLog("evaluate")
RATINGS = "user_id LONG, movie_id INT, rating FLOAT"


@pytest.fixture(scope="module", autouse=True)
def small_models() -> Iterator[None]:
    """Fit small models: they suffice for two tastes, and one step fits up to ten of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluate.size_for", lambda _: Size(4, 5, 0.1, 0.1))
        yield


@pytest.fixture(scope="module")
def ratings(spark: SparkSession) -> DataFrame:
    """Return ratings of two tastes: even users like even movies, odd users like odd ones.

    The user ids exceed 32 bits.
    """
    chance = np.random.default_rng(2)
    rows = [
        (2**40 + user, movie, 5.0 if (user + movie) % 2 == 0 else 1.0)
        for user in range(USERS)
        for movie in sorted(chance.choice(MOVIES, EACH, replace=False).tolist())
    ]
    return spark.createDataFrame(rows, RATINGS).cache()


@pytest.fixture(scope="module")
def stored(
    spark: SparkSession, ratings: DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a prepared data set with two published test files: every fifth and sixth pair."""
    folder = tmp_path_factory.mktemp("stored")
    dated = ratings.withColumn("rated_at", F.timestamp_seconds(F.lit(0)))
    dated.write.parquet((folder / "ratings").as_uri())
    movies = [(movie, f"Movie {movie}", 2000, ["Drama"]) for movie in range(MOVIES)]
    spark.createDataFrame(movies, MOVIES_SCHEMA).write.parquet((folder / "movies").as_uri())
    (folder / "raw").mkdir()
    pairs = [(row["user_id"], row["movie_id"], row["rating"]) for row in ratings.collect()]
    for name, start in (("u1.test", 0), ("u2.test", 1)):
        lines = [f"{user}\t{movie}\t{stars:.0f}\t0\n" for user, movie, stars in pairs[start::5]]
        (folder / "raw" / name).write_text("".join(lines))
    return folder


def arguments_for(stored: Path, report: Path, *more: str) -> Namespace:
    return evaluate.arguments_from(
        [
            *("--dataset", "tested"),
            *("--ratings", (stored / "ratings").as_uri()),
            *("--movies", (stored / "movies").as_uri()),
            *("--report", report.as_uri()),
            *more,
        ]
    )


@pytest.fixture(scope="module")
def report(
    spark: SparkSession, stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return the step's report on all models, with the seeded split."""
    folder = tmp_path_factory.mktemp("reports")
    evaluate.run(spark, arguments_for(stored, folder), SAY)
    return dict(json.loads((folder / "evaluation.json").read_text()))


@pytest.fixture(scope="module")
def official(
    spark: SparkSession, stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return the step's report on two models, with the data set's published splits."""
    folder = tmp_path_factory.mktemp("reports")
    raw = ("--raw", (stored / "raw").as_uri(), "--models", "rating,popularity")
    evaluate.run(spark, arguments_for(stored, folder, *raw), SAY)
    return dict(json.loads((folder / "evaluation.json").read_text()))


@pytest.mark.parametrize(
    "key",
    [
        *("rmse", "mae", "rmse_by_user", "mae_by_user"),
        *("ndcg@10", "precision@10", "recall@10", "hit_rate@10", "coverage", "median_popularity"),
        *("rank_agreement", "rank_agreement_ties_half"),
    ],
)
def test_each_evaluated_model_has_every_figure(report: dict[str, Any], key: str) -> None:
    figures = {name: model[key] for name, model in report["models"].items() if "error" not in model}
    assert set(report["models"]) == set(EVALUATED) - {MLLIB}
    assert all(isinstance(value, float) for value in figures.values())


def test_models_that_know_two_tastes_order_every_pair_correctly(
    report: dict[str, Any],
) -> None:
    models = report["models"]
    assert models["rating"]["rank_agreement"] == 1
    assert models["popularity"]["rank_agreement"] < 0.7


def test_the_ranking_model_picks_better_than_popularity_for_two_tastes(
    report: dict[str, Any],
) -> None:
    models = report["models"]
    assert models["ranking"]["ndcg@10"] > 1.5 * models["popularity"]["ndcg@10"]


def test_mllib_can_be_measured_next_to_our_own_fits(
    spark: SparkSession, stored: Path, tmp_path: Path
) -> None:
    models = evaluate.run(spark, arguments_for(stored, tmp_path, "--models", "ranking,mllib"), SAY)[
        "models"
    ]
    assert models["mllib"]["ndcg@10"] == pytest.approx(models["ranking"]["ndcg@10"], abs=0.1)
    assert models["mllib"]["rmse"] == pytest.approx(models["ranking"]["rmse"], abs=0.1)


def test_the_report_records_the_rule_and_the_seed_of_the_split(
    report: dict[str, Any],
) -> None:
    split = report["split"]
    [fold] = split["folds"]
    assert (split["name"], split["seed"]) == (RANDOM, 1)
    assert "xxhash64(user_id, movie_id, 1)" in split["rule"]
    assert fold["trained"] + fold["held_out"] == USERS * EACH


def test_each_average_has_its_interval(
    report: dict[str, Any],
) -> None:
    model = report["models"]["popularity"]
    assert 0 < model["margin"]["rmse"] < model["rmse"]
    assert model["users"]["ndcg@10"] <= report["users"] == USERS


def test_the_folds_of_official_files_are_averaged(
    official: dict[str, Any],
) -> None:
    model = official["models"]["popularity"]
    folds = [fold["rmse"] for fold in model["folds"].values()]
    assert list(model["folds"]) == ["u1", "u2"]
    assert model["rmse"] == pytest.approx(sum(folds) / 2, abs=1e-5)


def test_the_ratings_that_official_files_list_are_held_out(
    official: dict[str, Any],
) -> None:
    held_out = [fold["held_out"] for fold in official["split"]["folds"]]
    assert held_out == [USERS * EACH // 5] * 2


def test_new_users_with_few_ratings_have_figures_for_few_answers_only(
    report: dict[str, Any],
) -> None:
    answers = [row["answers"] for row in report["new_visitors"]["answers"]]
    assert answers == [5]  # about 6 of 60 users are new, too few for more answers


def test_the_taste_of_new_users_predicts_better_than_their_bias(
    report: dict[str, Any],
) -> None:
    row = report["new_visitors"]["answers"][0]
    assert row["rmse"]["questionnaire"] < row["rmse"]["bias_only"]
    assert row["above_bias_only"]["questionnaire"]["rmse"] < 0


def test_no_rating_of_a_new_user_is_trained_on(
    spark: SparkSession, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Any] = []

    def spied(rating: Any, seen: Any, movies: Any) -> Questioner:
        trained.append((int(rating.support.sum()), round(rating.support.max() / seen.chance[0])))
        return Questioner(rating, seen, movies)

    monkeypatch.setattr("evaluate.Questioner", spied)
    split = split_named(RANDOM, 1, ())
    prepared = evaluate.ratings_of(spark, arguments_for(stored, tmp_path), split)
    evaluate.measure_new_people(prepared, ("ranking",), SAY)
    [people] = prepared.rows.map_blocks(_new_users, None)
    assert people > 0
    assert trained == [((USERS - people) * EACH, USERS - people)]


def _new_users(block: RatingBlock, _: None) -> int:
    return len(set(block.users[(block.flags & NEW) != 0].tolist()))


def test_an_unknown_model_name_fails_with_the_known_names(
    spark: SparkSession, stored: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownModelError, match=r"no model 'rankin': use one or more of ranking, "):
        evaluate.run(spark, arguments_for(stored, tmp_path, "--models", "rankin"), SAY)


def test_a_model_for_which_the_data_set_lacks_something_does_not_stop_the_others(
    spark: SparkSession, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(name: str, model: Any) -> Any:
        if name == "rating":
            raise UnknownModelError("the data set has no tags: import it with tags.csv")
        return scorer_named(name, model)

    monkeypatch.setattr("evaluate.scorer_named", lacking)
    models = evaluate.run(
        spark, arguments_for(stored, tmp_path, "--models", "rating,popularity"), SAY
    )["models"]
    assert models["rating"] == {"error": "the data set has no tags: import it with tags.csv"}
    assert models["popularity"]["rmse"] > 0


def test_an_unknown_split_fails_with_the_known_splits() -> None:
    with pytest.raises(StepError, match="no split 'u3' of this data set: use random, official, u1"):
        split_named("u3", 1, ["u1.test", "u.data"])


def test_the_official_split_is_rejected_for_a_data_set_without_splits() -> None:
    with pytest.raises(StepError, match=r"no split 'official' of this data set: use random$"):
        split_named("official", 1, ["ratings.csv"])


def test_naming_one_official_fold_holds_out_only_that_one() -> None:
    split = split_named("u2", 1, ["u1.test", "u2.test"])
    assert (split.folds, split.files) == (("u2",), ("u2.test",))


def test_a_pair_in_two_files_is_held_out_of_both_folds(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "u1.test").write_text("1\t2\t5\t0\n1\t2\t5\t0\n\n")
    (tmp_path / "u2.test").write_text("1 2 5 0\n")
    [row] = official_pairs(spark, tmp_path.as_uri(), ["u1.test", "u2.test"]).collect()
    assert (row["user_id"], row["movie_id"], sorted(row["folds"])) == (1, 2, ["u1", "u2"])


def test_a_test_file_in_another_format_fails_with_the_number_of_its_bad_lines(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "u1.test").write_text("user,movie\n1\t2\t5\t0\n")
    with pytest.raises(StepError, match=r"1 lines of u1\.test have no user id and movie id"):
        official_pairs(spark, tmp_path.as_uri(), ["u1.test"])


def test_other_partitions_hold_out_the_same_ratings(
    ratings: DataFrame,
) -> None:
    split = split_named(RANDOM, 5, ())
    once, again = (
        with_folds(rows, split, None, 5).filter(F.size("folds") == 1)
        for rows in (ratings, ratings.repartition(5))
    )
    assert once.exceptAll(again).count() == 0
    assert 0.15 < again.count() / (USERS * EACH) < 0.25


def test_another_seed_makes_other_users_new(ratings: DataFrame) -> None:
    one, other = (
        {row["user_id"] for row in ratings.filter(new_flag(seed) == NEW).collect()}
        for seed in (1, 2)
    )
    assert one != other


def test_a_split_that_holds_nothing_out_fails_and_says_what_is_needed(
    spark: SparkSession, tmp_path: Path
) -> None:
    one = spark.createDataFrame([(1, 3, 4.0)], RATINGS)
    one.withColumn("rated_at", F.timestamp_seconds(F.lit(0))).write.parquet(
        (tmp_path / "ratings").as_uri()
    )
    movies = spark.createDataFrame([(3, "Movie", 2000, ["Drama"])], MOVIES_SCHEMA)
    movies.write.parquet((tmp_path / "movies").as_uri())
    with pytest.raises(StepError, match="of 1 ratings for training and"):
        evaluate.run(spark, arguments_for(tmp_path, tmp_path / "reports"), SAY)


def test_evaluating_a_data_set_that_is_not_prepared_names_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match="run the prepare step of 'tested' first"):
        evaluate.run(spark, arguments_for(tmp_path, tmp_path), SAY)


def test_the_old_setting_folds_users_in_as_mllib_does(
    spark: SparkSession, ratings: DataFrame
) -> None:
    read, _ = read_ratings(ratings)
    fits = Fitting(lambda: spark, read, 3, mllib=True).mllib_fits
    als = fits.als(Objective(Target.STARS, REGULARISATION), 4, 3).fit(fits.rows)
    scorer = ByOldSetting(movie_factors(als, MOVIES).astype(np.float64), mean=3.0)
    rows = fits.rows.filter("user = 7").orderBy("movie").collect()
    rated = RatedMovies(
        np.array([row["movie"] for row in rows], dtype=np.intp),
        np.array([row["stars"] for row in rows], dtype=np.float64),
    )
    predicted = als.transform(fits.rows.filter("user = 7")).orderBy("movie").collect()
    np.testing.assert_allclose(
        scorer.scored([rated]).stars[0][rated.rows],
        [row["prediction"] for row in predicted],
        rtol=1e-3,
    )


def test_the_old_setting_predicts_the_mean_without_ratings() -> None:
    scorer = ByOldSetting(np.ones((3, 2)), mean=3.5)
    nothing = RatedMovies(np.array([], dtype=np.intp), np.array([]))
    assert scorer.scored([nothing]).stars.tolist() == [[3.5] * 3]


def test_without_new_users_the_report_has_no_rows_of_answers() -> None:
    assert evaluate.new_visitors_json(new_visitors.after_first_answers([]))["answers"] == []
