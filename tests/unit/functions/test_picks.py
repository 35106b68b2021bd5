"""Picks by any model, of given genres or years."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from marquee.aws.buckets import ModelsBucket
from marquee.aws.model_store import ModelStore
from marquee.contracts import CurrentModel
from marquee.recommender.liked_share import LikedShare
from marquee.recommender.model import LikedShareCalibration, Model, Series
from marquee.recommender.model_folder import to_files
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import MODEL_NAMES, UnknownModelError
from tests.models import FIRST, random_model
from tests.unit.aws import Aws, context, event

RATINGS = [{"movie_id": FIRST + row, "stars": 1 + row % 5} for row in range(0, 12, 2)]


def film_model() -> Model:
    """Return a model where every third movie is a comedy, with one movie a year from 1970."""
    model = random_model(60)
    movies = {
        movie_id: replace(
            movie,
            genres=("Comedy",) if movie_id % 3 == 0 else ("Drama",),
            year=1970 + movie_id - FIRST,
        )
        for movie_id, movie in model.movies.items()
    }
    return replace(model, movies=movies, liked_share=LikedShareCalibration(0.3, 1.2))


def put(aws: Aws, model: Model, beside: Mapping[str, bytes] | None = None) -> None:
    """Store a model and publish it."""
    for name, content in to_files(model, beside).items():
        put_file(aws, model, name, content)
    current = CurrentModel(model.model_id, model.dataset, model.trained_at, 10, 100)
    aws.client("s3").put_object(
        Bucket="marquee-test-models", Key="current.json", Body=current.to_json()
    )


def put_file(aws: Aws, model: Model, name: str, content: bytes) -> None:
    key = f"{model.model_id}/{name}"
    aws.client("s3").put_object(Bucket="marquee-test-models", Key=key, Body=content)


@pytest.fixture(scope="module")
def api(account: Aws) -> Iterator[Any]:
    account.wipe()
    put(account, film_model())
    function = account.load("ingest")

    def ask(**more: object) -> tuple[int, dict[str, Any]]:
        request = event("ingest") | {"path": "/picks", "httpMethod": "POST"}
        request["body"] = json.dumps({"ratings": RATINGS, **more})
        answer = function.handler(request, context("ingest"))
        return answer["statusCode"], json.loads(answer["body"])

    yield ask
    account.wipe()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_picks_come_from_the_named_model(api: Any, name: str) -> None:
    status, body = api(model=name)
    given = {rating["movie_id"]: rating["stars"] for rating in RATINGS}
    expected = Recommender(film_model(), name).picks(given)
    assert status == 200
    assert [pick["movie_id"] for pick in body["picks"]] == [pick.movie_id for pick in expected]


def test_picks_say_which_share_of_them_the_visitor_will_like(api: Any) -> None:
    model = film_model()
    assert model.liked_share is not None
    given = {rating["movie_id"]: float(rating["stars"]) for rating in RATINGS}
    picks = Recommender(model).picks(given)
    expected = LikedShare(model.rating, model.liked_share).of(given, picks)
    assert api()[1]["liked_share"] == pytest.approx(expected, abs=0.005)


def test_only_the_ranking_model_predicts_a_liked_share(api: Any) -> None:
    assert api(model="rating")[1]["liked_share"] is None


def test_without_a_name_picks_come_from_the_ranking_model(api: Any) -> None:
    assert api() == api(model="ranking")


def test_picks_are_of_the_wanted_genres_only(api: Any) -> None:
    _, body = api(genres=["Comedy"])
    assert len(body["picks"]) == 10
    assert {genre for pick in body["picks"] for genre in pick["genres"]} == {"Comedy"}


@pytest.mark.parametrize(
    ("years", "first", "last"),
    [
        ({"from": 1980, "to": 1989}, 1980, 1989),
        ({"from": 2010}, 2010, 2100),
        ({"to": 1985}, 1900, 1985),
        ({}, 1900, 2100),
    ],
)
def test_picks_are_of_the_wanted_years_only(
    api: Any, years: dict[str, int], first: int, last: int
) -> None:
    status, body = api(years=years)
    assert (status, bool(body["picks"])) == (200, True)
    assert all(first <= pick["year"] <= last for pick in body["picks"])


def test_later_parts_of_series_are_picked_only_if_asked_for(aws: Aws) -> None:
    model = film_model()
    given = {each["movie_id"]: float(each["stars"]) for each in RATINGS}
    best, *_, last = [pick.movie_id for pick in Recommender(model).picks(given, 20)]
    put(aws, replace(model, series=(Series("Film", (last, best)),)))
    request = event("ingest") | {"path": "/picks", "httpMethod": "POST"}
    picked = {}
    for body in ({}, {"series_in_order": True}, {"series_in_order": False}):
        request["body"] = json.dumps({"ratings": RATINGS, **body})
        answer = aws.load("ingest").handler(request, context("ingest"))
        picks = json.loads(answer["body"])["picks"]
        picked[str(body)] = [pick["movie_id"] for pick in picks]
    by_default, in_order, not_in_order = picked.values()
    assert by_default == in_order
    assert (by_default[0], not_in_order[0]) == (last, best)
    assert best not in by_default


def test_there_are_no_picks_where_no_movie_matches(api: Any) -> None:
    assert api(years={"from": 1900, "to": 1901})[1]["picks"] == []


def test_picks_for_six_ratings_of_one_star_say_that_nothing_fits(aws: Aws) -> None:
    model = film_model()
    low = replace(
        model.rating,
        parts=tuple(replace(part, offset=part.offset - 1.5) for part in model.rating.parts),
    )
    put(aws, replace(model, rating=low))
    function = aws.load("ingest")

    def ask(stars: int) -> dict[str, Any]:
        ratings = [{**rating, "stars": stars} for rating in RATINGS]
        request = event("ingest") | {"path": "/picks", "httpMethod": "POST"}
        request["body"] = json.dumps({"ratings": ratings})
        found: dict[str, Any] = json.loads(function.handler(request, context("ingest"))["body"])
        return found

    disliked, liked = ask(1), ask(5)
    assert (len(disliked["picks"]), disliked["nothing_fits"]) == (10, True)
    assert max(pick["stars"] for pick in disliked["picks"]) < 3
    assert liked["nothing_fits"] == all(pick["stars"] < 3 for pick in liked["picks"])
    assert liked["nothing_fits"] is False


def test_picks_that_fit_and_no_picks_do_not_say_that_nothing_fits(api: Any) -> None:
    assert api()[1]["nothing_fits"] is False
    assert api(years={"from": 1900, "to": 1901})[1]["nothing_fits"] is False


WRONG: list[tuple[dict[str, object], str, str]] = [
    (
        {"model": "magic"},
        "model",
        "There is no model 'magic': use one of ranking, factors, items, rating,",
    ),
    ({"model": ""}, "model", "There is no model '': use one of ranking"),
    ({"model": 7}, "model", "Give text."),
    ({"model": None}, "model", "Give text."),
    ({"genres": "Comedy"}, "genres", "Give a list."),
    ({"genres": ["Comedy", "Opera"]}, "genres[1]", "There is no such genre; choose from Comedy,"),
    ({"genres": [1]}, "genres[0]", "Give text."),
    ({"genres": ["Drama"] * 51}, "genres", "Choose at most 50 genres."),
    ({"count": 0}, "count", "Give at least 1."),
    ({"series_in_order": "yes"}, "series_in_order", "Give true or false."),
    ({"count": 51}, "count", "Give at most 50."),
    ({"count": "10"}, "count", "Give a whole number."),
    ({"dismissed": [100, 7]}, "dismissed[1]", "There is no movie 7;"),
    ({"dismissed": [100] * 501}, "dismissed", "Give at most 500 movies in one form."),
    ({"years": 1980}, "years", "Give a JSON object."),
    ({"years": {"from": "1980"}}, "years.from", "Give a whole number."),
    ({"years": {"to": 99999}}, "years.to", "Give a year from 1870 to 2100."),
    ({"years": {"since": 1980}}, "years.since", "There is no such field; leave it out."),
    ({"years": {"from": 1990, "to": 1980}}, "years", "The first year, 1990, is after the last"),
]


@pytest.mark.parametrize(("more", "field", "message"), WRONG)
def test_an_invalid_field_of_a_request_for_picks_is_named(
    api: Any, more: dict[str, object], field: str, message: str
) -> None:
    status, body = api(**more)
    assert status == 422
    ((found, words),) = [(error["field"], error["message"]) for error in body["errors"]]
    assert (found, words[: len(message)]) == (field, message)


def test_the_tag_model_is_rejected_with_the_known_names_for_data_without_tags(aws: Aws) -> None:
    model = film_model()
    assert model.profiles is not None
    without = replace(model.profiles, tag_names=(), tag_people=None)
    put(aws, replace(model, profiles=without, sizes={}))
    request = event("ingest") | {"path": "/picks", "httpMethod": "POST"}
    request["body"] = json.dumps({"ratings": RATINGS, "model": "tags"})
    answer = aws.load("ingest").handler(request, context("ingest"))
    (error,) = json.loads(answer["body"])["errors"]
    assert answer["statusCode"] == 422
    assert error == {
        "field": "model",
        "message": "The data set 'tested' has no tags: use one of ranking, factors, items, rating, "
        "popularity, mean, median, genres, genres-ls.",
    }


def test_a_model_in_a_form_to_be_stored_is_rejected(aws: Aws) -> None:
    put(aws, film_model())
    request = event("ingest")
    request["body"] = json.dumps({"name": "Ada", "ratings": RATINGS, "model": "mean"})
    answer = aws.load("ingest").handler(request, context("ingest"))
    (error,) = json.loads(answer["body"])["errors"]
    assert (answer["statusCode"], error["field"]) == (422, "model")


def test_a_recommender_is_made_once_for_each_model_and_name(aws: Aws) -> None:
    put(aws, film_model())
    store = ModelStore(ModelsBucket(aws.client("s3"), "marquee-test-models"), 0)
    first, again, other = store.current("genres"), store.current("genres"), store.current()
    assert first is not None
    assert again is not None
    assert other is not None
    assert first[1] is again[1]
    assert first[0] is other[0]
    put(aws, replace(film_model(), model_id="m2"))
    swapped = store.current("genres")
    assert swapped is not None
    assert (swapped[0].model_id, swapped[1] is first[1]) == ("m2", False)


def test_an_unknown_model_name_keeps_the_active_model(aws: Aws) -> None:
    put(aws, film_model())
    store = ModelStore(ModelsBucket(aws.client("s3"), "marquee-test-models"), 0)
    with pytest.raises(UnknownModelError):
        store.current("magic")
    assert store.current() is not None


@pytest.mark.parametrize("count", [1, 10, 50])
def test_there_are_as_many_picks_as_asked_for(api: Any, count: int) -> None:
    assert len(api(count=count)[1]["picks"]) == count


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_dismissed_movies_are_replaced_by_the_next_best(api: Any, name: str) -> None:
    best = [pick["movie_id"] for pick in api(model=name, count=12)[1]["picks"]]
    without = api(model=name, dismissed=best[:2])[1]["picks"]
    assert [pick["movie_id"] for pick in without] == best[2:]
