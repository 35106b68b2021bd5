"""Train the rating model and the ranking model over all ratings and all visitors' ratings.

Writes the model folder, its manifest last, and then moves `current.json` to it, unless the new
model is worse than the one in use. What is fitted, and when a model is refused: docs/model.md.
"""

import argparse
import json
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zipfile import BadZipFile

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.blas import MISSING, has_native_blas
from learning.data import (
    LINKED_MOVIES_SCHEMA,
    RATINGS_SCHEMA,
    TEST_PERCENT,
    Totals,
    all_ratings,
    links_of,
    read_visitors,
    titles_of,
    totals_of,
    users_of,
    visitors_ratings,
    with_split,
    with_user_index,
)
from learning.fitting import Fitted, Size, fitted, fitted_sizes, size_for
from learning.measuring import measured, people_of
from learning.profiles import profiles_of, read_tags
from learning.seen import seen_of
from learning.session import fitting_session
from marquee.contracts import ALS_RANKS, SCHEMA_VERSION, ContractError, CurrentModel, timestamp
from marquee.estimates import mean
from marquee.evaluation import Examiner, rmse
from marquee.hadoop import Files, join
from marquee.links import pack_links
from marquee.model import (
    HELD_OUT,
    LINKS,
    MANIFEST,
    METRICS,
    TITLES,
    Counts,
    Model,
    ModelError,
    Movie,
    RatingModel,
    names_of,
    pack_rating,
    to_files,
    unpack_rating,
)
from marquee.progress import Progress, StepError, step
from marquee.questionnaire import choose_questionnaire
from marquee.recommending import candidates_of
from marquee.refusing import is_worse
from marquee.scoring import ByPopularity, ByRanking, ByRating
from marquee.titles import build_titles

REFUSED = "refused"  # folder of a refused model, within its own
NEW, IN_USE, POPULARITY = "new", "in use", "popularity"


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model is on the ratings held out; None where there are none to tell by."""

    test_rmse: float | None = None  # stars
    ndcg: float | None = None  # at 10
    popularity_ndcg: float | None = None  # of picking what most people rated
    in_use_rmse: float | None = None  # stars, of the model in use on the same ratings
    is_worse: bool = False  # than the model in use

    def __str__(self) -> str:
        if self.test_rmse is None:
            return "too few ratings to hold a test back: no test RMSE"
        told = f"test RMSE {self.test_rmse:.4f} stars"
        if self.in_use_rmse is not None:
            told += f" (the model in use {self.in_use_rmse:.4f})"
        if self.ndcg is not None and self.popularity_ndcg is not None:
            told += f", nDCG@10 {self.ndcg:.3f} (popularity {self.popularity_ndcg:.3f})"
        return told


def quality_of(
    people: DataFrame,
    model: Fitted,
    movies: Mapping[int, Movie],
    in_use: RatingModel | None,
    counts: Counts,
) -> Quality:
    """Measure a model that has not seen what is held out, beside the one in use."""
    shell = _shell(model, movies, counts)
    candidates = candidates_of(model.rating.support)
    examiners = {
        NEW: Examiner(model.rating, ByRanking(shell), candidates),
        POPULARITY: Examiner(model.rating, ByPopularity(shell), candidates),
    }
    if in_use is not None:
        other = _shell(Fitted(in_use, model.ranking), {}, counts)
        candidates_in_use = candidates_of(in_use.support)
        examiners[IN_USE] = Examiner(in_use, ByRating(other), candidates_in_use)
    found = measured(people, examiners)
    if not found[NEW]:
        return Quality()
    ndcg = mean((one.user, one.ndcg) for one in found[NEW])
    popularity = mean((one.user, one.ndcg) for one in found[POPULARITY])
    return Quality(
        test_rmse=rmse(found[NEW]),
        ndcg=ndcg.value if ndcg else None,
        popularity_ndcg=popularity.value if popularity else None,
        in_use_rmse=rmse(found[IN_USE]) if in_use is not None else None,
        is_worse=in_use is not None and is_worse(found[NEW], found[IN_USE]),
    )


def _shell(model: Fitted, movies: Mapping[int, Movie], counts: Counts) -> Model:
    """As much of a model as scoring needs."""
    return Model("", "", "", counts, model.rating, model.ranking, movies, ())


def _counts(totals: Totals, movies: int) -> Counts:
    return Counts(totals.users, movies, totals.ratings, totals.visitors)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, how good it is, and the same rating model without what was held out."""

    model: Model
    quality: Quality
    held_out: RatingModel | None


def trained(
    ratings: DataFrame,
    movies: DataFrame,
    *,
    dataset: str,
    model_id: str,
    trained_at: str,
    seed: int,
    say: Progress,
    in_use: RatingModel | None = None,
    tags: DataFrame | None = None,
    sizes: Sequence[int] = (),
    iterations: int | None = None,
) -> Trained:
    """Measure on a split, then fit to everything. `ratings`: user_id, movie_id, rating.

    `trained_at` is the moment before the visitors were read: whoever came later is new to it.
    `in_use` is the rating model to compare with, fitted without what is held out here.
    `tags` (TAGS_SCHEMA) and `sizes`, ranks of ALS, are for the models beside the two.
    `iterations` are ALS's, where the rule of the data's size is not to choose them.
    """
    marked = with_split(ratings, seed)
    users = users_of(marked)
    totals, starts = totals_of(users)
    size = size_for(totals.ratings)
    if iterations is not None:
        size = replace(size, iterations=iterations)
    say(
        f"{totals.ratings} ratings of {totals.users} users, {totals.visitors} of them visitors; "
        f"rank {size.rank}, {size.iterations} iterations, {size.blocks} blocks"
    )
    native_blas = has_native_blas(ratings.sparkSession)
    if not native_blas:
        say(MISSING)
    indexed = with_user_index(marked, users, starts).persist(StorageLevel.MEMORY_AND_DISK)
    quality = Quality()
    if (tested := _fitted_to_split(indexed, size, totals, seed)) is not None:
        known = titles_of(movies, tested.rating)
        people = people_of(indexed, totals.users)
        quality = quality_of(people, tested, known, in_use, _counts(totals, len(known)))
    say(str(quality))
    with ThreadPoolExecutor(1) as pool:
        # Beside the fits, which leave the cluster idle most of the time where they are small.
        profiling = pool.submit(profiles_of, indexed, tags)
        model = fitted(indexed, size, totals, seed)
        profiles = profiling.result()
    say(f"fitted {len(model.rating.movie_ids)} movies to all ratings")
    titles = titles_of(movies, model.rating)
    say(f"counted {len(profiles.tag_names)} tags")
    seen = seen_of(indexed, model.rating, totals.users)
    of_sizes = fitted_sizes(indexed, model.rating.movie_ids, sizes, size, seed)
    if of_sizes:
        say(f"fitted ALS of rank {', '.join(map(str, of_sizes))}")
    return Trained(
        Model(
            model_id=model_id,
            dataset=dataset,
            trained_at=trained_at,
            counts=_counts(totals, len(titles)),
            rating=model.rating,
            ranking=model.ranking,
            movies=titles,
            questionnaire=choose_questionnaire(model.rating, seen),
            metrics=_metrics(quality, size, seed, say.seconds, native_blas=native_blas),
            seen=seen,
            profiles=profiles,
            sizes=of_sizes,
        ),
        quality,
        tested.rating if tested else None,
    )


def _fitted_to_split(ratings: DataFrame, size: Size, totals: Totals, seed: int) -> Fitted | None:
    """Fit to the training 85 %; None where nothing is left to fit to or to measure on."""
    if totals.test_ratings in (0, totals.ratings):
        return None
    return fitted(ratings.filter(~F.col("test")), size, totals, seed)


def _metrics(
    quality: Quality, size: Size, seed: int, seconds: float, *, native_blas: bool
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "test_rmse": quality.test_rmse,
        "ndcg@10": quality.ndcg,
        "popularity_ndcg@10": quality.popularity_ndcg,
        "in_use_rmse": quality.in_use_rmse,
        "is_worse": quality.is_worse,
        "rank": size.rank,
        "iterations": size.iterations,
        "regularisation": size.regularisation,
        "residual_regularisation": size.residual_regularisation,
        "seed": seed,
        "test_percent": TEST_PERCENT,
        "native_blas": native_blas,
        "seconds": round(seconds, 1),
    }


def rating_in_use(files: Files, arguments: argparse.Namespace, say: Progress) -> RatingModel | None:
    """The rating model in use as fitted without what is held out; None where none compares.

    Only a model of the same data set, split and format can tell whether the new one is worse.
    """
    if not arguments.in_use:
        return None
    try:
        manifest = json.loads(files.read(join(arguments.in_use, MANIFEST)))
        metrics = json.loads(files.read(join(arguments.in_use, METRICS)))
        same = (manifest["dataset"], metrics["seed"], metrics["test_percent"])
        if same != (arguments.dataset, arguments.seed, TEST_PERCENT):
            return None
        return unpack_rating(files.read(join(arguments.in_use, HELD_OUT)))
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        say(f"nothing to compare the new model with: {arguments.in_use}: {error}")
        return None


def moves_current(files: Files, uri: str, dataset: str, *, switch: bool, say: Progress) -> bool:
    """Whether the new model comes into use: training one data set never activates another."""
    if switch or not files.exists(uri):
        return True
    try:
        active = CurrentModel.from_json(files.read(uri)).dataset
    except ContractError as error:
        say(f"{uri} stays as it is, {error}; train with --switch to replace it")
        return False
    if active != dataset:
        say(f"{uri} stays at data set {active!r}; train with --switch to move it to {dataset!r}")
    return active == dataset


def publish(trained: Trained, folder: str, files: Files, beside: Mapping[str, bytes]) -> None:
    """Write the model folder; the manifest, last in order, makes it whole."""
    if trained.held_out is not None:
        files.write(join(folder, HELD_OUT), pack_rating(trained.held_out))
    for name, content in to_files(trained.model, beside).items():
        files.write(join(folder, name), content)


def files_beside(model: Model, movies: DataFrame, say: Progress) -> dict[str, bytes]:
    """The files that the API alone reads: the title index, and links where there are any.

    `movies` has LINKED_MOVIES_SCHEMA.
    """
    links = links_of(movies, model.rating)
    found = {LINKS: pack_links(links)} if links else {}
    try:
        return {TITLES: build_titles(model), **found}
    except sqlite3.OperationalError as error:
        # No reason to train in vain: the API then makes its own.
        say(f"no title index, this Python's SQLite cannot make one: {error}")
        return found


def copy_model(source: str, folder: str, files: Files) -> None:
    """Fill a folder with another's model: steps already submitted recommend from this folder."""
    for name in names_of(lambda name: files.read(join(source, name))):
        files.write(join(folder, name), files.read(join(source, name)))


def ranks_from(listed: str) -> tuple[int, ...]:
    """The ranks in `8,16`. Raises ArgumentTypeError where a model of one could not be named."""
    ranks = [rank.strip() for rank in listed.split(",")]
    if unknown := [rank for rank in ranks if rank not in map(str, ALS_RANKS)]:
        known = ", ".join(map(str, ALS_RANKS))
        raise argparse.ArgumentTypeError(f"no model is named after {unknown[0]!r}: use {known}")
    return tuple(sorted({int(rank) for rank in ranks}))


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--ratings", required=True, help="folder of the prepared ratings")
    parser.add_argument("--movies", required=True, help="folder of the prepared movies")
    parser.add_argument("--tags", help="folder of the prepared tags; may be missing")
    parser.add_argument("--visitors", required=True, help="folder of the visitor objects")
    parser.add_argument("--model", required=True, help="model folder to write; its name is the id")
    parser.add_argument("--current", required=True, help="current.json to move to the new model")
    parser.add_argument("--in-use", help="folder of the model in use, to compare the new one with")
    parser.add_argument(
        "--switch", action="store_true", help="make this data set the active one, whatever it was"
    )
    parser.add_argument(
        "--sizes",
        type=ranks_from,
        default=(),
        help=f"also fit ALS of these ranks, as in {','.join(map(str, ALS_RANKS))}",
    )
    parser.add_argument("--iterations", type=int, help="of ALS (default: by the number of ratings)")
    parser.add_argument("--seed", type=int, default=1, help="of the split and of ALS (default 1)")
    return parser.parse_args(argv)


def run(spark: SparkSession, arguments: argparse.Namespace, say: Progress) -> Model:
    trained_at = timestamp(datetime.now(UTC))
    files = Files(spark)
    for folder in (arguments.ratings, arguments.movies):
        if not files.names(folder):
            raise StepError(
                f"{folder} holds nothing: run the prepare step of {arguments.dataset!r} first"
            )
    movies = (
        spark.read.schema(LINKED_MOVIES_SCHEMA)
        .parquet(arguments.movies)
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    visitors = read_visitors(spark, arguments.visitors, files, say)
    ratings = all_ratings(
        spark.read.schema(RATINGS_SCHEMA).parquet(arguments.ratings),
        visitors_ratings(visitors, arguments.dataset),
        movies,
    ).persist(StorageLevel.MEMORY_AND_DISK)
    done = trained(
        ratings,
        movies,
        dataset=arguments.dataset,
        model_id=arguments.model.rstrip("/").rpartition("/")[2],
        trained_at=trained_at,
        seed=arguments.seed,
        say=say,
        in_use=rating_in_use(files, arguments, say),
        tags=read_tags(spark, arguments.tags),
        sizes=arguments.sizes,
        iterations=arguments.iterations,
    )
    model, quality = done.model, done.quality
    beside = files_beside(model, movies, say)
    if quality.is_worse:
        publish(done, join(arguments.model, REFUSED), files, beside)
        copy_model(arguments.in_use, arguments.model, files)
        raise StepError(
            f"the new model is worse than the one in use ({quality}) and was refused: "
            f"{arguments.current} stays, the refused model lies in "
            f"{join(arguments.model, REFUSED)}; look at what was imported lately"
        )
    publish(done, arguments.model, files, beside)
    say(f"wrote {arguments.model} ({METRICS}: {json.dumps(model.metrics)})")
    if moves_current(files, arguments.current, model.dataset, switch=arguments.switch, say=say):
        current = CurrentModel(
            model.model_id,
            model.dataset,
            model.trained_at,
            model.counts.users,
            model.counts.ratings,
        )
        files.write(arguments.current, current.to_json().encode())
        say(f"{arguments.current} names {model.model_id}")
    return model


def main(argv: Sequence[str] | None = None) -> None:
    arguments = arguments_from(argv)
    with (
        step("train", ModelError) as say,
        fitting_session(f"marquee train {arguments.dataset}") as spark,
    ):
        run(spark, arguments, say)


if __name__ == "__main__":
    main()
