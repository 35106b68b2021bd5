"""Fit item-to-item weights (EDLAE) to the likings of all users. docs/model.md gives the reasons.

With the users' likings X, G = XᵀX and the diagonal matrix D of G's diagonal, the weights are

    P = (G + λI + p / (1 - p) D)⁻¹,    B = I - P ÷ diag(P) column by column,

where p is the dropout. Source: Steck, *Autoencoders that don't overfit towards the identity*,
NeurIPS 2020; without dropout it is EASE (Steck, WWW 2019).
"""

import numpy as np
import numpy.typing as npt

from learning.rating_blocks import RatingBlock, Ratings
from marquee.recommender.item_weights import likings
from marquee.recommender.model import Floats, Integers, ItemWeights
from marquee.recommender.picks import candidates_of

DROPOUT = 0.4
REGULARISATION, REGULARISATION_OF_MANY = 200.0, 400.0  # λ; the latter from this many ratings on:
MANY_RATINGS = 1_000_000
# The inverse of this many movies takes 3.2 GB three times over. Of more movies, only
# those with the most ratings get weights; the others are ranked by their factors.
MOST_MOVIES = 20_000
# Up to this many movies all weights are kept, as 16-bit numbers in 32 MB. Of more, each movie keeps
# only the largest weights that raise or lower its score.
MOST_DENSE = 4_096
MOST_WEIGHTS = 8_000_000
ROWS_AT_ONCE = 2_048


def regularisation_for(ratings: int) -> float:
    """Return λ for this many ratings, in likings."""
    return REGULARISATION if ratings < MANY_RATINGS else REGULARISATION_OF_MANY


def fit_item_weights(ratings: Ratings, support: Integers) -> ItemWeights:
    """Fit the weights between the movies with enough support to be picked.

    The rows of `ItemWeights.movies` count the rated movies only.

    Args:
        ratings: the ratings to fit to.
        support: number of ratings of each of the data set's movies; 0 for one that is not rated.
    """
    rated = np.flatnonzero(support)
    chosen = rated[candidates_of(support[rated])]
    if len(chosen) > MOST_MOVIES:
        most = np.argsort(-support[chosen].astype(np.int64), kind="stable")[:MOST_MOVIES]
        chosen = np.sort(chosen[most])
    weights = edlae(gram_of(ratings, chosen), regularisation_for(int(support.sum())), DROPOUT)
    return packed(np.searchsorted(rated, chosen).astype(np.int32), weights)


def gram_of(ratings: Ratings, movies: npt.NDArray[np.intp]) -> Floats:
    """Return G of these W movies, given by their rows: W by W.

    The driver adds up the users' products, one block after the other: a sum over executors would
    need a matrix of this size for each of them.
    """
    place = np.full(len(ratings.movie_ids), -1, dtype=np.intp)
    place[movies] = np.arange(len(movies))
    gram = np.zeros((len(movies), len(movies)), dtype=np.float32)
    for block in ratings.iterate_blocks():
        _add_products(gram, block, place)
    return gram


def _add_products(gram: Floats, block: RatingBlock, place: npt.NDArray[np.intp]) -> None:
    """Add the products of each user's likings to `gram`, in place."""
    at, graded = place[block.movies], likings(block.stars)
    kept = at >= 0
    ends = np.cumsum(np.bincount((block.users - block.first)[kept], minlength=len(block.counts)))
    at, graded, first = at[kept], graded[kept], 0
    for end in ends.tolist():
        own, liked = at[first:end], graded[first:end]
        for start in range(0, end - first, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            gram[own[rows, None], own] += liked[rows, None] * liked
        first = end


def edlae(gram: Floats, regularisation: float, dropout: float) -> Floats:
    """Return the weights B, W by W, with a zero diagonal: row i has what a like of movie i adds."""
    matrix = gram.astype(np.float64)
    diagonal = np.diag_indices(len(matrix))
    matrix[diagonal] += regularisation + dropout / (1 - dropout) * matrix[diagonal]
    inverse = np.linalg.inv(matrix)
    weights = -inverse / np.diag(inverse)
    weights[diagonal] = 0.0
    return weights.astype(np.float32)


def packed(movies: Integers, weights: Floats) -> ItemWeights:
    """Return the weights as they are stored: all, or the largest ones of each column."""
    count = len(movies)
    if count <= MOST_DENSE:
        return ItemWeights(movies, weights.astype(np.float16))
    kept = MOST_WEIGHTS // count
    largest = np.argpartition(-np.abs(weights), kept, axis=0)[:kept]  # kept by W
    rows, columns = largest.ravel(), np.tile(np.arange(count), kept)
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]
    return ItemWeights(
        movies,
        weights[rows, columns].astype(np.float16),
        np.searchsorted(rows, np.arange(count + 1)).astype(np.int64),
        columns.astype(np.uint16),
    )
