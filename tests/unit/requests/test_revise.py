"""A visitor changes ratings or asks to be forgotten at any moment of the flow."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.contracts import Rating, TextMessage, VisitorObject, timestamp
from marquee.requests.ports import ForgottenError, Slice, StepState, TextUnknownError
from marquee.requests.revise import BusyError, ChangedMeanwhileError
from marquee.requests.send_text import NotYetError, TextOutcome
from marquee.requests.submit import UnknownVersionError
from marquee.requests.visitor import Change, Page, Phone, Progress, Status
from tests.unit.memory import World, phone_of, registration

ADA = registration(1)
QUIET = registration(2, phone=False)
ID, VERY_LATE = ADA.visitor_id, timedelta(minutes=1)
PHONE = phone_of("+14155550001")


def change(stars: int = 1, count: int = 6, **more: object) -> Change:
    ratings = tuple(Rating(movie_id, stars) for movie_id in range(1, count + 1))
    first = Change(timestamp(datetime.now(UTC)), 2_000_000_000, ratings=ratings)
    return replace(first, **more)  # type: ignore[arg-type]


def revise(world: World, visitor_id: str = ID, **more: object) -> Page:
    page = world.visitors.page(visitor_id)
    assert page is not None
    return world.reviser.revise(page, change(**more))  # type: ignore[arg-type]


def progress(world: World, visitor_id: str = ID) -> Progress:
    found = world.visitors.get(visitor_id)
    assert found is not None
    return found


def texts(world: World) -> int:
    return world.texts_to(PHONE.number)


def posted(*people: object) -> World:
    world = World()
    for person in people or (ADA,):
        world.post(person)  # type: ignore[arg-type]
    return world


# Progress of the flow when the change comes: from just after the form to just after the text.
STAGES: list[Callable[[World], object]] = [
    lambda world: None,
    lambda world: world.deliver_visitors(),
    lambda world: world.run_steps(),
    lambda world: world.deliver_results(),
    lambda world: world.deliver_texts(),
]


def at_stage(number: int, *people: object) -> World:
    world = posted(*people)
    for stage in STAGES[: number + 1]:
        stage(world)
    return world


def test_a_change_is_the_next_version_and_starts_the_flow_again() -> None:
    world = posted(QUIET)
    world.settle()
    revised = revise(world, QUIET.visitor_id)
    assert (revised.progress.version, revised.progress.status) == (2, Status.RECEIVED)
    world.settle()
    found = progress(world, QUIET.visitor_id)
    assert (found.version, found.status, len(world.cluster.named("recommend"))) == (
        2,
        Status.RECOMMENDED,
        2,
    )


def test_a_change_removes_the_results_of_the_previous_version() -> None:
    world = posted(QUIET)
    world.settle()
    found = revise(world, QUIET.visitor_id).progress
    assert (found.picks, found.model_id, found.submission_id, found.reason) == (None,) * 4


def test_the_submission_of_a_change_names_the_dismissed_movies() -> None:
    world = posted(QUIET)
    revise(world, QUIET.visitor_id, dismissed=(30, 31))
    world.deliver_visitors()
    dismissed = [
        member.dismissed
        for submission in world.objects.submissions.values()
        for member in submission.members
        if member.version == 2
    ]
    assert dismissed == [(30, 31)]


def test_a_change_without_a_watchlist_keeps_the_stored_one() -> None:
    world = posted(QUIET)
    assert revise(world, QUIET.visitor_id, saved=(30, 31)).saved == (30, 31)
    assert revise(world, QUIET.visitor_id).saved == (30, 31)
    assert revise(world, QUIET.visitor_id, saved=()).saved == ()


def test_the_second_of_two_tabs_gets_the_stored_version() -> None:
    world = posted()
    page = world.visitors.page(ID)
    assert page is not None
    world.reviser.revise(page, change(stars=5))
    with pytest.raises(ChangedMeanwhileError) as refused:
        world.reviser.revise(page, change(stars=1))
    assert refused.value.version == 2
    assert {rating.stars for rating in progress(world).ratings} == {5}


@pytest.mark.parametrize("stage", range(4))
def test_a_text_that_is_still_owed_is_sent_once_for_the_new_version(stage: int) -> None:
    world = at_stage(stage)
    revise(world)
    world.settle()
    assert (progress(world).status, texts(world)) == (Status.TEXTED, 1)


@pytest.mark.parametrize(("asked", "sent"), [(False, 1), (True, 2)])
def test_a_change_after_the_text_is_texted_only_on_request(asked: bool, sent: int) -> None:
    world = at_stage(4)
    assert texts(world) == 1
    revise(world, text=asked)
    world.settle()
    assert texts(world) == sent
    assert progress(world).status is (Status.TEXTED if asked else Status.RECOMMENDED)


def test_a_text_whose_delivery_is_unknown_is_not_owed() -> None:
    world = posted()
    world.sms.errors = [TextUnknownError("ReadTimeout")]
    world.settle()
    assert progress(world).status is Status.FAILED
    revise(world)
    world.settle()
    assert texts(world) == 0


def test_a_text_that_is_being_sent_is_not_owed() -> None:
    world = at_stage(3)
    assert world.visitors.claim_text(ID, 1, "a")
    revise(world)
    world.settle()
    assert (progress(world).status, texts(world)) == (Status.RECOMMENDED, 0)


def test_a_text_claimed_during_the_change_is_not_sent_twice() -> None:
    """Given a page read before the text, when the text is sent before the change is written."""
    world = at_stage(3)
    page = world.visitors.page(ID)
    assert page is not None
    world.deliver_texts()
    world.reviser.revise(page, change())
    world.settle()
    assert texts(world) == 1


def test_a_requested_text_is_not_sent_without_a_phone() -> None:
    world = posted(QUIET)
    assert revise(world, QUIET.visitor_id, text=True).progress.texts is False


def test_a_phone_given_later_is_texted_the_same_movies() -> None:
    world = posted(QUIET)
    world.settle()
    revise(world, QUIET.visitor_id, ratings=None, phone=PHONE, text=True)
    world.settle()
    found = progress(world, QUIET.visitor_id)
    assert (found.status, found.ratings, texts(world)) == (Status.TEXTED, QUIET.ratings, 1)


def test_another_phone_gets_the_text_instead_of_the_first() -> None:
    world = posted()
    other = Phone("+14155550199", "other")
    revise(world, ratings=None, phone=other, text=True)
    world.settle()
    assert (texts(world), world.texts_to(other.number)) == (0, 1)


# Too few ratings for picks


def test_nothing_is_computed_with_fewer_than_five_ratings() -> None:
    world = posted(QUIET)
    revise(world, QUIET.visitor_id, count=4)
    world.settle()
    assert progress(world, QUIET.visitor_id).status is Status.SAVED
    assert world.cluster.steps == []


def test_the_object_for_training_holds_the_reduced_ratings() -> None:
    world = posted(QUIET)
    revise(world, QUIET.visitor_id, count=0)
    newest = max(world.objects.visitors.values(), key=lambda each: each.version)
    assert (newest.version, newest.ratings) == (2, ())


def test_a_saved_visitor_is_served_once_they_have_rated_enough_again() -> None:
    world = posted()
    revise(world, count=3)
    world.settle()
    assert texts(world) == 0
    revise(world, count=5)
    world.settle()
    assert (progress(world).status, texts(world)) == (Status.TEXTED, 1)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(3))
def test_a_death_while_saving_loses_no_ratings_object(write: int, when: str) -> None:
    world = posted(QUIET)
    world.settle()
    world.gate.kill = (len(world.gate.writes) + write, when)
    assert not world.alive(lambda: revise(world, QUIET.visitor_id, count=2))
    world.settle()
    stored = progress(world, QUIET.visitor_id)
    newest = max(world.objects.visitors.values(), key=lambda each: each.version)
    assert newest == stored.visitor_object
    assert stored.version == (1 if (write, when) == (0, "before") else 2)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(2))
def test_a_death_while_changing_leaves_a_change_that_is_served_or_none(
    write: int, when: str
) -> None:
    world = posted(QUIET)
    world.settle()
    world.gate.kill = (len(world.gate.writes) + write, when)
    assert not world.alive(lambda: revise(world, QUIET.visitor_id))
    world.settle()
    assert progress(world, QUIET.visitor_id).status is Status.RECOMMENDED


# Late messages for the former version


def test_a_message_about_the_previous_version_adds_no_step() -> None:
    world = posted()
    revise(world)
    outcome = world.submitter.submit([(ID, 1)])
    assert (outcome.visitors, outcome.errors, world.cluster.steps) == ([], {}, [])


def test_results_of_the_previous_version_change_nothing_and_send_no_text() -> None:
    world = at_stage(2)
    revise(world)
    before = progress(world)
    world.deliver_results()
    assert (progress(world), world.texts_queue) == (before, [])


def test_a_text_of_the_previous_version_is_not_sent() -> None:
    world = at_stage(3)
    revise(world)
    assert world.texter.text(TextMessage(ID, 1)) is TextOutcome.NOTHING_TO_DO
    assert world.sms.sent == []


def test_a_failed_step_of_the_previous_version_is_not_retried() -> None:
    world = at_stage(1)
    revise(world, count=3)
    (name,) = world.cluster.named("recommend")
    world.cluster.steps = [(step, StepState.FAILED) for step, _ in world.cluster.steps]
    done = world.reconciler.step_ended_badly(name)
    assert (done.resubmitted, done.failed, progress(world).status) == ([], [], Status.SAVED)


def test_a_visitor_who_wants_no_text_gets_none() -> None:
    world = posted(QUIET)
    world.settle()
    world.visitors.people[QUIET.visitor_id] = ("Quiet", PHONE)
    outcome = world.texter.text(TextMessage(QUIET.visitor_id, 1))
    assert (outcome, world.sms.sent) == (TextOutcome.NOTHING_TO_DO, [])


def test_a_message_about_an_unknown_version_is_returned() -> None:
    outcome = posted().submitter.submit([(ID, 2)])
    assert [type(error) for error in outcome.errors.values()] == [UnknownVersionError]


def test_a_change_that_the_flow_always_overtakes_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = posted()
    monkeypatch.setattr(world.visitors, "revise", lambda *_: False)
    with pytest.raises(BusyError):
        revise(world)


# Forget me


def forget(world: World, visitor_id: str = ID) -> bool:
    return world.forgetter.forget(visitor_id)


@pytest.mark.parametrize("stage", range(5))
def test_a_forgotten_visitor_is_never_texted_or_restored(stage: int) -> None:
    world = at_stage(stage)
    sent = texts(world)
    revise(world)
    assert forget(world)
    world.settle()
    assert texts(world) == sent
    assert (world.visitors.get(ID), world.visitors.page(ID)) == (None, None)
    assert (world.visitors.recipient(ID), world.objects.visitors) == (None, {})
    assert (world.visitors.dates, world.texts_queue, world.visitors_queue) == ({}, [], [])


def test_forgetting_twice_finds_no_visitor() -> None:
    world = posted()
    assert [forget(world), forget(world)] == [True, False]


def test_forgetting_one_visitor_keeps_the_others_of_the_batch() -> None:
    world = at_stage(1, ADA, QUIET)
    forget(world)
    world.settle()
    assert progress(world, QUIET.visitor_id).status is Status.RECOMMENDED


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(3))
def test_the_sweep_completes_forgetting_after_a_death(write: int, when: str) -> None:
    world = posted()
    world.settle()
    world.gate.kill = (len(world.gate.writes) + write, when)
    assert not world.alive(lambda: forget(world))
    if (write, when) == (0, "before"):
        assert forget(world)  # nothing was written, so only the visitor can repeat it
    world.settle()
    assert (world.visitors.get(ID), world.objects.visitors, world.visitors.dates) == (None, {}, {})


def test_a_form_repeated_while_its_visitor_is_forgotten_leaves_no_ratings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a repeated form whose visitor is forgotten before the visitor object is written."""
    world = posted()
    append = world.objects.append

    def late(visitor: VisitorObject) -> None:
        forget(world)
        append(visitor)

    monkeypatch.setattr(world.objects, "append", late)
    world.registrar.register(ADA)
    assert world.objects.visitors == {}


@pytest.mark.parametrize("stage", range(5))
def test_an_expired_visitor_is_forgotten_completely_in_any_status(stage: int) -> None:
    world = at_stage(stage)
    world.visitors.expires_at[ID] = 0
    world.settle()
    assert (world.visitors.page(ID), world.objects.visitors, world.visitors.dates) == (None, {}, {})
    assert (world.objects.submissions, world.objects.results) == ({}, {})


def test_a_change_during_the_sweep_extends_the_expiry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a visitor who is still listed as expired, although a change has renewed the expiry."""
    world = posted()
    monkeypatch.setattr(world.visitors, "expired", lambda *_: Slice([ID]))
    done = world.sweep()
    assert (done.expired, world.visitors.page(ID) is None) == ([], False)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(3))
def test_forgetting_an_expired_visitor_is_completed_after_a_death(write: int, when: str) -> None:
    world = at_stage(4)
    world.visitors.expires_at[ID] = 0
    world.gate.kill = (len(world.gate.writes) + write, when)
    world.settle()
    assert world.deaths == 1
    assert (world.visitors.page(ID), world.objects.visitors, world.visitors.dates) == (None, {}, {})


def test_a_repeated_form_does_not_restore_a_visitor_who_is_being_forgotten() -> None:
    world = posted()
    world.visitors.empty(ID)
    with pytest.raises(ForgottenError):
        world.registrar.register(ADA)
    assert len(world.objects.visitors) == 1


def test_a_change_in_another_tab_does_not_restore_a_forgotten_visitor() -> None:
    world = posted()
    page = world.visitors.page(ID)
    assert page is not None
    forget(world)
    with pytest.raises(ForgottenError):
        world.reviser.revise(page, change())
    assert (world.visitors.get(ID), world.objects.visitors) == (None, {})


def test_ratings_written_while_the_visitor_is_forgotten_do_not_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a change in another tab, when the visitor is forgotten between its two writes."""
    world = posted()
    append = world.objects.append

    def late(visitor: object) -> None:
        forget(world)
        append(visitor)  # type: ignore[arg-type]

    monkeypatch.setattr(world.objects, "append", late)
    revise(world)
    assert world.objects.visitors == {}


MOVES = ["change", "few", "text", "forget", "visitors", "steps", "results", "texts", "sweep"]


@settings(max_examples=150)
@given(
    moves=st.lists(st.sampled_from(MOVES), max_size=12),
    kill=st.integers(0, 60),
    when=st.sampled_from(["before", "after"]),
)
def test_no_order_of_changes_and_events_sends_more_texts_than_requested(
    moves: list[str], kill: int, when: str
) -> None:
    world = World(kill=(kill, when))
    world.post(ADA)
    asked = 1
    for move in moves:
        known = world.visitors.get(ID) is not None
        if move in ("change", "few", "text") and known:
            asked += move == "text"
            more: dict[str, object] = {"count": 2} if move == "few" else {"text": move == "text"}
            world.alive(lambda more=more: revise(world, **more))  # type: ignore[misc]
        elif move == "forget":
            world.alive(lambda: forget(world))
        elif move == "sweep":
            world.sweep(VERY_LATE)
        elif move == "visitors":
            world.visitors_queue *= 2
            world.deliver_visitors()
        elif move == "results":
            world.results_queue *= 2
            world.deliver_results()
        elif move == "steps":
            world.run_steps()
        elif move == "texts":
            try:
                world.deliver_texts()
            except NotYetError:
                continue
    world.settle()
    assert texts(world) <= asked
    found = world.visitors.get(ID)
    if found is not None:
        assert found.status not in (Status.RECEIVED, Status.SUBMITTED)
        assert found.visitor_object in world.objects.visitors.values()
    else:
        assert world.objects.visitors == {}
