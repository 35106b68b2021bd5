"""From scores to picks with their reasons."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.contracts import Pick
from marquee.recommender.model import Model, Movie, Series
from marquee.recommender.picks import (
    GROUP,
    REASONS,
    SUPPORT_LEAST,
    SURELY_SUPPORTED,
    PickFilter,
    Recommender,
    least_support,
    top,
)
from marquee.recommender.scorers import MODEL_NAMES, UnknownModelError
from tests.models import FIRST, random_model

MOVIES = 60
MODEL = random_model(MOVIES)
RATINGS = {100: 5.0, 103: 5.0, 107: 4.0, 110: 1.0, 115: 2.0, 120: 3.0}


def with_support(row: int, support: int, model: Model = MODEL) -> Model:
    changed = model.rating.support.copy()
    changed[row] = support
    return replace(model, rating=replace(model.rating, support=changed))


def with_loadings_times(factor: float) -> Model:
    parts = tuple(
        replace(part, loadings=part.loadings * np.float32(factor)) for part in MODEL.rating.parts
    )
    return replace(MODEL, rating=replace(MODEL.rating, parts=parts))


def test_predicted_stars_stay_on_the_scale_of_the_data_set() -> None:
    stars = Recommender(with_loadings_times(20)).predict(RATINGS)
    assert (float(stars.min()), float(stars.max())) == (0.5, 5.0)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_no_pick_is_a_movie_that_the_visitor_rated(name: str) -> None:
    picks = Recommender(MODEL, name).picks(RATINGS, count=MOVIES)
    assert not {pick.movie_id for pick in picks} & RATINGS.keys()


def test_every_unseen_movie_is_picked_once_where_more_are_wanted() -> None:
    picks = Recommender(MODEL).picks(RATINGS, count=1000)
    assert len({pick.movie_id for pick in picks}) == len(picks) == MOVIES - len(RATINGS)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_picks_are_ordered_by_falling_score(name: str) -> None:
    scores = [pick.score for pick in Recommender(MODEL, name).picks(RATINGS)]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_many_visitors_together_get_the_same_picks_as_each_one_alone(
    name: str,
) -> None:
    recommender = Recommender(MODEL, name)
    chance = np.random.default_rng(8)
    visitors = [
        {
            int(i): float(chance.integers(1, 6))
            for i in chance.choice(MOVIES, chance.integers(0, 20), False) + FIRST
        }
        for _ in range(300)
    ]
    together = recommender.picks_for_all(visitors)
    alone = [recommender.picks(visitor) for visitor in visitors]
    for ours, hers in zip(together, alone, strict=True):
        assert [pick.movie_id for pick in ours] == [pick.movie_id for pick in hers]
        assert [pick.because for pick in ours] == [pick.because for pick in hers]
        assert [pick.score for pick in ours] == pytest.approx(
            [pick.score for pick in hers], abs=2e-4
        )


def test_a_movie_with_too_few_ratings_is_never_picked() -> None:
    best = Recommender(MODEL).picks(RATINGS, count=1)[0].movie_id
    picks = Recommender(with_support(best - FIRST, SUPPORT_LEAST - 1)).picks(RATINGS, count=1000)
    assert best not in {pick.movie_id for pick in picks}


def test_a_movie_with_just_enough_ratings_is_picked() -> None:
    best = Recommender(MODEL).picks(RATINGS, count=1)[0].movie_id
    picks = Recommender(with_support(best - FIRST, SUPPORT_LEAST)).picks(RATINGS, count=1)
    assert picks[0].movie_id == best


@pytest.mark.parametrize(
    ("support", "least"),
    [
        ([1] * 3, 1),
        ([9] * 3, SUPPORT_LEAST),
        ([9] * 10 + [2] * (SURELY_SUPPORTED + 5), 2),
        ([9] * (SURELY_SUPPORTED + 1) + [2] * 100, SUPPORT_LEAST),
    ],
)
def test_the_least_support_is_lowered_where_there_is_little_choice(
    support: list[int], least: int
) -> None:
    assert least_support(np.array(support, dtype=np.int32)) == least


@pytest.mark.parametrize("count", [1, 3, 6, 9])
def test_the_top_of_tied_values_keeps_the_order_of_the_rows(count: int) -> None:
    values = np.array([1.0, 2.0, 1.0, 1.0, 2.0, 1.0, -np.inf], dtype=np.float32)
    (best,) = top(values[None], count)
    assert best.tolist() == [1, 4, 0, 2, 3, 5][:count]


@pytest.mark.parametrize("movies", [1, GROUP, 10 * GROUP + 7, 3000])
@pytest.mark.parametrize("count", [1, 10, 50])
@pytest.mark.parametrize("kinds", [1, 5, 10_000])
def test_the_top_of_many_values_is_that_of_sorting_them_all(
    movies: int, count: int, kinds: int
) -> None:
    """Cover also many ties (few distinct values) and rows where most movies are excluded."""
    chance = np.random.default_rng(movies)
    values = chance.integers(0, kinds, (7, movies)).astype(np.float32)
    values[3, chance.random(movies) < 0.99] = -np.inf
    values[4] = -np.inf
    sorted_ = np.argsort(-values, axis=1, kind="stable")[:, :count]
    wanted = [
        [row for row in rows if of[row] > -np.inf] for rows, of in zip(sorted_, values, strict=True)
    ]
    assert [best.tolist() for best in top(values, count)] == wanted


def test_ratings_of_unknown_movies_do_not_change_the_picks() -> None:
    recommender = Recommender(MODEL)
    assert recommender.picks({**RATINGS, 9_999_999: 5.0}) == recommender.picks(RATINGS)


def test_ratings_of_unknown_movies_only_give_the_picks_of_the_typical_user() -> None:
    recommender = Recommender(MODEL)
    assert recommender.picks({9_999_999: 5.0, 2**40: 1.0}) == recommender.picks({})


def test_ten_thousand_ratings_give_ten_unseen_picks() -> None:
    seen = {FIRST + movie: 1.0 + movie % 5 for movie in range(10_000)}
    picks = Recommender(random_model(10_100)).picks(seen)
    assert len(picks) == 10
    assert not {pick.movie_id for pick in picks} & seen.keys()


def test_there_are_no_picks_once_every_movie_is_rated() -> None:
    assert Recommender(MODEL).picks(dict.fromkeys(MODEL.movies, 4.0)) == []


def test_without_ratings_there_are_ten_picks_without_reasons() -> None:
    picks = Recommender(MODEL).picks({})
    assert len(picks) == 10
    assert {pick.because for pick in picks} == {()}


def test_only_liked_movies_are_reasons() -> None:
    picks = Recommender(MODEL).picks(RATINGS, count=MOVIES)
    reasons = {movie_id for pick in picks for movie_id in pick.because}
    assert reasons
    assert reasons <= {100, 103, 107}
    assert max(len(pick.because) for pick in picks) <= REASONS


def test_removing_the_first_reason_lowers_the_score_of_a_pick_most() -> None:
    recommender = Recommender(MODEL)
    best = recommender.picks(RATINGS, count=1)[0]
    assert len(best.because) > 1

    def without(movie_id: int) -> float:
        left = {i: stars for i, stars in RATINGS.items() if i != movie_id}
        scores = {pick.movie_id: pick.score for pick in recommender.picks(left, count=MOVIES)}
        return scores[best.movie_id]

    assert without(best.because[0]) < best.score
    assert without(best.because[0]) == min(without(movie_id) for movie_id in best.because)


def test_picks_have_the_wanted_genres_and_years() -> None:
    movies = {
        i: Movie(i, f"Film {i}", 1980 + i % 20, ("Comedy",) if i % 3 else ("Horror", "Drama"))
        for i in MODEL.movies
    }
    recommender = Recommender(replace(MODEL, movies=movies))
    horror = PickFilter(frozenset({"Horror"}), first_year=1985, last_year=1995)
    picks = recommender.picks(RATINGS, count=MOVIES, only=horror)
    assert picks
    assert all(movies[pick.movie_id].genres == ("Horror", "Drama") for pick in picks)
    assert all(1985 <= (movies[pick.movie_id].year or 0) <= 1995 for pick in picks)


def test_a_movie_without_a_year_is_not_picked_where_years_are_wanted() -> None:
    movies = {i: Movie(i, f"Film {i}", None, ()) for i in MODEL.movies}
    picks = Recommender(replace(MODEL, movies=movies)).picks(
        RATINGS, only=PickFilter(last_year=2000)
    )
    assert picks == []


def test_an_unknown_model_name_fails_with_the_known_names() -> None:
    with pytest.raises(
        UnknownModelError, match=r"no model 'magic': use one of ranking, factors, items, rating"
    ):
        Recommender(MODEL, "magic")


SERIES = Series("Film", (130, 125, 140, 135))


def with_series(model: Model = MODEL, series: Series = SERIES) -> Model:
    return replace(model, series=(series,))


def parts_of(picks: list[Pick], series: Series = SERIES) -> list[int]:
    """Return the ids of the picks that are parts of the series, in the order of the picks."""
    return [pick.movie_id for pick in picks if pick.movie_id in series.movie_ids]


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("count", [10, MOVIES])
def test_no_part_of_a_series_precedes_an_earlier_one(name: str, count: int) -> None:
    recommender = Recommender(with_series(), name)
    parts = parts_of(recommender.picks(RATINGS, count, series_in_order=False))
    assert parts == [part for part in SERIES.movie_ids if part in parts]


def test_with_later_parts_the_series_changes_the_order_but_not_which_movies_are_picked() -> None:
    before = [pick.movie_id for pick in Recommender(MODEL).picks(RATINGS, 10)]
    series = Series("Film", tuple(reversed(before[2:6])))
    recommender = Recommender(with_series(series=series))
    after = [pick.movie_id for pick in recommender.picks(RATINGS, 10, series_in_order=False)]
    assert after == [*before[:2], *reversed(before[2:6]), *before[6:]]


def test_parts_share_the_places_that_they_had_without_the_series() -> None:
    before = Recommender(MODEL).picks(RATINGS, MOVIES)
    after = Recommender(with_series()).picks(RATINGS, MOVIES, series_in_order=False)
    places = [pick.movie_id in SERIES.movie_ids for pick in before]
    assert [pick.movie_id in SERIES.movie_ids for pick in after] == places
    assert [pick.score for pick in after] == [pick.score for pick in before]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_moved_part_keeps_its_own_stars_and_reasons(in_order: bool) -> None:
    before = {pick.movie_id: pick for pick in Recommender(MODEL).picks(RATINGS, MOVIES)}
    for pick in Recommender(with_series()).picks(RATINGS, MOVIES, series_in_order=in_order):
        assert pick.stars == before[pick.movie_id].stars
        assert pick.because == before[pick.movie_id].because


def test_the_first_unseen_part_stands_in_the_place_of_the_part_that_would_be_picked() -> None:
    before = Recommender(MODEL).picks(RATINGS, MOVIES)
    first, later = before[-1].movie_id, before[1].movie_id
    after = Recommender(with_series(series=Series("Film", (first, later)))).picks(RATINGS, 5)
    others = [pick.movie_id for pick in before if pick.movie_id not in (first, later)]
    assert [pick.movie_id for pick in after] == [others[0], first, *others[1:4]]
    assert after[1].score == before[1].score, "the score is that of the place"


def test_only_one_part_of_a_series_is_picked() -> None:
    before = [pick.movie_id for pick in Recommender(MODEL).picks(RATINGS, MOVIES)]
    series = Series("Film", (before[2], before[0], before[4]))
    after = [pick.movie_id for pick in Recommender(with_series(series=series)).picks(RATINGS, 4)]
    assert after == [before[2], before[1], before[3], before[5]]


def test_rated_parts_count_as_seen() -> None:
    before = [pick.movie_id for pick in Recommender(MODEL).picks(RATINGS, MOVIES)]
    rated = next(iter(RATINGS))
    series = Series("Film", (rated, before[0], before[1]))
    after = [pick.movie_id for pick in Recommender(with_series(series=series)).picks(RATINGS, 3)]
    assert after == [before[0], before[2], before[3]]


def test_no_later_part_is_picked_where_the_first_unseen_one_may_not_be() -> None:
    before = [pick.movie_id for pick in Recommender(MODEL).picks(RATINGS, MOVIES)]
    first, later = before[5], before[0]
    series = Series("Film", (first, later))
    model = with_series(series=series)
    of_later = {later: replace(model.movies[later], genres=("Western",))}
    of_others = {i: replace(movie, genres=("Western",)) for i, movie in model.movies.items()}
    of_others[first] = replace(model.movies[first], genres=("Comedy",))
    found = {
        "dismissed": Recommender(model).picks(RATINGS, MOVIES, dismissed=[first]),
        "filtered": Recommender(replace(model, movies={**model.movies, **of_later})).picks(
            RATINGS, MOVIES, PickFilter(frozenset({"Western"}))
        ),
        "filtered, with others": Recommender(replace(model, movies=of_others)).picks(
            RATINGS, MOVIES, PickFilter(frozenset({"Western"}))
        ),
        "too few ratings": Recommender(with_support(first - FIRST, 1, model)).picks(
            RATINGS, MOVIES
        ),
    }
    assert [way for way, picks in found.items() if parts_of(picks, series)] == []
    assert len(found["dismissed"]) == len(before) - 2


@given(st.data())
def test_no_pick_is_a_part_whose_earlier_part_is_unseen(data: st.DataObject) -> None:
    ids = st.sampled_from(sorted(MODEL.movies))
    order = data.draw(st.permutations(sorted(MODEL.movies)))
    lengths = data.draw(st.lists(st.integers(2, 6), max_size=8))
    starts = np.cumsum([0, *lengths]).tolist()
    series = [tuple(order[start:end]) for start, end in pairwise(starts)]
    ratings = data.draw(st.dictionaries(ids, st.sampled_from([1.0, 3.0, 5.0]), max_size=20))
    dismissed = data.draw(st.sets(ids, max_size=10))
    count = data.draw(st.integers(1, MOVIES))
    model = replace(MODEL, series=tuple(Series("Film", each) for each in series))
    picks = Recommender(model).picks(ratings, count, dismissed=dismissed)
    picked = [pick.movie_id for pick in picks]
    for parts in series:
        unseen = [part for part in parts if part not in ratings]
        assert [part for part in picked if part in parts] in ([], unseen[:1])
    in_series = {part for parts in series for part in parts}
    without = Recommender(MODEL).picks(ratings, MOVIES, dismissed=dismissed)
    free = [pick.movie_id for pick in without if pick.movie_id not in in_series]
    others = [movie_id for movie_id in picked if movie_id not in in_series]
    assert others == free[: len(others)], "movies of no series keep their order"
    assert len(set(picked)) == len(picked)
    assert [pick.score for pick in picks] == sorted((p.score for p in picks), reverse=True)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_where_no_series_is_involved_the_picks_are_exactly_the_same(name: str) -> None:
    before = Recommender(MODEL, name).picks(RATINGS, 10)
    picked = {pick.movie_id for pick in before}
    others = tuple(i for i in MODEL.movies if i not in picked and i not in RATINGS)
    last = Recommender(MODEL, name).picks(RATINGS, MOVIES)[-1].movie_id
    series = Series("Film", (last, *(i for i in others if i != last)))
    after = Recommender(with_series(series=series), name).picks(RATINGS, 10)
    assert after == before
