"""The description of how a model sees a visitor."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.recommender.fold_in import rated_from
from marquee.recommender.model import GaussianFactors, Model
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import MODEL_NAMES, PROFILE_NAMES, profile_of
from marquee.serving.portrait import MOST_WEIGHTS, ON_THE_MAP, SURPRISES, Portrait, Portraitist
from tests.models import FIRST, MEAN, model_of, random_model, ranking_of, rating_of

FOLDED = ("ranking", "rating", "als-8", "als-16", "als-32")
SAME_FOR_ALL = ("popularity", "mean", "median")


def film_model() -> Model:
    """Return a model where every third movie is a comedy and the others are dramas."""
    model = random_model(60)
    genres = {
        movie_id: ("Comedy",) if movie_id % 3 == 0 else ("Drama",) for movie_id in model.movies
    }
    movies = {i: replace(movie, genres=genres[i]) for i, movie in model.movies.items()}
    return replace(model, movies=movies)


MODEL = film_model()
PORTRAITIST = Portraitist(MODEL)
RATINGS = {FIRST + row: float(1 + row % 5) for row in range(0, 24, 2)}


def portrait(
    name: str, ratings: dict[int, float], model: Model = MODEL, by: Portraitist = PORTRAITIST
) -> Portrait:
    return by.portrait(name, ratings, Recommender(model, name).predict(ratings))


@given(
    st.sampled_from(FOLDED),
    st.dictionaries(st.integers(FIRST, FIRST + 59), st.sampled_from([1.0, 3.0, 5.0]), max_size=20),
    st.integers(FIRST, FIRST + 59),
)
def test_another_rating_never_lowers_the_certainty(
    name: str, ratings: dict[int, float], more: int
) -> None:
    before = portrait(name, ratings)
    after = portrait(name, {**ratings, more: 4.0})
    assert before.certainty is not None
    assert after.certainty is not None
    assert 0 <= before.certainty.share <= after.certainty.share + 1e-9 <= 1 + 1e-9
    assert after.certainty.stars_error <= before.certainty.stars_error + 1e-9
    assert before.map is not None
    assert after.map is not None
    assert after.map.spread <= before.map.spread + 1e-6


@pytest.mark.parametrize("name", FOLDED)
def test_the_profile_of_a_visitor_without_ratings_is_empty(name: str) -> None:
    seen = portrait(name, {})
    assert seen.certainty is not None
    assert seen.map is not None
    assert (seen.rated, seen.certainty.share) == (0, 0)
    assert (seen.map.x, seen.map.y) == (0, 0)
    assert seen.map.spread == pytest.approx(1)
    assert (seen.genres, seen.tags, seen.surprises) == ((), (), ())


def test_the_expected_error_combines_uncertainty_and_noise() -> None:
    loadings = np.array([[0.8], [0.6]])
    model = model_of(rating_of(np.full(2, MEAN), loadings), ranking_of(loadings))
    seen = portrait("rating", {}, model, Portraitist(model)).certainty
    assert seen is not None
    assert seen.stars_error == pytest.approx(((0.64 + 0.36) / 2 + 0.6) ** 0.5)
    measured = replace(model, metrics={"test_rmse": 0.9})
    seen = portrait("rating", {}, measured, Portraitist(measured)).certainty
    assert seen is not None
    assert seen.stars_error == pytest.approx((0.5 + 0.81) ** 0.5)


def test_certainty_weighs_movies_by_how_many_users_watch_them() -> None:
    """If people watch only one movie, its rating gives certainty and the other's gives none."""
    loadings = np.array([[1.0, 0.0], [0.0, 1.0]])
    support = np.array([1_000_000, 1])
    model = model_of(rating_of(np.full(2, MEAN), loadings, support=support), ranking_of(loadings))
    by = Portraitist(model)
    watched = portrait("rating", {FIRST: 5.0}, model, by).certainty
    other = portrait("rating", {FIRST + 1: 5.0}, model, by).certainty
    assert watched is not None
    assert other is not None
    assert watched.share == pytest.approx(1 / 1.6, abs=1e-3)
    assert other.share == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", FOLDED)
def test_a_visitor_is_on_the_side_of_the_map_that_they_like(name: str) -> None:
    middle = portrait(name, {}).map
    assert middle is not None
    right = sorted(middle.movies, key=lambda point: -point.x)[:5]
    loving = portrait(name, {point.movie_id: 5.0 for point in right}).map
    hating = portrait(name, {point.movie_id: 1.0 for point in right}).map
    assert loving is not None
    assert hating is not None
    assert loving.x > 0 > hating.x


def test_an_axis_is_named_after_the_popular_movies_farthest_out() -> None:
    loadings = np.column_stack([np.linspace(-2, 2, 9), np.tile([0.1, 0.0, -0.1], 3)])
    support = np.array([900, 800, 700, 600, 500, 400, 300, 200, 100])
    model = model_of(rating_of(np.full(9, MEAN), loadings, support=support), ranking_of(loadings))
    drawn = portrait("rating", {}, model, Portraitist(model)).map
    assert drawn is not None
    # The movie with the largest support is on the right.
    assert drawn.axes[0].high == tuple(f"Film {FIRST + row}" for row in range(3))
    assert drawn.axes[0].low == tuple(f"Film {FIRST + row}" for row in (8, 7, 6))
    assert drawn.axes[0].name == f"Film {FIRST + 8} or Film {FIRST}"


def test_the_map_shows_the_visitors_movies_and_then_the_most_rated() -> None:
    support = np.arange(60, 0, -1)
    model = replace(MODEL, rating=replace(MODEL.rating, support=support.astype(np.int32)))
    last = {FIRST + row: 5.0 for row in range(50, 60)}
    drawn = portrait("ranking", last, model, Portraitist(model)).map
    assert drawn is not None
    shown = {point.movie_id: point.stars for point in drawn.movies}
    assert len(drawn.movies) == len(shown) == ON_THE_MAP
    assert {i: stars for i, stars in shown.items() if stars is not None} == last
    assert [i for i in shown if i not in last] == [FIRST + row for row in range(ON_THE_MAP - 10)]


def test_tastes_of_one_factor_have_no_map() -> None:
    loadings = np.array([[0.8], [0.6]])
    model = model_of(rating_of(np.full(2, MEAN), loadings), ranking_of(loadings))
    assert portrait("rating", {FIRST: 5.0}, model, Portraitist(model)).map is None


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_models_of_genres_and_tags_show_their_own_weights(name: str) -> None:
    seen = portrait(name, RATINGS)
    rated = rated_from(RATINGS, MODEL.rating.rows)
    own = profile_of(name, MODEL, rated)
    assert own in (seen.genres, seen.tags)
    assert {weight.name for weight in seen.genres} == {"Comedy", "Drama"}
    assert {weight.name for weight in seen.tags} == {"dark", "funny"}
    assert (seen.map, seen.certainty) == (None, None)


@pytest.mark.parametrize("name", ["ranking", "rating", "als-8"])
def test_models_of_factors_show_the_predicted_stars_of_each_genre(name: str) -> None:
    """The models predict more stars for comedies if the visitor likes them and dislikes dramas."""
    taste = np.where(np.arange(60) % 3 == (3 - FIRST % 3) % 3, 1.0, -1.0)[:, None] * 0.6
    loadings = np.hstack([taste, np.zeros((60, 1))])
    rating = rating_of(np.full(60, MEAN), loadings)
    model = replace(
        MODEL,
        rating=rating,
        profiles=None,
        sizes={8: GaussianFactors(rating.parts[0].offset, rating.parts[0].loadings)},
    )
    ratings = {
        movie_id: 5.0 if "Comedy" in MODEL.movies[movie_id].genres else 1.0
        for movie_id in list(MODEL.movies)[:12]
    }
    seen = portrait(name, ratings, model, Portraitist(model))
    assert [weight.name for weight in seen.genres] == ["Comedy", "Drama"]
    comedies, dramas = (weight.stars for weight in seen.genres)
    assert comedies > 0.5
    assert dramas < 0
    assert [weight.count for weight in seen.genres] == [4, 8]


@pytest.mark.parametrize("name", SAME_FOR_ALL)
def test_models_that_do_not_depend_on_the_visitor_say_so(name: str) -> None:
    seen = portrait(name, RATINGS)
    assert (seen.genres, seen.tags, seen.map, seen.certainty) == ((), (), None, None)
    assert seen.tags_note == f"The {name} model is the same for everyone."
    assert len(seen.surprises) == SURPRISES


def test_a_model_without_tags_says_why() -> None:
    assert MODEL.profiles is not None
    untagged = replace(MODEL, profiles=replace(MODEL.profiles, tag_names=(), tag_people=None))
    seen = portrait("ranking", RATINGS, untagged, Portraitist(untagged))
    assert (seen.tags, seen.tags_note) == ((), "The data set tested has no tags.")
    bare = replace(MODEL, profiles=None)
    seen = portrait("ranking", RATINGS, bare, Portraitist(bare))
    assert (seen.tags, seen.tags_note) == (
        (),
        "This model was trained without tags; it needs to be trained again.",
    )
    assert seen.genres
    assert portrait("ranking", RATINGS).tags_note is None


def test_surprises_are_the_ratings_farthest_from_the_mean() -> None:
    seen = portrait("rating", RATINGS)
    assert MODEL.profiles is not None
    everyone = {i: float(MODEL.profiles.mean[MODEL.rating.rows[i]]) for i in RATINGS}
    expected = sorted(RATINGS, key=lambda i: -abs(RATINGS[i] - everyone[i]))[:SURPRISES]
    assert [each.movie_id for each in seen.surprises] == expected
    first = seen.surprises[0]
    assert first.difference == first.stars - first.everyone
    assert (first.stars, first.everyone) == (RATINGS[first.movie_id], everyone[first.movie_id])
    predicted = Recommender(MODEL, "rating").predict(RATINGS)
    assert first.expected == pytest.approx(predicted[MODEL.rating.rows[first.movie_id]])


def test_the_tags_with_the_greatest_weights_are_shown() -> None:
    assert MODEL.profiles is not None
    names = tuple(f"tag {number}" for number in range(90))
    people = np.random.default_rng(1).integers(0, 2, (60, 90)).astype(np.uint8)
    model = replace(MODEL, profiles=replace(MODEL.profiles, tag_names=names, tag_people=people))
    seen = portrait("tags", RATINGS, model, Portraitist(model))
    own = profile_of("tags", model, rated_from(RATINGS, model.rating.rows))
    assert len(seen.tags) == MOST_WEIGHTS < len(own)
    least = min(abs(weight.stars) for weight in seen.tags)
    left_out = set(own) - set(seen.tags)
    assert all(abs(weight.stars) <= least for weight in left_out)
    assert [*seen.tags] == sorted(seen.tags, key=lambda weight: -weight.stars)


def test_movies_that_the_model_does_not_know_are_ignored() -> None:
    assert portrait("ranking", {**RATINGS, 7: 5.0}) == portrait("ranking", RATINGS)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_model_makes_the_same_profile_each_time(name: str) -> None:
    assert portrait(name, RATINGS) == portrait(name, RATINGS)
    assert portrait(name, RATINGS).rated == len(RATINGS)
