"""The models besides rating and ranking: means, genres, tags, ALS of other sizes."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.recommender.fold_in import RankingFolding, RatedMovies, RatingFolding, rated_from
from marquee.recommender.genres import GenreFolding
from marquee.recommender.item_weights import ItemFolding
from marquee.recommender.model import USER_PRIOR_STRENGTH, ItemWeights, Model, Movie
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import (
    BLENDED_GENRES_WEIGHT,
    BLENDED_STARS_WEIGHT,
    FACTORS_WEIGHT,
    MODEL_NAMES,
    PROFILE_NAMES,
    SUPPORT_HALF,
    UnknownModelError,
    names_for,
    profile_of,
    scorer_named,
)
from marquee.recommender.taste_weights import WEIGHT_PRIOR_STRENGTH, shrunk_mean
from tests.models import FIRST, random_model

MOVIES = 60
RATINGS = {100: 5.0, 103: 4.5, 107: 4.0, 110: 1.0, 115: 2.0, 120: 3.0}
NOTHING: dict[int, float] = {}
FACTORS_AND_PICKS = ("factors", "ranking")
LINEAR = [*PROFILE_NAMES, "als-8", "als-16", "als-32", "rating", "items"]


def with_genres(model: Model) -> Model:
    """Return the model with genres that repeat every three movies.

    They are: none; Comedy; Comedy and Romance.
    """

    def genres(row: int) -> tuple[str, ...]:
        return ((), ("Comedy",), ("Comedy", "Romance"))[row % 3]

    movies = {
        movie_id: Movie(movie_id, f"Film {movie_id}", 2000, genres(movie_id - FIRST))
        for movie_id in model.movies
    }
    return replace(model, movies=movies)


MODEL = with_genres(random_model(MOVIES, support=30))


def rated(ratings: dict[int, float], model: Model = MODEL) -> RatedMovies:
    return rated_from(ratings, model.rating.rows)


@pytest.mark.parametrize("name", LINEAR)
def test_the_contributions_add_up_to_what_the_ratings_changed(name: str) -> None:
    scorer = scorer_named(name, MODEL)
    scored = scorer.scored([rated(RATINGS), rated(NOTHING)])
    rows = np.arange(MOVIES, dtype=np.intp)
    changed = scored.scores[0] - scored.scores[1]
    assert np.abs(changed).max() > 0.01
    np.testing.assert_allclose(scored.contributions(0, rows).sum(axis=1), changed, atol=1e-4)


@pytest.mark.parametrize("name", LINEAR)
def test_a_rating_one_star_higher_moves_the_scores_by_its_contribution_only(name: str) -> None:
    scorer = scorer_named(name, MODEL)
    before, after = rated(RATINGS), rated({**RATINGS, 115: 3.0})
    scored = scorer.scored([before, after])
    rows = np.arange(MOVIES, dtype=np.intp)
    change = scored.contributions(1, rows) - scored.contributions(0, rows)
    place = before.rows.tolist().index(15)
    np.testing.assert_allclose(change[:, place], scored.scores[1] - scored.scores[0], atol=1e-4)
    np.testing.assert_allclose(np.delete(change, place, axis=1), 0, atol=1e-6)


def blended(model: Model, ratings: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the picks' model by their definition, and the parts by rating."""
    visitor = [rated(ratings, model)]
    rows = np.arange(MOVIES, dtype=np.intp)
    items, factors = ItemFolding(items_in(model), MOVIES), RankingFolding(model.ranking)
    rating = RatingFolding(model.rating)
    movies = [model.movies[i] for i in model.rating.movie_ids.tolist()]
    genres = GenreFolding(movies, model.rating.support, model.ranking.liked)
    tastes, matrices = rating.fold(visitor)
    ranking_tastes, ranking_matrices = factors.fold(visitor)
    known = items_in(model).movies
    by_items = items.score(visitor)[0].astype(float)
    typical = factors.score(model.ranking.typical[None])[0] * model.ranking.typical_weight
    by_factors = factors.score(ranking_tastes)[0].astype(float) + typical
    scales = by_items.std() or 1, by_factors[known].std()
    standard = (by_factors - by_factors[known].mean()) / scales[1]
    first = standard.copy()
    first[known] = (by_items - by_items.mean()) / scales[0]
    scores = (
        first
        + FACTORS_WEIGHT * standard
        + BLENDED_STARS_WEIGHT * (rating.predict(tastes)[0] - model.rating.global_mean)
        + BLENDED_GENRES_WEIGHT * genres.score(genres.fold(visitor))[0]
    )
    without = np.setdiff1d(rows, known)
    from_factors = factors.contributions(ranking_matrices[0], rows) / scales[1]
    parts = (
        items.contributions(visitor[0], rows) / scales[0]
        + FACTORS_WEIGHT * from_factors
        + BLENDED_STARS_WEIGHT * rating.contributions(visitor[0], matrices[0], rows)
        + BLENDED_GENRES_WEIGHT * genres.contributions(visitor[0], rows)
    )
    parts[without] += from_factors[without]
    return scores, parts


def items_in(model: Model) -> ItemWeights:
    assert model.items is not None
    return model.items


def with_few_weights(model: Model) -> Model:
    """Return the model with weights for every second movie only."""
    some = items_in(model)
    chosen = some.movies[::2]
    return replace(model, items=ItemWeights(chosen, some.weights[np.ix_(chosen, chosen)]))


@pytest.mark.parametrize("model", [MODEL, with_few_weights(MODEL)], ids=["all", "few"])
@pytest.mark.parametrize("ratings", [RATINGS, {100: 5.0}, {101: 1.0}, NOTHING])
def test_picks_blend_items_factors_stars_and_genres(
    model: Model, ratings: dict[int, float]
) -> None:
    scored = scorer_named("ranking", model).scored([rated(ratings, model)])
    scores, parts = blended(model, ratings)
    np.testing.assert_allclose(scored.scores[0], scores, atol=1e-4)
    rows = np.arange(MOVIES, dtype=np.intp)
    np.testing.assert_allclose(scored.contributions(0, rows), parts, atol=1e-4)


def test_a_model_of_an_older_release_picks_by_factors() -> None:
    old = replace(MODEL, items=None)
    ours, theirs = (scorer_named(name, old).scored([rated(RATINGS)]) for name in FACTORS_AND_PICKS)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    assert "items" not in names_for(old)
    with pytest.raises(UnknownModelError, match="trained without item weights"):
        scorer_named("items", old)


def test_movies_without_weights_come_last_where_only_items_count() -> None:
    model = with_few_weights(MODEL)
    (scores,) = scorer_named("items", model).scored([rated(RATINGS)]).scores
    known = items_in(model).movies
    others = np.setdiff1d(np.arange(MOVIES), known)
    assert scores[others].max() < scores[known].min()


@pytest.mark.parametrize("name", ["mean", "median"])
def test_means_are_the_same_for_all_visitors(name: str) -> None:
    scored = scorer_named(name, MODEL).scored([rated(RATINGS), rated(NOTHING)])
    assert MODEL.profiles is not None
    expected = getattr(MODEL.profiles, name)
    np.testing.assert_array_equal(scored.stars, np.stack([expected, expected]))
    assert not scored.contributions(0, np.array([1, 2])).any()


def test_the_movie_with_more_ratings_comes_first_among_equal_means() -> None:
    support = MODEL.rating.support.copy()
    support[7] = 1
    mean = np.full(MOVIES, 4.5, dtype=np.float32)
    assert MODEL.profiles is not None
    model = replace(
        MODEL,
        rating=replace(MODEL.rating, support=support),
        profiles=replace(MODEL.profiles, mean=mean),
    )
    (scores,) = scorer_named("mean", model).scored([rated(NOTHING)]).scores
    assert scores[8] == pytest.approx(30 / (30 + SUPPORT_HALF))
    assert scores[7] == pytest.approx(1 / (1 + SUPPORT_HALF))


def test_the_weight_of_a_genre_is_what_its_movies_got_beyond_the_visitors_mean() -> None:
    assert MODEL.profiles is not None
    base = shrunk_mean(MODEL.profiles, MODEL.rating)
    beyond = {i: stars - base[i - FIRST] for i, stars in RATINGS.items()}
    mean = sum(beyond.values()) / (len(beyond) + USER_PRIOR_STRENGTH)
    romantic = [beyond[i] - mean for i in RATINGS if (i - FIRST) % 3 == 2]
    (found,) = [w for w in profile_of("genres", MODEL, rated(RATINGS)) if w.name == "Romance"]
    assert found.count == len(romantic) == 1
    assert found.stars == pytest.approx(sum(romantic) / (1 + WEIGHT_PRIOR_STRENGTH), abs=1e-5)


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_profile_names_what_the_visitor_rated_with_the_best_liked_first(
    name: str,
) -> None:
    profile = profile_of(name, MODEL, rated(RATINGS))
    assert {weight.name for weight in profile} <= {"Comedy", "Romance", "dark", "funny"}
    assert [weight.stars for weight in profile] == sorted((w.stars for w in profile), reverse=True)
    assert all(weight.count > 0 for weight in profile)


@pytest.mark.parametrize("name", ["genres", "genres-ls"])
def test_a_movie_without_genres_is_predicted_by_its_mean_and_the_visitors_bias(name: str) -> None:
    assert MODEL.profiles is not None
    base = shrunk_mean(MODEL.profiles, MODEL.rating)
    (stars,) = scorer_named(name, MODEL).scored([rated(RATINGS)]).stars
    without = np.arange(0, MOVIES, 3)
    bias = stars[without] - base[without]
    np.testing.assert_allclose(bias, bias[0], atol=1e-5)
    assert abs(float(bias[0])) > 0.01


@pytest.mark.parametrize("name", PROFILE_NAMES)
@pytest.mark.parametrize("stars", [0.5, 3.0, 5.0])
def test_a_visitor_who_gives_all_movies_the_same_stars_gets_picks_on_the_scale(
    name: str, stars: float
) -> None:
    picks = Recommender(MODEL, name).picks(dict.fromkeys(RATINGS, stars))
    assert len(picks) == 10
    assert all(0.5 <= pick.stars <= 5.0 for pick in picks)


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_visitor_who_likes_one_genre_or_tag_gets_it_picked_first(name: str) -> None:
    what = "Romance" if name.startswith("genres") else "dark"
    column = 2 if what == "Romance" else 0
    loving = {
        FIRST + row: 5.0 if row % 3 == column else 1.0 for row in range(30)
    }  # leaves the other thirty movies as candidates
    assert MODEL.profiles is not None
    level = np.full(MOVIES, 3.5, dtype=np.float32)
    model = replace(MODEL, profiles=replace(MODEL.profiles, mean=level))
    picks = Recommender(model, name).picks(loving, count=8)
    assert {(pick.movie_id - FIRST) % 3 for pick in picks} == {column}
    assert all(pick.because for pick in picks)


@pytest.mark.parametrize("name", ["tags", "tags-ls"])
def test_the_tag_models_say_that_the_data_set_has_no_tags(name: str) -> None:
    assert MODEL.profiles is not None
    model = replace(MODEL, profiles=replace(MODEL.profiles, tag_names=(), tag_people=None))
    with pytest.raises(UnknownModelError, match="the data set 'tested' has no tags: use one of ra"):
        scorer_named(name, model)


@pytest.mark.parametrize("name", ["genres", "genres-ls"])
def test_the_genre_models_say_that_the_data_set_has_no_genres(name: str) -> None:
    movies = {i: replace(movie, genres=()) for i, movie in MODEL.movies.items()}
    with pytest.raises(UnknownModelError, match="the data set 'tested' has no genres"):
        scorer_named(name, replace(MODEL, movies=movies))


def test_als_of_a_size_that_the_model_lacks_says_how_to_get_it() -> None:
    with pytest.raises(UnknownModelError, match=r"ALS of rank 16 \(train with 'make train'\)"):
        scorer_named("als-16", replace(MODEL, sizes={}))


def test_the_mean_says_how_to_get_the_profiles_that_the_model_lacks() -> None:
    with pytest.raises(UnknownModelError, match="without what 'mean' needs"):
        scorer_named("mean", replace(MODEL, profiles=None))


def test_the_error_of_a_model_without_a_profile_names_those_that_have_one() -> None:
    with pytest.raises(UnknownModelError, match="'mean' has no profile: use one of genres, tags"):
        profile_of("mean", MODEL, rated(RATINGS))


BARE = replace(MODEL, profiles=None, sizes={})


@pytest.mark.parametrize("model", [MODEL, BARE, replace(MODEL, sizes={})])
def test_exactly_the_names_that_are_listed_for_a_model_work(model: Model) -> None:
    works = []
    for name in MODEL_NAMES:
        try:
            scorer_named(name, model)
        except UnknownModelError:
            continue
        works.append(name)
    assert tuple(works) == names_for(model)
