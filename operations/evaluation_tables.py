"""Print an evaluation as tables: predicted stars, picks and new visitors."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from operations.console import out

NOTHING = "-"  # for a figure that could not be computed
WIDTH = 200  # largest width of a table, in characters; wide enough not to truncate figures

STARS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "rmse_by_user": "RMSE/user",
    "mae_by_user": "MAE/user",
    "rank_agreement": "agreement",
    "rank_agreement_ties_half": "ties as ½",
}
PICKS = {
    "ndcg@10": "nDCG@10",
    "precision@10": "precision",
    "recall@10": "recall",
    "hit_rate@10": "hit rate",
    "coverage": "coverage",
    "median_popularity": "popularity",
}
GUESSES = {
    "popular": "popular",
    "questionnaire": "questionnaire",
    "bias_only": "bias only",
}
WAYS = {"popular": "popular", "questionnaire": "questionnaire", "known": "best known, drawn"}
SHOWN = {"popular": "shown, popular", "questionnaire": "shown, questionnaire"}


def show_report(report: Mapping[str, Any]) -> None:
    """Print the report: the data set and the split, a table each, and the models' errors."""
    split = report["split"]
    out.print(
        f"\n{report['dataset']}: {report['ratings']:,} ratings by {report['users']:,} users\n"
        f"Split {split['name']}, seed {split['seed']}: {split['rule']}\n"
        "± is half the width of a 95 % confidence interval over users\n",
        markup=False,
    )
    models = report["models"]
    _print(model_table("Stars of the held-out ratings", STARS, models))
    _print(model_table("Ten picks of all unseen movies", PICKS, models))
    for name, figures in report["models"].items():
        if "error" in figures:
            out.print(f"{name}: {figures['error']}", markup=False)
    new = report["new_visitors"]
    if new["answers"]:
        _print(new_visitors_table(new))
        _print(new_visitors_picks_table(new))
    else:
        out.print("New visitors: too few users rated enough movies.")


def _print(table: Table) -> None:
    """Print a table in its natural width, also to a pipe, which has no width of its own."""
    table.width = out.measure(table, options=out.options.update_width(WIDTH)).maximum
    out.print(table)


def model_table(
    title: str, columns: Mapping[str, str], models: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Return a table with one row for each model that was evaluated without an error."""
    table = _table(title, ["model", *columns.values()])
    for name, figures in models.items():
        if "error" not in figures:
            table.add_row(name, *(_figure(key, figures) for key in columns))
    return table


def new_visitors_table(new: Mapping[str, Any]) -> Table:
    """Return a table of RMSE and movies shown, by number of answers and questionnaire."""
    title = (
        f"New visitors: RMSE of {new['people']} users' other ratings after some answers, "
        "and its difference from bias only"
    )
    table = _table(title, ["answers", *GUESSES.values(), *SHOWN.values()])
    for row in new["answers"]:
        guesses = (_guess(key, row) for key in GUESSES)
        shown = (_with_margin(row["mean_shown"][key], None, digits=1) for key in SHOWN)
        table.add_row(str(row["answers"]), *guesses, *shown)
    return table


def new_visitors_picks_table(new: Mapping[str, Any]) -> Table:
    """Return a table of nDCG with a row for each model and a column for each kind of answers."""
    rows = new["answers"]
    columns = [(row, way) for way in WAYS for row in rows]
    title = "New visitors: nDCG@10 of the picks after some answers, by which movies were answered"
    table = _table(title, ["model", *(f"{row['answers']} {WAYS[way]}" for row, way in columns)])
    for name in rows[0]["ndcg@10"]:
        table.add_row(
            name,
            *(
                _with_margin(row["ndcg@10"][name][way], row["ndcg@10_margin"][name][way])
                for row, way in columns
            ),
        )
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    return table


def _figure(key: str, figures: Mapping[str, Any]) -> str:
    value = figures[key]
    if value is None:
        return NOTHING
    if key == "median_popularity":
        return f"{value:g}"
    return _with_margin(value, figures["margin"].get(key))


def _guess(key: str, row: Mapping[str, Any]) -> str:
    """Return a cell with the RMSE and, where there is one, the difference to "bias only".

    The margin is then that of the difference, because users differ more from each other than the
    predictions for the same user do.
    """
    if key not in row["above_bias_only"]:
        return _with_margin(row["rmse"][key], row["margin"][key])
    above = row["above_bias_only"][key]
    difference = _with_margin(above["rmse"], above["margin"])
    return (
        f"{row['rmse'][key]:.3f} {difference if difference.startswith('-') else f'+{difference}'}"
    )


def _with_margin(value: float | None, margin: float | None, digits: int = 3) -> str:
    if value is None:
        return NOTHING
    figure = f"{value:.{digits}f}"
    return figure if margin is None else f"{figure}±{margin:.{digits}f}".replace("±0.", "±.")
