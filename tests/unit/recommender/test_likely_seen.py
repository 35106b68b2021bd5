"""The probability that a user has seen a movie, given others that they have or have not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.recommender.likely_seen import (
    CANDIDATES,
    chances_given,
    fit_seen,
    independent,
    questionnaire_candidates,
)
from marquee.recommender.model import RatingModel, SeenModel
from tests.models import MEAN, rating_of

USERS = 200


def rating(movies: int = 8) -> RatingModel:
    support = np.arange(movies, 0, -1) * 10
    return rating_of(np.full(movies, MEAN), np.eye(movies), support=support)


def two_worlds(people: int = USERS) -> SeenModel:
    """Return what two groups of users have seen, fitted on a sample of `people` users.

    Half of them saw mostly the first four movies, the others mostly the rest.
    """
    chance = np.random.default_rng(1)
    old = np.arange(people) % 2 == 0
    likely = np.where(old[:, None] == (np.arange(8) < 4), 0.7, 0.1)
    return fit_seen(rating(), USERS, chance.random((people, 8)) < likely)


def test_without_answers_the_chance_of_each_movie_is_its_share_of_the_users() -> None:
    chances = chances_given(two_worlds(), [], [])
    assert chances == pytest.approx(rating().support / USERS)


def test_a_seen_movie_makes_movies_of_its_world_likelier_and_others_less_likely() -> None:
    seen = two_worlds()
    before, after = chances_given(seen, [], []), chances_given(seen, [0], [])
    assert (after[1:4] > before[1:4]).all()
    assert (after[4:] < before[4:]).all()


def test_an_unseen_movie_makes_movies_of_its_world_less_likely() -> None:
    seen = two_worlds()
    assert (chances_given(seen, [], [0])[1:4] < chances_given(seen, [], [])[1:4]).all()


def test_more_seen_movies_of_a_world_make_the_rest_of_it_likelier() -> None:
    seen = two_worlds()
    assert chances_given(seen, [0, 1, 2], [4])[3] > chances_given(seen, [0], [])[3]


def test_few_users_move_the_chances_less() -> None:
    def rise(people: int) -> float:
        seen = two_worlds(people)
        return float(chances_given(seen, [0], [])[1] - seen.chance[1])

    assert 0 < rise(12) < rise(400)


def test_movies_seen_independently_do_not_move_each_others_chances() -> None:
    seen = independent(rating(), USERS)
    assert chances_given(seen, [0, 1], [2]) == pytest.approx(chances_given(seen, [], []))


@pytest.mark.parametrize("people", [0, 1])
def test_movies_count_as_seen_independently_with_too_few_users_to_compare(
    people: int,
) -> None:
    seen = fit_seen(rating(), 1, np.ones((people, 8), dtype=bool))
    assert seen.loadings.shape == (8, 0)


def test_a_single_movie_has_a_chance_too() -> None:
    seen = fit_seen(rating(1), 3, np.array([[True], [False], [True]]))
    assert 0 < chances_given(seen, [], [])[0] <= 1


def test_the_most_rated_of_too_many_movies_are_the_candidates() -> None:
    support = np.arange(CANDIDATES + 5) + 1
    many = rating_of(np.full(len(support), MEAN), np.ones((len(support), 1)), support=support)
    rows = questionnaire_candidates(many)
    assert len(rows) == CANDIDATES
    assert rows.tolist() == list(range(CANDIDATES + 4, 4, -1))


@given(st.permutations(range(8)), st.integers(0, 8), st.integers(0, 8))
def test_chances_stay_between_0_and_1_after_any_answers(
    order: list[int], one: int, other: int
) -> None:
    first, last = sorted((one, other))
    chances = chances_given(two_worlds(), order[:first], order[first:last])
    assert ((chances > 0) & (chances <= 1)).all()
