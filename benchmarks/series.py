"""Measure what it costs to pick of each series only the first part that the visitor has not seen.

Holds out a random part of a data set's ratings per seed, trains on the others, and compares the
nDCG@10 of the picks with and without the rule. Users have rated sequels before the first parts, and
not every part that they saw, so the rule loses nDCG even where a visitor would welcome it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.taps import movielens_folder, movies_in, rating_rows_in, training_without_session
from learning.data import titles_of
from learning.fitting import Fitting, size_for
from learning.metrics import ndcg
from learning.raw_blocks import RawBlock, number_in_driver
from marquee.contracts import Pick
from marquee.recommender.model import LIKED, Counts, Model
from marquee.recommender.picks import Recommender
from marquee.recommender.series import find_series
from operations.dataset.output import MOVIES, RATINGS

HELD_OUT = 1  # the flag of the held-out ratings
HELD_OUT_SHARE = 0.15
SEEDS = (1, 2, 3)

console = Console(width=110)


def main() -> None:
    """Print the nDCG@10 of each way to pick, its mean over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder or file of a data set")
    options = parser.parse_args()
    with movielens_folder(options.data) as folder:
        measured = [measured_once(folder, seed) for seed in SEEDS]
    table = Table(title=f"nDCG@10; {options.data.name}; seeds {SEEDS}; {machine()}")
    for heading in ("picks", "nDCG@10", "parts of series among the picks"):
        table.add_column(heading, justify="left" if heading == "picks" else "right")
    for way in measured[0]:
        quality, parts = np.mean([each[way] for each in measured], axis=0)
        table.add_row(way, f"{quality:.4f}", f"{parts:.2f}")
    console.print(table)


def measured_once(folder: Path, seed: int) -> dict[str, tuple[float, float]]:
    """Return, for each way to pick, the mean nDCG@10 and the mean number of parts among the picks.

    Args:
        folder: a MovieLens folder.
        seed: chooses the held-out ratings.
    """
    rows = rating_rows_in(folder / RATINGS)
    is_held_out = np.random.default_rng(seed).random(len(rows.user_ids)) < HELD_OUT_SHARE
    ratings, totals = number_in_driver(
        RawBlock.of(rows, np.where(is_held_out, HELD_OUT, 0).astype(np.uint8))
    )
    fitting = Fitting(training_without_session, ratings.without(HELD_OUT), seed)
    titles = titles_of(movies_in(folder / MOVIES), fitting.movie_ids)
    fitted = fitting.fit(size_for(totals.ratings), totals.scale, titles)
    model = Model(
        model_id="",
        dataset="",
        trained_at="",
        counts=Counts(totals.users, len(titles), totals.ratings, totals.visitors),
        rating=fitted.rating,
        ranking=fitted.ranking,
        items=fitted.items,
        movies=titles,
        questionnaire=(),
        series=find_series(titles.values()),
    )
    given: dict[int, dict[int, float]] = {}
    liked: dict[int, set[int]] = {}
    for user, movie, stars, hidden in zip(
        *(each.tolist() for each in rows), is_held_out.tolist(), strict=True
    ):
        if not hidden:
            given.setdefault(user, {})[movie] = stars
        elif stars >= LIKED:
            liked.setdefault(user, set()).add(movie)
    users = [user for user in liked if user in given]
    answers = [given[user] for user in users]
    in_order = Recommender(model)
    without = Recommender(replace(model, series=()))
    ways = {
        "by score alone": without.picks_for_all(answers),
        "parts among the picks in order": in_order.picks_for_all(answers, series_in_order=False),
        "the first unseen part in place of the picked ones": in_order.picks_for_all(answers),
    }
    parts = {movie_id for series in model.series for movie_id in series.movie_ids}
    wanted = [liked[user] for user in users]
    return {way: _quality(found, wanted, parts) for way, found in ways.items()}


def _quality(
    found: list[list[Pick]], wanted: list[set[int]], parts: set[int]
) -> tuple[float, float]:
    hits = [
        ndcg([pick.movie_id in each for pick in picks], len(each))
        for picks, each in zip(found, wanted, strict=True)
    ]
    of_series = [sum(pick.movie_id in parts for pick in picks) for picks in found]
    return float(np.mean(hits)), float(np.mean(of_series))


if __name__ == "__main__":
    main()
