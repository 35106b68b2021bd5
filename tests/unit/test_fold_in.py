"""Folding a visitor in: the solve, the picks and their reasons."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.fold_in import REASONS, SUPPORT_LEAST, Recommender
from marquee.model import RatingModel

MOVIES, RANK = 60, 6


def model_of(
    *, seed: int = 3, support: int = 500, regularisation: float = 0.1, user_damping: float = 5.0
) -> RatingModel:
    chance = np.random.default_rng(seed)
    return RatingModel(
        movie_ids=np.arange(100, 100 + MOVIES, dtype=np.int32),
        factors=chance.normal(0, 0.7, (MOVIES, RANK)).astype(np.float32),
        movie_bias=chance.normal(0, 0.3, MOVIES).astype(np.float32),
        support=np.full(MOVIES, support, dtype=np.int32),
        global_mean=3.5,
        user_damping=user_damping,
        regularisation=regularisation,
        lowest=0.5,
        highest=5.0,
    )


RATINGS = {100: 5.0, 103: 5.0, 107: 4.0, 110: 1.0, 115: 2.0, 120: 3.0}


def test_given_ratings_when_folded_in_then_the_factors_minimise_the_ridge_error() -> None:
    model = model_of()
    visitor = Recommender(model).fold_in(RATINGS)
    rows = [model.rows[movie_id] for movie_id in RATINGS]
    target = np.array(list(RATINGS.values())) - 3.5 - model.movie_bias[rows] - visitor.bias
    # Ridge regression as plain least squares: a row of sqrt(lambda * n) for each factor.
    ridge = np.sqrt(0.1 * len(RATINGS)) * np.eye(RANK)
    wanted, *_ = np.linalg.lstsq(
        np.vstack([model.factors[rows].astype(np.float64), ridge]),
        np.concatenate([target, np.zeros(RANK)]),
    )
    np.testing.assert_allclose(visitor.factors, wanted, atol=1e-10)


def test_given_ratings_when_folded_in_then_the_bias_is_damped_by_the_model_damping() -> None:
    model = model_of(user_damping=4.0)
    rows = [model.rows[movie_id] for movie_id in RATINGS]
    above = np.array(list(RATINGS.values())) - 3.5 - model.movie_bias[rows]
    assert Recommender(model).fold_in(RATINGS).bias == pytest.approx(
        above.sum() / (len(RATINGS) + 4), abs=1e-6
    )


def test_given_a_visitor_when_predicted_then_stars_stay_on_the_data_sets_scale() -> None:
    wild = replace(model_of(), factors=model_of().factors * 20)
    stars = Recommender(wild).predict(RATINGS)
    assert (stars.min(), stars.max()) == (0.5, 5.0)


def test_given_a_visitor_when_picked_then_no_pick_is_a_movie_she_rated() -> None:
    picks = Recommender(model_of()).picks(RATINGS, count=MOVIES)
    assert not {pick.movie_id for pick in picks} & RATINGS.keys()


def test_given_more_wanted_than_unseen_when_picked_then_every_unseen_movie_comes_once() -> None:
    picks = Recommender(model_of()).picks(RATINGS, count=1000)
    assert len({pick.movie_id for pick in picks}) == len(picks) == MOVIES - len(RATINGS)


def test_given_a_visitor_when_picked_then_picks_come_by_falling_score() -> None:
    scores = [pick.score for pick in Recommender(model_of()).picks(RATINGS)]
    assert scores == sorted(scores, reverse=True)


def test_given_equal_support_when_picked_then_the_picks_are_the_highest_predictions() -> None:
    model = model_of()
    recommender = Recommender(model)
    stars = recommender.predict(RATINGS)
    unseen = [i for i in model.movie_ids.tolist() if i not in RATINGS]
    best = max(unseen, key=lambda movie_id: stars[model.rows[movie_id]])
    assert recommender.picks(RATINGS, count=1)[0].movie_id == best


def test_given_many_visitors_when_picked_together_then_each_gets_what_she_gets_alone() -> None:
    recommender = Recommender(model_of())
    chance = np.random.default_rng(8)
    visitors = [
        {int(i): float(chance.integers(1, 6)) for i in chance.choice(MOVIES, 7, False) + 100}
        for _ in range(300)
    ]
    assert recommender.picks_for_all(visitors) == [recommender.picks(v) for v in visitors]


def test_given_a_movie_that_few_rated_when_picked_then_a_well_known_one_comes_before_it() -> None:
    model = model_of()
    best = Recommender(model).picks(RATINGS, count=1)[0].movie_id
    support = model.support.copy()
    support[model.rows[best]] = SUPPORT_LEAST
    picks = Recommender(replace(model, support=support)).picks(RATINGS)
    assert picks[0].movie_id != best


def test_given_a_movie_below_the_least_support_when_picked_then_it_comes_after_all_others() -> None:
    model = model_of()
    best = Recommender(model).picks(RATINGS, count=1)[0].movie_id
    support = model.support.copy()
    support[model.rows[best]] = SUPPORT_LEAST - 1
    picks = Recommender(replace(model, support=support)).picks(RATINGS, count=1000)
    assert picks[-1].movie_id == best


def test_given_no_ratings_when_picked_then_the_movies_that_everybody_likes_come() -> None:
    model = model_of()
    liked = model.movie_ids[np.argsort(-model.movie_bias)][:10].tolist()
    assert [pick.movie_id for pick in Recommender(model).picks({})] == liked


def test_given_movies_the_model_does_not_know_when_picked_then_they_change_nothing() -> None:
    recommender = Recommender(model_of())
    assert recommender.picks({**RATINGS, 9_999_999: 5.0}) == recommender.picks(RATINGS)


def test_given_loved_and_disliked_movies_when_picked_then_only_loved_ones_are_reasons() -> None:
    picks = Recommender(model_of()).picks(RATINGS, count=MOVIES)
    reasons = {movie_id for pick in picks for movie_id in pick.because}
    assert reasons == {100, 103, 107}


def test_given_many_loved_movies_when_picked_then_a_pick_has_at_most_three_reasons() -> None:
    loved = dict.fromkeys(range(100, 120), 5.0)
    picks = Recommender(model_of(user_damping=50)).picks(loved)
    assert max(len(pick.because) for pick in picks) == REASONS


def test_given_a_pick_when_its_first_reason_is_taken_away_then_its_score_falls() -> None:
    # Small factors keep the predictions inside the scale, where they can move.
    model = replace(model_of(user_damping=1000), factors=model_of().factors * 0.3)
    recommender = Recommender(model)
    pick = recommender.picks(RATINGS, count=1)[0]
    rest = {movie_id: s for movie_id, s in RATINGS.items() if movie_id != pick.because[0]}
    row = model.rows[pick.movie_id]
    assert recommender.predict(rest)[row] < recommender.predict(RATINGS)[row]


def test_given_the_pulls_of_all_ratings_when_added_then_they_are_the_factors() -> None:
    visitor = Recommender(model_of()).fold_in(RATINGS)
    np.testing.assert_allclose(visitor.pull.sum(axis=1), visitor.factors)


def test_given_scores_when_picked_then_they_lie_between_0_and_1() -> None:
    picks = Recommender(model_of()).picks(RATINGS, count=MOVIES)
    assert all(0 < pick.score < 1 for pick in picks)
