"""The predicted share of a list's picks that a visitor will like."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.contracts import Pick
from marquee.recommender.fold_in import RatingFolding, rated_from
from marquee.recommender.liked_share import LikedShare, Margins, liked_chances
from marquee.recommender.model import LikedShareCalibration, ModelError
from tests.models import FIRST, random_model

MODEL = random_model(40)
CALIBRATION = LikedShareCalibration(intercept=0.2, slope=1.5)
RATINGS = {FIRST + row: 1.0 + row % 5 for row in range(6)}


def picks_at(*stars: float) -> list[Pick]:
    return [Pick(FIRST + 10 + row, 1.0, each) for row, each in enumerate(stars)]


def test_the_margin_divides_by_the_deviation_of_the_visitors_rating() -> None:
    rated = rated_from(RATINGS, MODEL.rating.rows)
    folding = RatingFolding(MODEL.rating)
    variances = []
    for part, matrix in zip(MODEL.rating.parts, folding.matrices(rated), strict=True):
        covariance = np.eye(part.rank) - matrix @ part.loadings[rated.rows]
        variances.append(part.loadings[10] @ covariance @ part.loadings[10])
    expected = (4.6 - 4.0) / np.sqrt(np.mean(variances) + MODEL.rating.noise)
    assert Margins(MODEL.rating).of(RATINGS, picks_at(4.6)) == pytest.approx([expected])


def test_more_ratings_make_the_margin_larger() -> None:
    margins = Margins(MODEL.rating)
    few, many = (
        margins.of({FIRST + row: 4.0 for row in range(count)}, picks_at(4.6)) for count in (1, 9)
    )
    assert 0 < few[0] < many[0]


def test_the_share_is_the_mean_chance_of_the_picks() -> None:
    picks = picks_at(4.8, 3.1, 4.0)
    chances = liked_chances(CALIBRATION, Margins(MODEL.rating).of(RATINGS, picks))
    assert LikedShare(MODEL.rating, CALIBRATION).of(RATINGS, picks) == pytest.approx(chances.mean())


def test_better_picks_have_a_higher_share() -> None:
    share = LikedShare(MODEL.rating, CALIBRATION)
    low, high = share.of(RATINGS, picks_at(2.0, 3.0)), share.of(RATINGS, picks_at(4.5, 4.8))
    assert low is not None
    assert high is not None
    assert 0 < low < high < 1


def test_picks_that_the_model_does_not_know_have_no_share() -> None:
    assert LikedShare(MODEL.rating, CALIBRATION).of(RATINGS, [Pick(7, 1.0, 4.0)]) is None


def test_unknown_ratings_and_no_ratings_are_the_same() -> None:
    share = LikedShare(MODEL.rating, CALIBRATION)
    assert share.of({}, picks_at(4.0)) == share.of({7: 5.0}, picks_at(4.0))


def test_a_calibration_of_numbers_that_are_not_finite_is_rejected() -> None:
    with pytest.raises(ModelError, match="not finite"):
        replace(CALIBRATION, slope=float("nan"))
