"""The choice of movies for the questionnaire."""

import numpy as np
import pytest

from marquee.recommender.likely_seen import CANDIDATES, fit_seen, independent, seen_in
from marquee.recommender.model import Movie
from marquee.recommender.questionnaire import Questioner, Topics, choose_questionnaire
from tests.models import MEAN, random_model, rating_of

USERS = 100
APART = np.eye(3)


def asked(support: list[int], loadings: list[list[float]], count: int) -> tuple[int, ...]:
    rating = rating_of(
        np.full(len(support), MEAN), np.array(loadings), support=np.array(support), first=1
    )
    return choose_questionnaire(rating, independent(rating, USERS), count)


def test_the_movie_with_the_most_ratings_is_first_among_equals() -> None:
    assert asked([5, 90, 40], APART.tolist(), 2) == (2, 3)


def test_another_question_comes_between_two_that_ask_the_same() -> None:
    assert asked([90, 89, 80], [[1, 0], [1, 0], [0, 1]], 3) == (1, 3, 2)


def test_a_movie_that_divides_users_comes_before_one_that_all_rate_equally() -> None:
    assert asked([90, 60], [[0.05, 0], [0, 1]], 2) == (2, 1)


def test_every_movie_is_asked_about_once_where_there_are_few() -> None:
    assert sorted(asked([3, 2, 1], APART.tolist(), 20)) == [1, 2, 3]


def test_what_an_answer_revealed_is_not_asked_again() -> None:
    rating = rating_of(
        np.full(3, MEAN),
        np.array([[1.0, 0], [1.0, 0], [0, 0.9]]),
        support=np.array([90, 89, 80]),
        first=1,
    )
    questioner = Questioner(rating, independent(rating, USERS))
    assert questioner.next(answered={1}, count=1) == (3,)
    assert questioner.next(unseen={1}, count=1) == (2,)


def test_no_movie_is_asked_about_twice_after_answers() -> None:
    model = random_model(40)
    questioner = Questioner(model.rating, seen_in(model))
    first = questioner.next(count=10)
    answered, unseen = set(first[:6]), set(first[6:])
    more = questioner.next(answered, unseen, count=100)
    assert not {*first} & {*more}
    assert len(first) + len(more) == 40


def test_unknown_movies_do_not_change_the_questionnaire() -> None:
    model = random_model(40)
    questioner = Questioner(model.rating, seen_in(model))
    assert questioner.next(answered={999_999}, unseen={888_888}) == questioner.next()


def test_an_unseen_movie_leads_away_from_the_movies_that_are_seen_with_it() -> None:
    """Movies 1 to 3 have the same viewers, 4 to 6 others; all are equally informative."""
    rating = rating_of(np.full(6, MEAN), np.eye(6), support=np.array([60, 59, 58, 45, 44, 43]))
    first = rating.movie_ids.tolist()
    old, new = np.repeat([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], 50, axis=0).reshape(2, 50, 6)
    seen = fit_seen(rating, USERS, np.concatenate([old, new]).astype(bool))
    questioner = Questioner(rating, seen)
    assert questioner.next(count=1) == (first[0],)
    assert questioner.next(unseen=first[:1], count=1) == (first[3],)
    assert questioner.next(answered=first[:1], count=1) == (first[1],)


def test_movies_to_ask_about_first_come_before_all_others() -> None:
    model = random_model(40)
    questioner = Questioner(model.rating, seen_in(model))
    usual = questioner.next(count=40)
    first = {usual[20], usual[30], usual[39], 999_999}
    steered = questioner.next(count=40, first=first)
    assert {*steered[:3]} == first - {999_999}
    assert sorted(steered) == sorted(usual)


def test_other_movies_follow_once_all_first_ones_are_answered() -> None:
    model = random_model(40)
    questioner = Questioner(model.rating, seen_in(model))
    usual = questioner.next(count=40)
    rated, skipped = usual[20], usual[30]
    asked_next = questioner.next({rated}, {skipped}, count=1, first={rated, skipped})
    assert asked_next == questioner.next({rated}, {skipped}, count=1)


ALIEN = Movie(1, "Alien", 1979, ("Horror", "Sci-Fi"))


@pytest.mark.parametrize(
    ("topics", "movie", "included"),
    [
        (Topics(frozenset({"Horror", "Drama"})), ALIEN, True),
        (Topics(frozenset({"Drama"})), ALIEN, False),
        (Topics(decades=frozenset({1970})), ALIEN, True),
        (Topics(decades=frozenset({1980})), ALIEN, False),
        (Topics(frozenset({"Horror"}), frozenset({1980})), ALIEN, False),
        (Topics(decades=frozenset({1970})), Movie(2, "Undated", None, ("Horror",)), False),
        (Topics(frozenset({"Horror"})), Movie(2, "Undated", None, ("Horror",)), True),
    ],
)
def test_a_movie_belongs_to_topics_by_any_genre_and_any_decade(
    topics: Topics, movie: Movie, included: bool
) -> None:
    assert topics.include(movie) is included


def test_without_topics_no_movie_comes_first() -> None:
    assert Topics().movies_of(random_model(5)) == frozenset()


def test_rarely_rated_movies_are_asked_about_only_if_they_come_first() -> None:
    model = random_model(CANDIDATES + 50)
    questioner = Questioner(model.rating, seen_in(model))
    everyday = {*seen_in(model).movie_ids.tolist()}
    rare = sorted({*model.movies} - everyday)
    assert len(rare) == 50
    assert {*questioner.next(count=len(model.movies))} == everyday
    asked_about = questioner.next(count=60, first=rare[:20])
    assert {*asked_about[:20]} == {*rare[:20]}
    assert {*asked_about[20:]} <= everyday


def test_a_rated_movie_that_is_no_candidate_teaches_as_well() -> None:
    """Movie 1 is rated too rarely to be asked about, and equals the most rated one."""
    most_rated = CANDIDATES + 1
    loadings = np.eye(CANDIDATES + 1)
    loadings[0] = loadings[-1]
    support = np.arange(CANDIDATES + 1) + 1000
    support[0] = 1
    rating = rating_of(np.full(CANDIDATES + 1, MEAN), loadings, support=support, first=1)
    questioner = Questioner(rating, independent(rating, 2000))
    before, after = (questioner.next(answers, count=CANDIDATES) for answers in ((), {1}))
    assert 1 not in before
    assert before[0] == most_rated
    assert after[0] != most_rated


def test_answers_show_which_kinds_of_movies_a_visitor_knows() -> None:
    """All movies are equally informative; the odd ones are horror, the others dramas."""
    rating = rating_of(np.full(20, MEAN), np.eye(20), support=np.arange(60, 40, -1), first=1)
    movies = {
        number: Movie(number, f"Movie {number}", 1990, ("Horror" if number % 2 else "Drama",))
        for number in range(1, 21)
    }
    questioner = Questioner(rating, independent(rating, USERS), movies)
    assert questioner.next(answered={1, 3, 5}, unseen={2, 4, 6}, count=1) == (7,)
    assert questioner.next(answered={2, 4, 6}, unseen={1, 3, 5}, count=1) == (8,)
    assert questioner.next(count=20) == Questioner(rating, independent(rating, USERS)).next()


def test_years_count_as_well_and_a_movie_without_year_and_genres_is_of_no_kind() -> None:
    rating = rating_of(np.full(4, MEAN), np.eye(4), support=np.full(4, 50), first=1)
    years = {1: 1990, 2: 2011, 3: 2013, 4: None}
    movies = {number: Movie(number, "", year, ()) for number, year in years.items()}
    questioner = Questioner(rating, independent(rating, USERS), movies)
    assert questioner.next(answered={2}, unseen={1}, count=2) == (3, 4)
