"""Find similar movies: by the taste of users for well-known movies, by content for rare ones.

Movies are near by taste if their factors in the ranking model and their genres point in the same
direction, or if liking one raises the other's item score. They are near by content if they share
rare genres and tags and are of about the same years. The fewer ratings a movie has, the more its
content counts: the factors of a movie that two people rated say nothing about it. docs/model.md
has the formula, and lists the alternatives that were tried.
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
MOST_SIMILAR = 50  # similar movies that are kept per movie
NOBODY = -1  # fills the places of missing similar movies
# Weights within the similarity by taste, which add up to 1.
FACTORS_WEIGHT, GENRES_WEIGHT, ITEMS_WEIGHT = 0.49, 0.21, 0.3
# Weights within the similarity by content, which add up to 1.
CONTENT_GENRES_WEIGHT, TAGS_WEIGHT, YEARS_WEIGHT = 0.4, 0.35, 0.25
YEARS = 8.0  # years after which the closeness of two years has fallen to 1 / e
# Prior strengths, in ratings: of a similarity by taste, with the ratings of the less rated movie;
# of a movie's similarities by taste in general, as compared with those by content; and of a movie
# as an answer to what is near by content, so that answers are not unknown themselves.
SUPPORT_HALF, OWN_HALF, KNOWN_HALF = 20.0, 10.0, 5.0
LINKS = 200  # item weights that count per movie, the largest ones


@dataclass(frozen=True, eq=False)
class Block:
    """B movies in consecutive rows of the model's arrays, with what they are compared by."""

    start: int  # the first row
    tastes: Floats  # B by D; the dot product is the similarity by factors and genres
    content: Floats  # B by C; the dot product is the similarity by rare genres and tags
    years: Floats  # B; NaN if the year is not known
    support: Integers  # B, number of ratings
    links: Integers  # B by L, the rows that liking the movie raises most, filled up with NOBODY
    link_weights: Floats  # B by L, relative to the largest weight of the movie: 0 to 1


@dataclass(frozen=True, eq=False)
class Nearest:
    """The N most similar movies found so far for each of B movies, most similar first."""

    rows: Integers  # B by N, filled up with NOBODY
    scores: Floats  # B by N, 0 for NOBODY


def blocks_of(model: Model, movies: int) -> list[Block]:
    """Cut all movies into blocks of `movies` movies; the last block may be smaller."""
    tastes, content, years = tastes_of(model), content_of(model), years_of(model)
    blocks = []
    for start in range(0, len(tastes), movies):
        rows = slice(start, min(start + movies, len(tastes)))
        links, weights = most_raised_movies(model, np.arange(rows.start, rows.stop))
        blocks.append(
            Block(
                start,
                tastes[rows],
                content[rows],
                years[rows],
                model.rating.support[rows],
                links,
                weights,
            )
        )
    return blocks


def tastes_of(model: Model) -> Floats:
    """Return factors and genres, M by D, scaled so that dot products are weighted cosines.

    The direction of the typical user is removed from the factors: popular movies share fans, and
    that is not similarity.
    """
    typical = _unit(model.ranking.typical[None, :])[0]
    factors = model.ranking.factors
    tastes = _unit(factors - np.outer(factors @ typical, typical))
    parts = [
        np.float32(FACTORS_WEIGHT**0.5) * tastes,
        np.float32(GENRES_WEIGHT**0.5) * _unit(_genres(model)),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def content_of(model: Model) -> Floats:
    """Return genres and tags, M by C, scaled so that dot products are weighted cosines.

    A genre or tag counts by the logarithm of the number of all movies ÷ the number of its movies,
    and a tag also by the square root of the number of people who gave it.
    """
    genres = _genres(model)
    parts = [np.float32(CONTENT_GENRES_WEIGHT**0.5) * _unit(genres * _rarity(genres))]
    tags = model.profiles.tag_people if model.profiles is not None else None
    if tags is not None:
        given = np.sqrt(tags.astype(np.float32))
        parts.append(np.float32(TAGS_WEIGHT**0.5) * _unit(given * _rarity(given)))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def years_of(model: Model) -> Floats:
    """Return the years of the movies, M; NaN where the year is not known."""
    movies = (model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist())
    return np.array([movie.year or np.nan for movie in movies], dtype=np.float32)


def most_raised_movies(model: Model, rows: npt.NDArray[np.intp]) -> tuple[Integers, Floats]:
    """Return the movies that liking some movies raises most, and how much, relative to the first.

    Both arrays have a line for each of `rows` and LINKS columns, filled up with NOBODY and 0.
    """
    links = np.full((len(rows), LINKS), NOBODY, dtype=np.int32)
    weights = np.zeros((len(rows), LINKS), dtype=np.float32)
    items = model.items
    if items is None:
        return links, weights
    places = np.searchsorted(items.movies, rows)
    found = np.flatnonzero(items.movies[np.minimum(places, len(items.movies) - 1)] == rows)
    for number in found.tolist():
        own = items.row(int(places[number]))
        most = np.argsort(-own, kind="stable")[:LINKS]
        most = most[own[most] > 0]
        if len(most):
            links[number, : len(most)] = items.movies[most]
            weights[number, : len(most)] = own[most] / own[most[0]]
    return links, weights


def nearest(block: Block, others: Block, count: int = MOST_SIMILAR) -> Nearest:
    """Return the most similar movies in `others` for each movie of `block`, without itself."""
    rows = np.arange(others.start, others.start + len(others.support), dtype=np.int32)
    scores = _similarity(block, others)
    scores[np.arange(block.start, block.start + len(block.support))[:, None] == rows] = 0
    return _best(np.broadcast_to(rows, scores.shape), scores, count)


def _similarity(block: Block, others: Block) -> Floats:
    """Return the similarity of each movie of `block` to each of `others`, at most 1."""
    by_taste = block.tastes @ others.tastes.T
    places = block.links - others.start
    line, column = np.nonzero((places >= 0) & (places < len(others.support)))
    by_items = np.float32(ITEMS_WEIGHT) * block.link_weights[line, column]
    by_taste[line, places[line, column]] += by_items
    less = np.minimum(block.support[:, None], others.support).astype(np.float32)
    by_taste *= less / (less + np.float32(SUPPORT_HALF))
    apart = np.abs(block.years[:, None] - others.years)
    close = np.nan_to_num(np.exp(-apart / np.float32(YEARS)), nan=0.0)
    by_content: Floats = block.content @ others.content.T
    by_content += np.float32(YEARS_WEIGHT) * close
    by_content *= _shrinkage(others.support, KNOWN_HALF)
    own = _shrinkage(block.support, OWN_HALF)[:, None]
    similarity: Floats = own * by_taste + (1 - own) * by_content
    return similarity


def _shrinkage(support: Integers, half: float) -> Floats:
    """Return n ÷ (n + half) for each number of ratings n."""
    return (support / (support + half)).astype(np.float32)


def _genres(model: Model) -> Floats:
    movies = [model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist()]
    _, flags = genre_flags(movies)
    return flags


def _rarity(given: Floats) -> Floats:
    """Return the logarithm of all movies ÷ those with a genre or tag, for each column."""
    movies = np.maximum((given > 0).sum(axis=0), 1)
    return np.log(len(given) / movies).astype(np.float32)


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
    similar_ids: Integers  # M by N, movie_ids, most similar first; NOBODY at the end
    scores: Floats  # M by N, above 0 and at most 1; 0 for NOBODY

    def __post_init__(self) -> None:
        movies = len(self.movie_ids)
        if self.similar_ids.ndim != 2 or len(self.similar_ids) != movies:  # noqa: PLR2004
            raise ModelError(f"the similar movies are not those of {movies} movies")
        if self.scores.shape != self.similar_ids.shape or not np.isfinite(self.scores).all():
            raise ModelError("the scores do not match the similar movies")
        if not np.isin(self.similar_ids, [*self.movie_ids.tolist(), NOBODY]).all():
            raise ModelError("some similar movies are not in the model")

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}

    def of(self, movie_id: int, count: int = MOST_SIMILAR) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score).
        """
        row = self._rows.get(movie_id)
        if row is None:
            return []
        ids, scores = self.similar_ids[row, :count].tolist(), self.scores[row, :count].tolist()
        return [(near, score) for near, score in zip(ids, scores, strict=True) if near != NOBODY]


class Likenesses(Protocol):
    """A source of similar movies."""

    def of(self, movie_id: int, count: int = MOST_SIMILAR) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score).
        """


class SimilarOnDemand:
    """Similar movies computed on demand, for a model folder without the file SIMILAR."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._rating = model.rating
        self._tastes, self._content = tastes_of(model), content_of(model)
        self._years = years_of(model)

    def of(self, movie_id: int, count: int = MOST_SIMILAR) -> list[tuple[int, float]]:
        """Return the most similar movies, best first; empty for an unknown movie.

        Each is a pair (movie_id, score). There are at most MOST_SIMILAR.
        """
        row = self._rating.rows.get(movie_id)
        if row is None:
            return []
        found = nearest(self._block(row, row + 1), self._block(0, len(self._years)))
        return [
            (int(self._rating.movie_ids[near]), float(score))
            for near, score in zip(found.rows[0, :count], found.scores[0, :count], strict=True)
            if near != NOBODY
        ]

    def _block(self, start: int, stop: int) -> Block:
        """Return a block; only that of a single movie, which is compared, has its links."""
        rows = slice(start, stop)
        linked = np.arange(start, stop) if stop == start + 1 else np.arange(0)
        return Block(
            start,
            self._tastes[rows],
            self._content[rows],
            self._years[rows],
            self._rating.support[rows],
            *most_raised_movies(self._model, linked),
        )


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
        neighbours=similar.similar_ids.astype(np.int32),
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
