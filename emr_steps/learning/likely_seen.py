"""Count which movies the same users have rated."""

import numpy as np
import numpy.typing as npt

from learning.measuring import sampled
from learning.rating_blocks import RatingBlock, Ratings
from marquee.recommender.likely_seen import fit_seen, questionnaire_candidates
from marquee.recommender.model import Integers, RatingModel, SeenModel

MOST_USERS = 20_000  # a larger sample does not improve the result


def count_seen(ratings: Ratings, rating: RatingModel, users: int) -> SeenModel:
    """Return which of the most rated movies the same users rated.

    `users` is the number of users with ratings; if there are many, a hash selects a sample of them,
    which is always the same.
    """
    asked = rating.movie_ids[questionnaire_candidates(rating)]
    column = np.full(len(ratings.movie_ids), -1, dtype=np.int32)
    column[np.searchsorted(ratings.movie_ids, asked)] = np.arange(len(asked))
    share = max(users // MOST_USERS, 1)
    return fit_seen(
        rating, users, np.concatenate(ratings.map_blocks(_rated_of, (column, len(asked), share)))
    )


def _rated_of(block: RatingBlock, given: tuple[Integers, int, int]) -> npt.NDArray[np.bool_]:
    """Return which of the asked movies the sampled users of a block rated: users by movies."""
    column, asked, share = given
    at = column[block.movies]
    rated = np.zeros((len(block.counts), asked), dtype=bool)
    rated[(block.users - block.first)[at >= 0], at[at >= 0]] = True
    return rated[(block.counts > 0) & sampled(block.user_ids, share)]
