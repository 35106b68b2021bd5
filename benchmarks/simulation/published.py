"""Measured figures, read from the tables of README.md, where they are published."""

from functools import cache
from pathlib import Path

from operations import ROOT
from operations.errors import OperationError

README = ROOT / "README.md"


@cache
def published_figure(row: str, column: int, part: int = 0, file: Path = README) -> float:
    """Return a figure of a table in README.md.

    Args:
        row: the heading of the row.
        column: the cell's number, from 1.
        part: which of the figures of a cell such as `0.69 / 1.49`, from 0.
        file: the file with the tables.

    Raises:
        OperationError: if there is no such row, or no number in that place.
    """
    for line in file.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == row and line.startswith("|"):
            try:
                return float(cells[column].split("/")[part].strip().replace(",", ""))
            except (IndexError, ValueError):
                break
    raise OperationError(
        f"{file.name} has no figure {part + 1} in cell {column} of the row {row!r}: "
        "name its row in benchmarks/simulation."
    )
