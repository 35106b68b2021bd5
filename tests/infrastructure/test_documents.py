"""The documents: links lead to existing files and headings, and no placeholder is left."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
OTHERS = {"htmlcov", "node_modules"}  # folders with documents of other projects
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in OTHERS for part in path.relative_to(ROOT).parts)
)


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in HEADING.findall(document.read_text())
    }


def leads_somewhere(document: Path, link: str) -> bool:
    """Return whether a relative link names an existing file and, if any, a heading in it."""
    name, _, anchor = link.partition("#")
    target = (document.parent / name).resolve() if name else document
    return target.exists() and (not anchor or anchor in anchors(target))


def names(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def test_the_readme_is_among_the_documents() -> None:
    assert ROOT / "README.md" in DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_relative_link_resolves(document: Path) -> None:
    links = LINK.findall(CODE.sub("", document.read_text()))
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not leads_somewhere(document, link)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_no_document_contains_placeholders_for_figures(document: Path) -> None:
    assert not re.search(r"\bFIGURES\b", document.read_text())
