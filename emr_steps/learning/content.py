"""What movies are, as coordinates of taste: genres and decades. docs/model.md gives the reasons."""

from collections.abc import Sequence

import numpy as np

from marquee.recommender.fold_in import Doubles
from marquee.recommender.genres import genre_flags
from marquee.recommender.model import Floats, Integers, Movie

# How much tastes differ, as standard deviations in stars: in genres, for a movie of one genre, and
# in decades, for a movie of a year in the middle of one.
GENRES_DEVIATION = 0.3
DECADES_DEVIATION = 0.15
DECADES = np.arange(
    1925.0, 2030.0, 10.0
)  # their middles; earlier and later years are near the ends
DECADE_WIDTH = 8.0  # years after which a movie counts for a decade by exp(-1/2)


def content_loadings(movies: Sequence[Movie], support: Integers) -> Floats:
    """Return loadings of genres and decades, M by C, in stars.

    A coordinate of taste is then how much more a visitor likes a genre or a decade than other
    visitors do; before the first rating, it has mean 0 and variance 1. The mean over all ratings is
    subtracted from each column, because what is common to all movies is the visitor's bias.

    Args:
        movies: the movies in the order of the rating model.
        support: the number of ratings of each of them, M.
    """
    return np.concatenate(
        [
            GENRES_DEVIATION * _centred(_genres(movies), support),
            DECADES_DEVIATION * _centred(_decades(movies), support),
        ],
        axis=1,
    ).astype(np.float32)


def _genres(movies: Sequence[Movie]) -> Doubles:
    """Return genre flags scaled to length 1; zeros for a movie without genres."""
    _, flags = genre_flags(movies)
    lengths = np.linalg.norm(flags, axis=1, keepdims=True)
    return np.asarray(flags / np.maximum(lengths, 1), dtype=np.float64)


def _decades(movies: Sequence[Movie]) -> Doubles:
    """Return how near each movie's year is to each decade, 0 to 1; zeros without a year."""
    years = np.array([movie.year or np.nan for movie in movies])
    within = np.clip(years, DECADES[0], DECADES[-1])[:, None]
    near = np.exp(-(((within - DECADES) / DECADE_WIDTH) ** 2) / 2)
    return np.asarray(np.nan_to_num(near, nan=0.0))


def _centred(values: Doubles, support: Integers) -> Doubles:
    """Subtract the mean over all ratings, except from rows of zeros, of which nothing is known."""
    mean = support @ values / max(int(support.sum()), 1)
    known = values.any(axis=1, keepdims=True)
    return np.where(known, values - mean, 0.0)
