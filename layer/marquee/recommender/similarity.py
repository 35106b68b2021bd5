"""Find similar movies: movies near a given one in the ranking model and in genres.

A movie's vector is the concatenation of its factors in the ranking model, without their component
along the typical user's factors, and its genres. The dot product of two vectors is a weighted sum
of two cosines. It is shrunk by the support of the movie with fewer ratings. docs/model.md lists the
alternatives that were tried.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from marquee.recommender.genres import genre_flags
from marquee.recommender.model import Floats, Integers, Model, ModelError

SIMILAR = "similar.npz"  # in the model folder, written by a separate step
NEIGHBOURS = 50  # similar movies that are kept per movie
NOBODY = -1  # fills the places of missing similar movies
GENRES_WEIGHT = 0.3  # weight of the genres' cosine; the factors' cosine has the rest of 1
SUPPORT_HALF = 20.0  # prior strength of a similarity, in ratings of the less rated movie


@dataclass(frozen=True, eq=False)
class Block:
    """B movies in consecutive rows of the model's arrays."""

    start: int  # the first row
    vectors: Floats  # B by D
    support: Integers  # B, number of ratings


@dataclass(frozen=True, eq=False)
class Nearest:
    """The N most similar movies found so far for each of B movies, most similar first."""

    rows: Integers  # B by N, filled up with NOBODY
    scores: Floats  # B by N, 0 for NOBODY


def vectors_of(model: Model) -> Floats:
    """Return the movies' vectors, M by D, in the order of the rating model's movie_ids."""
    typical = _unit(model.ranking.typical[None, :])[0]
    factors = model.ranking.factors
    # Popular movies share fans; that is not similarity.
    tastes = _unit(factors - np.outer(factors @ typical, typical))
    movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
    _, flags = genre_flags(movies)
    parts = [
        np.float32((1 - GENRES_WEIGHT) ** 0.5) * tastes,
        np.float32(GENRES_WEIGHT**0.5) * _unit(flags),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def blocks_of(vectors: Floats, support: Integers, movies: int) -> list[Block]:
    """Cut all movies into blocks of `movies` movies; the last block may be smaller."""
    return [
        Block(start, vectors[start : start + movies], support[start : start + movies])
        for start in range(0, len(vectors), movies)
    ]


def nearest(block: Block, others: Block, count: int = NEIGHBOURS) -> Nearest:
    """Return the most similar movies in `others` for each movie of `block`, without itself."""
    less = np.minimum(block.support[:, None], others.support[None, :]).astype(np.float32)
    scores = (block.vectors @ others.vectors.T) * (less / (less + np.float32(SUPPORT_HALF)))
    rows = np.arange(others.start, others.start + len(others.vectors), dtype=np.int32)
    scores[np.arange(block.start, block.start + len(block.vectors))[:, None] == rows] = 0
    return _best(np.broadcast_to(rows, scores.shape), scores, count)


def merged(one: Nearest, other: Nearest) -> Nearest:
    """Return the most similar movies of both results, which are about the same B movies."""
    rows = np.concatenate([one.rows, other.rows], axis=1)
    scores = np.concatenate([one.scores, other.scores], axis=1)
    return _best(rows, scores, max(one.rows.shape[1], other.rows.shape[1]))


def _best(rows: Integers, scores: Floats, count: int) -> Nearest:
    """Return the `count` highest positive scores of each line; ties in the order of rows.

    Both arrays have B lines, and `rows` holds the movie of each score.
    """
    short = count - scores.shape[1]
    if short > 0:
        rows = np.pad(rows, ((0, 0), (0, short)), constant_values=NOBODY)
        scores = np.pad(scores, ((0, 0), (0, short)))
    order = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    order = np.lexsort((rows, -scores), axis=1)
    rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    return Nearest(
        np.where(scores > 0, rows, NOBODY).astype(np.int32),
        np.maximum(scores, 0).astype(np.float32),
    )


@dataclass(frozen=True, eq=False)
class SimilarMovies:
    """The most similar movies of every movie, by id.

    Raises:
        ModelError: if shapes do not match, a score is not finite, or a similar movie is unknown.
    """

    movie_ids: Integers  # M, ascending
    neighbours: Integers  # M by N, movie_ids, most similar first; NOBODY at the end
    scores: Floats  # M by N, above 0 and at most 1; 0 for NOBODY

    def __post_init__(self) -> None:
        movies = len(self.movie_ids)
        if self.neighbours.ndim != 2 or len(self.neighbours) != movies:  # noqa: PLR2004
            raise ModelError(f"the similar movies are not those of {movies} movies")
        if self.scores.shape != self.neighbours.shape or not np.isfinite(self.scores).all():
            raise ModelError("the scores do not match the similar movies")
        if not np.isin(self.neighbours, [*self.movie_ids.tolist(), NOBODY]).all():
            raise ModelError("some similar movies are not in the model")

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}

    def of(self, movie_id: int, count: int = NEIGHBOURS) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score).
        """
        row = self._rows.get(movie_id)
        if row is None:
            return []
        ids, scores = self.neighbours[row, :count].tolist(), self.scores[row, :count].tolist()
        return [(near, score) for near, score in zip(ids, scores, strict=True) if near != NOBODY]


class Likenesses(Protocol):
    """A source of similar movies."""

    def of(self, movie_id: int, count: int = NEIGHBOURS) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score).
        """


class SimilarAsAsked:
    """Similar movies computed on demand, for a model folder without the file SIMILAR."""

    def __init__(self, model: Model) -> None:
        self._rating = model.rating
        self._all = Block(0, vectors_of(model), model.rating.support)

    def of(self, movie_id: int, count: int = NEIGHBOURS) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score). There are at most NEIGHBOURS.
        """
        row = self._rating.rows.get(movie_id)
        if row is None:
            return []
        one = slice(row, row + 1)
        found = nearest(Block(row, self._all.vectors[one], self._all.support[one]), self._all)
        return [
            (int(self._rating.movie_ids[near]), float(score))
            for near, score in zip(found.rows[0, :count], found.scores[0, :count], strict=True)
            if near != NOBODY
        ]


def similar_movies(movie_ids: Integers, found: Sequence[Nearest]) -> SimilarMovies:
    """Join the blocks' results, in the order of the blocks, and turn rows into movie_ids."""
    rows = np.concatenate([each.rows for each in found])
    ids = np.where(rows == NOBODY, NOBODY, movie_ids[rows]).astype(np.int32)
    return SimilarMovies(movie_ids, ids, np.concatenate([each.scores for each in found]))


def pack_similar(similar: SimilarMovies) -> bytes:
    """Return the content of the file SIMILAR."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        movie_ids=similar.movie_ids.astype(np.int32),
        neighbours=similar.neighbours.astype(np.int32),
        scores=similar.scores.astype(np.float32),
    )
    return buffer.getvalue()


def read_similar(content: bytes) -> SimilarMovies:
    """Read the content that `pack_similar` returned.

    Raises:
        ModelError: if it is damaged or of another release; the message says how to repair it.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return SimilarMovies(arrays["movie_ids"], arrays["neighbours"], arrays["scores"])
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{SIMILAR} is damaged or was written by another release "
            f"({type(error).__name__}: {error}); run 'make train'"
        ) from error


def _unit(vectors: npt.NDArray[np.float32]) -> Floats:
    """Return the vectors scaled to length 1; a vector of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
