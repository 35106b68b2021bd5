"""The figures measured for a model, by hand-computed examples."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from marquee.evaluation import (
    EVALUATED,
    Examiner,
    Measured,
    Person,
    coverage,
    estimates_of,
    median_popularity,
    models_named,
    ndcg,
    rank_agreement,
    rmse,
)
from marquee.fold_in import Rated
from marquee.model import GaussianFactors, RatingModel
from marquee.scoring import Scored, UnknownModelError

MOVIES = 15
STARS = np.linspace(5, 1, MOVIES, dtype=np.float32)  # movie 0 has the most predicted stars


class KnowsAll:
    """A model that predicts STARS for everybody."""

    def scored(self, visitors: Sequence[Rated]) -> Scored:
        stars = np.tile(STARS, (len(visitors), 1))
        return Scored(stars, stars, lambda visitor, rows: np.zeros((len(rows), 0)))


def model(movies: int = MOVIES) -> RatingModel:
    return RatingModel(
        movie_ids=np.arange(movies, dtype=np.int32),
        support=np.arange(100, 100 + movies, dtype=np.int32),
        parts=(GaussianFactors(STARS, np.zeros((movies, 1), dtype=np.float32)),),
        noise=0.6,
        global_mean=3.0,
        lowest=1.0,
        highest=5.0,
    )


def measure(seen: dict[int, float], held_out: dict[int, float]) -> Measured:
    examiner = Examiner(model(), KnowsAll(), np.ones(MOVIES, dtype=bool))
    [one] = examiner.measure([Person(7, seen, held_out)])
    return one


def told_exactly(pairs: int, picks: float | None) -> Measured:
    """Return the figures of another user, whose ratings were predicted without error."""
    return Measured(8, pairs, 0.0, 0.0, picks, picks, picks, picks, None, None, ())


def test_given_hits_in_the_first_and_third_place_then_ndcg_discounts_them_by_place() -> None:
    gained = 1 / math.log2(2) + 1 / math.log2(4)
    ideal = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg([True, False, True] + [False] * 7, 3) == pytest.approx(gained / ideal)


def test_given_every_relevant_movie_first_then_ndcg_is_one() -> None:
    assert ndcg([True, True] + [False] * 8, 2) == 1


def test_given_more_relevant_movies_than_places_then_ten_hits_are_ideal() -> None:
    assert ndcg([True] * 10, 40) == pytest.approx(1)


def test_given_no_hit_then_ndcg_is_nothing() -> None:
    assert ndcg([False] * 10, 5) == 0


def test_given_all_pairs_in_order_then_agreement_is_one() -> None:
    assert rank_agreement(np.array([1.0, 3, 5]), np.array([2.0, 2.5, 4])) == (1, 1)


def test_given_all_pairs_turned_round_then_agreement_is_nothing() -> None:
    assert rank_agreement(np.array([1.0, 3, 5]), np.array([3.0, 2, 1])) == (0, 0)


def test_given_a_predicted_tie_then_it_is_wrong_or_a_half() -> None:
    """Of three pairs, two are in the right order and one is tied."""
    strict, half = rank_agreement(np.array([1.0, 3, 5]), np.array([2.0, 2.0, 4.0]))
    assert (strict, half) == pytest.approx((2 / 3, 2.5 / 3))


def test_given_ratings_alike_then_such_pairs_do_not_count() -> None:
    assert rank_agreement(np.array([4.0, 4, 5]), np.array([3.0, 1, 2])) == (0.5, 0.5)


def test_given_all_ratings_alike_then_there_is_no_agreement_to_tell() -> None:
    assert rank_agreement(np.array([4.0, 4]), np.array([3.0, 1])) == (None, None)


def test_given_two_relevant_movies_and_one_picked_then_precision_and_recall_say_so() -> None:
    one = measure({}, {0: 5.0, 14: 4.0, 1: 2.0})
    assert (one.precision, one.recall, one.hit) == (0.1, 0.5, 1.0)


def test_given_no_relevant_movie_then_picks_are_not_measured_but_errors_are() -> None:
    one = measure({}, {0: 1.0, 3: 3.5})
    assert (one.ndcg, one.precision, one.recall, one.hit, one.pairs) == (None, None, None, None, 2)


def test_given_movies_seen_then_they_are_not_picked() -> None:
    assert measure({0: 5.0, 2: 1.0}, {1: 4.0}).picks == (1, *range(3, 12))


def test_given_errors_then_they_are_summed_in_stars() -> None:
    one = measure({}, {0: 3.0, 14: 1.5})
    assert (one.squared, one.absolute) == pytest.approx((4.25, 2.5))


def test_given_a_movie_that_the_model_does_not_know_then_a_middling_one_is_expected() -> None:
    """The mean of 3 stars plus the user's shrunk bias: 2 ratings x 2 stars above / (2 + 5)."""
    one = measure({0: 5.0, 1: 5.0}, {999: 3.0})
    assert math.sqrt(one.squared) == pytest.approx(4 / 7)


def test_given_a_user_who_rated_only_movies_unknown_then_she_is_measured_all_the_same() -> None:
    assert measure({999: 5.0}, {998: 3.0}).squared == 0


def test_given_fewer_candidates_than_places_then_precision_still_counts_ten() -> None:
    candidates = np.zeros(MOVIES, dtype=bool)
    candidates[3] = True
    [one] = Examiner(model(), KnowsAll(), candidates).measure([Person(1, {}, {3: 5.0})])
    assert (one.picks, one.precision, one.ndcg) == ((3,), 0.1, 1.0)


def test_given_more_people_than_are_measured_at_once_then_each_is_measured_in_order() -> None:
    examiner = Examiner(model(), KnowsAll(), np.ones(MOVIES, dtype=bool))
    people = [Person(user, {}, {0: 5.0}) for user in range(600)]
    assert [one.user for one in examiner.measure(people)] == list(range(600))


def test_given_users_then_the_error_is_over_all_their_ratings() -> None:
    both = [measure({}, {0: 3.0}), measure({}, {0: 5.0, 14: 1.0, 7: 3.0})]
    assert rmse(both) == pytest.approx(1.0)


def test_given_users_of_unlike_many_ratings_then_their_own_errors_are_averaged_too() -> None:
    both = [measure({}, {0: 3.0}), told_exactly(3, None)]
    found = estimates_of(both)
    values = {name: each.value for name, each in found.items() if each is not None}
    assert values["rmse"] == pytest.approx(1.0)  # the square root of 4 / 4
    assert values["rmse_by_user"] == pytest.approx(1.0)  # the mean of 2 and 0
    assert values["mae"] == pytest.approx(0.5)


def test_given_nobody_with_a_relevant_movie_then_the_picks_have_no_figures() -> None:
    found = estimates_of([measure({}, {0: 1.0})])
    assert [name for name, each in found.items() if each is None] == [
        "ndcg@10",
        "precision@10",
        "recall@10",
        "hit_rate@10",
        "rank_agreement",
        "rank_agreement_ties_half",
    ]


def test_given_the_same_picks_for_all_then_coverage_counts_each_movie_once() -> None:
    assert coverage([measure({}, {0: 5.0})] * 3, MOVIES) == pytest.approx(10 / 15)


def test_given_picks_then_popularity_is_what_the_middle_one_was_rated_by() -> None:
    people = [measure({}, {0: 5.0})]  # picks movies 0 to 9, of support 100 to 109
    assert median_popularity(people, model().movie_ids, model().support) == 104.5


def test_given_no_picks_then_there_is_no_popularity() -> None:
    assert median_popularity([], model().movie_ids, model().support) is None


def test_given_no_models_named_then_all_are_measured() -> None:
    assert models_named(None) == models_named("") == list(EVALUATED)


def test_given_models_named_then_those_are_measured_once_each() -> None:
    assert models_named(" old,ranking, old") == ["old", "ranking"]


def test_given_a_name_of_no_model_then_the_error_names_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no model 'rankin': use one or more of .*old"):
        models_named("ranking,rankin")
