"""Figures over users and folds, with their confidence intervals."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning import confidence
from learning.confidence import Estimate

VALUES = [0.1, 0.4, 0.4, 0.9]


def of(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    mean = of(confidence.mean(enumerate(VALUES)))
    error = statistics.stdev(VALUES) / math.sqrt(len(VALUES))
    assert (mean.value, mean.margin) == pytest.approx((0.45, 1.96 * error))


def test_users_without_a_value_are_left_out_of_the_mean() -> None:
    mean = of(confidence.mean([(1, 0.5), (2, None), (3, 1.0)]))
    assert (mean.value, mean.users) == (0.75, 2)


def test_without_values_there_is_no_mean() -> None:
    assert confidence.mean([(1, None)]) is None


def test_the_margin_of_a_single_user_is_zero() -> None:
    assert of(confidence.mean([(1, 0.5)])).margin == 0


def test_a_ratio_is_the_ratio_of_the_sums() -> None:
    assert of(confidence.ratio([(1, 9.0, 3.0), (2, 1.0, 7.0)])).value == 1.0


def test_the_interval_of_a_root_shrinks_by_the_derivative() -> None:
    square = of(confidence.ratio([(1, 8.0, 1.0), (2, 10.0, 1.0)]))
    root = of(confidence.root(square))
    assert (root.value, root.margin) == pytest.approx((3.0, square.margin / 6))


def test_the_root_of_zero_is_zero() -> None:
    assert of(confidence.root(confidence.ratio([(1, 0.0, 4.0)]))).value == 0


def test_averaging_folds_of_the_same_users_keeps_the_margin() -> None:
    fold = of(confidence.mean(enumerate(VALUES)))
    both = of(confidence.average([fold, fold]))
    assert (both.value, both.margin) == pytest.approx((fold.value, fold.margin))


def test_averaging_folds_of_other_users_shrinks_the_margin() -> None:
    one = of(confidence.mean(enumerate(VALUES)))
    other = of(confidence.mean(enumerate(VALUES, start=100)))
    assert of(confidence.average([one, other])).margin < one.margin


def test_a_fold_without_the_figure_is_left_out_of_the_average() -> None:
    fold = of(confidence.mean(enumerate(VALUES)))
    assert of(confidence.average([fold, None])).value == fold.value
    assert confidence.average([None]) is None


def test_the_difference_of_two_figures_of_the_same_users_has_a_smaller_margin() -> None:
    one = of(confidence.mean(enumerate(VALUES)))
    other = of(confidence.mean(enumerate(value + 0.1 for value in VALUES)))
    less = of(confidence.difference(other, one))
    assert (less.value, less.margin) == pytest.approx((0.1, 0))
    assert confidence.difference(one, None) is None


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 100)), min_size=1))
def test_the_influences_of_the_users_add_up_to_zero(parts: list[tuple[float, float]]) -> None:
    found = of(confidence.ratio((user, *part) for user, part in enumerate(parts)))
    assert sum(found.influence.values()) == pytest.approx(0, abs=1e-6)
