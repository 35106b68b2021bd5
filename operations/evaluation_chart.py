"""Draw the RMSE of new visitors' predicted stars against their number of answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LINES = {
    "popular": "most rated movies",
    "questionnaire": "questionnaire",
    "bias_only": "bias only, most rated movies",
}


def draw_chart(report: Mapping[str, Any], folder: Path) -> str:
    """Draw the chart as PNG and SVG into a folder; return where, or why there is none, in words."""
    rows = report["new_visitors"]["answers"]
    if not rows:
        return "No chart: too few users rated enough movies."
    try:
        # Imported here because nothing else in `operations` needs it.
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        return "No chart: matplotlib is not installed in .venvs/development."
    answers = [row["answers"] for row in rows]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for key, label in LINES.items():
        axes.plot(answers, [row["rmse"][key] for row in rows], marker="o", label=label)
    axes.set_title(f"New visitors, {report['dataset']}: {report['new_visitors']['people']} users")
    axes.set_xlabel("answers")
    axes.set_ylabel("RMSE of their other ratings (stars)")
    axes.set_xticks(answers)
    axes.grid(alpha=0.3)
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"evaluation-{report['dataset']}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=150)
    return f"Chart of new visitors: {' and '.join(str(path) for path in paths)}"
