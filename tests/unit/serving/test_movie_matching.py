"""An entry of another site's export matches the movie that it names, or none."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.recommender.links import ExternalIds
from marquee.recommender.model import Model
from marquee.serving.forms import MAX_TITLE
from marquee.serving.movie_matching import MOST_NAMES, MovieMatcher, NoMatch
from marquee.serving.title_search import TitleSearch
from tests.films import film_model, model_with

MODEL = film_model()
IDS = {(movie.title, movie.year): movie_id for movie_id, movie in MODEL.movies.items()}
MATRIX, SEVEN, AMELIE = IDS["The Matrix", 1999], IDS["Seven", 1995], IDS["Amelie", 2001]
ALIEN, ALIENS = IDS["Alien", 1979], IDS["Aliens", 1986]
LINKS = {
    ALIEN: ExternalIds("0078748"),
    ALIENS: ExternalIds("0090605"),
    SEVEN: ExternalIds("0114369"),
    MATRIX: ExternalIds(None, 603),
    99_999: ExternalIds("0000001"),  # of no movie of the model
}
MATCHER = MovieMatcher(TitleSearch(MODEL), MODEL.movies, LINKS)


def matcher_of(model: Model) -> MovieMatcher:
    return MovieMatcher(TitleSearch(model), model.movies, {})


TWINS_MODEL = model_with(
    ("Emma", 1996), ("Emma", 1997), ("Crash", 2004), ("Crash", 2004), ("The Gift", 2000)
)
TWINS = matcher_of(TWINS_MODEL)
EMMA_1996, EMMA_1997, _, _, GIFT = TWINS_MODEL.movies


@pytest.mark.parametrize(
    ("title", "year", "movie_id"),
    [
        ("The Matrix", 1999, MATRIX),
        ("Matrix, The", 1999, MATRIX),
        ("Matrix", 1999, MATRIX),
        ("  the   MATRIX! ", 1999, MATRIX),
        ("The Matrix", None, MATRIX),
        ("The Matrix", 1998, MATRIX),
        ("The Matrix", 2000, MATRIX),
        ("Amélie", 2001, AMELIE),
        ("Le Fabuleux Destin d'Amélie Poulain", 2001, AMELIE),
        ("Fabuleux destin d’Amélie Poulain, Le", 2001, AMELIE),
        ("Amelie (Le fabuleux destin d'Amélie Poulain)", 2001, AMELIE),
        ("Se7en", 1995, SEVEN),
        ("Spiderman", 2002, IDS["Spider-Man", 2002]),
        ("Wall-E", 2008, IDS["WALL·E", 2008]),
        ("M.A.S.H.", 1970, IDS["M*A*S*H", 1970]),
        ("The Godfather Part 2", 1974, IDS["The Godfather: Part II", 1974]),
        ("Dune", 1984, IDS["Dune", 1984]),
        ("Dune", 2001, IDS["Dune", 2000]),
        ("Godfather of Harlem", 2019, IDS["Godfather of Harlem", None]),
    ],
)
def test_a_title_matches_the_movie_of_that_name_and_year(
    title: str, year: int | None, movie_id: int
) -> None:
    assert MATCHER.match(title, year) == movie_id


@pytest.mark.parametrize(
    ("title", "year", "reason"),
    [
        ("Oppenheimer", 2023, NoMatch.UNKNOWN),
        ("The Matrix Resurrections", 2021, NoMatch.UNKNOWN),
        ("Matrixx", 1999, NoMatch.UNKNOWN),
        ("Matri", 1999, NoMatch.UNKNOWN),
        ("Matrix", None, NoMatch.UNKNOWN),  # without a year, only the exact name counts
        ("?!", 1999, NoMatch.UNKNOWN),
        ("The Matrix", 2001, NoMatch.NO_SUCH_YEAR),
        ("Dune", 2021, NoMatch.NO_SUCH_YEAR),
        ("Dune", None, NoMatch.AMBIGUOUS),
    ],
)
def test_without_exactly_one_movie_the_reason_is_given(
    title: str, year: int | None, reason: NoMatch
) -> None:
    assert MATCHER.match(title, year) is reason


@pytest.mark.parametrize(
    ("title", "year", "expected"),
    [
        ("Emma", 1996, EMMA_1996),
        ("Emma", 1997, EMMA_1997),
        ("Emma", 1995, EMMA_1996),
        ("Emma", 1998, EMMA_1997),
        ("Emma", 2020, NoMatch.NO_SUCH_YEAR),
        ("Crash", 2004, NoMatch.AMBIGUOUS),
        ("Crash", 2005, NoMatch.AMBIGUOUS),
        ("Gift", 2000, GIFT),
        ("Gift", 1980, NoMatch.NO_SUCH_YEAR),
    ],
)
def test_the_year_decides_between_movies_of_one_name(
    title: str, year: int, expected: int | NoMatch
) -> None:
    assert TWINS.match(title, year) == expected


def test_one_year_away_on_both_sides_is_ambiguous() -> None:
    around = matcher_of(model_with(("Emma", 1995), ("Emma", 1997)))
    assert around.match("Emma", 1996) is NoMatch.AMBIGUOUS


@pytest.mark.parametrize("imdb_id", ["tt0078748", "tt78748", "tt00078748"])
def test_an_imdb_id_decides_whatever_the_title_says(imdb_id: str) -> None:
    assert MATCHER.match("Aliens", 1986, imdb_id) == ALIEN


def test_a_movie_with_another_imdb_id_does_not_match_by_its_title() -> None:
    assert MATCHER.match("Alien", 1979, "tt7777777") is NoMatch.UNKNOWN
    assert MATCHER.match("Alien", 1979) == ALIEN


def test_a_movie_without_an_imdb_id_matches_by_its_title() -> None:
    assert MATCHER.match("The Matrix", 1999, "tt0133093") == MATRIX


def test_an_imdb_id_of_a_movie_that_the_model_lacks_is_unknown() -> None:
    assert MATCHER.match("Lost", 1950, "tt0000001") is NoMatch.UNKNOWN


def test_an_imdb_id_that_two_movies_have_is_ambiguous() -> None:
    links = {ALIEN: ExternalIds("0078748"), ALIENS: ExternalIds("78748")}
    twice = MovieMatcher(TitleSearch(MODEL), MODEL.movies, links)
    assert twice.match("Alien", 1979, "tt0078748") is NoMatch.AMBIGUOUS


WORDS = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9), min_size=1, max_size=5
).map(" ".join)
YEARS = st.integers(1900, 2030)
WRITTEN: dict[str, Callable[[str], str]] = {
    "moved article": lambda title: f"{title}, The",
    "capitals": lambda title: f"The {title}".upper(),
    "accents": lambda title: f"The {title}".translate(str.maketrans("aeiou", "äéîõů")),
    "decomposed accents": lambda title: unicodedata.normalize(
        "NFD", f"The {title}".translate(str.maketrans("aeiou", "äéîõů"))
    ),
    "punctuation": lambda title: f"The “{title.replace(' ', ', ')}”!?",
    "hyphens": lambda title: f"The {title.replace(' ', '-')}",
    "spaces": lambda title: f" The \t {title.replace(' ', '   ')} ",
    "without the article": lambda title: title,
}


@given(title=WORDS, year=YEARS, way=st.sampled_from(sorted(WRITTEN)))
def test_any_way_to_write_a_title_matches_its_movie(title: str, year: int, way: str) -> None:
    model = model_with((f"The {title}", year), ("Another Unlikely Name", 1960))
    (movie_id, _) = model.movies
    assert matcher_of(model).match(WRITTEN[way](title), year) == movie_id


@given(title=st.text(max_size=MAX_TITLE), year=st.none() | YEARS)
def test_any_text_gets_an_answer_and_only_a_movie_of_about_that_year(
    title: str, year: int | None
) -> None:
    found = MATCHER.match(title, year)
    if not isinstance(found, NoMatch) and year is not None:
        assert abs((MODEL.movies[found].year or year) - year) <= 1


HOSTILE = [
    "(" * MAX_TITLE,
    " (a)" * (MAX_TITLE // 4),
    "x" + " (" * ((MAX_TITLE - 2) // 2) + ")",
    " " * (MAX_TITLE - 1) + "x",
    "a " * (MAX_TITLE // 2),
    "d'" * (MAX_TITLE // 2),
    "a-" * (MAX_TITLE // 2),
    "the " * (MAX_TITLE // 4),
    "ﷺ" * MAX_TITLE,  # becomes eighteen letters
    "x (" + "(a)" * 65 + ")",
    "½" * MAX_TITLE,
]


class CountingTitles(TitleSearch):
    looked_up = 0

    def called(self, words: tuple[str, ...]) -> tuple[list[int], list[int]]:
        self.looked_up += 1
        return super().called(words)


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_causes_many_look_ups(title: str) -> None:
    titles = CountingTitles(MODEL)
    assert MovieMatcher(titles, MODEL.movies, {}).match(title[:MAX_TITLE], 1999) in NoMatch
    assert titles.looked_up <= MOST_NAMES


@pytest.mark.parametrize("title", ["ﷺ" * MAX_TITLE, "½" * MAX_TITLE])
def test_a_title_that_grows_beyond_the_limit_is_not_looked_up(title: str) -> None:
    titles = CountingTitles(MODEL)
    assert MovieMatcher(titles, MODEL.movies, {}).match(title, 1999) is NoMatch.UNKNOWN
    assert titles.looked_up == 0
