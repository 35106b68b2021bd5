"""Dividing the time from form to text into spans, with timelines written by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from operations.waterfall.spans import (
    OUTSIDE,
    Line,
    Moments,
    Span,
    StepRun,
    spans,
    whole_seconds,
)

FORM_AT = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return FORM_AT + timedelta(seconds=seconds)


RECOMMEND = StepRun(
    "recommend",
    created_at=at(2.5),
    started_at=at(3.0),
    ended_at=at(7.4),
    script_at=at(4.5),
    lines=(Line(1.0, "model m: 40 movies"), Line(2.0, "wrote s3://results/")),
)
TRAIN = StepRun("train", created_at=at(2.5), started_at=at(2.75), ended_at=at(3.0))
MOMENTS = Moments(
    received_at=at(0),
    ended_at=at(9.0),
    answered_at=at(0.25),
    batch_at=at(2.0),
    steps=(RECOMMEND,),
    results_at=at(7.0),
    noticed_at=at(7.5),
    recommended_at=at(8.0),
    texting_at=at(8.5),
)


def durations(found: list[Span]) -> dict[str, float | None]:
    return {span.name: span.seconds for span in found}


def span_named(found: list[Span], name: str) -> Span:
    (span,) = [span for span in found if span.name == name]
    return span


def the_known_follow_each_other(found: list[Span], whole: float) -> bool:
    """Return whether the known spans leave no gap, do not overlap and fill the whole."""
    reached = 0.0
    for span in found:
        if span.start != reached or (span.seconds or 0) < 0:
            return False
        reached = round(reached + (span.seconds or 0), 2)
    return reached == whole


def test_moments_in_order_give_a_span_between_each_two() -> None:
    assert durations(spans(MOMENTS)) == {
        "form answered": 0.25,
        "waiting for the batch": 1.75,
        "submission written, step added": 0.5,
        "recommend step waiting": 0.5,
        "recommend step running": 4.0,
        "results noticed": 0.5,
        "results collected": 0.5,
        "text queued": 0.5,
        "text sent": 0.5,
    }


def test_a_training_in_the_same_call_has_spans_of_its_own_before_the_recommend_step() -> None:
    recommend = replace(RECOMMEND, started_at=at(3.5))
    found = durations(spans(replace(MOMENTS, steps=(TRAIN, recommend))))
    assert list(found.items())[2:7] == [
        ("submission written, step added", 0.5),
        ("train step waiting", 0.25),
        ("train step running", 0.25),
        ("recommend step waiting", 0.5),
        ("recommend step running", 3.5),
    ]


def test_a_retry_shows_the_failed_attempt_and_how_long_the_next_one_took_to_be_added() -> None:
    failed = replace(RECOMMEND, ended_at=at(4.0), failed=True)
    again = replace(RECOMMEND, attempt=2, created_at=at(5.0), started_at=at(5.5))
    found = spans(replace(MOMENTS, steps=(failed, again)))
    assert list(durations(found).items())[4:8] == [
        ("recommend step running", 1.0),
        ("failure noticed, step added again", 1.0),
        ("recommend step, attempt 2, waiting", 0.5),
        ("recommend step, attempt 2, running", 1.5),
    ]
    assert span_named(found, "recommend step running").note == "failed"
    assert span_named(found, "recommend step, attempt 2, running").note == ""


def test_a_training_that_fails_is_followed_by_the_second_attempt_of_the_recommend_step() -> None:
    train = replace(TRAIN, failed=True)
    first = replace(RECOMMEND, started_at=at(3.0), ended_at=at(4.0), failed=True)
    again = replace(RECOMMEND, attempt=2, created_at=at(5.0), started_at=at(5.5))
    found = spans(replace(MOMENTS, steps=(train, first, again)))
    assert span_named(found, "train step running").note == "failed"
    assert the_known_follow_each_other(found, 9.0)


@pytest.mark.parametrize("seconds", [-1.0, 1.0])
def test_an_emr_clock_that_differs_by_a_second_gives_no_negative_span_and_the_same_sum(
    seconds: float,
) -> None:
    off = timedelta(seconds=seconds)
    assert RECOMMEND.created_at is not None
    assert RECOMMEND.started_at is not None
    step = replace(
        RECOMMEND,
        created_at=RECOMMEND.created_at + off,
        started_at=RECOMMEND.started_at + off,
        ended_at=at(7.4) + off,
        script_at=at(4.5) + off,
    )
    found = spans(replace(MOMENTS, steps=(step,)))
    assert the_known_follow_each_other(found, 9.0)
    for span in found:
        assert all(part.seconds is not None and part.seconds > 0 for part in span.parts)


def test_a_moment_before_the_one_before_it_is_moved_there_and_the_note_says_so() -> None:
    found = spans(replace(MOMENTS, steps=(replace(RECOMMEND, created_at=at(1.25)),)))
    added = span_named(found, "submission written, step added")
    assert (added.seconds, added.note) == (0.0, "clocks differ by 0.75 s")


def test_a_moment_after_the_end_is_moved_to_the_end() -> None:
    found = spans(replace(MOMENTS, texting_at=at(9.5)))
    assert durations(found)["text sent"] == 0.0
    assert span_named(found, "text queued").note == "clocks differ by 0.50 s"


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("answered_at", "form answered"),
        ("batch_at", "waiting for the batch"),
        ("noticed_at", "results noticed"),
        ("recommended_at", "results collected"),
        ("texting_at", "text queued"),
    ],
)
def test_a_span_whose_end_is_missing_is_not_known_and_the_next_one_includes_it(
    missing: str, name: str
) -> None:
    found = spans(replace(MOMENTS, **{missing: None}))  # type: ignore[arg-type]
    names = [span.name for span in found]
    following = found[names.index(name) + 1]
    assert durations(found)[name] is None
    assert f"includes: {name}" in following.note
    assert the_known_follow_each_other(found, 9.0)


def test_without_any_moment_between_only_the_whole_is_known() -> None:
    found = spans(Moments(received_at=at(0), ended_at=at(9.0)))
    assert [span.name for span in found if span.seconds is not None] == ["text sent"]
    assert found[-1].seconds == 9.0


def test_while_emr_lists_no_steps_the_running_step_includes_what_came_before_it() -> None:
    running = span_named(spans(replace(MOMENTS, steps=())), "recommend step running")
    assert running.seconds == 5.0
    assert running.note == "includes: submission written, step added, recommend step waiting"


def test_a_step_that_ends_after_its_results_were_noticed_ends_there_for_the_visitor() -> None:
    step = replace(RECOMMEND, ended_at=at(8.7))
    found = durations(spans(replace(MOMENTS, steps=(step,), results_at=None)))
    assert (found["recommend step running"], found["results noticed"]) == (4.5, 0.0)


def test_results_that_the_sweep_found_were_complete_when_their_step_ended() -> None:
    swept = replace(MOMENTS, results_at=None, swept=True)
    found = spans(swept)
    assert durations(found)["recommend step running"] == 4.4
    assert span_named(found, "results noticed").note == "by the sweep"


def test_a_request_without_a_text_ends_with_its_results() -> None:
    found = spans(replace(MOMENTS, texted=False, ended_at=at(8.0), texting_at=None))
    assert found[-1].name == "results collected"
    assert the_known_follow_each_other(found, 8.0)


def test_the_seconds_that_are_shown_add_up_in_spite_of_rounding() -> None:
    odd = replace(
        MOMENTS,
        answered_at=at(0.3333),
        batch_at=at(1.6666),
        results_at=at(7.0049),
        ended_at=at(9.0051),
    )
    assert the_known_follow_each_other(spans(odd), whole_seconds(odd))


def test_a_running_step_is_divided_by_the_lines_that_it_logged() -> None:
    running = span_named(spans(MOMENTS), "recommend step running")
    assert [(part.name, part.start, part.seconds) for part in running.parts] == [
        ("spark-submit, until the script begins", 3.0, 1.5),
        ("model m: 40 movies", 4.5, 1.0),
        ("wrote s3://results/", 5.5, 1.0),
        ("the step ends", 6.5, 0.5),
    ]


def test_without_the_time_of_the_script_its_lines_still_have_their_durations() -> None:
    steps = (replace(RECOMMEND, script_at=None),)
    running = span_named(spans(replace(MOMENTS, steps=steps)), "recommend step running")
    assert [(part.name, part.seconds) for part in running.parts] == [
        (OUTSIDE, 2.0),
        ("model m: 40 movies", 1.0),
        ("wrote s3://results/", 1.0),
    ]


def test_lines_in_quick_succession_are_one_part_and_the_parts_still_fill_the_span() -> None:
    lines = (Line(0.0, "a"), Line(1.0, "b"), Line(1.0, "c"), Line(2.48, "d"))
    steps = (replace(RECOMMEND, lines=lines),)
    running = span_named(spans(replace(MOMENTS, steps=steps)), "recommend step running")
    assert [part.name for part in running.parts][1:] == ["b", "d"]
    assert sum(part.seconds or 0 for part in running.parts) == pytest.approx(running.seconds)


def test_a_step_without_a_log_has_no_parts() -> None:
    steps = (replace(RECOMMEND, lines=()),)
    found = spans(replace(MOMENTS, steps=steps))
    assert span_named(found, "recommend step running").parts == ()


def test_notes_name_a_busy_cluster_other_steps_and_cold_starts() -> None:
    steps = (replace(RECOMMEND, behind=("train", "similar")),)
    found = spans(
        replace(MOMENTS, cluster_was_busy=True, steps=steps, starts={"text queued": 0.42})
    )
    assert {span.name: span.note for span in found if span.note} == {
        "waiting for the batch": "the cluster was busy",
        "recommend step waiting": "behind train, similar",
        "text queued": "0.42 s of it a cold start",
    }
