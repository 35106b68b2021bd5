"""Train the rating model and the ranking model on the ratings of the data set and its visitors.

A small data set is read and trained on in this process, without starting Spark.

Writes the model folder, with the manifest last, and then names the model as the newest one of its
data, unless it is worse than the active model. If that data is active, so is the model then.
docs/model.md describes the models and the regression check.
"""

import argparse
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from pyspark.sql import SparkSession

from learning.data import TEST_PERCENT, links_of, titles_of
from learning.fitting import Fitting
from learning.hadoop_files import Files, join
from learning.likely_seen import count_seen
from learning.prepared import PreparedMovie, PreparedTag, read_prepared_movies, read_prepared_tags
from learning.profiles import profiles_of
from learning.regression_check import (
    ActiveModel,
    Examination,
    choose_visitors,
    counts_of,
    examine_model,
    progress,
    read_active_model,
)
from learning.session import fitting_session
from learning.sources import Places, open_sources
from learning.step_log import StepError, StepLog, step
from marquee.contracts import ALS_RANKS, SCHEMA_VERSION, CurrentModel, timestamp
from marquee.recommender.links import pack_links
from marquee.recommender.model import Model, ModelError, RatingModel
from marquee.recommender.model_folder import (
    HELD_OUT,
    LINKS,
    METRICS,
    TITLES,
    file_names_of,
    pack_rating,
    to_files,
)
from marquee.recommender.questionnaire import choose_questionnaire
from marquee.recommender.series import find_series
from marquee.recommender.title_index import build_titles

REJECTED = "refused"  # subfolder of the model folder that receives a rejected model


def complete(
    found: Examination,
    movies: Sequence[PreparedMovie],
    *,
    session: Callable[[], SparkSession],
    dataset: str,
    model_id: str,
    trained_at: str,
    seed: int,
    say: StepLog,
    data_version: str = "",
    left_out: Mapping[str, Any] | None = None,
    tags: Sequence[PreparedTag] = (),
    sizes: Sequence[int] = (),
) -> Model:
    """Fit a complete model to all ratings, held-out ones included.

    Args:
        found: the ratings, and the quality of a model fitted without the held-out ones.
        movies: the movies of the data set.
        session: opens the Spark session that MLlib uses.
        trained_at: the moment before the visitors were read; later visitors are new to the model.
        data_version: the version of the data set; empty if it has none.
        left_out: the entry of metrics.json about visitors who were left out.
        tags: the tags of the data set, for the profiles.
        sizes: ranks of additional ALS models.
    """
    ratings, totals, size = found.ratings, found.totals, found.size
    fitting = Fitting(session, ratings, seed)
    titles = titles_of(movies, fitting.movie_ids)
    model = fitting.fit(size, totals.scale, titles, progress(size, say))
    say(f"fitted the model of {len(model.rating.movie_ids)} movies to all ratings")
    of_sizes = fitting.fit_sizes(sizes, size)
    if of_sizes:
        say(f"fitted ALS of rank {', '.join(map(str, of_sizes))}")
    fitting.release()
    profiles = profiles_of(fitting.counted, model.rating.movie_ids, tags)
    say(f"counted {len(profiles.tag_names)} tags")
    seen = count_seen(ratings, model.rating, totals.users)
    return Model(
        model_id=model_id,
        dataset=dataset,
        trained_at=trained_at,
        counts=counts_of(totals, len(titles)),
        rating=model.rating,
        ranking=model.ranking,
        items=model.items,
        movies=titles,
        questionnaire=choose_questionnaire(model.rating, seen),
        metrics=_metrics(found, seed, say.seconds, left_out),
        seen=seen,
        profiles=profiles,
        sizes=of_sizes,
        data_version=data_version,
        series=find_series(titles.values()),
        liked_share=found.liked_share,
    )


def _metrics(
    found: Examination, seed: int, seconds: float, left_out: Mapping[str, Any] | None
) -> dict[str, Any]:
    quality, size = found.quality, found.size
    return {
        "schema_version": SCHEMA_VERSION,
        "test_rmse": quality.test_rmse,
        "ndcg@10": quality.ndcg,
        "popularity_ndcg@10": quality.popularity_ndcg,
        "in_use_rmse": quality.active_rmse,
        "is_worse": quality.is_worse,
        "left_out": left_out,
        "rank": size.rank,
        "iterations": size.iterations,
        "regularisation": size.regularisation,
        "residual_regularisation": size.residual_regularisation,
        "seed": seed,
        "test_percent": TEST_PERCENT,
        "solver": "mllib" if found.by_mllib else "numpy",
        "seconds": round(seconds, 1),
    }


def publish(
    model: Model,
    held_out: RatingModel | None,
    folder: str,
    files: Files,
    beside: Mapping[str, bytes],
) -> None:
    """Write the model folder. The manifest comes last and marks the folder as complete.

    `held_out` is the rating model fitted without the held-out ratings; the next regression check
    compares with it. `beside` holds further files by name.
    """
    if held_out is not None:
        files.write(join(folder, HELD_OUT), pack_rating(held_out))
    for name, content in to_files(model, beside).items():
        files.write(join(folder, name), content)


def files_beside(model: Model, movies: Sequence[PreparedMovie], say: StepLog) -> dict[str, bytes]:
    """Return the files that only the API reads: the title index, and links if there are any."""
    links = links_of(movies, model.rating)
    found = {LINKS: pack_links(links)} if links else {}
    try:
        return {TITLES: build_titles(model), **found}
    except sqlite3.OperationalError as error:
        # This does not fail the training: the API builds the index itself if it is missing.
        say(f"no title index: this Python's SQLite cannot build one: {error}")
        return found


def copy_model(source: str, folder: str, files: Files) -> None:
    """Copy a model into another folder, because submitted steps will recommend from that folder."""
    for name in file_names_of(lambda name: files.read(join(source, name))):
        files.write(join(folder, name), files.read(join(source, name)))


def ranks_from(listed: str) -> tuple[int, ...]:
    """Parse a list of ranks such as `8,16`.

    Raises:
        ArgumentTypeError: a rank is not one of ALS_RANKS.
    """
    ranks = [rank.strip() for rank in listed.split(",")]
    if unknown := [rank for rank in ranks if rank not in map(str, ALS_RANKS)]:
        known = ", ".join(map(str, ALS_RANKS))
        raise argparse.ArgumentTypeError(
            f"there is no ALS model of rank {unknown[0]!r}: use {known}"
        )
    return tuple(sorted({int(rank) for rank in ranks}))


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default those of the process; exits with 2 if one is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--ratings", required=True, help="folder of the prepared ratings")
    parser.add_argument("--movies", required=True, help="folder of the prepared movies")
    parser.add_argument("--tags", help="folder of the prepared tags; may be missing")
    parser.add_argument("--visitors", required=True, help="folder of the visitor objects")
    parser.add_argument("--model", required=True, help="model folder to write; its name is the id")
    parser.add_argument("--data-version", default="", help="version of the data set, if it has one")
    parser.add_argument(
        "--newest", required=True, help="object that will name the new model as the data's newest"
    )
    parser.add_argument(
        "--in-use", dest="active", help="folder of the active model, to compare with"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="accept a model although no ratings of the new data can be held out",
    )
    parser.add_argument(
        "--sizes",
        type=ranks_from,
        default=(),
        help=f"also fit ALS of these ranks, e.g. {','.join(map(str, ALS_RANKS))}",
    )
    parser.add_argument(
        "--all-visitors",
        action="store_true",
        help="include the visitors who were left out of the active model",
    )
    parser.add_argument(
        "--iterations", type=int, help="iterations of ALS (default: by the number of ratings)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the split and of ALS (default 1)"
    )
    return parser.parse_args(argv)


def refuse_unmeasured(
    found: Examination, active: ActiveModel | None, arguments: argparse.Namespace
) -> None:
    """Raise StepError if a model of newly imported data could not be measured.

    A later training on the active data is not stopped: its data was accepted when it was imported.
    """
    if active is None or active.data_version == arguments.data_version:
        return
    if found.quality.test_rmse is None:
        raise StepError(
            f"none of the {found.totals.ratings} ratings can be held out to measure the new model, "
            f"but a model of {arguments.dataset!r} is active, and replacing it without a "
            "comparison could make the picks worse: import more ratings, or under another NAME; "
            "FORCE=1 goes on without a comparison"
        )


def advice_for(active: ActiveModel | None, data_version: str) -> str:
    """Return what to do about a model of this data that is worse than the active one."""
    if active is not None and active.data_version == data_version:
        return "check what has changed since it was trained: visitors, or the release"
    return "correct the imported ratings, or import them under another NAME"


def run(
    files: Files,
    session: Callable[[], AbstractContextManager[SparkSession]],
    arguments: argparse.Namespace,
    say: StepLog,
) -> Model:
    """Train as the arguments say, write the model folder and publish the model.

    Args:
        files: reads what is small, and writes the model.
        session: opens the Spark session, which only a large data set needs.
        arguments: as from `arguments_from`.
        say: the step's log.

    Raises:
        StepError: the data set is not prepared, the model cannot be compared although another
            import of the same name is active, or it failed the regression check. In the last case
            the rejected model is written to a subfolder of the model folder, which itself receives
            a copy of the active model.
    """
    for folder in (arguments.ratings, arguments.movies):
        if not files.names(folder):
            raise StepError(
                f"{folder} is empty: run the prepare step of {arguments.dataset!r} first"
            )
    with ExitStack() as opened:
        return _train(files, cache(lambda: opened.enter_context(session())), arguments, say)


def _train(
    files: Files, session: Callable[[], SparkSession], arguments: argparse.Namespace, say: StepLog
) -> Model:
    trained_at = timestamp(datetime.now(UTC))
    movies = read_prepared_movies(files, arguments.movies)
    sources = open_sources(
        files,
        Places(arguments.dataset, arguments.ratings, arguments.visitors),
        {movie.movie_id for movie in movies},
        arguments.seed,
        session=session,
        say=say,
    )
    active = read_active_model(files, arguments.active, arguments.dataset, arguments.seed, say)
    examine = partial(
        examine_model,
        movies=movies,
        session=session,
        seed=arguments.seed,
        say=say,
        active=active.rating if active else None,
        iterations=arguments.iterations,
    )
    chosen = choose_visitors(sources, active, examine, say, all_visitors=arguments.all_visitors)
    if not arguments.force:
        refuse_unmeasured(chosen.examined, active, arguments)
    model = complete(
        chosen.examined,
        movies,
        session=session,
        dataset=arguments.dataset,
        model_id=arguments.model.rstrip("/").rpartition("/")[2],
        trained_at=trained_at,
        seed=arguments.seed,
        say=say,
        data_version=arguments.data_version,
        left_out=chosen.left_out.ended(trained_at).to_metrics(chosen.visitors),
        tags=read_prepared_tags(files, arguments.tags),
        sizes=arguments.sizes,
    )
    quality, held_out = chosen.examined.quality, chosen.examined.held_out
    beside = files_beside(model, movies, say)
    if quality.is_worse:
        publish(model, held_out, join(arguments.model, REJECTED), files, beside)
        copy_model(arguments.active, arguments.model, files)
        also = f", also without the {chosen.rejected_with} newest visitors,"
        raise StepError(
            f"the new model is worse than the active one ({quality})"
            f"{also if chosen.rejected_with else ''} and was rejected: "
            f"{arguments.newest} stays as it is, and the rejected model is in "
            f"{join(arguments.model, REJECTED)}; {advice_for(active, arguments.data_version)}"
        )
    publish(model, held_out, arguments.model, files, beside)
    say(f"wrote {arguments.model} ({METRICS}: {json.dumps(model.metrics)})")
    newest = CurrentModel(
        model.model_id,
        model.dataset,
        model.trained_at,
        model.counts.users,
        model.counts.ratings,
        chosen.visitors,
        model.data_version,
    )
    files.write(arguments.newest, newest.to_json().encode())
    say(f"named {model.model_id} in {arguments.newest}")
    return model


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; a StepError or a ModelError ends the process with exit code 1."""
    arguments = arguments_from(argv)
    with step("train", ModelError) as say:
        open_session = partial(fitting_session, f"marquee train {arguments.dataset}")
        run(Files.without_session(), open_session, arguments, say)


if __name__ == "__main__":
    main()
