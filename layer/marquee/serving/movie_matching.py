"""Find the movies of the active data set that another site's export names.

An entry of an export has a title and perhaps a year and an IMDb id. A movie matches it by its id
or by having the same name, never by a similar one: a wrong match would become a wrong rating.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from marquee.recommender.links import ExternalIds
from marquee.recommender.model import Movie
from marquee.recommender.title_words import names_of, titles_apart, words_of
from marquee.serving.title_search import TitleSearch

# Characters of a title, counted after ligatures are spelled out: one can stand for 18 letters.
LONGEST_TITLE = 200
MOST_NAMES = 4  # of an entry that are looked up: its title, and alternative titles in brackets


class NoMatch(StrEnum):
    """Why no movie matches an entry."""

    UNKNOWN = "unknown"  # no movie has this id or name
    AMBIGUOUS = "ambiguous"  # several movies do, and the year does not decide between them
    NO_SUCH_YEAR = "no_such_year"  # movies have this name, but they are of other years


class MovieMatcher:
    """Finds movies by IMDb id or name."""

    def __init__(
        self, titles: TitleSearch, movies: Mapping[int, Movie], links: Mapping[int, ExternalIds]
    ) -> None:
        """Index the movies by IMDb id.

        Args:
            titles: the index of the movies' names.
            movies: the active data set's movies, by id.
            links: their ids on other sites; those of other movies are ignored.
        """
        self._titles, self._movies = titles, movies
        # None stands for an id that two movies have.
        self._by_imdb: dict[int, int | None] = {}
        self._linked: set[int] = set()
        for movie_id, ids in links.items():
            number = _imdb_number(ids.imdb)
            if number is None or movie_id not in movies:
                continue
            self._linked.add(movie_id)
            self._by_imdb[number] = None if number in self._by_imdb else movie_id

    def match(
        self, title: str, year: int | None = None, imdb_id: str | None = None
    ) -> int | NoMatch:
        """Return the id of the movie that an entry names, or why there is none.

        The IMDb id decides if a movie has it. Otherwise the title does, among the movies that have
        no IMDb id of their own, which would be another one.

        Args:
            title: any title of the movie; accents, case, punctuation and the place of an article
                make no difference.
            year: of release. A movie of the year before or after matches if none is of this year
                and it is the only one.
            imdb_id: such as `tt0114709`.
        """
        number = _imdb_number(imdb_id and imdb_id.removeprefix("tt"))
        if number in self._by_imdb:
            movie_id = self._by_imdb[number]
            return NoMatch.AMBIGUOUS if movie_id is None else movie_id
        excluded = self._linked if number is not None else set[int]()
        best = NoMatch.UNKNOWN
        for words in _names_in(title):
            found = self._called(words, year, excluded)
            if not isinstance(found, NoMatch) or found is NoMatch.AMBIGUOUS:
                return found
            best = found if best is NoMatch.UNKNOWN else best
        return best

    def _called(
        self, words: tuple[str, ...], year: int | None, excluded: set[int]
    ) -> int | NoMatch:
        """Return the movie of this name and year.

        Movies that have the name in another spelling count only with a year, and only if none of
        that year has exactly this name.
        """
        exact, other = (
            [each for each in movie_ids if each not in excluded]
            for movie_ids in self._titles.called(words)
        )
        found = self._of_year(exact, year)
        if year is None or not isinstance(found, NoMatch) or found is NoMatch.AMBIGUOUS:
            return found
        spelled = self._of_year(other, year)
        return found if spelled is NoMatch.UNKNOWN else spelled

    def _of_year(self, movie_ids: list[int], year: int | None) -> int | NoMatch:
        """Return the only movie of the year, else of a year next to it, else without a year."""
        if not movie_ids:
            return NoMatch.UNKNOWN
        if year is None:
            return _only(movie_ids)
        for fits in _fitting(year):
            found = [each for each in movie_ids if fits(self._movies[each].year)]
            if found:
                return _only(found)
        return NoMatch.NO_SUCH_YEAR


def _fitting(year: int) -> Iterable[Callable[[int | None], bool]]:
    """Return tests of a movie's year, the strictest first."""
    return (
        lambda other: other == year,
        lambda other: other is not None and abs(other - year) == 1,
        lambda other: other is None,
    )


def _only(movie_ids: list[int]) -> int | NoMatch:
    return movie_ids[0] if len(movie_ids) == 1 else NoMatch.AMBIGUOUS


def _names_in(title: str) -> list[tuple[str, ...]]:
    """Return the words of a title, and of the alternative titles in its brackets.

    A title that is too long for a movie has none.
    """
    plain = " ".join(title.split())
    if len(unicodedata.normalize("NFKC", plain)) > LONGEST_TITLE:
        return []
    ((first, others),) = titles_apart([(plain, None)])
    names = (words_of(names_of(each)[0]) for each in (first, *others[: MOST_NAMES - 1]))
    return [*dict.fromkeys(name for name in names if name)]


def _imdb_number(digits: str | None) -> int | None:
    """Return an IMDb id as a number: ids are written with and without leading zeros."""
    return int(digits) if digits and digits.isascii() and digits.isdecimal() else None
