"""Visitors' ratings in training, where visitors are few: the rules of `learning.visitors`.

A Spark job takes seconds to read even one object, so the driver reads up to MOST_OBJECTS itself.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from learning.hadoop_files import Files
from learning.prepared import RatingRows
from learning.step_log import StepLog
from learning.visitors import (
    MOST_RATINGS_OF_A_VISITOR,
    MOST_SHARE_OF_VISITORS,
    LeftOut,
    ignored,
    skipped,
    user_id_of,
)
from learning.xxhash import xxhash64
from marquee.contracts import ContractError, VisitorObject

MOST_OBJECTS = 1000
PARALLEL = 8  # objects that are read at the same time
MOST_BYTES = 1_000_000  # of an object; the API accepts far smaller forms
ENDING = ".json"


def list_objects(files: Files, folder: str) -> list[str] | None:
    """Return the URIs of all visitor objects under a folder; None if there are too many."""
    found = files.tree(folder, ENDING, MOST_OBJECTS + 1)
    return found if len(found) <= MOST_OBJECTS else None


def read_objects(
    files: Files, uris: Sequence[str], dataset: str, say: StepLog
) -> list[VisitorObject]:
    """Read the latest version of each visitor of a data set.

    Objects that were deleted since they were listed are skipped and counted in the log: their
    visitors asked to be forgotten. Objects that are incomplete or have a newer schema version are
    skipped as well.
    """
    if not uris:
        say("no visitors yet")
        return []
    with ThreadPoolExecutor(PARALLEL) as pool:
        contents = list(pool.map(partial(_read, files), uris))
    if deleted := sum(content is None for content in contents):
        say(skipped(deleted, len(uris)))
    latest: dict[str, VisitorObject] = {}
    for content in contents:
        try:
            found = VisitorObject.from_json(content or b"")
        except ContractError:
            continue
        before = latest.get(found.visitor_id)
        if found.dataset == dataset and (before is None or before.version < found.version):
            latest[found.visitor_id] = found
    return list(latest.values())


def _read(files: Files, uri: str) -> bytes | None:
    try:
        return files.read(uri, MOST_BYTES)
    except FileNotFoundError:
        return None


def count_visitors_here(
    visitors: Iterable[VisitorObject], left_out: LeftOut, data_set_ratings: int, say: StepLog
) -> tuple[RatingRows, int]:
    """Return the ratings of visitors who count, and the number of visitors left out.

    Args:
        visitors: the latest version of each visitor.
        left_out: the visitors to leave out.
        data_set_ratings: the number of ratings in the data set itself.
        say: the step's log.
    """
    counted: dict[int, dict[int, float]] = {}
    number_left_out = 0
    for visitor in visitors:
        if left_out.includes(visitor.requested_at):
            number_left_out += 1
        elif ratings := _bounded_ratings(visitor):
            counted[user_id_of(visitor.visitor_id)] = ratings
    most = int(MOST_SHARE_OF_VISITORS * data_set_ratings)
    running, kept = 0, []
    for user_id in sorted(counted):
        running += len(counted[user_id])
        if running <= most:
            kept.append(user_id)
    if over := len(counted) - len(kept):
        say(ignored(over, data_set_ratings))
    rows = [(user, movie, stars) for user in kept for movie, stars in counted[user].items()]
    users, movies, stars = zip(*rows, strict=True) if rows else ((), (), ())
    found = RatingRows(
        np.array(users, dtype=np.int64),
        np.array(movies, dtype=np.int32),
        np.array(stars, dtype=np.float32),
    )
    return found, number_left_out


def _bounded_ratings(visitor: VisitorObject) -> dict[int, float]:
    """Return the stars by movie that count: all, or as many as count, chosen by a hash."""
    stars: dict[int, float] = {}
    for rating in visitor.ratings:
        stars.setdefault(rating.movie_id, float(rating.stars))
    if len(stars) <= MOST_RATINGS_OF_A_VISITOR:
        return stars
    movie_ids = np.array(list(stars), dtype=np.int32)
    hashes = xxhash64(np.int64(user_id_of(visitor.visitor_id)), movie_ids)
    chosen = np.lexsort((movie_ids, hashes))[:MOST_RATINGS_OF_A_VISITOR]
    return {movie_id: stars[movie_id] for movie_id in movie_ids[chosen].tolist()}
