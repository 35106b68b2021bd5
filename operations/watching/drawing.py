"""Draw the report's plots as SVG that can stand inside an HTML page."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Readable on white and on black. The markers tell the lines apart without colours.
COLOURS = ("#2f7ed8", "#d1641d", "#2a9d5c", "#a04fd0")
MARKERS = ("o", "s", "^", "D")
# Replaced by the colour of the page's text, which depends on the reader's settings.
_INK = "#010203"
_TICKS = 5
_ID_OF_A_GROUP = re.compile(r' id="[A-Za-z0-9.]+_\d+"')
_PREFACE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Plotted:
    """One line or one set of bars: a value for some of the times."""

    label: str
    values: Mapping[datetime, float]


def draw_plot(
    name: str,
    plotted: Sequence[Plotted],
    times: Sequence[datetime],
    unit: str,
    *,
    bars: bool = False,
) -> str:
    """Return a plot of values over time as an SVG element; it names no other address.

    Args:
        name: differs between the plots of one page, so that their ids do.
        plotted: what to draw.
        times: the times on the horizontal axis, in order.
        unit: the words at the vertical axis.
        bars: whether to draw stacked bars instead of lines.
    """
    # Imported here because only this report and a chart need it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": name,
            "text.color": _INK,
            "axes.edgecolor": _INK,
            "axes.labelcolor": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
        }
    ):
        figure = Figure(figsize=(5.4, 2.4), layout="constrained")
        axes = figure.subplots()
        bottoms = [0.0] * len(times)
        for number, each in enumerate(plotted):
            colour = COLOURS[number % len(COLOURS)]
            if bars:
                heights = [each.values.get(at, 0.0) for at in times]
                axes.bar(range(len(times)), heights, bottom=bottoms, color=colour, label=each.label)
                bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
            else:
                known = [number for number, at in enumerate(times) if at in each.values]
                axes.plot(
                    known,
                    [each.values[times[number]] for number in known],
                    color=colour,
                    marker=MARKERS[number % len(MARKERS)],
                    markersize=5,
                    label=each.label,
                )
        axes.set_ylabel(unit)
        axes.set_xlim(-0.6, len(times) - 0.4)
        marked = sorted({round(n * (len(times) - 1) / _TICKS) for n in range(_TICKS + 1)})
        axes.set_xticks(marked, [short_time(times[number], times) for number in marked])
        if bars:
            axes.set_ylim(bottom=0, top=max([*bottoms, 1.0]) * 1.1)
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        lowest, highest = axes.get_ylim()
        if 0 < lowest < highest / 2:
            axes.set_ylim(bottom=0)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25, color=_INK)
        axes.legend(
            frameon=False,
            ncols=len(plotted),
            loc="lower left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0.2,
            columnspacing=1.2,
            handlelength=1.2,
            handletextpad=0.5,
        )
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    svg = _METADATA.sub("", _PREFACE.sub("", drawn.getvalue(), count=1))
    return _ID_OF_A_GROUP.sub("", svg).replace(_INK, "currentColor")


def short_time(at: datetime, among: Sequence[datetime]) -> str:
    """Return a time as it is written among others: the hour within three days, else the day."""
    is_short = max(among) - min(among) < timedelta(days=3)
    return f"{at:%H:%M}" if is_short else f"{at:%d %b}"
