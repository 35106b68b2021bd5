"""A visitor's preference for the genres of the movies they like."""

import numpy as np
import pytest

from marquee.recommender.fold_in import RatedMovies
from marquee.recommender.genres import GenreFolding, genre_flags
from marquee.recommender.model import Movie

MOVIES = [
    Movie(1, "Up", 2009, ("Animation", "Comedy")),
    Movie(2, "Airplane!", 1980, ("Comedy",)),
    Movie(3, "Alien", 1979, ("Horror", "Sci-Fi")),
    Movie(4, "Aliens", 1986, ("Action", "Sci-Fi")),
    Movie(5, "Unknown", None, ()),
    Movie(6, "Big", 1988, ("Comedy",)),
]
SUPPORT = np.array([10, 20, 30, 40, 5, 15], dtype=np.int32)
FOLDING = GenreFolding(MOVIES, SUPPORT, liked=4.0)


def rated(*pairs: tuple[int, float]) -> RatedMovies:
    rows, stars = zip(*pairs, strict=True) if pairs else ((), ())
    return RatedMovies(np.array(rows, dtype=np.intp), np.array(stars, dtype=np.float64))


def scores(*pairs: tuple[int, float]) -> list[float]:
    scored: list[float] = (FOLDING.fold([rated(*pairs)]) @ FOLDING.vectors.T)[0].tolist()
    return scored


def test_the_flags_of_a_movie_are_one_for_its_genres() -> None:
    names, flags = genre_flags(MOVIES)
    assert names == ("Action", "Animation", "Comedy", "Horror", "Sci-Fi")
    assert flags[3].tolist() == [1, 0, 0, 0, 1]
    assert not flags[4].any()


def test_a_liked_comedy_puts_comedies_first_and_science_fiction_last() -> None:
    up, airplane, alien, aliens, unknown, _ = scores((1, 5.0))
    assert airplane > up > unknown == 0 > max(alien, aliens)


def test_movies_that_were_not_liked_do_not_count() -> None:
    assert scores((1, 3.5), (2, 1.0)) == [0, 0, 0, 0, 0, 0]
    assert scores((0, 5.0), (2, 1.0)) == scores((0, 5.0))


def test_more_liked_movies_of_a_genre_raise_its_scores() -> None:
    assert scores((1, 5.0), (5, 4.0))[0] > scores((1, 5.0))[0]


def test_contributions_add_up_to_the_score() -> None:
    one = rated((0, 5.0), (2, 2.0), (3, 4.5))
    contributions = FOLDING.contributions(one, np.arange(len(MOVIES)))
    assert contributions.sum(axis=1) == pytest.approx(
        scores((0, 5.0), (2, 2.0), (3, 4.5)), abs=1e-6
    )
    assert not contributions[:, 1].any()


def test_data_without_genres_scores_nothing() -> None:
    bare = [Movie(number, "Film", None, ()) for number in range(3)]
    folding = GenreFolding(bare, np.array([3, 2, 1]), liked=4.0)
    scored = folding.fold([rated((0, 5.0))]) @ folding.vectors.T
    assert scored.tolist() == [[0, 0, 0]]
