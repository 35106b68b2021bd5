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
from marquee.recommender.model import RatingModel, Seen
from tests.models import MEAN, rating_of

USERS = 200


def rating(movies: int = 8) -> RatingModel:
    support = np.arange(movies, 0, -1) * 10
    return rating_of(np.full(movies, MEAN), np.eye(movies), support=support)


def two_worlds(people: int = USERS) -> Seen:
    """Return what two groups of users have seen, fitted on a sample of `people` users.

    Half of them saw mostly the first four movies, the others mostly the rest.
    """
    chance = np.random.default_rng(1)
    old = np.arange(people) % 2 == 0
    likely = np.where(old[:, None] == (np.arange(8) < 4), 0.7, 0.1)
    return fit_seen(rating(), USERS, chance.random((people, 8)) < likely)


def test_given_nothing_known_then_each_movie_has_its_share_of_the_users() -> None:
    chances = chances_given(two_worlds(), [], [])
    assert chances == pytest.approx(rating().support / USERS)


def test_given_a_movie_seen_then_those_of_its_world_are_likelier_and_the_others_less() -> None:
    seen = two_worlds()
    before, after = chances_given(seen, [], []), chances_given(seen, [0], [])
    assert (after[1:4] > before[1:4]).all()
    assert (after[4:] < before[4:]).all()


def test_given_a_movie_not_seen_then_those_of_its_world_are_less_likely() -> None:
    seen = two_worlds()
    assert (chances_given(seen, [], [0])[1:4] < chances_given(seen, [], [])[1:4]).all()


def test_given_more_of_a_world_seen_then_the_rest_of_it_is_surer() -> None:
    seen = two_worlds()
    assert chances_given(seen, [0, 1, 2], [4])[3] > chances_given(seen, [0], [])[3]


def test_given_few_people_then_what_goes_with_what_is_believed_less() -> None:
    def rise(people: int) -> float:
        seen = two_worlds(people)
        return float(chances_given(seen, [0], [])[1] - seen.chance[1])

    assert 0 < rise(12) < rise(400)


def test_given_movies_seen_independently_then_nothing_is_learned() -> None:
    seen = independent(rating(), USERS)
    assert chances_given(seen, [0, 1], [2]) == pytest.approx(chances_given(seen, [], []))


@pytest.mark.parametrize("people", [0, 1])
def test_given_too_few_people_to_compare_then_movies_count_as_seen_independently(
    people: int,
) -> None:
    seen = fit_seen(rating(), 1, np.ones((people, 8), dtype=bool))
    assert seen.loadings.shape == (8, 0)


def test_given_one_movie_then_there_is_something_to_ask() -> None:
    seen = fit_seen(rating(1), 3, np.array([[True], [False], [True]]))
    assert 0 < chances_given(seen, [], [])[0] <= 1


def test_given_more_movies_than_candidates_then_the_most_rated_are_asked_about() -> None:
    support = np.arange(CANDIDATES + 5) + 1
    many = rating_of(np.full(len(support), MEAN), np.ones((len(support), 1)), support=support)
    rows = questionnaire_candidates(many)
    assert len(rows) == CANDIDATES
    assert rows.tolist() == list(range(CANDIDATES + 4, 4, -1))


@given(st.permutations(range(8)), st.integers(0, 8), st.integers(0, 8))
def test_given_any_answers_then_chances_are_chances(order: list[int], one: int, other: int) -> None:
    first, last = sorted((one, other))
    chances = chances_given(two_worlds(), order[:first], order[first:last])
    assert ((chances > 0) & (chances <= 1)).all()
