"""Measure models on held-out ratings, user by user, block by block."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learning.metrics import Examiner, Person, UserMeasures
from learning.new_visitors import NewVisitor, NewVisitorExaminer
from learning.rating_blocks import Longs, RatingBlock, Ratings
from marquee.recommender.model import Integers

MOST_PEOPLE = 20_000  # about: larger sets are sampled


@dataclass(frozen=True, slots=True)
class People:
    """Which users to measure, and on which ratings.

    Attributes:
        movie_ids: the movie ids of the ratings, ascending.
        held_out: the flag of the ratings to measure on; the model may see all others.
        share: one in this many users is measured, chosen by a hash of the user id.
    """

    movie_ids: Integers
    held_out: int
    share: int

    def of(self, block: RatingBlock) -> list[Person]:
        """Return the block's users who have held-out ratings."""
        ends = np.cumsum(block.counts)
        chosen = sampled(block.user_ids, self.share)
        found = []
        for number in np.flatnonzero(chosen).tolist():
            own = slice(ends[number] - block.counts[number], ends[number])
            held_out = (block.flags[own] & self.held_out) != 0
            if held_out.any():
                movie_ids = self.movie_ids[block.movies[own]]
                stars = block.stars[own]
                found.append(
                    Person(
                        block.first + number,
                        _by_movie(movie_ids[~held_out], stars[~held_out]),
                        _by_movie(movie_ids[held_out], stars[held_out]),
                    )
                )
        return found


def sampled(user_ids: Longs, share: int) -> npt.NDArray[np.bool_]:
    """Choose one in `share` users by a hash of the user id (the finaliser of SplitMix64)."""
    mixed = user_ids.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed % np.uint64(max(share, 1)) == 0)


def people_to_measure(
    ratings: Ratings, held_out: int, users: int, most: int = MOST_PEOPLE
) -> People:
    """Measure all of `users` users, or a sample of about `most` if there are more."""
    return People(ratings.movie_ids, held_out, -(-users // most))


def people_of(ratings: Ratings, people: People) -> list[Person]:
    """Return the users to measure, with their ratings."""
    return [person for block in ratings.map_blocks(_people, people) for person in block]


def measure_models(
    ratings: Ratings, people: People, examiners: Mapping[str, Examiner]
) -> dict[str, list[UserMeasures]]:
    """Return each model's measures for each user, in one pass over the users."""
    found: dict[str, list[UserMeasures]] = {name: [] for name in examiners}
    for block in ratings.map_blocks(_measure, (people, examiners)):
        for name, measured in block.items():
            found[name] += measured
    return found


def measure_new_visitors(
    ratings: Ratings, people: People, examiner: NewVisitorExaminer
) -> list[NewVisitor]:
    """Measure users who were not in training; all their ratings are held out."""
    found = ratings.map_blocks(_measure_new_visitors, (people, examiner))
    return [visitor for block in found for visitor in block]


def _people(block: RatingBlock, people: People) -> list[Person]:
    return people.of(block)


def _measure(
    block: RatingBlock, given: tuple[People, Mapping[str, Examiner]]
) -> dict[str, list[UserMeasures]]:
    people, examiners = given
    persons = people.of(block)
    return {name: list(examiner.measure(persons)) for name, examiner in examiners.items()}


def _measure_new_visitors(
    block: RatingBlock, given: tuple[People, NewVisitorExaminer]
) -> list[NewVisitor]:
    people, examiner = given
    return list(examiner.measure(people.of(block)))


def _by_movie(movie_ids: Integers, stars: npt.NDArray[np.float32]) -> dict[int, float]:
    return dict(zip(movie_ids.tolist(), stars.tolist(), strict=True))
