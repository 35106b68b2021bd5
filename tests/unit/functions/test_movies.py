"""Movies through the API: by title, by id, and similar movies."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from marquee.recommender.links import ExternalIds, pack_links
from marquee.recommender.model import Model, Movie, Series
from marquee.recommender.model_folder import LINKS, TITLES
from marquee.recommender.similarity import SIMILAR, SimilarMovies, SimilarOnDemand, pack_similar
from marquee.recommender.title_index import build_titles
from tests.models import FIRST, random_model
from tests.unit.api import Api
from tests.unit.aws import Aws
from tests.unit.functions.test_picks import put, put_file

ALIEN, ALIENS, AMELIE = FIRST, FIRST + 1, FIRST + 2
LE_FABULEUX = "Le Fabuleux destin d'Amélie Poulain"


def film_model() -> Model:
    model = random_model(30)
    films = {
        ALIEN: Movie(ALIEN, "Alien", 1979, ("Horror", "Sci-Fi")),
        ALIENS: Movie(ALIENS, "Aliens", 1986, ("Action", "Sci-Fi")),
        AMELIE: Movie(AMELIE, "Amelie", 2001, (), (LE_FABULEUX,)),
    }
    series = (Series("Alien", (ALIEN, ALIENS)),)
    return replace(model, movies={**model.movies, **films}, series=series)


MODEL = film_model()


def get(api: Api, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    status, body, _ = api.call("GET", f"{path}?{urlencode(query)}")
    return status, body


@pytest.fixture(scope="module")
def api(account: Aws, warm: Api) -> Iterator[Api]:
    account.wipe()
    links = {ALIEN: ExternalIds("0078748", 348), ALIENS: ExternalIds("0090605", None)}
    beside = {TITLES: build_titles(MODEL), LINKS: pack_links(links)}
    put(account, MODEL, beside)
    yield warm
    account.wipe()


def ids(answer: dict[str, Any]) -> list[int]:
    return [movie["movie_id"] for movie in answer["movies"]]


def test_a_title_finds_its_movie_first(api: Api) -> None:
    status, found = get(api, "/movies", q="amélie")
    assert status == 200
    assert found["movies"][0] == {
        "movie_id": AMELIE,
        "title": "Amelie",
        "year": 2001,
        "genres": [],
        "part": None,
        "alternative_titles": [LE_FABULEUX],
    }
    assert ids(get(api, "/movies", q="le fabuleux")[1])[0] == AMELIE
    assert (found["dataset"], found["model_id"]) == (MODEL.dataset, MODEL.model_id)


def test_a_search_returns_at_most_the_number_of_movies_asked_for(api: Api) -> None:
    assert len(get(api, "/movies", q="film")[1]["movies"]) == 8
    assert len(get(api, "/movies", q="film", count="20")[1]["movies"]) == 20
    assert ids(get(api, "/movies", q="alien", count="1")[1]) == [ALIEN]


def test_a_search_for_punctuation_finds_nothing(api: Api) -> None:
    status, found = get(api, "/movies", q="?!")
    assert (status, found["movies"], found["topic"]) == (200, [], None)


@pytest.mark.parametrize("words", ["oppenheimer", "tom hanks", "alien 2099"])
def test_a_search_for_what_is_not_there_says_where_the_catalogue_ends(api: Api, words: str) -> None:
    _, found = get(api, "/movies", q=words)
    last = max(movie.year or 0 for movie in MODEL.movies.values())
    assert (found["movies"], found["last_year"]) == ([], last)


def test_a_genre_in_place_of_a_title_gives_its_movies(api: Api) -> None:
    _, found = get(api, "/movies", q="horror movies")
    assert ids(found) == [ALIEN]
    assert found["topic"] == {"genre": "Horror", "first_year": None, "last_year": None}


def test_a_decade_in_place_of_a_title_gives_its_movies(api: Api) -> None:
    _, found = get(api, "/movies", q="1980s", count="20")
    assert found["topic"] == {"genre": None, "first_year": 1980, "last_year": 1989}
    assert {movie["year"] // 10 for movie in found["movies"]} == {198}


def test_the_catalogue_lists_all_genres_and_its_years(api: Api) -> None:
    status, catalogue = get(api, "/catalogue")
    years = [movie.year for movie in MODEL.movies.values() if movie.year]
    assert (status, catalogue["genres"]) == (200, ["Action", "Drama", "Horror", "Sci-Fi"])
    assert (catalogue["first_year"], catalogue["last_year"]) == (min(years), max(years))


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({}, "q", "This field is missing."),
    ({"q": ""}, "q", "Type some letters."),
    ({"q": "x" * 101}, "q", "Type at most 100 characters."),
    ({"q": "x", "count": "0"}, "count", "Give at least 1."),
    ({"q": "x", "count": "21"}, "count", "Give at most 20."),
    ({"q": "x", "count": "many"}, "count", "Give a whole number."),
]


@pytest.mark.parametrize(("query", "field", "message"), WRONG)
def test_an_invalid_search_is_rejected_by_field(
    api: Api, query: dict[str, str], field: str, message: str
) -> None:
    status, answer = get(api, "/movies", **query)
    assert (status, answer["errors"]) == (422, [{"field": field, "message": message}])


def test_a_movie_is_returned_with_its_ratings_links_and_series(api: Api) -> None:
    status, answer = get(api, f"/movies/{ALIEN}")
    assert MODEL.profiles is not None
    assert status == 200
    assert answer["movie"] == {
        "movie_id": ALIEN,
        "title": "Alien",
        "year": 1979,
        "genres": ["Horror", "Sci-Fi"],
        "part": {"series": "Alien", "number": 1},
        "alternative_titles": [],
        "ratings": 500,
        "mean_stars": round(float(MODEL.profiles.mean[0]), 2),
        "links": {
            "imdb": "https://www.imdb.com/title/tt0078748/",
            "tmdb": "https://www.themoviedb.org/movie/348",
        },
        "series": {
            "name": "Alien",
            "movies": [
                {
                    "movie_id": ALIEN,
                    "title": "Alien",
                    "year": 1979,
                    "genres": ["Horror", "Sci-Fi"],
                    "part": {"series": "Alien", "number": 1},
                },
                {
                    "movie_id": ALIENS,
                    "title": "Aliens",
                    "year": 1986,
                    "genres": ["Action", "Sci-Fi"],
                    "part": {"series": "Alien", "number": 2},
                },
            ],
        },
    }


def test_a_movie_of_no_series_says_so(api: Api) -> None:
    assert get(api, f"/movies/{AMELIE}")[1]["movie"]["series"] is None


def test_a_movie_has_the_links_that_the_data_set_has(api: Api) -> None:
    assert [*get(api, f"/movies/{ALIENS}")[1]["movie"]["links"]] == ["imdb"]
    assert get(api, f"/movies/{AMELIE}")[1]["movie"]["links"] == {}


@pytest.mark.parametrize("path", ["/movies/7", "/movies/7/similar", f"/movies/{10**30}"])
def test_an_unknown_movie_is_not_found(api: Api, path: str) -> None:
    status, answer = get(api, path)
    assert (status, answer["errors"][0]["field"]) == (404, "movie_id")


def test_an_id_that_is_not_a_number_is_rejected(api: Api) -> None:
    assert get(api, "/movies/alien") == (
        422,
        {"errors": [{"field": "movie_id", "message": "Give a whole number."}], "more": 0},
    )


def test_without_stored_similar_movies_they_are_computed_on_request(
    api: Api,
) -> None:
    status, answer = get(api, f"/movies/{ALIEN}/similar", count="3")
    expected = SimilarOnDemand(MODEL).of(ALIEN, 3)
    assert (status, answer["movie"]["movie_id"]) == (200, ALIEN)
    assert [(movie["movie_id"], movie["similarity"]) for movie in answer["movies"]] == [
        (near, round(score, 4)) for near, score in expected
    ]


def test_similar_movies_in_the_model_folder_are_returned(aws: Aws) -> None:
    put(aws, MODEL)
    count = len(MODEL.rating.movie_ids)
    similar_ids = MODEL.rating.movie_ids[::-1][None, :2].repeat(count, axis=0)
    scores = (0 * similar_ids + [[0.9, 0.5]]).astype("float32")
    similar = SimilarMovies(MODEL.rating.movie_ids, similar_ids, scores)
    put_file(aws, MODEL, SIMILAR, pack_similar(similar))
    _, answer = get(Api(aws), f"/movies/{ALIEN}/similar")
    assert [(movie["movie_id"], movie["similarity"]) for movie in answer["movies"]] == [
        (FIRST + 29, 0.9),
        (FIRST + 28, 0.5),
    ]


@pytest.mark.parametrize("count", ["0", "51"])
def test_a_count_of_similar_movies_is_from_1_to_50(api: Api, count: str) -> None:
    status, answer = get(api, f"/movies/{ALIEN}/similar", count=count)
    assert (status, answer["errors"][0]["field"]) == (422, "count")


def test_titles_are_found_without_a_title_index(aws: Aws) -> None:
    put(aws, MODEL)
    api = Api(aws)
    assert ids(get(api, "/movies", q="alien", count="2")[1]) == [ALIEN, ALIENS]
    assert get(api, f"/movies/{ALIEN}")[1]["movie"]["links"] == {}


@pytest.mark.parametrize("damaged", [TITLES, LINKS, SIMILAR])
def test_a_damaged_file_next_to_the_model_does_not_affect_the_others(
    aws: Aws, damaged: str
) -> None:
    put(aws, MODEL, {TITLES: build_titles(MODEL), LINKS: pack_links({ALIEN: ExternalIds("1", 1)})})
    put_file(aws, MODEL, damaged, b"not this")
    api = Api(aws)
    assert ids(get(api, "/movies", q="alien", count="1")[1]) == [ALIEN]
    assert get(api, f"/movies/{ALIEN}")[0] == 200
    assert get(api, f"/movies/{ALIEN}/similar")[0] == 200


def test_a_search_before_the_first_model_is_answered_with_503(aws: Aws) -> None:
    assert get(Api(aws), "/movies", q="alien")[0] == 503


def test_a_title_index_of_other_movies_is_not_used(aws: Aws) -> None:
    other = build_titles(random_model(30, first=900))
    put(aws, MODEL, {TITLES: other})
    assert ids(get(Api(aws), "/movies", q="alien", count="1")[1]) == [ALIEN]


@pytest.mark.parametrize(("ratings", "few"), [(1, True), (9, True), (10, False), (500, False)])
def test_similar_movies_say_if_too_few_people_rated_the_movie(
    aws: Aws, ratings: int, few: bool
) -> None:
    support = MODEL.rating.support.copy()
    support[0] = ratings
    put(aws, replace(MODEL, rating=replace(MODEL.rating, support=support)))
    _, answer = get(Api(aws), f"/movies/{ALIEN}/similar")
    assert (answer["ratings"], answer["few_ratings"]) == (ratings, few)
