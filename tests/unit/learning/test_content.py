"""Genres and decades as coordinates of taste."""

import numpy as np
import pytest

from learning.content import DECADES, DECADES_DEVIATION, GENRES_DEVIATION, content_loadings
from marquee.recommender.fold_in import RatingFolding, rated_from
from marquee.recommender.model import Movie
from tests.models import MEAN, rating_of

MOVIES = (
    Movie(100, "A", 1955, ("Comedy",)),
    Movie(101, "B", 1955, ("Comedy", "Drama")),
    Movie(102, "C", 2005, ("Drama",)),
    Movie(103, "D", 2004, ("Comedy",)),
    Movie(104, "E", None, ()),
    Movie(105, "F", 1890, ("Drama",)),
)
SUPPORT = np.array([10, 20, 30, 40, 5, 1], dtype=np.int32)


@pytest.fixture
def loadings() -> np.ndarray:
    return content_loadings(MOVIES, SUPPORT)


def test_there_is_a_coordinate_for_each_genre_and_each_decade(loadings: np.ndarray) -> None:
    assert loadings.shape == (6, 2 + len(DECADES))
    assert loadings.dtype == np.float32


def test_movies_of_one_genre_load_on_it_by_the_stated_deviation(loadings: np.ndarray) -> None:
    """Differences of two movies are free of the mean that is subtracted from a column."""
    genres = loadings[:, :2]
    assert np.linalg.norm(genres[0] - genres[2]) == pytest.approx(GENRES_DEVIATION * 2**0.5)
    np.testing.assert_allclose(genres[0], genres[3])


def test_near_years_load_on_the_same_decades(loadings: np.ndarray) -> None:
    decades = loadings[:, 2:]
    near = np.abs(decades[2] - decades[3]).sum()
    far = np.abs(decades[2] - decades[0]).sum()
    assert near < far / 5
    place = DECADES.tolist().index(1955)
    assert decades[0, place] - decades[2, place] == pytest.approx(DECADES_DEVIATION, rel=1e-3)


def test_years_before_the_first_decade_count_for_it(loadings: np.ndarray) -> None:
    decades = loadings[5, 2:]
    assert int(decades.argmax()) == 0


def test_nothing_is_known_of_a_movie_without_genres_and_year(loadings: np.ndarray) -> None:
    assert not loadings[4].any()


def test_columns_have_mean_zero_over_the_ratings_of_described_movies(loadings: np.ndarray) -> None:
    known = SUPPORT.copy()
    known[4] = 0
    described = content_loadings(MOVIES, known)
    np.testing.assert_allclose(known @ described, 0, atol=1e-5)
    assert loadings.shape == described.shape


def test_data_without_genres_and_years_has_no_content() -> None:
    plain = [Movie(i, "X", None, ()) for i in range(3)]
    assert not content_loadings(plain, np.array([1, 2, 3], dtype=np.int32)).any()


def test_liking_a_genre_raises_the_predicted_stars_of_its_other_movies(
    loadings: np.ndarray,
) -> None:
    rating = rating_of(np.full(6, MEAN), loadings, support=SUPPORT)
    folding = RatingFolding(rating)
    tastes, _ = folding.fold([rated_from({102: 5.0}, rating.rows)])
    (stars,) = folding.predict(tastes)
    assert stars[1] > stars[0]  # a comic drama and a comedy of the same year
    assert stars[4] == pytest.approx(MEAN)
