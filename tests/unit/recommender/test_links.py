"""Parsing the ids of movies in other catalogues."""

import pytest

from marquee.recommender.links import ExternalIds, pack_links, read_links
from marquee.recommender.model import ModelError

LINKS = {
    5: ExternalIds("0114709", 862),
    2: ExternalIds(None, 8844),
    9: ExternalIds("0113228", None),
}


def test_links_survive_being_packed_and_read() -> None:
    assert read_links(pack_links(LINKS)) == LINKS


def test_the_same_links_are_packed_into_the_same_bytes() -> None:
    assert pack_links(LINKS) == pack_links(dict(sorted(LINKS.items())))


def test_a_movie_has_a_link_to_each_catalogue_that_knows_it() -> None:
    assert LINKS[5].addresses() == {
        "imdb": "https://www.imdb.com/title/tt0114709/",
        "tmdb": "https://www.themoviedb.org/movie/862",
    }
    assert [*LINKS[2].addresses()] == ["tmdb"]
    assert ExternalIds().addresses() == {}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a":[1,2]}', b'{"1":[1]}', b'{"1":["1","x"]}'])
def test_damaged_links_are_an_error(content: bytes) -> None:
    with pytest.raises(ModelError, match="train again"):
        read_links(content)
