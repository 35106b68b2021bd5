"""Recognising the scale of ratings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.datasets import DatasetError
from operations.dataset.scale import SCALES, recognise_scale


def spread(*values: float) -> dict[float, int]:
    return dict.fromkeys(values, 100)


WHOLE_FIVE = spread(1, 2, 3, 4, 5)
TEN = spread(*range(1, 11))


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        (WHOLE_FIVE, "1 to 5"),
        (spread(2, 3, 4), "1 to 5"),
        (spread(5), "1 to 5"),
        (spread(0.5, 1, 4.5, 5), "0.5 to 5"),
        (TEN, "1 to 10"),
        (spread(1, 5.5, 10), "1 to 10"),
        (TEN | {0.0: 10}, "0 to 10"),
        (spread(0.5, 7.5, 10), "0 to 10"),
        (spread(10, 50, 90, 100), "0 to 100"),
        (spread(-10, -2.5, 0, 9.5), "-10 to 10"),
    ],
)
def test_the_smallest_scale_that_holds_the_ratings_is_taken(
    counts: dict[float, int], name: str
) -> None:
    assert recognise_scale(counts).name == name


@pytest.mark.parametrize(
    ("counts", "mapped"),
    [
        (WHOLE_FIVE, {1: 1, 3: 3, 5: 5, 2.5: 2.5}),
        (spread(0.5, 5), {0.5: 0.5, 4.2: 4, 4.25: 4.5}),
        (TEN, {1: 0.5, 2: 1, 7: 3.5, 10: 5}),
        (TEN | {0.0: 10}, {0: 0.5, 1: 0.5, 2: 1, 10: 5}),
        (spread(10, 55, 100), {1: 0.5, 10: 0.5, 50: 2.5, 55: 3, 100: 5}),
        (spread(-10, 10), {-10: 0.5, 0: 2.5, 5: 4, 10: 5}),
    ],
)
def test_ratings_are_mapped_to_half_stars(
    counts: dict[float, int], mapped: dict[float, float]
) -> None:
    scale = recognise_scale(counts)
    assert {value: scale.stars(value) for value in mapped} == mapped


@pytest.mark.parametrize("name", SCALES)
@given(data=st.data())
def test_a_higher_rating_never_gets_fewer_stars(name: str, data: st.DataObject) -> None:
    scale = SCALES[name]
    values = st.floats(scale.lowest, scale.highest)
    low, high = sorted((data.draw(values), data.draw(values)))
    low_stars, high_stars = scale.stars(low), scale.stars(high)
    assert low_stars is not None
    assert high_stars is not None
    assert 0.5 <= low_stars <= high_stars <= 5
    assert low_stars * 2 == int(low_stars * 2)


@pytest.mark.parametrize("name", SCALES)
def test_the_ends_of_a_scale_get_the_fewest_and_the_most_stars(name: str) -> None:
    scale = SCALES[name]
    assert scale.stars(scale.lowest) == max(0.5, scale.lowest if scale.is_the_products else 0.5)
    assert scale.stars(scale.highest) == 5


@pytest.mark.parametrize(
    ("counts", "unrated"),
    [
        (WHOLE_FIVE | {0.0: 10}, {0}),
        (TEN | {0.0: 400}, {0}),
        (TEN | {0.0: 10}, set()),
        (TEN | {-1.0: 300}, {-1}),
    ],
)
def test_values_that_stand_for_no_rating_are_left_out(
    counts: dict[float, int], unrated: set[float]
) -> None:
    scale = recognise_scale(counts)
    assert scale.unrated == unrated
    assert all(scale.stars(value) is None for value in unrated)


def test_a_few_stray_values_do_not_change_the_scale() -> None:
    scale = recognise_scale(WHOLE_FIVE | {50.0: 3, -3.0: 1})
    assert (scale.name, scale.stars(50), scale.stars(-3)) == ("1 to 5", None, None)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (spread(1, 7, 13), "reach from 1 to 13, which is none of the known scales .*convert them"),
        (spread(1, 500), "reach from 1 to 500"),
        (spread(-5, 5), "reach from -5 to 5"),
        (spread(-100, 100), "reach from -100 to 100"),
        (spread(0.1, 0.9, 1), "a scale of shares or probabilities"),
        (spread(0, 1), "says who liked what, not how much"),
        (spread(-1, 1), "says who liked what, not how much"),
        (spread(0), "no rating is above 0"),
    ],
)
def test_an_unknown_scale_is_refused_with_its_range_and_the_known_scales(
    counts: dict[float, int], message: str
) -> None:
    with pytest.raises(DatasetError, match=message) as error:
        recognise_scale(counts)
    assert "0.5 to 5, 1 to 5, 1 to 10, 0 to 10, 0 to 100 and -10 to 10" in str(error.value)
