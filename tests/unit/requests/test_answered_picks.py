"""The live error: what visitors were told about their picks, and what they answer later."""

from datetime import UTC, datetime

import pytest

from marquee.contracts import Rating, timestamp
from marquee.requests.answered_picks import (
    PickAnswers,
    RatedPick,
    answers_to_picks,
    left_unanswered,
    open_picks,
)
from marquee.requests.visitor import Change, Page
from tests.unit.memory import World, registration

QUIET = registration(2, phone=False)
ID = QUIET.visitor_id
RATED = {rating.movie_id: rating.stars for rating in QUIET.ratings}


def page_of(world: World) -> Page:
    found = world.visitors.page(ID)
    assert found is not None
    return found


def change(
    world: World,
    ratings: dict[int, int] | None = None,
    dismissed: tuple[int, ...] | None = None,
    dataset: str | None = None,
) -> PickAnswers:
    """Rate these movies beside those of the form; return which picks that answers."""
    before = page_of(world)
    given = None
    if ratings is not None:
        given = tuple(Rating(movie_id, stars) for movie_id, stars in (RATED | ratings).items())
    now = timestamp(datetime.now(UTC))
    asked = Change(now, 2_000_000_000, ratings=given, dismissed=dismissed, dataset=dataset)
    return answers_to_picks(before, world.reviser.revise(before, asked))


@pytest.fixture
def world() -> World:
    """A visitor who has picks."""
    made = World()
    made.post(QUIET)
    made.settle()
    return made


def test_a_rated_pick_is_compared_with_its_predicted_stars(world: World) -> None:
    pick = open_picks(page_of(world))[0]
    assert change(world, {pick.movie_id: 2}) == PickAnswers((RatedPick(pick.stars, 2),))
    assert RatedPick(4.5, 2).error == 2.5


def test_ratings_of_other_movies_answer_no_pick(world: World) -> None:
    picks = {pick.movie_id for pick in open_picks(page_of(world))}
    other = max(picks | RATED.keys()) + 1
    assert change(world, {other: 5}) == PickAnswers()


def test_a_change_of_a_rating_from_before_the_picks_answers_none(world: World) -> None:
    assert change(world, {next(iter(RATED)): 1}) == PickAnswers()


def test_the_same_rating_again_counts_once(world: World) -> None:
    pick = open_picks(page_of(world))[0]
    assert len(change(world, {pick.movie_id: 2}).rated) == 1
    assert change(world, {pick.movie_id: 2}) == PickAnswers()
    assert change(world, {pick.movie_id: 5}) == PickAnswers()
    assert change(world, {}) == PickAnswers()  # taken back
    assert change(world, {pick.movie_id: 2}) == PickAnswers()


def test_picks_rated_one_after_the_other_count_each(world: World) -> None:
    first, second, *_ = open_picks(page_of(world))
    assert len(change(world, {first.movie_id: 2}).rated) == 1
    assert page_of(world).progress.picks is None
    both = change(world, {first.movie_id: 2, second.movie_id: 4})
    assert both == PickAnswers((RatedPick(second.stars, 4),))


def test_a_dismissed_pick_counts_once_and_can_no_longer_be_rated(world: World) -> None:
    pick = open_picks(page_of(world))[0]
    assert change(world, dismissed=(pick.movie_id,)) == PickAnswers(dismissed=1)
    assert change(world, dismissed=(pick.movie_id,)) == PickAnswers()
    assert change(world, {pick.movie_id: 5}, dismissed=()) == PickAnswers()


def test_new_picks_take_the_place_of_those_left_unanswered(world: World) -> None:
    change(world, {open_picks(page_of(world))[0].movie_id: 5})
    world.settle()
    found = page_of(world)
    assert found.progress.picks
    assert open_picks(found) == found.progress.picks


def test_ratings_of_another_data_set_answer_no_pick(world: World) -> None:
    pick = open_picks(page_of(world))[0]
    before = page_of(world)
    assert change(world, {pick.movie_id: 2}, dataset="another") == PickAnswers()
    assert left_unanswered(before, page_of(world)) == ()
    assert open_picks(page_of(world)) == ()
