"""Evaluation on users who are new to a model: the movies they are asked about, and predictions."""

from dataclasses import replace

import numpy as np
import pytest

from learning.metrics import Person
from learning.new_visitors import (
    ANSWERS,
    BEST_KNOWN,
    BIAS_ONLY,
    GUESSES,
    LEAST_PEOPLE,
    POPULAR,
    QUESTIONNAIRE,
    WAYS,
    NewVisitor,
    NewVisitorExaminer,
    after_first_answers,
    best_known_drawn,
    by_questionnaire,
    most_rated_first,
)
from marquee.recommender.likely_seen import independent
from marquee.recommender.model import Counts, GaussianFactors, Model, RankingModel, RatingModel
from marquee.recommender.questionnaire import Questioner
from marquee.recommender.scorers import ByRating

MOVIES = 60
STARS = "rating"


@pytest.fixture
def model() -> RatingModel:
    """Return a model of one taste dimension: users who like even movies dislike odd ones."""
    sides = np.where(np.arange(MOVIES) % 2 == 0, 1.0, -1.0).astype(np.float32)
    return RatingModel(
        movie_ids=np.arange(MOVIES, dtype=np.int32),
        support=np.arange(MOVIES, 0, -1, dtype=np.int32),
        parts=(GaussianFactors(np.full(MOVIES, 3, dtype=np.float32), 1.5 * sides[:, None]),),
        noise=0.5,
        global_mean=3.0,
        lowest=1.0,
        highest=5.0,
    )


@pytest.fixture
def examiner(model: RatingModel) -> NewVisitorExaminer:
    everything = np.ones(MOVIES, dtype=bool)
    scorers = {STARS: ByRating(shell_of(model))}
    questioner = Questioner(model, independent(model, 100))
    return NewVisitorExaminer(model, questioner, np.zeros(MOVIES), scorers, everything)


def shell_of(rating: RatingModel) -> Model:
    """Return a model with only a rating model."""
    counts = Counts(100, MOVIES, 1_000, 0)
    none = np.zeros((MOVIES, 1), dtype=np.float32)
    nothing = RankingModel(none, none[0], none[0], 0.0, 3.0, 0.3, 4.0)
    return Model("", "", "", counts, rating, nothing, {}, ())


def questioner(model: RatingModel) -> Questioner:
    return Questioner(model, independent(model, 100))


def of_one_taste(movies: range) -> Person:
    return Person(1, {}, {movie: 4.5 if movie % 2 == 0 else 1.5 for movie in movies})


def test_users_are_asked_by_popularity_about_the_movies_they_rated() -> None:
    asked = most_rated_first({4: 5.0, 2: 1.0, 9: 3.0}, popular=[9, 8, 2, 7, 4], most=2)
    assert (asked.movie_ids, asked.shown) == ((9, 2), (1, 3))


def test_the_questionnaire_counts_the_unseen_movies_that_it_shows(
    model: RatingModel,
) -> None:
    given = dict.fromkeys(range(1, MOVIES, 2), 4.0)
    asked = by_questionnaire(given, questioner(model), 3)
    assert set(asked.movie_ids) <= given.keys()
    assert asked.shown[-1] > 3


def test_the_questionnaire_ends_when_it_has_no_more_movies(
    model: RatingModel,
) -> None:
    assert by_questionnaire({3: 4.0}, questioner(model), 5).movie_ids == (3,)


def test_the_stars_do_not_change_which_movies_are_asked_about(model: RatingModel) -> None:
    one, other = (
        by_questionnaire(dict.fromkeys(range(MOVIES), stars), questioner(model), 10)
        for stars in (1.0, 5.0)
    )
    assert one == other


def test_all_guesses_for_a_user_are_about_the_same_ratings(
    examiner: NewVisitorExaminer,
) -> None:
    visitor = examiner.measured(of_one_taste(range(50)))
    pairs = {errors.pairs for (most, *_), errors in visitor.errors.items() if most == 20}
    assert len(pairs) == 1


def test_no_rating_that_a_user_was_asked_about_is_guessed(
    examiner: NewVisitorExaminer,
) -> None:
    """Of 21 ratings, one is left to predict after 20 answers, whichever were chosen."""
    visitor = examiner.measured(of_one_taste(range(21)))
    assert {errors.pairs for (most, *_), errors in visitor.errors.items() if most == 20} == {1}


def test_the_held_out_ratings_do_not_change_the_guess(
    examiner: NewVisitorExaminer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prediction depends only on the answers, not on the held-out ratings."""
    folded: list[list[float]] = []
    fold = NewVisitorExaminer._folded

    def spied(self: NewVisitorExaminer, answers, rows):  # type: ignore[no-untyped-def]
        folded.append(fold(self, answers, rows).tolist())
        return fold(self, answers, rows)

    monkeypatch.setattr(NewVisitorExaminer, "_folded", spied)
    person = of_one_taste(range(50))
    examiner.measured(person)
    before, folded[:] = list(folded), []
    asked = {*range(20)} | {
        *by_questionnaire(person.held_out, examiner._questioner, ANSWERS[-1]).movie_ids
    }
    turned = {i: stars if i in asked else 6 - stars for i, stars in person.held_out.items()}
    examiner.measured(Person(1, {}, turned))
    assert folded == before


def test_folding_in_a_taste_beats_the_bias_alone(
    examiner: NewVisitorExaminer,
) -> None:
    errors = examiner.measured(of_one_taste(range(50))).errors
    assert errors[20, 5, QUESTIONNAIRE].squared < errors[20, 5, BIAS_ONLY].squared / 4


def test_a_user_of_one_taste_gets_picks_of_it_after_five_answers(
    examiner: NewVisitorExaminer,
) -> None:
    visitor = examiner.measured(of_one_taste(range(50)))
    assert visitor.ndcg[5, QUESTIONNAIRE, STARS] == pytest.approx(1)
    assert visitor.ndcg[20, POPULAR, STARS] == pytest.approx(1)


@pytest.mark.parametrize("way", WAYS)
def test_picks_leave_out_the_answers_and_nothing_else(
    examiner: NewVisitorExaminer, way: str
) -> None:
    """A person who likes all movies likes every pick, except where answers are picked again."""
    visitor = examiner.measured(Person(1, {}, dict.fromkeys(range(MOVIES), 4.5)))
    found = {count: value for (count, by, _), value in visitor.ndcg.items() if by == way}
    assert found == {count: pytest.approx(1) for count in ANSWERS}


def test_the_same_movies_are_drawn_for_a_person_each_time() -> None:
    given, popular = dict.fromkeys(range(400), 4.0), list(range(400))
    drawn = best_known_drawn(given, popular, 5, (1, 7))
    assert drawn == best_known_drawn(given, popular, 5, (1, 7))
    assert drawn != best_known_drawn(given, popular, 5, (1, 8))


def test_only_best_known_movies_that_the_person_rated_are_drawn() -> None:
    given, popular = dict.fromkeys((3, 4, BEST_KNOWN, 399), 4.0), list(range(400))
    assert set(best_known_drawn(given, popular, 5, (1, 7))) == {3, 4}


def test_picks_for_a_user_without_a_remaining_like_have_no_ndcg(
    examiner: NewVisitorExaminer,
) -> None:
    assert examiner.measured(Person(1, {}, dict.fromkeys(range(30), 2.0))).ndcg == {}


def test_nothing_is_guessed_with_too_few_ratings_for_five_answers(
    examiner: NewVisitorExaminer,
) -> None:
    assert examiner.measured(of_one_taste(range(5))).errors == {}


def test_movies_that_the_model_does_not_know_are_left_out(
    examiner: NewVisitorExaminer,
) -> None:
    assert examiner.measured(of_one_taste(range(1000, 1050))) == NewVisitor(1, {}, {})


def people(examiner: NewVisitorExaminer, count: int, ratings: int) -> list[NewVisitor]:
    one = examiner.measured(of_one_taste(range(ratings)))
    return [replace(one, user=user) for user in range(count)]


def test_with_enough_users_every_row_of_answers_is_about_the_same_users(
    examiner: NewVisitorExaminer,
) -> None:
    visitors = people(examiner, LEAST_PEOPLE, 50) + people(examiner, LEAST_PEOPLE, 15)
    rows = after_first_answers(visitors)
    assert [(row.answers, row.people) for row in rows] == [(n, LEAST_PEOPLE) for n in ANSWERS]
    assert rows[0].rmse.keys() == set(GUESSES)


def test_with_too_few_users_of_twenty_answers_only_fewer_answers_have_rows(
    examiner: NewVisitorExaminer,
) -> None:
    visitors = people(examiner, LEAST_PEOPLE - 1, 50) + people(examiner, LEAST_PEOPLE, 15)
    assert [row.answers for row in after_first_answers(visitors)] == [5, 10]


def test_as_many_popular_movies_are_shown_as_answered_where_all_were_rated(
    examiner: NewVisitorExaminer,
) -> None:
    rows = after_first_answers(people(examiner, LEAST_PEOPLE, 50))
    shown = rows[1].shown[POPULAR]
    assert shown is not None
    assert (shown.value, shown.users) == (10, LEAST_PEOPLE)
    assert rows[1].median_shown[POPULAR] == 10


def test_without_users_there_are_no_rows() -> None:
    assert after_first_answers([]) == []
