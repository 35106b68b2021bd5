"""A model of Netflix size with random factors, and visitors who rated its movies."""

from dataclasses import replace

import numpy as np

from learning.item_weights import MOST_WEIGHTS
from marquee.recommender.model import ItemWeights, Model, Movie
from tests.models import FIRST, random_model

MOVIES, RANK, SEED = 17_770, 64, 1
GENRES = 19
STRIDE = 37


def netflix_size_model() -> Model:
    """Return the model; movies have one to four of 19 genres, as in MovieLens.

    The Netflix data has no genres.
    """
    model = random_model(MOVIES, RANK)
    chance = np.random.default_rng(SEED)
    movies = {
        movie_id: Movie(movie_id, movie.title, movie.year, _genres(chance))
        for movie_id, movie in model.movies.items()
    }
    return replace(model, movies=movies, items=_item_weights(chance))


def _item_weights(chance: np.random.Generator) -> ItemWeights:
    """Return as many random weights as a training stores for this many movies."""
    kept = MOST_WEIGHTS // MOVIES  # of each movie
    # The stride shares no factor with the number of movies, so a row's columns are distinct.
    columns = (np.arange(kept) * STRIDE + chance.integers(0, MOVIES, (MOVIES, 1))) % MOVIES
    return ItemWeights(
        np.arange(MOVIES, dtype=np.int32),
        chance.normal(0, 0.01, MOVIES * kept).astype(np.float16),
        np.arange(0, MOVIES * kept + 1, kept, dtype=np.int64),
        columns.ravel().astype(np.uint16),
    )


def _genres(chance: np.random.Generator) -> tuple[str, ...]:
    chosen = chance.choice(GENRES, chance.integers(1, 5), replace=False)
    return tuple(f"Genre {number}" for number in sorted(chosen.tolist()))


def random_visitors(count: int, fewest: int, most: int) -> list[dict[int, int]]:
    """Return the stars of this many visitors by movie_id, each for a random number of movies."""
    chance = np.random.default_rng(SEED)
    return [
        {
            int(movie) + FIRST: int(chance.integers(1, 6))
            for movie in chance.choice(MOVIES, chance.integers(fewest, most + 1), replace=False)
        }
        for _ in range(count)
    ]
