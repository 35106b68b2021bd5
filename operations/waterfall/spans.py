"""Divide the time from a form to its text into spans, given the moments that were recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

# Moments that are out of order by less are a matter of rounding, not of clocks that differ.
CLOCKS_DIFFER_SECONDS = 0.05
# A step's lines say tenths of a second, so shorter parts are noise.
SHORTEST_PART_SECONDS = 0.05


@dataclass(frozen=True)
class Line:
    """A line of a step's log; `seconds` is the time since the step's script began."""

    seconds: float
    message: str


@dataclass(frozen=True)
class StepRun:
    """One attempt of a step, with None for what is not known.

    Attributes:
        kind: `train` or `recommend`.
        attempt: the number of the submission's attempt, from 1.
        created_at: when the step was added.
        started_at: when EMR started it.
        ended_at: when EMR noted its end.
        failed: whether it ended in any other way than by completing.
        script_at: when the step's script began.
        lines: what the script logged, in order.
        behind: the kinds of the other steps that ran while this one waited.
    """

    kind: str
    attempt: int = 1
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failed: bool = False
    script_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moments:
    """What was recorded of one request, with None for what is not known.

    The moments come from different clocks: the functions', EMR's, S3's and the cluster's.

    Attributes:
        received_at: when ingest received the form.
        ended_at: when the request reached its last status.
        texted: whether that status is `texted`; otherwise it is `recommended`.
        answered_at: when ingest had answered the form.
        batch_at: when submit_step received the batch with this visitor.
        cluster_was_busy: whether submit_step sent visitors back to the queue meanwhile.
        steps: the submission's steps by the time at which they were added, and before the first
            attempt's recommend step the train step that it waited for, if any.
        results_at: when the results were complete in S3.
        noticed_at: when the function that collected the results began.
        swept: whether the sweep noticed the results, because the notification had not served them.
        recommended_at: when the visitor's picks were stored.
        texting_at: when the function that sent the text began.
        starts: for each span that includes the start of an execution environment, its seconds.
    """

    received_at: datetime
    ended_at: datetime
    texted: bool = True
    answered_at: datetime | None = None
    batch_at: datetime | None = None
    cluster_was_busy: bool = False
    steps: tuple[StepRun, ...] = ()
    results_at: datetime | None = None
    noticed_at: datetime | None = None
    swept: bool = False
    recommended_at: datetime | None = None
    texting_at: datetime | None = None
    starts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """A part of the time from form to text.

    Attributes:
        name: what happened.
        start: when it began, in seconds since the form.
        seconds: how long it took; None if that is not known.
        note: more about it, or an empty string.
        parts: what a running step did, if its log is known; their seconds add up to the span's.
    """

    name: str
    start: float
    seconds: float | None
    note: str = ""
    parts: "tuple[Span, ...]" = ()

    @property
    def stop(self) -> float:
        """When the span ended, in seconds since the form; for an unknown one, its start."""
        return self.start + (self.seconds or 0.0)


FORM = "form answered"
BATCH = "waiting for the batch"
ADDED = "submission written, step added"
ADDED_AGAIN = "failure noticed, step added again"
NOTICED = "results noticed"
COLLECTED = "results collected"
QUEUED = "text queued"
SENT = "text sent"
SUBMIT = "spark-submit, until the script begins"
ENDING = "the step ends"
OUTSIDE = "before and after the script"


@dataclass(frozen=True)
class _End:
    """The end of a span: the moment at which it ended, or None if that is not known."""

    name: str
    at: datetime | None
    notes: tuple[str, ...] = ()
    run: StepRun | None = None


def whole_seconds(moments: Moments) -> float:
    """Return the seconds from the form to the request's last status, in hundredths."""
    return round((moments.ended_at - moments.received_at).total_seconds(), 2)


def spans(moments: Moments) -> list[Span]:
    """Return the spans from the form to the request's last status, in order.

    Each span begins where the one before it ended, so their seconds add up to `whole_seconds`,
    exactly. No span is negative: a moment that another clock puts before the one before it, or
    after the end, is moved there, and the span's note says so. Where a span's end is not known,
    its seconds are None and the next known span includes them.
    """
    whole = whole_seconds(moments)
    found: list[Span] = []
    reached, unknown = 0.0, list[str]()
    for end in _ends(moments):
        if end.at is None:
            found.append(Span(end.name, reached, None, "; ".join(end.notes)))
            unknown.append(end.name)
            continue
        recorded = _seconds_between(moments.received_at, end.at)
        stop = min(max(recorded, reached), whole)
        notes = [*end.notes, *_about_clocks(recorded, stop)]
        if unknown:
            notes.append(f"includes: {', '.join(unknown)}")
        parts = _parts(end.run, reached, stop, moments.received_at) if end.run else ()
        found.append(Span(end.name, reached, round(stop - reached, 2), "; ".join(notes), parts))
        reached, unknown = stop, []
    return found


def _ends(moments: Moments) -> Iterator[_End]:
    """Yield the end of every span, in the order in which they happened."""
    busy = ("the cluster was busy",) if moments.cluster_was_busy else ()
    noticed = ("by the sweep",) if moments.swept else ()
    between = chain(
        [_End(FORM, moments.answered_at), _End(BATCH, moments.batch_at, busy)],
        _ends_of_steps(moments),
        [_End(NOTICED, moments.noticed_at, noticed)],
    )
    last = (
        [
            _End(COLLECTED, moments.recommended_at),
            _End(QUEUED, moments.texting_at),
            _End(SENT, moments.ended_at),
        ]
        if moments.texted
        else [_End(COLLECTED, moments.ended_at)]
    )
    for end in chain(between, last):
        start = moments.starts.get(end.name)
        started = (f"{start:.2f} s of it a cold start",) if start else ()
        yield _End(end.name, end.at, (*end.notes, *started), end.run)


def _ends_of_steps(moments: Moments) -> Iterator[_End]:
    runs = moments.steps or (StepRun("recommend"),)
    attempt = 0
    for run in runs:
        if run.attempt != attempt:
            yield _End(ADDED_AGAIN if attempt else ADDED, run.created_at)
            attempt = run.attempt
        name = f"{run.kind} step" + (f", attempt {run.attempt}," if run.attempt > 1 else "")
        behind = (f"behind {', '.join(run.behind)}",) if run.behind else ()
        yield _End(f"{name} waiting", run.started_at, behind)
        ended = _results_complete(run, moments) if run is runs[-1] else run.ended_at
        yield _End(f"{name} running", ended, ("failed",) if run.failed else (), run)


def _results_complete(run: StepRun, moments: Moments) -> datetime | None:
    """Return when the visitor stopped waiting for the step, which may still be ending then."""
    if moments.results_at is not None:
        return moments.results_at
    return min((at for at in (run.ended_at, moments.noticed_at) if at is not None), default=None)


def _parts(run: StepRun, start: float, stop: float, received_at: datetime) -> tuple[Span, ...]:
    """Return what a running step did, by the lines that it logged.

    Each line ends a part, because a step logs what it has done.

    Args:
        run: the step.
        start: when it started, in seconds since the form.
        stop: when it ended, in seconds since the form.
        received_at: the moment of the form.
    """
    if not run.lines:
        return ()
    if run.script_at is not None:
        began = _seconds_between(received_at, run.script_at)
        ends = [(SUBMIT, began)]
    else:
        # Only the durations within the script are known, so show the rest before it.
        began = stop - run.lines[-1].seconds
        ends = [(OUTSIDE, began)]
    ends += [(line.message, began + line.seconds) for line in run.lines]
    parts: list[Span] = []
    reached = start
    for name, at in [*ends, (ENDING, stop)]:
        end = round(min(max(at, reached), stop), 2)
        if end - reached >= SHORTEST_PART_SECONDS:
            parts.append(Span(name, reached, round(end - reached, 2)))
            reached = end
    if parts and reached < stop:  # what is too short for a part of its own
        parts[-1] = replace(parts[-1], seconds=round(stop - parts[-1].start, 2))
    return tuple(parts)


def _seconds_between(start: datetime, end: datetime) -> float:
    """Return the seconds between two moments in hundredths, so that shown figures add up."""
    return round((end - start).total_seconds(), 2)


def _about_clocks(recorded: float, used: float) -> list[str]:
    difference = abs(recorded - used)
    return [f"clocks differ by {difference:.2f} s"] if difference > CLOCKS_DIFFER_SECONDS else []
