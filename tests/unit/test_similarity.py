"""Similar movies."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.model import ModelError
from marquee.similarity import (
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


def test_given_all_movies_at_once_or_in_blocks_when_compared_then_the_same_are_found() -> None:
    whole, cut = found_in_blocks(90), found_in_blocks(23)
    np.testing.assert_array_equal(whole.neighbours, cut.neighbours)
    np.testing.assert_allclose(whole.scores, cut.scores, atol=1e-6)


def test_given_a_movie_when_compared_then_it_is_not_like_itself_and_nothing_comes_twice() -> None:
    found = found_in_blocks(40)
    for movie_id, near in zip(found.movie_ids, found.neighbours, strict=True):
        known = near[near != NOBODY].tolist()
        assert movie_id not in known
        assert len(set(known)) == len(known)


def test_given_a_movie_when_asked_then_the_most_similar_come_first() -> None:
    scores = [score for _, score in found_in_blocks(90).of(100)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_given_fewer_movies_than_neighbours_when_asked_then_there_are_fewer() -> None:
    blocks = blocks_of(vectors_of(MODEL)[:3], MODEL.rating.support[:3], 2)
    found = [merged(nearest(block, blocks[0]), nearest(block, blocks[1])) for block in blocks]
    similar = similar_movies(MODEL.rating.movie_ids[:3], found)
    assert similar.neighbours.shape == (3, NEIGHBOURS)
    assert {near for near, _ in similar.of(100)} <= {101, 102}


def test_given_two_movies_of_one_taste_then_their_likeness_is_believed_by_the_less_rated() -> None:
    vectors = np.ones((3, 1), dtype=np.float32)
    block = Block(0, vectors, np.array([1000, 20, 1000], dtype=np.int32))
    found = nearest(block, block, 2)
    np.testing.assert_array_equal(found.rows, [[2, 1], [0, 2], [0, 1]])
    assert found.scores[0].tolist() == pytest.approx([1000 / (1000 + SUPPORT_HALF), 0.5])


def test_given_opposite_tastes_then_nothing_is_similar() -> None:
    block = Block(0, np.array([[1], [-1]], dtype=np.float32), np.array([9, 9], dtype=np.int32))
    assert (nearest(block, block, 2).rows == NOBODY).all()


def test_given_a_popular_direction_then_it_makes_no_two_movies_alike() -> None:
    typical = np.zeros(6, dtype=np.float32)
    typical[0] = 2.0
    factors = MODEL.ranking.factors + 50 * typical
    ranking = replace(MODEL.ranking, factors=factors, typical=typical)
    genres = 1  # all movies are dramas
    tastes = vectors_of(replace(MODEL, ranking=ranking))[:, :-genres]
    np.testing.assert_allclose(tastes[:, 0], 0, atol=1e-4)
    assert (tastes @ tastes.T).min() < -0.5


def test_given_a_movie_that_nobody_loved_and_no_genres_then_nothing_is_like_it() -> None:
    factors = MODEL.ranking.factors.copy()
    factors[4] = 0
    movies = {i: replace(movie, genres=()) for i, movie in MODEL.movies.items()}
    vectors = vectors_of(
        replace(MODEL, ranking=replace(MODEL.ranking, factors=factors), movies=movies)
    )
    assert not vectors[4].any()


def test_given_similar_movies_when_read_then_they_are_what_was_written() -> None:
    found = found_in_blocks(90)
    read = read_similar(pack_similar(found))
    assert read.of(100) == found.of(100)
    assert read.of(100, 3) == found.of(100)[:3]


def test_given_an_unknown_movie_when_asked_then_nothing_is_similar() -> None:
    assert found_in_blocks(90).of(7) == []


@pytest.mark.parametrize("content", [b"", b"not a zip", pack_similar(found_in_blocks(90))[:-40]])
def test_given_a_damaged_file_when_read_then_the_error_says_how_to_mend_it(content: bytes) -> None:
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
def test_given_numbers_that_do_not_fit_when_read_then_it_is_an_error(
    change: dict[str, np.ndarray], wrong: str
) -> None:
    with pytest.raises(ModelError, match=wrong):
        replace(found_in_blocks(90), **change)
