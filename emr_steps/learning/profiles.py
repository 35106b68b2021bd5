"""Movie profiles: mean and median rating, and profile counts (how many people gave each tag)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from learning.prepared import PreparedTag
from learning.rating_blocks import StarCounts
from marquee.recommender.model import Integers, Profiles

MOST_TAGS = 200
LEAST_PEOPLE = 3  # who must have given a tag, over all movies
MOST_PEOPLE = 255  # count limit for one tag of one movie: fits into a byte


def profiles_of(
    counted: StarCounts, movie_ids: Integers, tags: Sequence[PreparedTag] = ()
) -> Profiles:
    """Return means, medians and tags of the rated movies, in ascending order of their ids.

    Args:
        counted: all movies' ratings by stars, the rated ones' in the order of `movie_ids`.
        movie_ids: ids of the rated movies, ascending.
        tags: the tags of all movies.
    """
    rated = counted.support > 0
    mean = (counted.sums[rated] / counted.support[rated]).astype(np.float32)
    median = counted.medians()[rated].astype(np.float32)
    names = _most_used(tags)
    if not names:
        return Profiles(mean, median)
    people = np.zeros((len(movie_ids), len(names)), dtype=np.uint8)
    column_of = {name: number for number, name in enumerate(names)}
    row_of = {movie_id: number for number, movie_id in enumerate(movie_ids.tolist())}
    for tag in tags:
        row, column = row_of.get(tag.movie_id), column_of.get(tag.tag)
        # A movie that nobody rated may have tags.
        if row is not None and column is not None:
            people[row, column] = min(tag.people, MOST_PEOPLE)
    return Profiles(mean, median, names, people)


def _most_used(tags: Sequence[PreparedTag]) -> tuple[str, ...]:
    """Return the tags that most people gave, in descending order; ties are ordered by name."""
    people: Counter[str] = Counter()
    for tag in tags:
        people[tag.tag] += tag.people
    enough = [(name, count) for name, count in people.items() if count >= LEAST_PEOPLE]
    ordered = sorted(enough, key=lambda each: (-each[1], each[0]))
    return tuple(name for name, _ in ordered[:MOST_TAGS])
