"""Similar movies."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.recommender.model import ModelError
from marquee.recommender.similarity import (
    NEIGHBOURS,
    NOBODY,
    SUPPORT_HALF,
    Block,
    SimilarMovies,
    blocks_of,
    merged,
    nearest,
    pack_similar,
    read_similar,
    similar_movies,
    vectors_of,
)
from tests.models import random_model

MODEL = random_model(90)


def found_in_blocks(movies_a_block: int) -> SimilarMovies:
    blocks = blocks_of(vectors_of(MODEL), MODEL.rating.support, movies_a_block)
    found = []
    for block in blocks:
        first, *others = (nearest(block, other) for other in blocks)
        for other in others:
            first = merged(first, other)
        found.append(first)
    return similar_movies(MODEL.rating.movie_ids, found)


def test_blocks_give_the_same_similar_movies_as_all_movies_together() -> None:
    whole, cut = found_in_blocks(90), found_in_blocks(23)
    np.testing.assert_array_equal(whole.neighbours, cut.neighbours)
    np.testing.assert_allclose(whole.scores, cut.scores, atol=1e-6)


def test_a_movie_is_not_similar_to_itself_and_none_comes_twice() -> None:
    found = found_in_blocks(40)
    for movie_id, near in zip(found.movie_ids, found.neighbours, strict=True):
        known = near[near != NOBODY].tolist()
        assert movie_id not in known
        assert len(set(known)) == len(known)


def test_the_most_similar_movies_come_first() -> None:
    scores = [score for _, score in found_in_blocks(90).of(100)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_there_are_fewer_similar_movies_where_there_are_few_movies() -> None:
    blocks = blocks_of(vectors_of(MODEL)[:3], MODEL.rating.support[:3], 2)
    found = [merged(nearest(block, blocks[0]), nearest(block, blocks[1])) for block in blocks]
    similar = similar_movies(MODEL.rating.movie_ids[:3], found)
    assert similar.neighbours.shape == (3, NEIGHBOURS)
    assert {near for near, _ in similar.of(100)} <= {101, 102}


def test_the_similarity_of_two_movies_is_shrunk_by_the_smaller_support() -> None:
    vectors = np.ones((3, 1), dtype=np.float32)
    block = Block(0, vectors, np.array([1000, 20, 1000], dtype=np.int32))
    found = nearest(block, block, 2)
    np.testing.assert_array_equal(found.rows, [[2, 1], [0, 2], [0, 1]])
    assert found.scores[0].tolist() == pytest.approx([1000 / (1000 + SUPPORT_HALF), 0.5])


def test_movies_of_opposite_tastes_are_not_similar() -> None:
    block = Block(0, np.array([[1], [-1]], dtype=np.float32), np.array([9, 9], dtype=np.int32))
    assert (nearest(block, block, 2).rows == NOBODY).all()


def test_a_popular_direction_does_not_make_two_movies_similar() -> None:
    typical = np.zeros(6, dtype=np.float32)
    typical[0] = 2.0
    factors = MODEL.ranking.factors + 50 * typical
    ranking = replace(MODEL.ranking, factors=factors, typical=typical)
    genres = 1  # all movies are dramas
    tastes = vectors_of(replace(MODEL, ranking=ranking))[:, :-genres]
    np.testing.assert_allclose(tastes[:, 0], 0, atol=1e-4)
    assert (tastes @ tastes.T).min() < -0.5


def test_no_movie_is_similar_to_one_that_no_user_liked_and_that_has_no_genres() -> None:
    factors = MODEL.ranking.factors.copy()
    factors[4] = 0
    movies = {i: replace(movie, genres=()) for i, movie in MODEL.movies.items()}
    vectors = vectors_of(
        replace(MODEL, ranking=replace(MODEL.ranking, factors=factors), movies=movies)
    )
    assert not vectors[4].any()


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
        ({"neighbours": np.zeros((3, 2), dtype=np.int32)}, "not those of 90 movies"),
        ({"scores": np.zeros((90, 2), dtype=np.float32)}, "do not match the similar movies"),
        ({"neighbours": np.full((90, NEIGHBOURS), 7, dtype=np.int32)}, "not in the model"),
    ],
)
def test_arrays_that_do_not_fit_together_are_rejected(
    change: dict[str, np.ndarray], wrong: str
) -> None:
    with pytest.raises(ModelError, match=wrong):
        replace(found_in_blocks(90), **change)
