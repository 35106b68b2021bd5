"""Item weights: scores are sums over ratings, dense or sparse, and damaged weights are rejected."""

import numpy as np
import pytest

from marquee.recommender.fold_in import RatedMovies
from marquee.recommender.item_weights import ItemFolding, likings
from marquee.recommender.model import ItemWeights, ModelError

MOVIES = 6
KNOWN = np.array([0, 2, 3, 5], dtype=np.int32)  # movies 1 and 4 have no weights
DENSE = np.array(
    [[0, 0.5, -0.25, 0], [0.5, 0, 0, 1], [0, 0.125, 0, 0], [0.75, 0, 0.5, 0]], dtype=np.float16
)


def dense() -> ItemWeights:
    return ItemWeights(KNOWN, DENSE)


def sparse() -> ItemWeights:
    """Return the same weights without the zeros."""
    rows, columns = np.nonzero(DENSE)
    starts = np.searchsorted(rows, np.arange(5)).astype(np.int64)
    return ItemWeights(KNOWN, DENSE[rows, columns], starts, columns.astype(np.uint16))


def rated(stars: dict[int, float]) -> RatedMovies:
    return RatedMovies(np.array(list(stars), dtype=np.intp), np.array(list(stars.values())))


def test_a_rating_counts_as_a_like_by_its_stars() -> None:
    found = likings(np.array([0.5, 2.5, 3.0, 3.5, 4.0, 5.0]))
    assert found.tolist() == pytest.approx([0.2, 0.2, 0.5, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("weights", [dense(), sparse()], ids=["dense", "sparse"])
def test_a_score_is_the_sum_of_the_rated_movies_rows(weights: ItemWeights) -> None:
    folding = ItemFolding(weights, MOVIES)
    nobody, one = folding.score([rated({}), rated({2: 5.0, 5: 3.0, 1: 5.0})])
    assert nobody.tolist() == [0, 0, 0, 0]
    assert one.tolist() == pytest.approx([0.5 + 0.375, 0, 0.25, 1.0])


@pytest.mark.parametrize("weights", [dense(), sparse()], ids=["dense", "sparse"])
def test_contributions_add_up_to_the_scores(weights: ItemWeights) -> None:
    folding = ItemFolding(weights, MOVIES)
    visitor = rated({2: 5.0, 4: 5.0, 5: 3.0, 3: 1.0})
    rows = np.array([0, 1, 2, 3, 4, 5])
    found = folding.contributions(visitor, rows)
    expected = np.zeros(MOVIES)
    expected[KNOWN] = folding.score([visitor])[0]
    assert found.shape == (6, 4)
    assert found.sum(axis=1) == pytest.approx(expected)
    assert not found[:, 1].any()  # movie 4 has no weights


@pytest.mark.parametrize("weights", [dense(), sparse()], ids=["dense", "sparse"])
def test_weights_between_movies_are_looked_up_by_their_places(weights: ItemWeights) -> None:
    found = weights.between(np.array([1, 0]), np.array([3, -1, 0]))
    assert found.tolist() == [[1, 0, 0.5], [0, 0, 0]]
    assert weights.between(np.array([], dtype=np.intp), np.array([2])).shape == (0, 1)


def test_movies_that_are_not_ascending_are_rejected() -> None:
    with pytest.raises(ModelError, match="not ascending; train again"):
        ItemWeights(KNOWN[::-1].copy(), DENSE)


def test_weights_of_another_shape_are_rejected() -> None:
    with pytest.raises(ModelError, match="item weights has shape"):
        ItemWeights(KNOWN[:3], DENSE)


def test_weights_that_are_not_finite_are_rejected() -> None:
    bad = DENSE.copy()
    bad[0, 0] = np.inf
    with pytest.raises(ModelError, match="not finite"):
        ItemWeights(KNOWN, bad)


@pytest.mark.parametrize(
    ("starts", "columns"),
    [([0, 1, 1, 1, 3], [0, 1]), ([0, 2, 1, 2, 2], [0, 1]), ([0, 1, 2, 2, 2], [0, 4])],
    ids=["too long", "backwards", "unknown movie"],
)
def test_sparse_weights_that_do_not_fit_together_are_rejected(
    starts: list[int], columns: list[int]
) -> None:
    weights = np.ones(2, dtype=np.float16)
    with pytest.raises(ModelError, match="train again"):
        ItemWeights(
            KNOWN, weights, np.array(starts, dtype=np.int64), np.array(columns, dtype=np.uint16)
        )
