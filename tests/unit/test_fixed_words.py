"""Reasons in the API that the page recognises are the same words in both."""

from pathlib import Path

from marquee.requests.send_text import NO_MORE_TODAY

ROOT = Path(__file__).parents[2]


def test_the_page_knows_the_reason_of_a_text_over_the_cap() -> None:
    wording = (ROOT / "site" / "scripts" / "wording.js").read_text()
    assert f'NO_MORE_TODAY = "{NO_MORE_TODAY}"' in wording
    assert f"`{NO_MORE_TODAY}`" in (ROOT / "docs" / "contracts.md").read_text()
