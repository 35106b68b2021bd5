"""The figures measured for a model, by hand-computed examples."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from learning.metrics import (
    Examiner,
    Person,
    UserMeasures,
    coverage,
    estimates_of,
    median_popularity,
    ndcg,
    rank_agreement,
    rmse,
)
from marquee.recommender.fold_in import RatedMovies
from marquee.recommender.model import GaussianFactors, RatingModel
from marquee.recommender.scorers import (
    EVALUATED,
    MLLIB,
    Predictions,
    UnknownModelError,
    models_named,
)

MOVIES = 15
STARS = np.linspace(5, 1, MOVIES, dtype=np.float32)  # movie 0 has the most predicted stars


class KnowsAll:
    """A model that predicts STARS for everybody."""

    def scored(self, visitors: Sequence[RatedMovies]) -> Predictions:
        stars = np.tile(STARS, (len(visitors), 1))
        return Predictions(stars, stars, lambda visitor, rows: np.zeros((len(rows), 0)))


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


def measure(seen: dict[int, float], held_out: dict[int, float]) -> UserMeasures:
    examiner = Examiner(model(), KnowsAll(), np.ones(MOVIES, dtype=bool))
    [one] = examiner.measure([Person(7, seen, held_out)])
    return one


def predicted_exactly(pairs: int, picks: float | None) -> UserMeasures:
    """Return the figures of another user, whose ratings were predicted without error."""
    return UserMeasures(8, pairs, 0.0, 0.0, picks, picks, picks, picks, None, None, ())


def test_ndcg_discounts_hits_by_their_place() -> None:
    gained = 1 / math.log2(2) + 1 / math.log2(4)
    ideal = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg([True, False, True] + [False] * 7, 3) == pytest.approx(gained / ideal)


def test_ndcg_is_one_with_every_relevant_movie_first() -> None:
    assert ndcg([True, True] + [False] * 8, 2) == 1


def test_ten_hits_are_ideal_where_there_are_more_relevant_movies_than_places() -> None:
    assert ndcg([True] * 10, 40) == pytest.approx(1)


def test_ndcg_is_zero_without_a_hit() -> None:
    assert ndcg([False] * 10, 5) == 0


def test_agreement_is_one_with_all_pairs_in_order() -> None:
    assert rank_agreement(np.array([1.0, 3, 5]), np.array([2.0, 2.5, 4])) == (1, 1)


def test_agreement_is_zero_with_all_pairs_reversed() -> None:
    assert rank_agreement(np.array([1.0, 3, 5]), np.array([3.0, 2, 1])) == (0, 0)


def test_a_predicted_tie_counts_as_wrong_or_as_a_half() -> None:
    """Of three pairs, two are in the right order and one is tied."""
    strict, half = rank_agreement(np.array([1.0, 3, 5]), np.array([2.0, 2.0, 4.0]))
    assert (strict, half) == pytest.approx((2 / 3, 2.5 / 3))


def test_pairs_of_equal_ratings_do_not_count() -> None:
    assert rank_agreement(np.array([4.0, 4, 5]), np.array([3.0, 1, 2])) == (0.5, 0.5)


def test_there_is_no_agreement_where_all_ratings_are_equal() -> None:
    assert rank_agreement(np.array([4.0, 4]), np.array([3.0, 1])) == (None, None)


def test_precision_and_recall_count_the_relevant_movies_among_the_picks() -> None:
    one = measure({}, {0: 5.0, 14: 4.0, 1: 2.0})
    assert (one.precision, one.recall, one.hit) == (0.1, 0.5, 1.0)


def test_without_a_relevant_movie_errors_are_measured_and_picks_are_not() -> None:
    one = measure({}, {0: 1.0, 3: 3.5})
    assert (one.ndcg, one.precision, one.recall, one.hit, one.pairs) == (None, None, None, None, 2)


def test_movies_in_the_training_set_are_not_picked() -> None:
    assert measure({0: 5.0, 2: 1.0}, {1: 4.0}).picks == (1, *range(3, 12))


def test_errors_are_summed_in_stars() -> None:
    one = measure({}, {0: 3.0, 14: 1.5})
    assert (one.squared, one.absolute) == pytest.approx((4.25, 2.5))


def test_a_movie_that_the_model_does_not_know_is_predicted_by_the_mean_and_the_bias() -> None:
    """The mean of 3 stars plus the user's shrunk bias: 2 ratings x 2 stars above / (2 + 5)."""
    one = measure({0: 5.0, 1: 5.0}, {999: 3.0})
    assert math.sqrt(one.squared) == pytest.approx(4 / 7)


def test_a_user_who_rated_only_unknown_movies_is_still_measured() -> None:
    assert measure({999: 5.0}, {998: 3.0}).squared == 0


def test_precision_counts_ten_places_even_with_fewer_candidates() -> None:
    candidates = np.zeros(MOVIES, dtype=bool)
    candidates[3] = True
    [one] = Examiner(model(), KnowsAll(), candidates).measure([Person(1, {}, {3: 5.0})])
    assert (one.picks, one.precision, one.ndcg) == ((3,), 0.1, 1.0)


def test_each_of_many_users_is_measured_in_order() -> None:
    examiner = Examiner(model(), KnowsAll(), np.ones(MOVIES, dtype=bool))
    people = [Person(user, {}, {0: 5.0}) for user in range(600)]
    assert [one.user for one in examiner.measure(people)] == list(range(600))


def test_rmse_is_over_all_ratings_of_all_users() -> None:
    both = [measure({}, {0: 3.0}), measure({}, {0: 5.0, 14: 1.0, 7: 3.0})]
    assert rmse(both) == pytest.approx(1.0)


def test_the_errors_by_user_weigh_all_users_equally() -> None:
    both = [measure({}, {0: 3.0}), predicted_exactly(3, None)]
    found = estimates_of(both)
    values = {name: each.value for name, each in found.items() if each is not None}
    assert values["rmse"] == pytest.approx(1.0)  # the square root of 4 / 4
    assert values["rmse_by_user"] == pytest.approx(1.0)  # the mean of 2 and 0
    assert values["mae"] == pytest.approx(0.5)


def test_without_relevant_movies_the_picks_have_no_figures() -> None:
    found = estimates_of([measure({}, {0: 1.0})])
    assert [name for name, each in found.items() if each is None] == [
        "ndcg@10",
        "precision@10",
        "recall@10",
        "hit_rate@10",
        "rank_agreement",
        "rank_agreement_ties_half",
    ]


def test_coverage_counts_each_movie_once() -> None:
    assert coverage([measure({}, {0: 5.0})] * 3, MOVIES) == pytest.approx(10 / 15)


def test_popularity_is_the_support_of_the_median_pick() -> None:
    people = [measure({}, {0: 5.0})]  # picks movies 0 to 9, of support 100 to 109
    assert median_popularity(people, model().movie_ids, model().support) == 104.5


def test_without_picks_there_is_no_popularity() -> None:
    assert median_popularity([], model().movie_ids, model().support) is None


def test_all_models_are_measured_where_none_is_named() -> None:
    assert models_named(None) == models_named("") == [n for n in EVALUATED if n != MLLIB]


def test_named_models_are_measured_once_each() -> None:
    assert models_named(" old,ranking, old") == ["old", "ranking"]


def test_an_unknown_model_name_fails_with_the_known_names() -> None:
    with pytest.raises(UnknownModelError, match=r"no model 'rankin': use one or more of .*old"):
        models_named("ranking,rankin")
