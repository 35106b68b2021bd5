"""Measure every model on the same held-out ratings, and how fast a model learns new users' taste.

Fits the models that it measures itself, on the ratings that are not held out. It never publishes
a model or changes a model folder. docs/model.md explains the figures.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from learning.confidence import Estimate, average, difference
from learning.data import RATINGS_SCHEMA, titles_of
from learning.fitting import Fitting, Size, size_for
from learning.hadoop_files import Files, join
from learning.likely_seen import count_seen
from learning.measuring import measure_models, measure_new_visitors, people_to_measure
from learning.metrics import Examiner, coverage, estimates_of, median_popularity
from learning.new_visitors import (
    BEST_KNOWN,
    BIAS_ONLY,
    KNOWN,
    POPULAR,
    QUESTIONNAIRE,
    FirstAnswers,
    NewVisitorExaminer,
    after_first_answers,
)
from learning.old_setting import fit_old_setting
from learning.prepared import PreparedMovie, PreparedTag, read_prepared_movies, read_prepared_tags
from learning.profiles import profiles_of
from learning.rating_blocks import RatingBlock, Ratings
from learning.ratings_on_spark import read_ratings
from learning.raw_blocks import Totals
from learning.session import fitting_session
from learning.splits import NEW, NEW_SHARE, RANDOM, Split, new_flag, split_named, with_folds
from learning.step_log import StepError, StepLog, step
from marquee.contracts import ALS_RANKS, SCHEMA_VERSION
from marquee.recommender.model import Counts, Model
from marquee.recommender.picks import candidates_of
from marquee.recommender.questionnaire import Questioner
from marquee.recommender.scorers import (
    EVALUATED,
    MLLIB,
    OLD,
    RANKING,
    Scorer,
    UnknownModelError,
    models_named,
    scorer_named,
)

EVALUATION = "evaluation.json"
DIGITS = 6
MOST_NEW_PEOPLE = 500  # about: larger sets are sampled


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The data to evaluate on.

    The rows have a flag for each fold that holds them out (`Split.flag`), and NEW where their user
    counts as new.
    """

    dataset: str
    spark: SparkSession
    rows: Ratings
    movies: Sequence[PreparedMovie]
    tags: Sequence[PreparedTag]
    totals: Totals
    size: Size
    seed: int

    def fitting(self, held_out: int, *, mllib: bool = False) -> Fitting:
        """Fit to the rows without this flag."""
        return Fitting(lambda: self.spark, self.rows.without(held_out), self.seed, mllib=mllib)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one model on one fold."""

    averages: Mapping[str, Estimate | None]
    coverage: float
    median_popularity: float | None


@dataclass(slots=True)
class Fold:
    """One split into ratings to train on and ratings held out."""

    name: str
    trained: int  # ratings
    held_out: int
    people: int  # users who were measured
    figures: dict[str, Figures] = field(default_factory=dict)


def evaluate(
    ratings: EvaluationData, split: Split, names: Sequence[str], say: StepLog
) -> tuple[list[Fold], dict[str, str]]:
    """Measure the models on each fold; the second value gives reasons for models not measured."""
    problems: dict[str, str] = {}
    folds = []
    for name in split.folds:
        fold, lacking = _evaluate_fold(ratings, name, split.flag(name), names)
        problems |= lacking
        folds.append(fold)
        say(f"{name}: trained on {fold.trained} ratings, measured on {fold.people} users")
    return folds, problems


def _evaluate_fold(
    ratings: EvaluationData, name: str, flag: int, names: Sequence[str]
) -> tuple[Fold, dict[str, str]]:
    fitting = ratings.fitting(flag)
    trained = fitting.counted.ratings
    held_out = ratings.totals.ratings - trained
    if not held_out or not trained:
        raise StepError(
            f"the split {name!r} leaves {trained} of {ratings.totals.ratings} ratings for training "
            f"and {held_out} for testing; neither may be 0: use more ratings or another split"
        )
    model = model_of(fitting, ratings, names)
    examiners, problems = examiners_of(names, model, fitting)
    if MLLIB in names:
        by_mllib = ratings.fitting(flag, mllib=True)
        other = model_of(by_mllib, ratings, (RANKING,))
        examiners[MLLIB] = Examiner(
            other.rating, scorer_named(RANKING, other), candidates_of(other.rating.support)
        )
        by_mllib.release()
    fitting.release()
    people = people_to_measure(ratings.rows, flag, ratings.totals.users)
    found = measure_models(ratings.rows, people, examiners)
    rating = model.rating
    fold = Fold(name, trained, held_out, max((len(each) for each in found.values()), default=0))
    for each, users in found.items():
        fold.figures[each] = Figures(
            estimates_of(users),
            coverage(users, len(rating.movie_ids)),
            median_popularity(users, rating.movie_ids, rating.support),
        )
    return fold, problems


def model_of(fitting: Fitting, ratings: EvaluationData, names: Sequence[str]) -> Model:
    """Fit the parts of a model that the named ways of scoring need."""
    size, totals = ratings.size, ratings.totals
    titles = titles_of(ratings.movies, fitting.movie_ids)
    main = fitting.fit(size, totals.scale, titles)
    ranks = [rank for rank in ALS_RANKS if f"als-{rank}" in names]
    return Model(
        model_id="",
        dataset=ratings.dataset,
        trained_at="",
        counts=Counts(totals.users, len(titles), totals.ratings, totals.visitors),
        rating=main.rating,
        ranking=main.ranking,
        items=main.items,
        movies=titles,
        questionnaire=(),
        profiles=profiles_of(fitting.counted, main.rating.movie_ids, ratings.tags),
        sizes=fitting.fit_sizes(ranks, size),
    )


def examiners_of(
    names: Sequence[str], model: Model, fitting: Fitting
) -> tuple[dict[str, Examiner], dict[str, str]]:
    """Return an examiner per model; the second value gives reasons for models without one.

    MLLIB, which needs a model of its own, gets none here.
    """
    rating = model.rating
    candidates = candidates_of(rating.support)
    examiners: dict[str, Examiner] = {}
    problems: dict[str, str] = {}
    for name in names:
        if name == MLLIB:
            continue
        if name == OLD:
            old = fit_old_setting(fitting.mllib_fits, fitting.rated, rating.global_mean)
            # The old recommender picked the highest score, whatever the movie's support.
            examiners[name] = Examiner(rating, old, np.ones(len(rating.movie_ids), dtype=bool))
            continue
        try:
            examiners[name] = Examiner(rating, scorer_named(name, model), candidates)
        except UnknownModelError as error:
            problems[name] = str(error)
    return examiners, problems


def measure_new_people(
    ratings: EvaluationData, names: Sequence[str], say: StepLog
) -> list[FirstAnswers]:
    """Train on nine tenths of the users, question the others and pick for them with each model.

    MLLIB and OLD, which need trainings of their own, are left out. Returns an empty list if either
    part is empty.
    """
    training = ratings.rows.without(NEW)
    fitting = ratings.fitting(NEW)
    if fitting.counted.ratings in (0, ratings.totals.ratings):
        return []
    model = model_of(fitting, ratings, names)
    fitting.release()
    rating = model.rating
    scorers: dict[str, Scorer] = {}
    for name in names:
        if name not in (MLLIB, OLD):
            with suppress(UnknownModelError):  # `evaluate` has given the reason
                scorers[name] = scorer_named(name, model)
    users = sum(training.map_blocks(_users_with_ratings, None))
    questioner = Questioner(rating, count_seen(training, rating, users), model.movies)
    bias = fitting.baseline.bias[fitting.rated]
    candidates = candidates_of(rating.support)
    examiner = NewVisitorExaminer(rating, questioner, bias, scorers, candidates, seed=ratings.seed)
    new = ratings.totals.users - users
    people = people_to_measure(ratings.rows, NEW, new, MOST_NEW_PEOPLE)
    visitors = measure_new_visitors(ratings.rows, people, examiner)
    say(f"measured {len(visitors)} new visitors: users who were not in training")
    return after_first_answers(visitors)


def _users_with_ratings(block: RatingBlock, _: None) -> int:
    return int((block.counts > 0).sum())


def models_json(folds: Sequence[Fold], problems: Mapping[str, str]) -> dict[str, Any]:
    """Return the figures of each model: the average over the folds, and those of each fold."""
    names = list(dict.fromkeys(name for fold in folds for name in fold.figures))
    figures: dict[str, Any] = {
        name: {
            **_figures_json([fold.figures[name] for fold in folds]),
            "folds": {fold.name: _figures_json([fold.figures[name]]) for fold in folds},
        }
        for name in names
        if name not in problems
    }
    return figures | {name: {"error": why} for name, why in problems.items()}


def _figures_json(folds: Sequence[Figures]) -> dict[str, Any]:
    """Average over folds; `margin` is half of the 95 % confidence interval, `users` a count."""
    averages = {key: average([fold.averages[key] for fold in folds]) for key in folds[0].averages}
    popularity = [fold.median_popularity for fold in folds if fold.median_popularity is not None]
    return {
        **{key: _value(each) for key, each in averages.items()},
        "coverage": round(fmean(fold.coverage for fold in folds), DIGITS),
        "median_popularity": fmean(popularity) if popularity else None,
        "margin": {key: _margin(each) for key, each in averages.items()},
        "users": {key: each.users if each else 0 for key, each in averages.items()},
    }


def new_visitors_json(rows: Sequence[FirstAnswers]) -> dict[str, Any]:
    """Return RMSE by number of answers and way of predicting, and the number of movies shown."""
    return {
        "rule": f"a tenth of the users (Spark's pmod(xxhash64(user_id, seed), {NEW_SHARE}) = 0) is "
        "not in training; RMSE over their ratings of movies that neither the popular nor the "
        f"questionnaire's answers are about; nDCG@10 over all ratings but the answers: {KNOWN} "
        f"draws these from the {BEST_KNOWN} movies with the most ratings",
        "people": rows[0].people if rows else 0,
        "answers": [
            {
                "answers": row.answers,
                "rmse": {name: _value(each) for name, each in row.rmse.items()},
                "margin": {name: _margin(each) for name, each in row.rmse.items()},
                "ndcg@10": {
                    name: {way: _value(each) for way, each in ways.items()}
                    for name, ways in row.ndcg.items()
                },
                "ndcg@10_margin": {
                    name: {way: _margin(each) for way, each in ways.items()}
                    for name, ways in row.ndcg.items()
                },
                "above_bias_only": _above_bias_only(row),
                "mean_shown": {way: _value(each) for way, each in row.shown.items()},
                "median_shown": dict(row.median_shown),
                "people_shown": {way: each.users if each else 0 for way, each in row.shown.items()},
            }
            for row in rows
        ],
    }


def _above_bias_only(row: FirstAnswers) -> dict[str, Any]:
    """Return how much worse than bias alone a prediction is, paired by user; negative if better."""
    found = {
        guess: difference(row.rmse[guess], row.rmse[BIAS_ONLY])
        for guess in (POPULAR, QUESTIONNAIRE)
    }
    return {guess: {"rmse": _value(each), "margin": _margin(each)} for guess, each in found.items()}


def _value(estimate: Estimate | None) -> float | None:
    return round(estimate.value, DIGITS) if estimate else None


def _margin(estimate: Estimate | None) -> float | None:
    return round(estimate.margin, DIGITS) if estimate else None


def run(spark: SparkSession, arguments: argparse.Namespace, say: StepLog) -> dict[str, Any]:
    """Evaluate as the arguments say; write evaluation.json and return its content.

    Raises:
        StepError: the data set is not prepared, or the split does not exist or is too small.
    """
    names = models_named(arguments.models)
    files = Files(spark)
    for folder in (arguments.ratings, arguments.movies):
        if not files.names(folder):
            raise StepError(
                f"{folder} is empty: run the prepare step of {arguments.dataset!r} first"
            )
    raw_names = files.names(arguments.raw) if arguments.raw else {}
    split = split_named(arguments.split, arguments.seed, raw_names)
    ratings = ratings_of(spark, arguments, split)
    totals, size = ratings.totals, ratings.size
    say(
        f"{totals.ratings} ratings of {totals.users} users; split {split.name}, seed "
        f"{ratings.seed}; rank {size.rank}, {size.iterations} iterations"
    )
    folds, problems = evaluate(ratings, split, names, say)
    for name, why in problems.items():
        say(f"{name} was not measured: {why}")
    report = {
        "schema_version": SCHEMA_VERSION,
        "dataset": arguments.dataset,
        "ratings": totals.ratings,
        "users": totals.users,
        "split": {
            "name": split.name,
            "rule": split.rule,
            "seed": ratings.seed,
            "folds": [
                {
                    "name": fold.name,
                    "trained": fold.trained,
                    "held_out": fold.held_out,
                    "people": fold.people,
                }
                for fold in folds
            ],
        },
        "models": models_json(folds, problems),
        "new_visitors": new_visitors_json(measure_new_people(ratings, names, say)),
    }
    report["seconds"] = round(say.seconds, 1)
    written = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1)
    files.write(join(arguments.report, EVALUATION), written.encode())
    say(f"wrote {join(arguments.report, EVALUATION)}")
    return report


def ratings_of(spark: SparkSession, arguments: argparse.Namespace, split: Split) -> EvaluationData:
    """Read, split and number the ratings. Users are numbered once, the same for all folds."""
    columns = ("user_id", "movie_id", "rating")
    read = spark.read.schema(RATINGS_SCHEMA).parquet(arguments.ratings).select(*columns)
    split_up = with_folds(read, split, arguments.raw, arguments.seed)
    flags = split.flags() + new_flag(arguments.seed)
    rows, totals = read_ratings(split_up, flags)
    files = Files(spark)
    return EvaluationData(
        arguments.dataset,
        spark,
        rows,
        read_prepared_movies(files, arguments.movies),
        read_prepared_tags(files, arguments.tags),
        totals,
        size_for(totals.ratings),
        arguments.seed,
    )


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default those of the process; exits with 2 if one is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--ratings", required=True, help="folder of the prepared ratings")
    parser.add_argument("--movies", required=True, help="folder of the prepared movies")
    parser.add_argument("--tags", help="folder of the prepared tags; may be missing")
    parser.add_argument("--raw", help="folder of the raw files, for an official split")
    parser.add_argument("--report", required=True, help=f"folder to write {EVALUATION} into")
    parser.add_argument(
        "--models", help=f"a list of {', '.join(EVALUATED)} (default: all but {MLLIB})"
    )
    parser.add_argument(
        "--split", help=f"{RANDOM}, official or u1 to u5 (default: official if there is one)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the split and of ALS (default 1)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; a StepError or an UnknownModelError ends the process with exit code 1."""
    arguments = arguments_from(argv)
    with (
        step("evaluate", UnknownModelError) as say,
        fitting_session(f"marquee evaluate {arguments.dataset}") as spark,
    ):
        run(spark, arguments, say)


if __name__ == "__main__":
    main()
