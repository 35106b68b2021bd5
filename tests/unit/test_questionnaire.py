"""The choice of the movies that visitors are asked about."""

import numpy as np

from marquee.model import Movie, RatingModel
from marquee.questionnaire import choose_questionnaire


def rated(support: list[int], bias: list[float], factors: list[list[float]]) -> RatingModel:
    return RatingModel(
        movie_ids=np.arange(1, len(support) + 1, dtype=np.int32),
        factors=np.array(factors, dtype=np.float32),
        movie_bias=np.array(bias, dtype=np.float32),
        support=np.array(support, dtype=np.int32),
        global_mean=3.5,
        user_damping=5.0,
        regularisation=0.1,
        lowest=1.0,
        highest=5.0,
    )


def titled(*genres: tuple[str, ...]) -> dict[int, Movie]:
    return {i: Movie(i, f"Movie {i}", 2000, names) for i, names in enumerate(genres, 1)}


APART = [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]


def test_given_movies_alike_in_all_else_when_chosen_then_the_most_rated_comes_first() -> None:
    chosen = choose_questionnaire(
        rated([5, 90, 40], [0.1] * 3, APART), titled(("A",), ("B",), ("C",)), 2
    )
    assert chosen == (2, 3)


def test_given_two_of_one_genre_when_chosen_then_another_genre_comes_between() -> None:
    movies = titled(("War",), ("War",), ("Comedy",))
    chosen = choose_questionnaire(rated([100, 99, 95], [0.1] * 3, APART), movies, 3)
    assert chosen == (1, 3, 2)


def test_given_two_that_ask_the_same_when_chosen_then_another_question_comes_between() -> None:
    same = [[1.0, 0], [1.0, 0], [0, 1.0]]
    chosen = choose_questionnaire(rated([100, 99, 80], [0.1] * 3, same), titled((), (), ()), 3)
    assert chosen == (1, 3, 2)


def test_given_enough_liked_movies_when_chosen_then_disliked_ones_are_not_asked() -> None:
    chosen = choose_questionnaire(
        rated([100, 50, 40], [-0.3, 0.2, 0.2], APART), titled((), (), ()), 2
    )
    assert 1 not in chosen


def test_given_fewer_movies_than_questions_when_chosen_then_every_movie_is_asked_once() -> None:
    chosen = choose_questionnaire(rated([3, 2, 1], [0.1, -0.1, 0], APART), titled((), (), ()), 20)
    assert sorted(chosen) == [1, 2, 3]
