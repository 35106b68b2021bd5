"""One form leads to one text, whatever dies, or comes twice, late, out of order or never."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.contracts import CurrentModel, Result, Submission, TextMessage, timestamp
from marquee.requests.collect import PAGE, BadResultsError
from marquee.requests.ports import (
    OptedOutError,
    TextNotSentError,
    TextRejectedError,
    TextUnknownError,
)
from marquee.requests.reconcile import MOST_TEXTS_WAITING
from marquee.requests.send_text import (
    DELIVERY_UNKNOWN,
    NO_MORE_TODAY,
    SECONDS_TO_SEND,
    UNANSWERED,
    NotYetError,
    TextOutcome,
)
from marquee.requests.sweep import SweepOutcome
from marquee.requests.visitor import Registration, Status
from tests.unit.memory import PATIENCE, Died, MemoryTexts, World, good_result, registration

ADA = registration(1)


def number_of(person: Registration) -> str:
    assert person.phone is not None
    return person.phone.number


PHONE = number_of(ADA)


def writes_of_a_flow_without_faults() -> list[str]:
    world = World()
    world.post(ADA)
    world.settle()
    assert world.status(ADA.visitor_id) is Status.TEXTED
    return world.gate.writes


QUIET = writes_of_a_flow_without_faults()
DEATHS = [
    pytest.param(number, when, id=f"{when} {name} ({number})")
    for number, name in enumerate(QUIET)
    for when in ("before", "after")
]


def test_a_flow_without_faults_sends_one_text_with_ten_titles_and_adds_one_step() -> None:
    world = World()
    world.post(ADA)
    world.settle()
    (_, message), *others = world.sms.sent
    assert not others
    assert [f"Film {number}" in message for number in range(11, 21)] == [True] * 10
    assert len(world.cluster.named("recommend")) == 1


@pytest.mark.parametrize(("number", "when"), DEATHS)
def test_a_death_at_any_write_neither_loses_nor_repeats_the_text(number: int, when: str) -> None:
    world = World(kill=(number, when))
    world.post(ADA)
    world.settle()
    assert world.deaths == 1
    assert world.texts_to(PHONE) <= 1
    if world.status(ADA.visitor_id) is Status.FAILED:
        # Only a death after the claim and before the status `texted` leaves the delivery unknown.
        assert world.visitors.items[ADA.visitor_id].reason == DELIVERY_UNKNOWN
        assert QUIET[number] in (
            "visitors.claim_text",
            "counter.add",
            "sms.publish",
            "visitors.texted",
        )
    else:
        assert world.status(ADA.visitor_id) is Status.TEXTED
        assert world.texts_to(PHONE) == 1


@pytest.mark.parametrize(("number", "when"), DEATHS)
def test_a_death_at_any_write_leaves_no_submission_and_no_results(number: int, when: str) -> None:
    world = World(kill=(number, when))
    world.post(ADA)
    world.settle()
    assert (world.objects.submissions, world.objects.results) == ({}, {})


@pytest.mark.parametrize(("number", "when"), DEATHS)
def test_a_death_at_any_write_adds_no_second_recommend_step(number: int, when: str) -> None:
    world = World(kill=(number, when))
    world.post(ADA)
    world.settle()
    assert len(world.cluster.named("recommend")) == 1


def test_every_message_delivered_twice_sends_one_text() -> None:
    world = World()
    world.post(ADA)
    for _ in range(2):
        world.visitors_queue *= 2
        world.deliver_visitors()
        world.visitors_queue.append((ADA.visitor_id, 1))
    world.run_steps()
    world.results_queue *= 3
    world.deliver_results()
    world.texts_queue *= 3
    world.settle()
    assert world.texts_to(PHONE) == 1
    assert len(world.cluster.named("recommend")) == 1


def test_a_step_that_fails_once_is_retried_without_training() -> None:
    world = World()
    world.refuse_step = lambda name: name.startswith("recommend-") and name.count("-") == 1
    world.post(ADA)
    world.settle()
    assert world.status(ADA.visitor_id) is Status.TEXTED
    assert len(world.cluster.named("recommend")) == 2
    assert len(world.cluster.named("train")) == 1


def test_a_step_that_always_fails_ends_in_failed_with_a_reason() -> None:
    world = World(attempts=3)
    world.refuse_step = lambda name: name.startswith("recommend-")
    world.post(ADA)
    world.settle()
    found = world.visitors.items[ADA.visitor_id]
    assert (found.status, world.sms.sent) == (Status.FAILED, [])
    assert found.reason == "the recommendations could not be computed after 3 attempts"
    assert len(world.cluster.named("recommend")) == 3
    assert world.objects.submissions == {}


def test_a_submission_stays_while_one_of_its_members_waits() -> None:
    world, quiet = World(), registration(2, phone=False)
    for person in (ADA, quiet):
        world.post(person)
    world.deliver_visitors()
    (submission_id,) = world.objects.submissions
    world.objects.results[submission_id] = [good_result(ADA.visitor_id, 1).to_json().encode()]
    world.collect(submission_id)
    assert (set(world.objects.submissions), set(world.objects.results)) == (
        {submission_id},
        {submission_id},
    )
    world.sweep()
    assert (world.objects.submissions, world.objects.results) == ({}, {})


def test_a_failed_step_whose_members_are_all_forgotten_leaves_no_submission() -> None:
    world = World()
    world.refuse_step = lambda name: name.startswith("recommend-")
    world.post(ADA)
    world.deliver_visitors()
    world.forgetter.forget(ADA.visitor_id)
    world.run_steps()
    world.deliver_step_events()
    assert (world.objects.submissions, world.step_events) == ({}, [])


def test_results_of_a_late_second_attempt_do_not_stay() -> None:
    world = World()
    world.post(ADA)
    world.settle()
    (name,) = world.cluster.named("recommend")
    submission_id = name.removeprefix("recommend-")
    world.objects.results[submission_id] = [good_result(ADA.visitor_id, 1).to_json().encode()]
    world.results_queue.append(submission_id)
    world.settle()
    assert (world.objects.results, world.texts_to(PHONE)) == ({}, 1)


def test_unreadable_results_stay_for_the_operator() -> None:
    world = World()
    world.post(ADA)
    world.deliver_visitors()
    (submission_id,) = world.objects.submissions
    world.objects.results[submission_id] = [b"no JSON"]
    done = world.sweep()
    assert [type(error) for error in done.errors] == [BadResultsError]
    assert world.status(ADA.visitor_id) is Status.FAILED
    assert set(world.objects.results) == {submission_id}


def test_the_sweep_finds_a_failed_step_without_an_event() -> None:
    world = World()
    world.refuse_step = lambda name: name.startswith("recommend-") and name.count("-") == 1
    world.deliver_step_events = world.step_events.clear  # type: ignore[method-assign]
    world.post(ADA)
    world.settle()
    assert world.status(ADA.visitor_id) is Status.TEXTED


def test_a_late_repeated_step_event_adds_no_step() -> None:
    world = World()
    world.refuse_step = lambda name: name.startswith("recommend-") and name.count("-") == 1
    world.post(ADA)
    world.settle()
    first = world.cluster.named("recommend")[0]
    world.step_events += [first, first]
    world.settle()
    assert len(world.cluster.named("recommend")) == 2
    assert world.texts_to(PHONE) == 1


@pytest.mark.parametrize("lost", ["visitors_queue", "results_queue", "texts_queue"])
def test_the_sweep_replaces_a_lost_message(lost: str) -> None:
    world = World()
    world.post(ADA)
    stages = {
        "visitors_queue": [],
        "results_queue": [world.deliver_visitors, world.run_steps],
        "texts_queue": [world.deliver_visitors, world.run_steps, world.deliver_results],
    }
    for stage in stages[lost]:
        stage()
    assert getattr(world, lost), "the message must exist before it can get lost"
    getattr(world, lost).clear()
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_results_of_an_older_version_are_ignored() -> None:
    world = World()
    world.post(ADA)
    world.deliver_visitors()
    stale = Result(ADA.visitor_id, 0, "m0", good_result(ADA.visitor_id, 0).picks)
    world.objects.results["old"] = [stale.to_json().encode()]
    world.collect("old")
    assert world.status(ADA.visitor_id) is Status.SUBMITTED


def test_results_may_arrive_before_the_submitted_status() -> None:
    world = World()
    world.post(ADA)
    world.objects.results["early"] = [good_result(ADA.visitor_id, 1).to_json().encode()]
    world.collect("early")
    assert world.status(ADA.visitor_id) is Status.RECOMMENDED
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_a_late_error_does_not_remove_picks() -> None:
    world = World()
    world.post(ADA)
    world.objects.results["good"] = [good_result(ADA.visitor_id, 1).to_json().encode()]
    world.collect("good")
    bad = Result(ADA.visitor_id, 1, "m1", error="no such movie")
    world.objects.results["bad"] = [bad.to_json().encode()]
    world.collect("bad")
    assert world.status(ADA.visitor_id) is Status.RECOMMENDED


def test_emr_throttling_returns_the_messages_and_loses_nothing() -> None:
    world = World()
    world.cluster.throttled = 2
    world.post(ADA)
    world.deliver_visitors()
    assert world.visitors_queue == [(ADA.visitor_id, 1)]
    world.settle()
    assert world.texts_to(PHONE) == 1
    assert len(world.cluster.named("recommend")) == 1


def test_a_forgotten_visitor_is_skipped_and_the_rest_of_the_batch_is_served() -> None:
    world = World()
    world.post(ADA)
    outcome = world.submitter.submit([("0" * 25 + "9", 1), (ADA.visitor_id, 1)])
    assert (outcome.errors, outcome.forgotten) == ({}, ["0" * 25 + "9"])
    assert [visitor.visitor_id for visitor in outcome.visitors] == [ADA.visitor_id]


def test_only_the_bad_visitor_of_a_batch_fails() -> None:
    world = World()
    bob, cyd = registration(2), registration(3)
    world.make_result = lambda visitor_id, version: (
        Result(visitor_id, version, "m1", error="none of the movies is known")
        if visitor_id == bob.visitor_id
        else good_result(visitor_id, version)
    )
    for person in (ADA, bob, cyd):
        world.post(person)
    world.settle()
    statuses = [world.status(person.visitor_id) for person in (ADA, bob, cyd)]
    assert statuses == [Status.TEXTED, Status.FAILED, Status.TEXTED]
    assert world.visitors.items[bob.visitor_id].reason == "none of the movies is known"


def test_a_result_without_a_visitor_is_reported_and_the_others_are_collected() -> None:
    world = World()
    world.post(ADA)
    nobody = Result("", 0, "m1", error="the line is not JSON")
    lines = [nobody.to_json().encode(), good_result(ADA.visitor_id, 1).to_json().encode()]
    world.objects.results["some"] = lines
    with pytest.raises(BadResultsError, match="the line is not JSON"):
        world.collect("some")
    assert world.status(ADA.visitor_id) is Status.RECOMMENDED


def test_a_visitor_without_a_result_fails_with_a_reason() -> None:
    world = World()
    world.post(ADA)
    world.deliver_visitors()
    (submission_id,) = world.objects.submissions
    world.objects.results[submission_id] = []
    world.sweep()
    assert (
        world.visitors.items[ADA.visitor_id].reason == "the engine finished without picks for you"
    )


def test_ratings_of_another_data_set_fail_with_a_reason() -> None:
    world = World()
    old = registration(4, dataset="netflix")
    world.post(old)
    world.settle()
    found = world.visitors.items[old.visitor_id]
    assert found.status is Status.FAILED
    assert "netflix" in (found.reason or "")


def test_a_request_without_a_phone_ends_with_its_picks() -> None:
    world = World()
    quiet = registration(5, phone=False)
    world.post(quiet)
    world.settle()
    assert (world.status(quiet.visitor_id), world.sms.sent) == (Status.RECOMMENDED, [])


def test_without_a_cluster_visitors_wait_and_are_served_once_there_is_one() -> None:
    world = World()
    world.cluster.gone = True
    world.post(ADA)
    world.deliver_visitors()
    done = world.sweep()
    assert done.waiting_without_cluster == 1
    world.cluster.gone = False
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_a_request_that_waits_for_a_day_fails_with_a_reason() -> None:
    world = World()
    world.cluster.gone = True
    world.post(ADA)
    world.deliver_visitors()
    world.sweep(PATIENCE.give_up + timedelta(minutes=1))
    assert world.visitors.items[ADA.visitor_id].reason == (
        "the recommendations could not be computed in 24 hours"
    )


def test_a_text_that_was_certainly_not_sent_is_retried() -> None:
    world = World()
    world.sms.errors = [TextNotSentError("throttled")]
    world.post(ADA)
    world.settle()
    assert world.texts_to(PHONE) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TextRejectedError("the number cannot be texted"), "the number cannot be texted"),
        (TextUnknownError("ReadTimeout"), UNANSWERED),
    ],
)
def test_a_text_that_must_not_be_retried_fails_with_a_reason(error: Exception, reason: str) -> None:
    world = World()
    world.sms.errors = [error]
    world.post(ADA)
    world.settle()
    assert world.visitors.items[ADA.visitor_id].reason == reason
    assert world.sms.sent == []


def test_the_message_of_a_text_for_an_unknown_visitor_is_ignored() -> None:
    assert World().texter.text(TextMessage("0" * 26, 1)) is TextOutcome.NOTHING_TO_DO


def test_the_message_of_a_text_that_comes_too_early_is_returned() -> None:
    world = World()
    world.post(ADA)
    with pytest.raises(NotYetError):
        world.texter.text(TextMessage(ADA.visitor_id, 1))


def test_the_same_batch_is_the_same_submission_in_any_order() -> None:
    members = [registration(number).progress.member for number in range(5)]
    forward, backward = Submission(tuple(members)), Submission(tuple(reversed(members)))
    assert forward.submission_id == backward.submission_id


@settings(max_examples=150)
@given(
    kill=st.integers(0, 60),
    when=st.sampled_from(["before", "after"]),
    people=st.integers(1, 5),
    doubled=st.lists(st.sampled_from(["visitors", "results", "texts"]), max_size=6),
    failing=st.integers(0, 4),
)
def test_no_combination_of_faults_loses_or_repeats_a_text(
    kill: int, when: str, people: int, doubled: list[str], failing: int
) -> None:
    world = World(kill=(kill, when))
    failures = iter([True] * failing)
    world.refuse_step = lambda name: next(failures, False)
    everybody = [registration(number) for number in range(1, people + 1)]
    for person in everybody:
        world.post(person)
    for kind in doubled:
        world.deliver_visitors()
        world.run_steps()
        getattr(world, f"{kind}_queue")[:] *= 2
        world.deliver_results()
        world.deliver_texts()
    world.settle()
    for person in everybody:
        found, texts = world.visitors.items[person.visitor_id], world.texts_to(number_of(person))
        assert texts <= 1
        if found.status is Status.TEXTED:
            assert texts == 1
        else:
            assert (found.status, bool(found.reason)) == (Status.FAILED, True)


def test_the_code_cannot_catch_a_death() -> None:
    assert not issubclass(Died, Exception)


# The sweep, and training on large data


def test_a_poisoned_submission_delays_no_other_visitor_of_the_sweep() -> None:
    world = World()
    bob, cyd = registration(2), registration(3)
    for person in (ADA, bob):
        world.post(person)
        world.deliver_visitors()
    first, second = world.objects.submissions
    world.objects.results[first] = [b"no JSON"]
    world.objects.results[second] = [good_result(bob.visitor_id, 1).to_json().encode()]
    world.post(cyd)
    world.visitors.mark_recommended(cyd.visitor_id, 1, "m1", good_result(cyd.visitor_id, 1).picks)
    done = world.sweep()
    assert [type(error) for error in done.errors] == [BadResultsError]
    assert world.status(ADA.visitor_id) is Status.FAILED
    assert [result.visitor_id for result in done.recommended] == [bob.visitor_id]
    assert {text.visitor_id for text in world.texts_queue} == {bob.visitor_id, cyd.visitor_id}


def test_a_text_whose_message_still_waits_is_requeued_with_growing_pauses() -> None:
    """Sweeps must not make a backlog of texts grow."""
    world = recommended_world(people=68, cap=200)
    world.reconciler = replace(
        world.reconciler, patience=replace(PATIENCE, recommended=timedelta(minutes=4, seconds=50))
    )
    # With a sweep every minute for an hour, texts are requeued after 5 minutes, then 10 and 20
    # minutes later; the next time, 40 minutes later, is after the hour.
    requeued = [len(world.sweep(timedelta(minutes=number)).requeued) for number in range(1, 61)]
    assert [number for number, many in enumerate(requeued, start=1) if many] == [5, 15, 35]
    assert len(world.texts_queue) == 4 * 68
    world.settle()
    assert len(world.sms.sent) == 68


def test_texts_are_requeued_only_once_a_backlog_of_texts_is_gone() -> None:
    world = recommended_world(people=3, cap=200)
    backlog = [TextMessage(f"other-{number}", 1) for number in range(MOST_TEXTS_WAITING + 1)]
    world.texts_queue[:] = backlog
    assert world.sweep().requeued == []
    world.texts_queue.pop()
    assert len(world.sweep().requeued) == 3
    assert len(world.texts_queue) == MOST_TEXTS_WAITING + 3


def test_a_sweep_that_cannot_see_the_queue_of_texts_goes_on_without_requeuing_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = recommended_world(people=3, cap=200)
    world.texts_queue.clear()
    error = RuntimeError("throttled")

    def refuse(_: MemoryTexts) -> int:
        raise error

    monkeypatch.setattr(MemoryTexts, "waiting", refuse)
    done = world.sweep()
    assert (done.errors, done.requeued, done.swept) == ([error], [], SweepOutcome.DONE)


def test_a_visitor_who_waits_for_the_cluster_is_requeued_with_growing_pauses() -> None:
    world = World()
    world.post(ADA)
    world.reconciler = replace(
        world.reconciler, patience=replace(PATIENCE, received=timedelta(minutes=4, seconds=50))
    )
    for number in range(1, 61):
        world.sweep(timedelta(minutes=number))
    assert len(world.visitors_queue) == 1 + 3
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_a_new_status_of_a_request_resets_the_pauses_between_requeues() -> None:
    world = World()
    world.post(ADA)
    for number in range(1, 4):
        world.sweep(timedelta(hours=number))
    assert world.visitors.items[ADA.visitor_id].requeued_times == 3
    world.deliver_visitors()
    assert world.visitors.items[ADA.visitor_id].requeued_times == 0


def test_a_sweep_queues_all_texts_of_a_slice_with_one_call() -> None:
    world = recommended_world(people=30, cap=200)
    world.texts_queue.clear()
    world.gate.writes.clear()
    world.sweep()
    assert world.gate.writes.count("texts.send") == 1
    assert len(world.texts_queue) == 30


def test_a_sweep_that_one_phase_slows_down_continues_with_the_others_next_time() -> None:
    world = recommended_world(people=3, cap=200)
    world.texts_queue.clear()
    for number in range(11, 20):
        world.post(registration(number))
    world.visitors_queue.clear()
    seconds = iter([120.0] * 5 + [0.0] * 100)
    done = world.sweep(seconds_left=lambda: next(seconds))
    assert done.swept is SweepOutcome.MORE_TO_DO
    assert world.texts_queue == []
    seconds = iter([120.0] * 6 + [0.0] * 100)
    for _ in range(2):
        world.sweep(seconds_left=lambda: next(seconds, 0.0))
    world.settle()
    assert len(world.sms.sent) == 3 + 9


@pytest.mark.parametrize("lost", ["visitors_queue", "texts_queue"])
def test_a_death_at_any_write_of_a_sweep_loses_and_repeats_nothing(lost: str) -> None:
    def swept(kill: tuple[int, str] | None = None) -> World:
        world = World()
        for number in (1, 2):
            world.post(registration(number))
        if lost == "texts_queue":
            for stage in (world.deliver_visitors, world.run_steps, world.deliver_results):
                stage()
        getattr(world, lost).clear()
        begun = len(world.gate.writes)
        world.gate.kill = kill and (begun + kill[0], kill[1])
        world.sweep()
        world.gate.writes[:begun] = []
        return world

    writes = list(swept().gate.writes)
    assert "visitors.requeued" in writes
    for number in range(len(writes)):
        for when in ("before", "after"):
            world = swept((number, when))
            assert world.deaths == 1
            world.gate.kill = None
            world.settle()
            assert [world.texts_to(number_of(registration(n))) for n in (1, 2)] == [1, 1]


def test_a_throttled_sweep_reports_the_error_and_still_requeues_texts() -> None:
    world = World()
    world.post(ADA)
    world.deliver_visitors()
    world.cluster.steps.clear()
    world.cluster.throttled = 1
    world.reconciler.adder.ledger.done.clear()  # type: ignore[attr-defined]
    bob = registration(2)
    world.post(bob)
    world.visitors.mark_recommended(bob.visitor_id, 1, "m1", good_result(bob.visitor_id, 1).picks)
    done = world.sweep()
    assert ["Throttling" in str(error) for error in done.errors] == [True]
    assert [text.visitor_id for text in world.texts_queue] == [bob.visitor_id]


def test_a_text_that_cannot_be_sent_for_a_day_fails_with_a_reason() -> None:
    world = World()
    world.sms.errors = [TextNotSentError("forbidden")] * 100
    world.post(ADA)
    world.settle(rounds=2)
    world.sweep(PATIENCE.give_up + timedelta(minutes=1))
    assert world.visitors.items[ADA.visitor_id].reason == (
        "the text could not be sent in 24 hours; your picks are on the page"
    )
    world.sms.errors = []
    world.settle()
    assert world.sms.sent == []


def test_a_failed_step_of_a_terminated_cluster_waits_without_an_error() -> None:
    world = World()
    world.post(ADA)
    world.deliver_visitors()
    world.cluster.gone = True
    done = world.reconciler.step_ended_badly(world.cluster.named("recommend")[0])
    assert (done.waiting_without_cluster, world.status(ADA.visitor_id)) == (1, Status.SUBMITTED)


def test_no_submission_waits_for_a_second_training_of_a_large_model() -> None:
    world = World()
    long_ago = timestamp(datetime.now(UTC) - timedelta(days=3))
    world.models.model = CurrentModel("m1", "embedded", long_ago, users=1000, ratings=20_000_000)
    for number in (1, 2):
        world.post(registration(number))
        world.deliver_visitors()
    assert len(world.cluster.named("train")) == 1
    assert len(world.cluster.named("recommend")) == 2


def test_small_data_trains_before_every_submission() -> None:
    world = World()
    for number in (1, 2, 3):
        world.post(registration(number))
        world.deliver_visitors()
        world.run_steps()
    assert len(world.cluster.named("train")) == 3


def test_small_data_trains_once_an_interval_for_any_number_of_submissions() -> None:
    world = World(interval=timedelta(minutes=5))
    for number in (1, 2, 3):
        world.post(registration(number))
        world.deliver_visitors()
        world.run_steps()
    assert len(world.cluster.named("train")) == 1
    # The active model serves the other visitors, because it needs no training on them.
    assert len(world.cluster.named("recommend")) == 3
    world.settle()
    assert len(world.sms.sent) == 3
    world.locks.until["training"] = datetime.now(UTC)  # the interval is over
    world.post(registration(4))
    world.deliver_visitors()
    assert len(world.cluster.named("train")) == 2


def test_visitors_since_the_training_of_a_large_model_are_counted_once_an_interval() -> None:
    world = World(interval=timedelta(minutes=5))
    now = timestamp(datetime.now(UTC))
    world.models.model = CurrentModel("m1", "embedded", now, users=1000, ratings=20_000_000)
    for number in (1, 2, 3):
        world.post(registration(number))
        world.deliver_visitors()
        world.run_steps()
    assert (world.objects.counted, world.cluster.named("train")) == (1, [])
    world.locks.until["training"] = datetime.now(UTC)  # the interval is over
    world.objects.new_visitors = 1000
    world.post(registration(4))
    world.deliver_visitors()
    assert len(world.cluster.named("train")) == 1


def test_a_small_model_that_is_not_stale_does_not_use_up_the_interval() -> None:
    world = World(interval=timedelta(minutes=5))
    world.objects.new_visitors = 0  # a training has just read the first visitor
    world.post(registration(1))
    world.deliver_visitors()
    world.run_steps()
    world.objects.new_visitors = 1
    world.post(registration(2))
    world.deliver_visitors()
    assert len(world.cluster.named("train")) == 1


def test_a_training_that_emr_rejected_does_not_use_up_the_interval() -> None:
    world = World(interval=timedelta(minutes=5))
    world.post(ADA)
    world.cluster.throttled = 1
    world.deliver_visitors()
    assert world.cluster.named("train") == []
    world.settle()
    assert len(world.cluster.named("train")) == 1


def test_visitors_who_come_while_the_cluster_is_busy_share_one_later_submission() -> None:
    world = World()
    everybody = [registration(number) for number in range(1, 31)]
    for person in everybody:
        world.post(person)
        world.deliver_visitors()
    assert len(world.cluster.named("recommend")) == 2
    world.settle()
    assert len(world.cluster.named("recommend")) == 3
    assert [world.texts_to(number_of(person)) for person in everybody] == [1] * 30


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_while_visitors_are_put_in_the_line_loses_none(when: str) -> None:
    world = World()
    for number in (1, 2):
        world.post(registration(number))
        world.deliver_visitors()
    cyd = registration(3)
    world.post(cyd)
    world.gate.kill = (len(world.gate.writes), when)
    world.deliver_visitors()
    assert (world.deaths, world.gate.writes[-1]) == (1, "line.wait")
    world.settle()
    assert world.texts_to(number_of(cyd)) == 1


# The daily cap of texts to all phones


def recommended_world(people: int, cap: int) -> World:
    """Return a world in which `people` visitors wait for their texts."""
    world = World(cap=cap)
    for number in range(1, people + 1):
        world.post(registration(number))
    for stage in (world.deliver_visitors, world.run_steps, world.deliver_results):
        stage()
    assert len(world.texts_queue) == people
    return world


def reasons(world: World) -> Counter[str | None]:
    return Counter(progress.reason for progress in world.visitors.items.values())


def test_texts_over_the_cap_are_not_sent_and_their_visitors_keep_their_picks() -> None:
    world = recommended_world(people=5, cap=3)
    world.settle()
    assert len(world.sms.sent) == 3
    assert reasons(world) == {None: 3, NO_MORE_TODAY: 2}
    assert all(len(progress.picks or ()) == 10 for progress in world.visitors.items.values())


def test_a_text_delivered_twice_or_failing_once_counts_once_against_the_cap() -> None:
    world = recommended_world(people=2, cap=2)
    world.sms.errors = [TextNotSentError("throttled")]
    world.texts_queue *= 3
    world.settle()
    assert len(world.sms.sent) == 2
    assert reasons(world) == {None: 2}


def test_a_retried_text_counts_once_against_the_cap() -> None:
    world = recommended_world(people=1, cap=1)
    world.sms.errors = [TextNotSentError("throttled"), TextNotSentError("throttled")]
    world.settle()
    assert world.texts_to(PHONE) == 1
    assert set(world.counter.counts.values()) == {1}


def test_a_text_retried_the_next_day_counts_against_the_cap_of_that_day() -> None:
    world = recommended_world(people=1, cap=1)
    world.visitors.items[ADA.visitor_id] = replace(
        world.visitors.items[ADA.visitor_id], text_counted_in="2026-11-21T00:00Z"
    )
    world.settle()
    assert world.texts_to(PHONE) == 1
    assert set(world.counter.counts.values()) == {1}


def test_a_text_that_cannot_be_counted_is_released_and_retried() -> None:
    world = recommended_world(people=1, cap=1)
    world.counter.errors = [TimeoutError("DynamoDB does not answer")]
    with pytest.raises(TimeoutError):
        world.texter.text(world.texts_queue[0])
    assert world.visitors.items[ADA.visitor_id].text_claimed_at is None
    assert world.sms.sent == []
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_the_cap_holds_for_concurrent_clients_with_every_message_delivered_thrice() -> None:
    people, cap = 40, 15
    world = recommended_world(people, cap)
    start = threading.Barrier(8)

    def work(messages: list[TextMessage]) -> Counter[TextOutcome]:
        start.wait(20)
        outcomes: Counter[TextOutcome] = Counter()
        for message in messages:
            with suppress(NotYetError):
                outcomes[world.texter.text(message)] += 1
        return outcomes

    messages = world.texts_queue * 3
    with ThreadPoolExecutor(8) as threads:
        outcomes = sum(threads.map(work, [messages[n::8] for n in range(8)]), Counter())
    assert len(world.sms.sent) == cap
    assert outcomes[TextOutcome.TEXTED] == cap
    assert outcomes[TextOutcome.OVER_THE_CAP] == people - cap


def test_the_next_day_has_its_own_cap() -> None:
    world = World(cap=1)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    world.texter.cap.take(yesterday)
    world.post(ADA)
    world.settle()
    assert world.texts_to(PHONE) == 1


def submitted_world(people: int) -> World:
    """Return a world in which `people` visitors wait for the results `many`, which are complete."""
    world = World()
    persons = [registration(number) for number in range(1, people + 1)]
    for one in persons:
        world.post(one)
    world.deliver_visitors()
    world.objects.results["many"] = [
        good_result(one.visitor_id, 1).to_json().encode() for one in persons
    ]
    return world


def test_one_page_of_results_is_collected_when_time_is_short_and_the_rest_later() -> None:
    world = submitted_world(2 * PAGE + 50)
    first = world.collector.collect("many", lambda: 0.0)
    assert (len(first.recommended), len(world.texts_queue)) == (PAGE, PAGE)
    second = world.collector.collect("many", lambda: 0.0, first.stopped_at)
    third = world.collector.collect("many", lambda: 0.0, second.stopped_at)
    assert third.stopped_at is None
    assert len(first.recommended + second.recommended + third.recommended) == 2 * PAGE + 50
    assert len({text.visitor_id for text in world.texts_queue}) == len(world.texts_queue) == 250


def test_repeated_results_write_and_queue_nothing() -> None:
    world = submitted_world(PAGE + 20)
    lines = world.objects.results["many"]
    world.collect("many")
    written, queued = len(world.gate.writes), len(world.texts_queue)
    world.objects.results["many"] = lines
    again = world.collect("many")
    assert (again.recommended, len(world.texts_queue)) == ([], queued)
    assert {*world.gate.writes[written:]} == {"results.delete", "submissions.delete"}


def test_a_death_in_the_second_page_keeps_the_first_and_texts_all_visitors_once() -> None:
    world = submitted_world(PAGE + 20)
    writes_of_a_page = PAGE + 1  # one for each visitor, then one for the page's texts
    world.gate.kill = (len(world.gate.writes) + writes_of_a_page + 10, "after")
    with pytest.raises(Died):
        world.collect("many")
    assert len(world.texts_queue) == PAGE
    world.gate.kill = None
    rest = world.collector.collect("many", lambda: 60.0, again=True)
    assert len(rest.recommended) == 9
    assert {text.visitor_id for text in world.texts_queue} == {*world.visitors.items}
    world.settle()
    phones = [number_of(registration(number)) for number in range(1, PAGE + 21)]
    assert {world.texts_to(phone) for phone in phones} == {1}


# Facts about a phone that only its owner may learn


def seen_by_a_visitor(world: World, visitor_id: str) -> tuple[object, ...]:
    """Return everything that a visitor's page shows about the end of a request."""
    page = world.visitors.page(visitor_id)
    assert page is not None
    found = page.progress
    return found.status, found.reason, found.texts, len(found.picks or ())


def at_one_phone(number: int) -> Registration:
    return replace(registration(number), phone=ADA.phone)


@pytest.mark.parametrize("cap", [200, 0])
def test_a_phone_that_opted_out_or_reached_its_limit_looks_like_any_other(cap: int) -> None:
    """Within the cap of all texts, and beyond it."""
    people = [ADA, at_one_phone(2), registration(3), registration(4)]
    world = World(cap=cap, phone_cap=1)
    for person in people:
        world.post(person)
    for stage in (world.deliver_visitors, world.run_steps, world.deliver_results):
        stage()
    order = sorted(world.texts_queue, key=lambda message: message.visitor_id)
    first, second, opted_out, last = order
    outcomes = [world.texter.text(first), world.texter.text(second)]
    world.sms.errors = [OptedOutError()] if cap else []
    outcomes += [world.texter.text(opted_out), world.texter.text(last)]
    ends = {seen_by_a_visitor(world, person.visitor_id) for person in people}
    if cap:
        assert outcomes == [
            TextOutcome.TEXTED,
            TextOutcome.OVER_THE_PHONES_LIMIT,
            TextOutcome.OPTED_OUT,
            TextOutcome.TEXTED,
        ]
        assert ends == {(Status.TEXTED, None, True, 10)}
        assert [to for to, _ in world.sms.sent] == [number_of(ADA), number_of(people[3])]
    else:
        assert outcomes == [TextOutcome.OVER_THE_CAP] * 4
        assert ends == {(Status.FAILED, NO_MORE_TODAY, True, 10)}


def test_a_retried_text_counts_once_against_the_limit_of_its_phone() -> None:
    world = World(phone_cap=1)
    world.sms.errors = [TextNotSentError("throttled")]
    world.post(ADA)
    world.settle()
    assert world.texts_to(PHONE) == 1


def test_forgetting_a_visitor_does_not_reset_the_limit_of_their_phone() -> None:
    world = World(phone_cap=1)
    world.post(ADA)
    world.settle()
    world.forgetter.forget(ADA.visitor_id)
    world.post(at_one_phone(2))
    world.settle()
    assert world.texts_to(PHONE) == 1
    assert world.status(registration(2).visitor_id) is Status.TEXTED


def test_a_text_that_the_limit_of_its_phone_could_not_count_is_released() -> None:
    world = recommended_world(people=1, cap=1)
    world.texter = replace(
        world.texter, phone_cap=replace(world.texter.phone_cap, counter=Broken())
    )
    with pytest.raises(TimeoutError):
        world.texter.text(world.texts_queue[0])
    assert world.visitors.items[ADA.visitor_id].text_claimed_at is None


class Broken:
    """A counter that does not answer."""

    def add(self, *_: object) -> str | None:
        raise TimeoutError("DynamoDB does not answer")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["claim_text", "mark_texted"])
def test_a_stall_of_the_table_neither_repeats_a_text_nor_leaves_its_delivery_unknown(
    call: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB does not answer in time, before or after its write; no process dies."""
    world = recommended_world(1, cap=10)
    write, stalls = getattr(world.visitors, call), [1]

    def stalled(*arguments: object) -> bool:
        written = write(*arguments) if when == "after" or not stalls else False
        if stalls:
            stalls.pop()
            raise TimeoutError("no answer from DynamoDB")
        return bool(written)

    monkeypatch.setattr(world.visitors, call, stalled)
    with suppress(TimeoutError):  # SQS redelivers the message
        world.deliver_texts()
    world.settle()
    assert (world.texts_to(PHONE), reasons(world)) == (1, {None: 1})
    assert world.status(ADA.visitor_id) is Status.TEXTED


def test_a_claim_with_too_little_time_left_is_released_and_nothing_is_sent() -> None:
    world = recommended_world(1, cap=10)
    [message] = world.texts_queue
    with pytest.raises(NotYetError, match="too little time"):
        world.texter.text(message, lambda: SECONDS_TO_SEND - 1)
    assert world.visitors.items[ADA.visitor_id].text_claimed_at is None
    assert world.texter.text(message, lambda: SECONDS_TO_SEND) is TextOutcome.TEXTED
    assert world.texts_to(PHONE) == 1


def test_a_visitor_who_cannot_be_marked_submitted_delays_no_other_of_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    everybody = [registration(number) for number in range(1, 6)]
    for person in everybody:
        world.post(person)
    mark, stalls = world.visitors.mark_submitted, iter(["without effect", "with effect"])

    def stalled(visitor_id: str, version: int, submission_id: str) -> bool:
        stall = next(stalls, None)
        if stall != "without effect":
            mark(visitor_id, version, submission_id)
        if stall:
            raise TimeoutError("DynamoDB did not answer")
        return True

    monkeypatch.setattr(world.visitors, "mark_submitted", stalled)
    world.deliver_visitors()
    assert world.visitors_queue == [(person.visitor_id, 1) for person in everybody[:2]]
    assert len(world.cluster.named("recommend")) == 1
    world.settle()
    assert [world.texts_to(number_of(person)) for person in everybody] == [1] * 5


def test_a_batch_without_a_visitor_marked_submitted_adds_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stalled(*_: object) -> bool:
        raise TimeoutError("DynamoDB did not answer")

    world = World()
    world.post(ADA)
    monkeypatch.setattr(world.visitors, "mark_submitted", stalled)
    world.deliver_visitors()
    assert (world.cluster.steps, world.visitors_queue) == ([], [(ADA.visitor_id, 1)])
