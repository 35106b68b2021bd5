"""Draw spans as a waterfall: one horizontal bar for each, where it lies in the whole time."""

from collections.abc import Sequence

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from operations.waterfall.spans import Span

NOT_KNOWN = "not known"
# The widest, which leaves room for the notes; in a narrow terminal the bars are shorter.
BAR_WIDTH = 40
_NARROWEST_BAR = 12
_NAME_WIDTH = 42


def picture(spans: Sequence[Span], whole: float, title: str) -> Table:
    """Return a table with a row for each span and each of its parts, and their sum.

    Args:
        spans: the spans, in order.
        whole: the seconds of all spans together.
        title: the words in the row of the sum.
    """
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(min_width=_NARROWEST_BAR, max_width=BAR_WIDTH)
    table.add_column(style="dim")
    for span in spans:
        table.add_row(*_row(span, whole))
        for part in span.parts:
            table.add_row(*_row(part, whole, indent=2), style="dim")
    table.add_section()
    table.add_row(title, f"{whole:.2f} s", Bar(whole, 0, whole), "")
    return table


def _row(span: Span, whole: float, indent: int = 0) -> tuple[Text, str, Bar, Text]:
    name = Text(" " * indent + span.name)
    name.truncate(_NAME_WIDTH, overflow="ellipsis")
    seconds = NOT_KNOWN if span.seconds is None else f"{span.seconds:.2f} s"
    # Text, because names and notes hold what steps logged, which is not rich's markup.
    return name, seconds, Bar(whole, span.start, span.stop), Text(span.note)
