"""Choose the movies that a visitor is asked about: known to many, liked, and unlike each other.

Travels to EMR: standard library and numpy only.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from marquee.model import Movie, RatingModel

QUESTIONS = 20
CANDIDATES = 150  # most rated movies to choose from: visitors have seen some of these
REPEATED_GENRE = 0.1  # what each earlier movie of a genre takes from the next, in relative support
SAME_TASTE = 0.5  # what a movie loses that asks exactly what an earlier one asked


def choose_questionnaire(
    rating: RatingModel, movies: Mapping[int, Movie], count: int = QUESTIONS
) -> tuple[int, ...]:
    """Take the most rated of the liked movies, each time the one that adds most.

    A movie is worth its share of the most rated one's ratings, less what its genres and its
    factors (cosine) have in common with the movies already chosen. Liked is: rated above the
    global mean; where too few are, by number of ratings alone.
    """
    order = np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))
    liked = [int(row) for row in order if rating.movie_bias[row] > 0]
    if len(liked) < count:
        liked = [int(row) for row in order]
    candidates = liked[:CANDIDATES]
    worth = rating.support / max(int(rating.support.max()), 1)
    lengths = np.linalg.norm(rating.factors, axis=1, keepdims=True)
    directions = rating.factors / np.maximum(lengths, 1e-9)
    asked: Counter[str] = Counter()
    chosen: list[int] = []
    while candidates and len(chosen) < count:
        values = [
            float(worth[row])
            - REPEATED_GENRE * _asked_before(movies[int(rating.movie_ids[row])], asked)
            - SAME_TASTE * (float((directions[chosen] @ directions[row]).max()) if chosen else 0.0)
            for row in candidates
        ]
        row = candidates.pop(int(np.argmax(values)))
        chosen.append(row)
        asked.update(movies[int(rating.movie_ids[row])].genres)
    return tuple(int(rating.movie_ids[row]) for row in chosen)


def _asked_before(movie: Movie, asked: Counter[str]) -> float:
    return sum(asked[genre] for genre in movie.genres) / max(len(movie.genres), 1)
