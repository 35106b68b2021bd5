"""Synthetic ratings, for benchmarks that need more ratings than a repository can hold."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import Shape, made_ratings, write_movielens
from marquee.datasets import recognise_folder

SHAPE = Shape(ratings=6_000, users=300, movies=1_000)


def test_as_many_ratings_are_made_as_asked_for_and_no_pair_twice() -> None:
    made = made_ratings(SHAPE)
    pairs = set(zip(made.users.tolist(), made.movies.tolist(), strict=True))
    assert len(pairs) == len(made.stars) == SHAPE.ratings
    assert made.users.max() < SHAPE.users
    assert made.movies.max() < SHAPE.movies


def test_the_same_seed_makes_the_same_ratings() -> None:
    first, second, other = made_ratings(SHAPE, 3), made_ratings(SHAPE, 3), made_ratings(SHAPE, 4)
    assert np.array_equal(first.stars, second.stars)
    assert np.array_equal(first.movies, second.movies)
    assert not np.array_equal(first.stars, other.stars)


def test_a_tenth_of_the_movies_has_a_third_of_the_ratings() -> None:
    made = made_ratings(SHAPE)
    counts = np.sort(np.bincount(made.movies, minlength=SHAPE.movies))[::-1]
    assert counts[: SHAPE.movies // 10].sum() > SHAPE.ratings / 3


def test_stars_are_halves_within_the_scale() -> None:
    stars = made_ratings(SHAPE).stars
    assert set(np.unique(stars)) <= set(np.arange(0.5, 5.5, 0.5))


def test_more_ratings_than_pairs_fail_with_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="500 ratings of 20 movies by 20 users are too many"):
        made_ratings(Shape(ratings=500, users=20, movies=20))


def test_written_ratings_are_recognised_as_movielens(tmp_path: Path) -> None:
    write_movielens(made_ratings(SHAPE), SHAPE.movies, tmp_path)
    assert recognise_folder(tmp_path).form.name == "movielens-csv"
    lines = (tmp_path / "ratings.csv").read_text().splitlines()
    assert len(lines) == SHAPE.ratings + 1
    assert len((tmp_path / "movies.csv").read_text().splitlines()) == SHAPE.movies + 1
