"""The picture of a waterfall."""

import io

import pytest
from rich.console import Console

from operations.waterfall.picture import BAR_WIDTH, picture
from operations.waterfall.spans import Span

SPANS = [
    Span("form answered", 0.0, 1.0),
    Span("waiting for the batch", 1.0, None),
    Span(
        "recommend step running",
        1.0,
        3.0,
        "includes: waiting for the batch",
        (Span("read [bold]all", 1.0, 2.0), Span("wrote", 3.0, 1.0)),
    ),
]


def drawn(width: int = 140) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(picture(SPANS, 4.0, "from form to text"))
    return file.getvalue().splitlines()


def row(name: str) -> str:
    (found,) = [line for line in drawn() if line.strip().startswith(name)]
    return found


def bar(name: str) -> tuple[int, int]:
    """Return where the bar of a row begins, and how long it is, in characters."""
    line = row(name)
    return line.index("█") - row("from form to text").index("█"), line.count("█")


@pytest.mark.parametrize(
    ("name", "begin", "length"),
    [
        ("form answered", 0, BAR_WIDTH // 4),
        ("recommend step running", BAR_WIDTH // 4, BAR_WIDTH * 3 // 4),
        ("read", BAR_WIDTH // 4, BAR_WIDTH // 2),
        ("from form to text", 0, BAR_WIDTH),
    ],
)
def test_a_bar_lies_where_its_span_lies_in_the_whole(name: str, begin: int, length: int) -> None:
    assert bar(name) == (begin, length)


def test_each_row_says_its_seconds_and_its_note() -> None:
    assert "3.00 s" in row("recommend step running")
    assert row("recommend step running").endswith("includes: waiting for the batch")
    assert "4.00 s" in row("from form to text")


def test_a_span_that_is_not_known_has_no_bar() -> None:
    assert "not known" in row("waiting for the batch")
    assert "█" not in row("waiting for the batch")


def test_what_a_step_logged_is_shown_as_it_is_and_indented() -> None:
    assert row("read").startswith("  read [bold]all ")


@pytest.mark.parametrize("width", [80, 100])
def test_in_a_narrow_terminal_the_bars_are_shorter_and_the_names_are_on_one_line(
    width: int,
) -> None:
    lines = drawn(width)
    assert sum("recommend step running" in line for line in lines) == 1
    (last,) = [line for line in lines if line.startswith("from form to text")]
    assert 0 < last.count("█") < BAR_WIDTH
    assert max(map(len, lines)) <= width
