"""Similar movies."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.recommender.model import ItemWeights, ModelError
from marquee.recommender.similarity import (
    ITEMS_WEIGHT,
    MOST_SIMILAR,
    NOBODY,
    OWN_HALF,
    SUPPORT_HALF,
    Block,
    SimilarMovies,
    SimilarOnDemand,
    blocks_of,
    merged,
    most_raised_movies,
    nearest,
    pack_similar,
    read_similar,
    similar_movies,
    tastes_of,
)
from tests.models import random_model

MODEL = random_model(90)


def found_in_blocks(movies_a_block: int) -> SimilarMovies:
    blocks = blocks_of(MODEL, movies_a_block)
    found = []
    for block in blocks:
        first, *others = (nearest(block, other) for other in blocks)
        for other in others:
            first = merged(first, other)
        found.append(first)
    return similar_movies(MODEL.rating.movie_ids, found)


def test_blocks_give_the_same_similar_movies_as_all_movies_together() -> None:
    whole, cut = found_in_blocks(90), found_in_blocks(23)
    np.testing.assert_array_equal(whole.similar_ids, cut.similar_ids)
    np.testing.assert_allclose(whole.scores, cut.scores, atol=1e-6)


def test_a_movie_is_not_similar_to_itself_and_none_comes_twice() -> None:
    found = found_in_blocks(40)
    for movie_id, near in zip(found.movie_ids, found.similar_ids, strict=True):
        known = near[near != NOBODY].tolist()
        assert movie_id not in known
        assert len(set(known)) == len(known)


def test_the_most_similar_movies_come_first() -> None:
    scores = [score for _, score in found_in_blocks(90).of(100)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def block_of(
    tastes: list[list[float]],
    support: list[int],
    content: list[list[float]] | None = None,
    years: list[float] | None = None,
) -> Block:
    """Return a block without item weights; by default without content and years."""
    count = len(support)
    return Block(
        0,
        np.array(tastes, dtype=np.float32),
        np.array(content or [[0.0]] * count, dtype=np.float32),
        np.array(years or [np.nan] * count, dtype=np.float32),
        np.array(support, dtype=np.int32),
        np.full((count, 1), NOBODY, dtype=np.int32),
        np.zeros((count, 1), dtype=np.float32),
    )


def test_there_are_fewer_similar_movies_where_there_are_few_movies() -> None:
    few = random_model(3)
    blocks = blocks_of(few, 2)
    found = [merged(nearest(block, blocks[0]), nearest(block, blocks[1])) for block in blocks]
    similar = similar_movies(few.rating.movie_ids, found)
    assert similar.similar_ids.shape == (3, MOST_SIMILAR)
    assert {near for near, _ in similar.of(100)} <= {101, 102}


def test_the_similarity_by_taste_is_shrunk_by_the_smaller_support() -> None:
    block = block_of([[1.0]] * 3, [1000, 20, 1000])
    found = nearest(block, block, 2)
    own = 1000 / (1000 + OWN_HALF)
    np.testing.assert_array_equal(found.rows, [[2, 1], [0, 2], [0, 1]])
    assert found.scores[0].tolist() == pytest.approx(
        [own * 1000 / (1000 + SUPPORT_HALF), own * 20 / (20 + SUPPORT_HALF)]
    )


def test_movies_of_opposite_tastes_are_not_similar() -> None:
    block = block_of([[1.0], [-1.0]], [9, 9])
    assert (nearest(block, block, 2).rows == NOBODY).all()


def test_a_rare_movie_is_similar_to_known_ones_of_its_content() -> None:
    """Its taste, from one rating, points at movie 1; its content at movies 2 and 3."""
    block = block_of(
        [[1.0, 0], [1.0, 0], [0, 1.0], [0, 1.0]],
        [1, 300, 300, 1],
        content=[[0.7, 0], [0, 0.7], [0.7, 0], [0.7, 0]],
    )
    assert nearest(block, block, 3).rows[0].tolist() == [2, 3, 1]


def test_a_known_movie_is_similar_by_taste_whatever_its_content() -> None:
    block = block_of(
        [[1.0, 0], [1.0, 0], [0, 1.0]], [300] * 3, content=[[0.7, 0], [0, 0.7], [0.7, 0]]
    )
    assert nearest(block, block, 1).rows[0].tolist() == [1]


def test_of_rare_movies_of_one_content_those_of_the_same_years_come_first() -> None:
    years = [1990.0, 1960.0, 1992.0, np.nan]
    block = block_of([[0.0]] * 4, [2] * 4, content=[[0.5]] * 4, years=years)
    assert nearest(block, block, 3).rows[0].tolist() == [2, 1, 3]


def test_the_links_of_a_movie_are_those_whose_scores_a_like_raises_most() -> None:
    weights = np.zeros((90, 90), dtype=np.float16)
    weights[4, [7, 50, 9]] = 0.25, 0.5, -0.5
    items = ItemWeights(np.arange(90, dtype=np.int32), weights)
    links, relative = most_raised_movies(replace(MODEL, items=items), np.array([4, 5]))
    assert links[0, :3].tolist() == [50, 7, NOBODY]
    assert relative[0, :3].tolist() == [1.0, 0.5, 0.0]
    assert (links[1] == NOBODY).all()


def test_a_model_without_item_weights_or_a_movie_without_any_has_no_links() -> None:
    links, _ = most_raised_movies(replace(MODEL, items=None), np.array([4]))
    assert (links == NOBODY).all()
    some = ItemWeights(np.array([2, 6], dtype=np.int32), np.eye(2, dtype=np.float16)[::-1].copy())
    links, _ = most_raised_movies(replace(MODEL, items=some), np.array([2, 4, 89]))
    assert links[:, 0].tolist() == [6, NOBODY, NOBODY]


def test_a_link_makes_movies_similar_by_its_weight() -> None:
    plain = block_of([[0.0]] * 3, [500] * 3)
    linked = replace(
        plain,
        links=np.array([[2], [NOBODY], [NOBODY]], dtype=np.int32),
        link_weights=np.array([[0.5], [0.0], [0.0]], dtype=np.float32),
    )
    found = nearest(linked, linked, 1)
    assert found.rows[:, 0].tolist() == [2, NOBODY, NOBODY]
    shrinkage = 500 / (500 + OWN_HALF) * 500 / (500 + SUPPORT_HALF)
    assert found.scores[0, 0] == pytest.approx(0.5 * ITEMS_WEIGHT * shrinkage)


def test_movies_that_are_asked_about_singly_have_the_same_similar_movies() -> None:
    whole, singly = found_in_blocks(90), SimilarOnDemand(MODEL)
    for movie_id in (100, 133, 189):
        assert [near for near, _ in singly.of(movie_id)] == [near for near, _ in whole.of(movie_id)]


def test_a_popular_direction_does_not_make_two_movies_similar() -> None:
    typical = np.zeros(6, dtype=np.float32)
    typical[0] = 2.0
    factors = MODEL.ranking.factors + 50 * typical
    ranking = replace(MODEL.ranking, factors=factors, typical=typical)
    genres = 1  # all movies are dramas
    tastes = tastes_of(replace(MODEL, ranking=ranking))[:, :-genres]
    np.testing.assert_allclose(tastes[:, 0], 0, atol=1e-4)
    assert (tastes @ tastes.T).min() < -0.3


def test_no_movie_is_similar_to_one_that_no_user_liked_and_that_has_no_genres() -> None:
    factors = MODEL.ranking.factors.copy()
    factors[4] = 0
    movies = {i: replace(movie, genres=()) for i, movie in MODEL.movies.items()}
    tastes = tastes_of(
        replace(MODEL, ranking=replace(MODEL.ranking, factors=factors), movies=movies)
    )
    assert not tastes[4].any()


def test_similar_movies_survive_being_packed_and_read() -> None:
    found = found_in_blocks(90)
    read = read_similar(pack_similar(found))
    assert read.of(100) == found.of(100)
    assert read.of(100, 3) == found.of(100)[:3]


def test_an_unknown_movie_has_no_similar_movies() -> None:
    assert found_in_blocks(90).of(7) == []


@pytest.mark.parametrize("content", [b"", b"not a zip", pack_similar(found_in_blocks(90))[:-40]])
def test_the_error_of_a_damaged_file_says_how_to_fix_it(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"similar\.npz is damaged .* run 'make train'"):
        read_similar(content)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"similar_ids": np.zeros((3, 2), dtype=np.int32)}, "not those of 90 movies"),
        ({"scores": np.zeros((90, 2), dtype=np.float32)}, "do not match the similar movies"),
        ({"similar_ids": np.full((90, MOST_SIMILAR), 7, dtype=np.int32)}, "not in the model"),
    ],
)
def test_arrays_that_do_not_fit_together_are_rejected(
    change: dict[str, np.ndarray], wrong: str
) -> None:
    with pytest.raises(ModelError, match=wrong):
        replace(found_in_blocks(90), **change)
