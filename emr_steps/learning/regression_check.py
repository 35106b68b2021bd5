"""The regression check: compares a new model with the active one on the same held-out ratings."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zipfile import BadZipFile

from pyspark.sql import SparkSession

from learning.blas import MISSING, has_native_blas
from learning.confidence import mean
from learning.data import HELD_OUT as HELD_OUT_FLAG
from learning.data import TEST_PERCENT, titles_of
from learning.fitting import FittedModels, Fitting, Size, size_for
from learning.hadoop_files import Files, join
from learning.liked_share import MOST_CALIBRATED, calibrate, rated_picks
from learning.measuring import People, measure_models, people_of, people_to_measure
from learning.metrics import Examiner, rmse
from learning.prepared import PreparedMovie
from learning.rating_blocks import Ratings
from learning.ratings_on_spark import RatingsOnSpark
from learning.raw_blocks import Totals
from learning.regression_rule import is_worse
from learning.sources import TrainingSources
from learning.step_log import StepLog
from learning.visitors import LeftOut
from marquee.recommender.model import (
    Counts,
    LikedShareCalibration,
    Model,
    Movie,
    RatingModel,
)
from marquee.recommender.model_folder import HELD_OUT, MANIFEST, METRICS, unpack_rating
from marquee.recommender.picks import candidates_of
from marquee.recommender.scorers import RANKING, ByPopularity, ByRating, scorer_named

NEW, ACTIVE, POPULARITY = "new", "active", "popularity"


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """What the regression check needs of the active model, if it is of the same data set.

    Attributes:
        data_version: the version of the data that it was trained on; empty if it had none.
        trained_at: the moment before its visitors were read (ISO 8601).
        left_out: the visitors who were left out of its training.
        rating: its rating model, fitted without the held-out ratings. None if the split was
            another or the file cannot be read; a new model can then not be found worse.
    """

    data_version: str
    trained_at: str
    left_out: LeftOut
    rating: RatingModel | None


def read_active_model(
    files: Files, folder: str | None, dataset: str, seed: int, say: StepLog
) -> ActiveModel | None:
    """Read the active model; return None if it is unnamed, unreadable or of other data."""
    if not folder:
        return None
    try:
        manifest = json.loads(files.read(join(folder, MANIFEST)))
        metrics = json.loads(files.read(join(folder, METRICS)))
        if manifest["dataset"] != dataset:
            return None
        split = (metrics["seed"], metrics["test_percent"])
        left_out = LeftOut.from_metrics(metrics)
        rating = _held_out(files, folder, say) if split == (seed, TEST_PERCENT) else None
        version = manifest.get("data_version", "")
        return ActiveModel(version, manifest["trained_at"], left_out, rating)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"cannot compare the new model with the active one: {folder}: {error}")
        return None


def _held_out(files: Files, folder: str, say: StepLog) -> RatingModel | None:
    try:
        return unpack_rating(files.read(join(folder, HELD_OUT)))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        say(f"cannot compare the new model with the active one: {folder}: {error}")
        return None


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of a model on held-out ratings; None where there are no ratings to measure them."""

    test_rmse: float | None = None  # stars
    ndcg: float | None = None  # nDCG@10
    popularity_ndcg: float | None = None  # nDCG@10 of picks by popularity
    active_rmse: float | None = None  # stars, of the active model on the same ratings
    is_worse: bool = False  # than the active model

    def __str__(self) -> str:
        if self.test_rmse is None:
            return "too few ratings for a test set: no test RMSE"
        shown = f"test RMSE {self.test_rmse:.4f} stars"
        if self.active_rmse is not None:
            shown += f" (active model {self.active_rmse:.4f})"
        if self.ndcg is not None and self.popularity_ndcg is not None:
            shown += f", nDCG@10 {self.ndcg:.3f} (popularity {self.popularity_ndcg:.3f})"
        return shown


def quality_of(
    ratings: Ratings,
    people: People,
    model: FittedModels,
    *,
    movies: Mapping[int, Movie],
    active: RatingModel | None,
    counts: Counts,
) -> Quality:
    """Measure a model fitted without the held-out ratings, and the active model if there is one."""
    shell = _shell(model, movies, counts)
    candidates = candidates_of(model.rating.support)
    examiners = {
        NEW: Examiner(model.rating, scorer_named(RANKING, shell), candidates),
        POPULARITY: Examiner(model.rating, ByPopularity(shell), candidates),
    }
    if active is not None:
        other = _shell(replace(model, rating=active), {}, counts)
        active_candidates = candidates_of(active.support)
        examiners[ACTIVE] = Examiner(active, ByRating(other), active_candidates)
    found = measure_models(ratings, people, examiners)
    if not found[NEW]:
        return Quality()
    ndcg = mean((one.user, one.ndcg) for one in found[NEW])
    popularity = mean((one.user, one.ndcg) for one in found[POPULARITY])
    return Quality(
        test_rmse=rmse(found[NEW]),
        ndcg=ndcg.value if ndcg else None,
        popularity_ndcg=popularity.value if popularity else None,
        active_rmse=rmse(found[ACTIVE]) if active is not None else None,
        is_worse=active is not None and is_worse(found[NEW], found[ACTIVE]),
    )


def _shell(model: FittedModels, movies: Mapping[int, Movie], counts: Counts) -> Model:
    """Return a model with only the parts that scoring needs."""
    return Model("", "", "", counts, model.rating, model.ranking, movies, (), items=model.items)


def counts_of(totals: Totals, movies: int) -> Counts:
    """Return the counts that a manifest states, for a model of this many movies."""
    return Counts(totals.users, movies, totals.ratings, totals.visitors)


@dataclass(frozen=True, slots=True)
class Examination:
    """Ratings to fit a model to, and the quality of a model fitted without the held-out ones.

    The held-out ratings have the flag HELD_OUT of `learning.data`.
    """

    ratings: Ratings
    totals: Totals
    size: Size
    by_mllib: bool  # whether MLlib fits, because there are so many users
    quality: Quality
    held_out: RatingModel | None  # the rating model that was measured
    liked_share: LikedShareCalibration | None = None  # None if too few picks have held-out ratings

    def release(self) -> None:
        """Free the memory that the ratings take on the executors."""
        self.ratings.release()


def examine_model(
    ratings: Ratings,
    totals: Totals,
    movies: Sequence[PreparedMovie],
    *,
    session: Callable[[], SparkSession],
    seed: int,
    say: StepLog,
    active: RatingModel | None = None,
    iterations: int | None = None,
) -> Examination:
    """Split the ratings, fit a model to the training set and measure it on the test set.

    Args:
        ratings: the ratings, with the flags of `held_out_flag` for this seed.
        totals: their totals.
        movies: the movies of the data set.
        session: opens the Spark session that MLlib uses.
        seed: of the split and of ALS.
        say: the step's log.
        active: the active rating model, fitted without the ratings that are held out here.
        iterations: of ALS; by default they depend on the number of ratings.
    """
    size = size_for(totals.ratings)
    if iterations is not None:
        size = replace(size, iterations=iterations)
    where = "on the executors" if isinstance(ratings, RatingsOnSpark) else "in the driver"
    say(
        f"{totals.ratings} ratings of {totals.users} users, {totals.visitors} of them visitors; "
        f"rank {size.rank}, {size.iterations} iterations, {where}"
    )
    training = Fitting(session, ratings.without(HELD_OUT_FLAG), seed)
    by_mllib = training.uses_mllib(size)
    if by_mllib and not has_native_blas(session()):
        say(MISSING)
    if training.counted.ratings in (0, totals.ratings):
        # There is nothing to train on, or nothing to measure on.
        say(str(Quality()))
        return Examination(ratings, totals, size, by_mllib, Quality(), None)
    known = titles_of(movies, training.movie_ids)
    tested = training.fit(size, totals.scale, known, progress(size, say))
    training.release()
    people = people_to_measure(ratings, HELD_OUT_FLAG, totals.users)
    counts = counts_of(totals, len(known))
    quality = quality_of(ratings, people, tested, movies=known, active=active, counts=counts)
    say(str(quality))
    some = people_to_measure(ratings, HELD_OUT_FLAG, totals.users, MOST_CALIBRATED)
    found = rated_picks(_shell(tested, known, counts), people_of(ratings, some), seed)
    liked_share = calibrate(found)
    say(f"calibrated the share of liked picks on {len(found.liked)} picks: {liked_share}")
    return Examination(ratings, totals, size, by_mllib, quality, tested.rating, liked_share)


def progress(size: Size, say: StepLog) -> Callable[[int], None]:
    """Return a function that logs the number of each iteration."""
    return lambda iteration: say(f"iteration {iteration} of {size.iterations}")


@dataclass(frozen=True, slots=True)
class TrainingChoice:
    """The ratings that the model is fitted to, and the visitors who are left out."""

    examined: Examination
    left_out: LeftOut
    visitors: int  # left out
    rejected_with: int = 0  # newest visitors; leaving them out did not help


def choose_visitors(
    sources: TrainingSources,
    active: ActiveModel | None,
    examine: Callable[[Ratings, Totals], Examination],
    say: StepLog,
    *,
    all_visitors: bool = False,
) -> TrainingChoice:
    """Examine a model with all visitors and, if it is worse, one without the newest visitors.

    The newest visitors are those who came since the active model was trained. Visitors that the
    active model left out stay left out, unless `all_visitors` is true. If the second model is worse
    too, visitors are not the cause, and the first model is returned as the rejected one.
    """
    before = LeftOut() if active is None or all_visitors else active.left_out
    ratings, totals, visitors = sources.without(before, say)
    first = TrainingChoice(examine(ratings, totals), before, visitors)
    if active is None or not first.examined.quality.is_worse:
        return first
    without = active.left_out.and_since(active.trained_at)
    fewer, fewer_totals, more = sources.without(without, say)
    if more == visitors:
        fewer.release()
        return first
    say(f"worse than the active model: trying without the {more - visitors} newest visitors")
    second = TrainingChoice(examine(fewer, fewer_totals), without, more)
    if second.examined.quality.is_worse:
        second.examined.release()
        return replace(first, rejected_with=more - visitors)
    first.examined.release()
    say(f"left out {more} visitors, because the model is worse with them")
    return second
