"""Write the cost table of docs/deploy.md from a plan with the default variables."""

from pathlib import Path

from operations import ROOT
from operations.cost.report import as_markdown, counted
from operations.deployment import LOCAL, Deployment
from operations.errors import OperationError
from operations.planned import EXAMPLE, Resource, plan_offline

PAGE = ROOT / "docs" / "deploy.md"
BEGIN = "<!-- Written by `make cost-page`; a test compares. -->\n"
END = "<!-- End of what `make cost-page` writes. -->\n"


def default_resources() -> list[Resource]:
    """Plan a deployment offline with the example variables file; return its resources."""
    return plan_offline(Deployment(LOCAL), EXAMPLE)


def table(resources: list[Resource]) -> str:
    """Return the Markdown table for these resources and the template's default parameters."""
    return as_markdown(counted(Deployment(LOCAL), resources))


def quoted(page: Path = PAGE) -> str:
    """Return the table that the page contains; raise OperationError if it has none."""
    _, begin, rest = page.read_text().partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not begin or not end:
        raise OperationError(
            f"{page} lacks the lines {BEGIN.strip()} and {END.strip()}: restore them."
        )
    return inside


def write_page(page: Path = PAGE) -> None:
    """Replace the page's table with one made from the current plan."""
    old = f"{BEGIN}{quoted(page)}{END}"
    new = f"{BEGIN}{table(default_resources())}{END}"
    page.write_text(page.read_text().replace(old, new))
