"""Find the movies that ratings are of, where ratings and titles write ids in different ways."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from operations.dataset.ids import IdMapping
from operations.dataset.titles import DatasetMovie, imdb_in
from operations.dataset.values import id_key, number_in, title_with_year

UNKNOWN_MOVIE = "movie is not in the movies file"

type Links = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to find the id in the file of titles for an id in the ratings.

    Attributes:
        find: returns the id in the file of titles; if there is none, any text that is no such id.
        note: what the operator should know about it; empty if ids are the same in both.
        links: IMDb and TMDB ids by the id in the file of titles.
        found: the number of ratings whose movies are found.
        through_links: whether only the file of links leads from one id to the other.
    """

    find: Callable[[str], str]
    note: str = ""
    links: Links = field(default_factory=dict)
    found: int = 0
    through_links: bool = False


@dataclass(frozen=True, slots=True)
class KnownIds:
    """The integers of users and movies, by their ids as the files write them."""

    user_ids: IdMapping
    movie_ids: IdMapping
    movies: Mapping[str, DatasetMovie]
    find: Callable[[str], str]

    def user(self, text: str) -> int | str:
        """Return the integer of a user, or why there is none."""
        return self.user_ids.integer(id_key(text))

    def movie(self, text: str) -> int | str:
        """Return the integer of a movie, or why there is none."""
        key = id_key(text)
        if not key:
            return "movie id is empty"
        found = self.find(key)
        return self.movie_ids.integer(found) if found in self.movies else UNKNOWN_MOVIE

    def known_movie(self, text: str) -> int | None:
        """Return the integer of a movie that has one already; None if it has none."""
        found = self.find(id_key(text))
        return self.movie_ids.known(found) if found in self.movies else None


def best_way(counts: Mapping[str, int], movies: Mapping[str, DatasetMovie], links: Links) -> Way:
    """Return the way that finds the movies of most ratings.

    Args:
        counts: the number of ratings by the id of their movie.
        movies: the movies in the file of titles, by id.
        links: IMDb and TMDB ids by movie id.
    """
    best: Way | None = None
    for way in _ways(movies, links):
        found = sum(count for key, count in counts.items() if way.find(key) in movies)
        if best is None or found > best.found:
            best = replace(way, found=found)
    assert best is not None  # noqa: S101 - there is always a way
    return best


def _ways(movies: Mapping[str, DatasetMovie], links: Links) -> Iterator[Way]:
    """Yield all ways, the most usual first."""
    yield Way(lambda key: key, links=links)
    by_imdb = {movie.imdb: key for key, movie in movies.items() if movie.imdb}
    through: dict[str, str] = {}
    for key, (imdb, tmdb) in links.items():
        if tmdb in movies or imdb in by_imdb:
            through[key] = tmdb if tmdb in movies else by_imdb[imdb]
    if through:
        yield Way(
            lambda key: through.get(key, ""),
            "movies are found through the file of links",
            {found: links[key] for key, found in through.items()},
            through_links=True,
        )
    by_imdb |= {imdb: key for key, (imdb, _) in links.items() if imdb and key in movies}
    if by_imdb:
        note = "movies are found by their IMDb ids"
        yield Way(lambda key: by_imdb.get(imdb_in(key), ""), note, links)
    by_title = {movie.title.casefold(): key for key, movie in movies.items()}
    yield Way(
        lambda key: by_title.get(title_with_year(key).casefold(), ""),
        "movies are found by their titles",
        links,
    )
    by_number = {number: key for key in movies if (number := number_in(key))}
    yield Way(
        lambda key: by_number.get(number_in(key) or "", ""),
        "movies are found by the numbers in their ids, because the letters before them differ",
        links,
    )
