"""Small models for tests."""

import numpy as np
import numpy.typing as npt

from marquee.contracts import ALS_RANKS
from marquee.recommender.likely_seen import CANDIDATES, fit_seen
from marquee.recommender.model import (
    Counts,
    GaussianFactors,
    ItemWeights,
    Model,
    Movie,
    Profiles,
    RankingModel,
    RatingModel,
    SeenModel,
)

LOWEST, HIGHEST, MEAN = 0.5, 5.0, 3.5
FIRST = 100  # movie_id


def ranking_of(factors: npt.NDArray[np.floating]) -> RankingModel:
    """A ranking model of M by K factors, turned as training turns them."""
    energy, directions = np.linalg.eigh(factors.T @ factors)
    return RankingModel(
        factors=(factors @ directions).astype(np.float32),
        energy=np.maximum(energy, 0).astype(np.float32),
        typical=(factors.mean(axis=0) @ directions).astype(np.float32),
        typical_weight=0.5,
        confidence=5.0,
        regularisation=0.1,
        liked=4.0,
    )


def rating_of(
    offset: npt.NDArray[np.floating],
    *loadings: npt.NDArray[np.floating],
    support: npt.NDArray[np.integer] | None = None,
    first: int = FIRST,
) -> RatingModel:
    """A rating model of M movies, each part with the same offset."""
    movies = len(offset)
    return RatingModel(
        movie_ids=np.arange(first, first + movies, dtype=np.int32),
        support=np.full(movies, 500, np.int32) if support is None else support.astype(np.int32),
        parts=tuple(
            GaussianFactors(offset.astype(np.float32), each.astype(np.float32)) for each in loadings
        ),
        noise=0.6,
        global_mean=MEAN,
        lowest=LOWEST,
        highest=HIGHEST,
    )


def model_of(rating: RatingModel, ranking: RankingModel) -> Model:
    movies = {
        movie_id: Movie(movie_id, f"Film {movie_id}", 1950 + movie_id % 70, ("Drama",))
        for movie_id in rating.movie_ids.tolist()
    }
    return Model(
        model_id="m1",
        dataset="tested",
        trained_at="2026-11-21T20:00:00.000Z",
        counts=Counts(users=1000, movies=len(movies), ratings=5000, visitors=0),
        rating=rating,
        ranking=ranking,
        movies=movies,
        questionnaire=tuple(rating.movie_ids.tolist()[:2]),
        seen=seen_of(rating),
        profiles=profiles_of(rating),
        sizes={rank: size_of(rating, rank) for rank in ALS_RANKS},
        items=items_of(rating),
    )


def items_of(rating: RatingModel) -> ItemWeights:
    """Any weights between all movies."""
    movies = len(rating.movie_ids)
    weights = np.random.default_rng(11).normal(0, 0.05, (movies, movies))
    np.fill_diagonal(weights, 0)
    return ItemWeights(np.arange(movies, dtype=np.int32), weights.astype(np.float16))


def seen_of(rating: RatingModel) -> SeenModel:
    """People saw every second movie, or any."""
    rows = np.arange(min(len(rating.movie_ids), CANDIDATES))
    people = np.random.default_rng(7).random((100, len(rows))) < 0.3
    people[::2, rows % 2 == 0] = True
    return fit_seen(rating, 1000, people)


def profiles_of(rating: RatingModel) -> Profiles:
    """Means by the first part; every third movie is dark, every second is funny."""
    rows = np.arange(len(rating.movie_ids))
    people = np.column_stack([rows % 3 == 0, 2 * (rows % 2 == 0)]).astype(np.uint8)
    mean = np.clip(rating.parts[0].offset, LOWEST, HIGHEST)
    median = (np.round(mean * 2) / 2).astype(np.float32)
    return Profiles(mean, median, ("dark", "funny"), people)


def size_of(rating: RatingModel, rank: int) -> GaussianFactors:
    """Factors of any tastes, of that rank."""
    chance = np.random.default_rng(rank)
    loadings = chance.normal(0, 0.3, (len(rating.movie_ids), rank))
    return GaussianFactors(rating.parts[0].offset, loadings.astype(np.float32))


def random_model(
    movies: int = 60, rank: int = 6, seed: int = 3, support: int = 500, first: int = FIRST
) -> Model:
    """Two parts and a ranking model of any tastes."""
    chance = np.random.default_rng(seed)
    offset = MEAN + chance.normal(0, 0.3, movies)
    residual = np.column_stack([chance.normal(0, 0.4, (movies, rank)), np.full(movies, 0.4)])
    rating = rating_of(
        offset,
        residual,
        chance.normal(0, 0.4, (movies, rank)),
        support=np.full(movies, support),
        first=first,
    )
    return model_of(rating, ranking_of(chance.normal(0, 0.3, (movies, rank))))
