"""The search finds the film that a query means."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.recommender.model import Model, ModelError, Movie, Series
from marquee.recommender.title_index import build_titles
from marquee.recommender.title_words import titles_apart
from marquee.serving.search_terms import Topic
from marquee.serving.title_search import MAX_QUERY, TitleSearch, typed
from tests.films import film_model, model_with
from tests.models import random_model
from tests.typed import TYPED

MODEL = film_model()
TITLES = TitleSearch(MODEL, build_titles(MODEL))
SERIES_MODEL = model_with(
    ("Harry Potter and the Sorcerer's Stone", 2001),
    ("Harry Potter and the Chamber of Secrets", 2002),
    ("Harry Potter and the Prisoner of Azkaban", 2004),
    ("Harry Potter and the Deathly Hallows: Part 1", 2010),
    ("The Lord of the Rings: The Fellowship of the Ring", 2001),
    ("The Lord of the Rings: The Two Towers", 2002),
    ("Rocky", 1976),
    ("Rocky II", 1979),
    ("GoldenEye (Golden Eye)", 1995),
    ("Goldfinger", 1964),
    ("Casino Royale", 1967),
)
SERIES = TitleSearch(SERIES_MODEL)
TOPICS_MODEL = model_with(
    ("Alien", 1979, "Horror", "Sci-Fi"),
    ("Airplane!", 1980, "Comedy"),
    ("Saw", 2004, "Horror"),
    ("Laura", 1944, "Film-Noir"),
    ("2004: A Light Knight's Odyssey", 2014),
    ("Comedy", 2002),
)
TOPICS = TitleSearch(TOPICS_MODEL)
FOUND_LEAST = 57  # number of the 60 queries for which the right film must come first


def first(query: str, titles: TitleSearch = TITLES, model: Model = MODEL) -> tuple[str, int | None]:
    found = [model.movies[movie_id] for movie_id in titles.search(query, 1)]
    return (found[0].title, found[0].year) if found else ("", None)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("the", "The Shawshank Redemption"),
        ("matrix", "The Matrix"),
        ("matrix, the", "The Matrix"),
        ("MATRIX", "The Matrix"),
        ("  the   matrix ", "The Matrix"),
        ("the matrix reloaded", "The Matrix Reloaded"),
        ("alien", "Alien"),
        ("aliens", "Aliens"),
        ("die hard", "Die Hard"),
        ("amelie", "Amelie"),
        ("Amélie Poulain", "Amelie"),
        ("seven", "Seven"),
        ("se7en", "Seven"),
        ("7", "Seven"),
        ("m*a*s*h", "M*A*S*H"),
        ("mash", "M*A*S*H"),
        ("wall-e", "WALL·E"),
        ("walle", "WALL·E"),
        ("et", "E.T. the Extra-Terrestrial"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("starwars", "Star Wars: Episode IV - A New Hope"),
        ("indiana jones", "Raiders of the Lost Ark"),
    ],
)
def test_a_film_is_found_in_any_spelling(query: str, title: str) -> None:
    assert first(query)[0] == title


@pytest.mark.parametrize(
    ("query", "film"),
    [
        ("star wars 4", ("Star Wars: Episode IV - A New Hope", 1977)),
        ("star wars v", ("Star Wars: Episode V - The Empire Strikes Back", 1980)),
        ("star wars five", ("Star Wars: Episode V - The Empire Strikes Back", 1980)),
        ("rocky 2", ("Rocky II", 1979)),
        ("godfather ii", ("The Godfather: Part II", 1974)),
        ("godfather two", ("The Godfather: Part II", 1974)),
        ("harry potter 3", ("Harry Potter and the Prisoner of Azkaban", 2004)),
        ("dune", ("Dune", 1984)),
        ("dune 2000", ("Dune", 2000)),
        ("dune 2001", ("Dune", 2000)),
        ("seven 1960", ("The Magnificent Seven", 1960)),
        ("2012", ("2012", 2009)),
    ],
)
def test_numbers_in_a_query_mean_parts_and_years(query: str, film: tuple[str, int]) -> None:
    assert first(query) == film


@pytest.mark.parametrize(
    "query", ["m", "ma", "mat", "matr", "the matr", "matirx", "mtarix", "matrxi", "the martix"]
)
def test_the_beginning_of_a_title_is_enough_and_a_typing_error_does_no_harm(query: str) -> None:
    assert first(query)[0] in ("The Matrix", "M*A*S*H")
    assert query == "m" or first(query)[0] == "The Matrix"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("godfahter", "The Godfather"),
        ("shawshenk", "The Shawshank Redemption"),
        ("shaw shank", "The Shawshank Redemption"),
        ("darkknight", "The Dark Knight"),
        ("dark nite", "The Dark Knight"),
        ("hary poter", "Harry Potter and the Sorcerer's Stone"),
        ("raiders of teh lost arc", "Raiders of the Lost Ark"),
        ("the shawshank redemption movie", "The Shawshank Redemption"),
    ],
)
def test_unknown_words_match_similar_words_of_titles(query: str, title: str) -> None:
    assert first(query)[0] == title


@pytest.mark.parametrize(
    "query",
    [
        "knives out",
        "tom hanks",
        "oppenheimer",
        "barbie",
        "brad pitt",
        "everything everywhere all at once",
        "top gun maverick",
        "dune 2121",
        "horror",  # no movie of this model has a genre
    ],
)
def test_weak_matches_are_left_out(query: str) -> None:
    assert TITLES.search(query, 20) == []


@pytest.mark.parametrize(
    ("query", "film"),
    [
        ("lotr", ("The Lord of the Rings: The Fellowship of the Ring", 2001)),
        ("lotr 2", ("The Lord of the Rings: The Two Towers", 2002)),
        ("hp 2", ("Harry Potter and the Chamber of Secrets", 2002)),
        ("harry potter 1", ("Harry Potter and the Sorcerer's Stone", 2001)),
        ("harry potter 4", ("Harry Potter and the Deathly Hallows: Part 1", 2010)),
        ("rocky 1", ("Rocky", 1976)),
        ("james bond", ("Goldfinger", 1964)),
        ("007", ("Goldfinger", 1964)),
        ("james bond 2", ("GoldenEye", 1995)),
    ],
)
def test_a_series_is_found_by_its_common_name_and_its_parts_by_number(
    query: str, film: tuple[str, int]
) -> None:
    assert first(query, SERIES, SERIES_MODEL) == film


def test_the_parts_of_a_series_of_the_model_are_counted_in_its_order() -> None:
    ids = list(SERIES_MODEL.movies)
    model = replace(SERIES_MODEL, series=(Series("Harry Potter", (ids[2], ids[0])),))
    titles = TitleSearch(model)
    assert first("harry potter 1", titles, model)[1] == 2004
    assert first("harry potter 2", titles, model)[1] == 2001


def test_a_series_without_a_common_title_is_listed_in_its_order() -> None:
    found = [SERIES_MODEL.movies[movie_id].year for movie_id in SERIES.search("james bond", 20)]
    assert found == [1964, 1995]


@pytest.mark.parametrize(
    ("query", "topic", "titles"),
    [
        ("horror", Topic("Horror", None, None), ["Alien", "Saw"]),
        ("Horror movies", Topic("Horror", None, None), ["Alien", "Saw"]),
        ("sci fi", Topic("Sci-Fi", None, None), ["Alien"]),
        ("science fiction films", Topic("Sci-Fi", None, None), ["Alien"]),
        ("comedies", Topic("Comedy", None, None), ["Airplane!"]),
        ("comedy", Topic("Comedy", None, None), ["Comedy", "Airplane!"]),
        ("noir", Topic("Film-Noir", None, None), ["Laura"]),
        ("film noir", Topic("Film-Noir", None, None), ["Laura"]),
        ("1970s", Topic(None, 1970, 1979), ["Alien"]),
        ("the 70s", Topic(None, 1970, 1979), ["Alien"]),
        ("seventies horror", Topic("Horror", 1970, 1979), ["Alien"]),
        ("2004", Topic(None, 2004, 2004), ["2004: A Light Knight's Odyssey", "Saw"]),
    ],
)
def test_a_genre_a_decade_or_a_year_gives_a_list(
    query: str, topic: Topic, titles: list[str]
) -> None:
    found = [TOPICS_MODEL.movies[movie_id].title for movie_id in TOPICS.search(query, 20)]
    assert (TOPICS.topic(query), found) == (topic, titles)


@pytest.mark.parametrize("query", ["2023", "1800s", "opera", "alien horror", "1970s 1980s", "the"])
def test_other_texts_and_years_without_movies_are_no_topic(query: str) -> None:
    assert TOPICS.topic(query) is None


def test_the_most_rated_of_films_with_one_beginning_comes_first() -> None:
    found = [MODEL.movies[movie_id].year for movie_id in TITLES.search("star wars", 2)]
    assert found == [1977, 1980]


def test_an_exact_title_comes_before_a_more_popular_film() -> None:
    assert first("magnificent seven")[0] == "The Magnificent Seven"
    assert first("godfather of harlem")[0] == "Godfather of Harlem"


@pytest.mark.parametrize("query", ["", " ", "?", "$", "zzzzqqqq", '"', "\0", "NEAR(", "title:"])
def test_a_meaningless_query_does_not_fail(query: str) -> None:
    assert len(TITLES.search(query, 8)) <= 8


@given(st.text(max_size=MAX_QUERY + 20), st.integers(1, 20))
def test_no_text_makes_a_search_fail(query: str, count: int) -> None:
    found = TITLES.search(query, count)
    assert len(found) == len(set(found)) <= count
    assert set(found) <= MODEL.movies.keys()


@given(st.lists(st.sampled_from(["the", "OR", "AND", "NOT", "NEAR", '"', "*", "2", "ii", "mat"])))
def test_keywords_of_the_query_language_count_as_plain_words(words: list[str]) -> None:
    assert len(TITLES.search(" ".join(words), 5)) <= 5


def test_every_film_is_found_by_its_own_title() -> None:
    for movie in MODEL.movies.values():
        if movie.title != "$":  # a title without letters cannot be found
            found = TITLES.search(f"{movie.title} {movie.year or ''}", 1)
            assert found == [movie.movie_id], movie.title


def test_a_missing_index_is_built() -> None:
    assert TitleSearch(MODEL).search("matrix", 3) == TITLES.search("matrix", 3)


def test_an_index_of_another_model_is_an_error() -> None:
    with pytest.raises(ModelError, match="does not list the model's movies"):
        TitleSearch(MODEL, build_titles(random_model(3)))


def test_a_long_query_is_cut_to_a_searchable_length() -> None:
    assert len(typed("a1 " * 1000).words) <= 12


@pytest.mark.parametrize("query", ["knives out", "tom hanks", "oppenheimer", "barbie", "nolan"])
def test_names_that_are_not_in_movielens_find_nothing(query: str, shared_data: Path) -> None:
    assert TitleSearch(model_of(shared_data / "ml-latest-small")).search(query, 20) == []


def test_at_least_57_of_60_typical_queries_find_the_intended_film_first(
    shared_data: Path,
) -> None:
    movielens = model_of(shared_data / "ml-latest-small")
    titles = TitleSearch(movielens)
    missed = [
        (query, first(query, titles, movielens))
        for query, title, year in TYPED
        if first(query, titles, movielens) != (title, year)
    ]
    assert len(TYPED) == 60
    assert len(TYPED) - len(missed) >= FOUND_LEAST, missed


def model_of(folder: Path) -> Model:
    """Return a model with a MovieLens data set's films and their numbers of ratings."""
    with (folder / "ratings.csv").open(encoding="utf-8") as file:
        ratings = Counter(int(row["movieId"]) for row in csv.DictReader(file))
    with (folder / "movies.csv").open(encoding="utf-8") as file:
        listed = {int(row["movieId"]): _prepared(row["title"]) for row in csv.DictReader(file)}
    titles = dict(zip(listed, titles_apart(listed.values()), strict=True))
    movies = {
        movie_id: Movie(movie_id, title, listed[movie_id][1], (), others)
        for movie_id, (title, others) in titles.items()
        if ratings[movie_id]
    }
    base = random_model(len(movies), 2)
    ids = np.array(sorted(movies), dtype=np.int32)
    support = np.array([ratings[movie_id] for movie_id in ids.tolist()], dtype=np.int32)
    return replace(base, rating=replace(base.rating, movie_ids=ids, support=support), movies=movies)


def _prepared(title: str) -> tuple[str, int | None]:
    """Split a title as the prepare step does: (title with its article in front, year)."""
    found = re.search(r"\s*\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$", title)
    bare = title[: found.start()] if found else title.strip()
    article = r"^(.+?), (The|A|An|Les|Le|La|Il|El|Los|Las|Der|Die|Das|Un|Une|Una)( \(.*)?$"
    in_front = re.sub(article, r"\2 \1\3", bare)
    return in_front, int(found[1]) if found else None
