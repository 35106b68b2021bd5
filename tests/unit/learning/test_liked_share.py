"""The calibration of the liked share."""

import numpy as np
import pytest

from learning.liked_share import LEAST_EXAMINED, RatedPicks, calibrate, rated_picks
from learning.metrics import Person
from marquee.recommender.liked_share import Margins, liked_chances
from marquee.recommender.model import LikedShareCalibration
from marquee.recommender.picks import Recommender
from tests.models import FIRST, random_model

TRUE = LikedShareCalibration(intercept=0.4, slope=1.7)


def drawn(count: int, calibration: LikedShareCalibration = TRUE) -> RatedPicks:
    chance = np.random.default_rng(5)
    margins = chance.normal(0.3, 1.0, count)
    liked = chance.random(count) < liked_chances(calibration, margins)
    return RatedPicks(margins, liked.astype(np.float64))


def test_the_calibration_finds_the_chances_that_picks_were_drawn_with() -> None:
    found = calibrate(drawn(20_000))
    assert found is not None
    assert (found.intercept, found.slope) == pytest.approx((TRUE.intercept, TRUE.slope), abs=0.1)


@pytest.mark.parametrize("liked", [0.0, 1.0])
def test_a_calibration_exists_where_all_picks_or_none_are_liked(liked: float) -> None:
    found = calibrate(RatedPicks(np.linspace(-1, 1, 500), np.full(500, liked)))
    assert found is not None
    chances = liked_chances(found, np.linspace(-1, 1, 500))
    assert float(np.abs(chances - liked).max()) < 0.1


def test_with_few_picks_there_is_no_calibration() -> None:
    assert calibrate(drawn(LEAST_EXAMINED - 1)) is None
    assert calibrate(drawn(LEAST_EXAMINED)) is not None


def test_picks_after_few_answers_are_compared_with_held_out_ratings() -> None:
    model = random_model(40)
    answers = {FIRST + row: 1.0 + row % 5 for row in range(5)}
    picks = Recommender(model).picks(answers)
    held_out = {picks[0].movie_id: 5.0, picks[3].movie_id: 2.0, FIRST + 39: 4.0}
    shown = [pick for pick in picks if pick.movie_id in held_out]
    found = rated_picks(model, [Person(3, answers, held_out), Person(4, {}, held_out)], seed=1)
    assert found.margins == pytest.approx(Margins(model.rating).of(answers, shown))
    assert found.liked.tolist() == [held_out[pick.movie_id] >= 4 for pick in shown]
