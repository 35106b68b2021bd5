"""Write the report as one HTML page that needs nothing else."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from operations import ROOT
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.watching.drawing import Plotted, draw_plot
from operations.watching.metrics import DAY, Asked, Values, asked_of
from operations.watching.story import (
    AT_ONCE,
    ERROR,
    GIVEN,
    PARTS,
    PREDICTED,
    KeptTraining,
    VisitorStory,
    collect_story,
)

TEMPLATE = ROOT / "operations" / "watching" / "page.html"
_LONG = 40  # characters from which a cell needs room for several words a line
NOTHING = "\N{EN DASH}"
_LAST = "form to text, in all"
_RUNBOOK = "Runbook: "

type Row = Sequence[str]


def write_report(
    deployment: Deployment, phases: Phases, file: Path | None = None, days: int | None = None
) -> Path:
    """Collect the report and write it; return the file.

    Args:
        deployment: the deployment.
        phases: shows the progress.
        file: the file to write; by default `report.html` beside the deployment's other files.
        days: how many days it covers.

    Raises:
        OperationError: if `days` is invalid, nothing is deployed, or the file cannot be written.
    """
    with phases.phase("collect the report") as phase:
        story = collect_story(deployment, days, progress=phase.detail)
    chosen = file or deployment.state / "report.html"
    with phases.phase("draw the page"):
        page = page_of(story)
    try:
        chosen.parent.mkdir(parents=True, exist_ok=True)
        chosen.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OperationError(
            f"FILE is {str(chosen)!r}, which cannot be written ({error.strerror})."
        ) from error
    out.print(f"The report of {deployment.name!r}: {chosen}", markup=False)
    return chosen


def page_of(story: VisitorStory) -> str:
    """Return the whole page; everything that is not ours is escaped."""
    parts: list[Callable[[VisitorStory], str]] = [
        *(_forms, _at_once, _requests, _seconds, _cost, _models, _live_error),
        *(_alarms, _steps),
    ]
    values = {
        "title": f"Marquee {story.environment}: report",
        "introduction": _introduction(story),
        "sections": "\n".join(part(story) for part in parts),
    }
    page = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace(f"<!-- {name} -->", escape(value) if name == "title" else value)
    return page


# ---------------------------------------------------------------------------------------------
# Words and tables
# ---------------------------------------------------------------------------------------------


def _number(value: float | None, digits: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.0%}"


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _table(caption: str, headings: Row, rows: Iterable[Row], numbers_from: int = 1) -> str:
    """Return a table; its columns from `numbers_from` on are aligned as numbers."""

    def cell(number: int, text: str) -> str:
        kind = ' class="number"' if number >= numbers_from else ""
        if len(text) > _LONG:
            kind = ' class="words"'
        if number == 0:
            return f'<th scope="row">{escape(text)}</th>'
        return f"<td{kind}>{escape(text)}</td>"

    head = "".join(
        f'<th scope="col"{" class=number" if number >= numbers_from else ""}>{escape(each)}</th>'
        for number, each in enumerate(headings)
    )
    body = "".join(
        f"<tr>{''.join(cell(number, text) for number, text in enumerate(row))}</tr>" for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _figure(
    story: VisitorStory, name: str, title: str, plotted: Sequence[Plotted], unit: str, **more: Any
) -> str:
    """Return a plot and, below it, a table of its values; one sentence if there are none."""
    times = story.covered.buckets
    if not any(each.values for each in plotted):
        return f"<p>Nothing to draw yet: {escape(title[:1].lower() + title[1:])}.</p>"
    return _figure_over(name, title, plotted, times, unit, **more)


def _figure_over(
    name: str,
    title: str,
    plotted: Sequence[Plotted],
    times: Sequence[datetime],
    unit: str,
    *,
    bars: bool = False,
    digits: int | None = None,
) -> str:
    shown = digits if digits is not None else 0 if bars else 2
    used = [at for at in times if any(at in each.values for each in plotted)]
    svg = draw_plot(name, plotted, times, unit, bars=bars)
    rows = [[_at(at), *(_number(each.values.get(at), shown) for each in plotted)] for at in used]
    headings = ["time (UTC)", *(each.label for each in plotted)]
    table = _table(f"{title} ({unit})", headings, rows)
    return (
        f'<figure><div role="img" aria-label="{escape(title)}; the table below has the values">'
        f"{svg}</div><figcaption>{escape(title)}</figcaption>"
        f"<details><summary>Table of this plot</summary>{table}</details></figure>"
    )


def _section(name: str, heading: str, *parts: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(heading)}</h2>' + (
        f"{''.join(parts)}</section>"
    )


def _paragraph(words: str) -> str:
    return f"<p>{escape(words)}</p>"


def _tiles(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the most important numbers, each with its name."""
    each = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
    )
    return f'<dl class="tiles">{each}</dl>'


# ---------------------------------------------------------------------------------------------
# The sections, in a visitor's order
# ---------------------------------------------------------------------------------------------


def _introduction(story: VisitorStory) -> str:
    covered = story.covered
    every = "day" if covered.bucket == DAY else "hour"
    words = [
        _paragraph(
            f"Written on {_at(story.written_at)} UTC. It covers {_at(covered.begin)} to"
            f" {_at(covered.end)} UTC, with a value for each {every}."
        )
    ]
    on = len(story.alarms)
    if on:
        alarms = "alarm is" if on == 1 else "alarms are"
        words.append(f'<p class="warning"><a href="#alarms">{on} {alarms} on.</a></p>')
    else:
        words.append(_paragraph("No alarm is on."))
    model = story.current
    if model is None:
        words.append(_paragraph("No model is active yet: import ratings with make import."))
    else:
        words.append(
            _paragraph(
                f"Active model: {model.model_id} on {model.dataset}, {model.ratings:,} ratings of"
                f" {model.users:,} users. Visitors left out of it: {model.left_out:,}."
            )
        )
    return "".join(words)


def _counts(story: VisitorStory, names: dict[str, str]) -> list[Plotted]:
    return [
        Plotted(label, story.measures.sums_by_bucket(metric)) for metric, label in names.items()
    ]


def _totals(story: VisitorStory, names: dict[str, str]) -> list[Row]:
    sums = story.measures.sums
    return [
        [label, _number(sums(metric, since=story.midnight)), _number(sums(metric))]
        for metric, label in names.items()
    ]


_TOTALS = ("what", "today", "in all")


def _forms(story: VisitorStory) -> str:
    names = {"VisitorsReceived": "new", "VisitorsRevised": "changed"}
    told = names | {"VisitorsForgotten": "forgotten"}
    stored = (
        "The number of stored visitors could not be read."
        if story.stored is None
        else f"Visitors stored: {story.stored:,} (DynamoDB counts them every six hours)."
    )
    return _section(
        "forms",
        "1. Forms",
        _table("Forms of new visitors, changes, visitors forgotten", _TOTALS, _totals(story, told)),
        _paragraph(stored),
        _figure(story, "forms", "Forms", _counts(story, names), "forms", bars=True),
    )


def _at_once(story: VisitorStory) -> str:
    answers = story.of_ingest(AT_ONCE, "SampleCount")
    percentiles = [story.of_ingest(AT_ONCE, stat) for stat in ("p50", "p95")]
    return _section(
        "at-once",
        "2. Picks at once",
        _tiles(
            [
                ("answers with picks", _number(answers or 0)),
                ("seconds, p50", _number(percentiles[0], 3)),
                ("seconds, p95", _number(percentiles[1], 3)),
            ]
        ),
        _paragraph(
            "The seconds are those of the function; the way through the internet and the API comes"
            " on top."
        ),
        _figure(
            story,
            "at-once",
            "Seconds until picks at once",
            [
                Plotted(stat, _by_bucket(story, Asked(AT_ONCE, "ingest", stat)))
                for stat in ("p50", "p95")
            ],
            "seconds",
            digits=3,
        ),
    )


def _requests(story: VisitorStory) -> str:
    names = {
        "VisitorsSubmitted": "submitted",
        "VisitorsRecommended": "recommended",
        "VisitorsTexted": "texted",
        "VisitorsFailed": "failed",
    }
    told = names | {
        "TextsWithheld": "texts withheld",
        "TextsOverTheCap": "texts over the cap",
        "DeliveryUnknown": "delivery unknown",
    }
    return _section(
        "requests",
        "3. Submitted, recommended, texted, failed",
        _table("Visitors' requests", _TOTALS, _totals(story, told)),
        _figure(
            story, "requests", "Visitors by status", _counts(story, names), "visitors", digits=0
        ),
    )


def _by_bucket(story: VisitorStory, asked: Asked) -> Values:
    return story.measures.by_bucket.get(asked, {})


def _seconds(story: VisitorStory) -> str:
    rows, plotted = [], []
    for metric, label in PARTS.items():
        visitors, *percentiles = asked_of(metric, "SampleCount", "p50", "p95")
        whole = story.measures.whole
        rows.append(
            [
                label,
                _number(whole.get(visitors, 0)),
                *(_number(whole.get(each), 1) for each in percentiles),
            ]
        )
        if label == _LAST:
            plotted = [Plotted(each.stat, _by_bucket(story, each)) for each in percentiles]
    return _section(
        "seconds",
        "4. Seconds of each part",
        _table("Seconds of each part", ["part", "visitors", "p50", "p95"], rows),
        _paragraph(
            "The first part includes the batching window and waiting for a busy cluster, the second"
            " a training if the model was stale. Picks that only the sweep found are not in the"
            " second part."
        ),
        _figure(story, "seconds", "Seconds from form to text", plotted, "seconds", digits=1),
    )


def _cost(story: VisitorStory) -> str:
    if story.cost is None:
        return _section("cost", "5. Cost today", _paragraph(story.cost_note))
    idle, visitors = story.cost.idle, story.cost.visitors
    return _section(
        "cost",
        "5. Cost today",
        _tiles(
            [
                ("dollars since midnight UTC", _number(idle + visitors, 2)),
                ("what runs anyway", _number(idle, 2)),
                ("today's visitors", _number(visitors, 2)),
            ]
        ),
        _paragraph(f"An estimate, as make cost makes it. {story.cost_note}"),
    )


def _models(story: VisitorStory) -> str:
    refused = sum(each.is_refused for each in story.models)
    rows = [_model_row(each) for each in reversed(story.models)]
    shown = [each for each in story.models if not each.is_refused]
    times = [datetime.fromisoformat(each.trained_at) for each in shown]
    plots = [
        _figure_over(
            metric,
            title,
            [
                Plotted(
                    label,
                    {
                        at: value
                        for at, each in zip(times, shown, strict=True)
                        if (value := getattr(each, metric)) is not None
                    },
                )
            ],
            times,
            label,
            digits=3,
        )
        for metric, title, label in (
            ("test_rmse", "Test RMSE of each published model", "stars"),
            ("ndcg", "nDCG@10 of each published model", "nDCG@10"),
        )
        if any(getattr(each, metric) is not None for each in shown)
    ]
    headings = [
        "model",
        "trained (UTC)",
        "data set",
        "test RMSE",
        "nDCG@10",
        "by popularity",
        "outcome",
    ]
    return _section(
        "models",
        "6. Quality of the models",
        _tiles(
            [
                ("trainings kept", _number(len(story.models))),
                ("refused by the regression check", _number(refused)),
                ("share refused", _percent(story.refused_share)),
            ]
        ),
        _table("Models, the newest first", headings, rows, numbers_from=3)
        if rows
        else _paragraph("No model is kept yet."),
        *plots,
    )


def _model_row(model: KeptTraining) -> Row:
    return [
        model.model_id,
        model.trained_at[:16].replace("T", " "),
        f"{model.dataset}, {model.ratings:,} ratings",
        *(_number(each, 3) for each in (model.test_rmse, model.ndcg, model.popularity_ndcg)),
        "refused" if model.is_refused else "published",
    ]


def _live_error(story: VisitorStory) -> str:
    averages = [story.of_ingest(metric, "Average") for metric in (PREDICTED, GIVEN, ERROR)]
    names = {PREDICTED: "predicted", GIVEN: "given", ERROR: "mean absolute error"}
    return _section(
        "live-error",
        "7. What visitors do with their picks",
        _tiles(
            [
                ("picks rated later", _number(story.of_ingest(ERROR, "SampleCount") or 0)),
                ("stars predicted", _number(averages[0], 2)),
                ("stars given", _number(averages[1], 2)),
                ("live error (stars)", _number(averages[2], 2)),
                ("picks dismissed", _number(story.measures.sums("PicksDismissed"))),
                ("share dismissed", _percent(story.dismissed_share)),
            ]
        ),
        _paragraph(
            "The live error is the mean absolute difference between the stars that a pick was said"
            " to get and those that its visitor gave. Visitors rate the picks that they have seen,"
            " so it is no substitute for the test RMSE."
        ),
        _figure(
            story,
            "live-error",
            "Picks rated later",
            [
                Plotted(label, _by_bucket(story, Asked(metric, "ingest", "Average")))
                for metric, label in names.items()
            ],
            "stars",
        ),
    )


def _alarms(story: VisitorStory) -> str:
    if not story.alarms:
        return _section("alarms", "8. Alarms that are on", _paragraph("None."))
    rows = []
    for alarm in story.alarms:
        words, _, runbook = alarm.description.partition(_RUNBOOK)
        rows.append([alarm.name, _at(alarm.since), words.strip(), runbook])
    headings = ["alarm", "since (UTC)", "what it means, and what to do first", "runbook"]
    return _section(
        "alarms",
        "8. Alarms that are on",
        _table("Alarms that are on", headings, rows, numbers_from=len(headings)),
    )


def _steps(story: VisitorStory) -> str:
    rows = [
        [each.name, each.state.lower(), _at(each.added_at), _number(each.seconds, 1)]
        for each in story.steps
    ]
    headings = ["step", "state", "added (UTC)", "seconds"]
    sums = story.measures.sums
    failed = f"Steps that failed: {sums('StepsFailed'):,.0f}; trainings that failed or were"
    failed += f" refused: {sums('TrainingsFailed'):,.0f}."
    return _section(
        "steps",
        "9. Steps",
        _paragraph(failed),
        _table("The last steps, the newest first", headings, rows, numbers_from=3)
        if rows
        else _paragraph("The cluster has no steps, or is gone."),
    )
