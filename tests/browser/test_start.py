"""What the page shows if one of its scripts cannot be loaded."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.marquee_page import MarqueePage
from tests.browser.test_quality import violations


def unreachable(route: Route) -> None:
    route.abort()


def missing(route: Route) -> None:
    route.fulfill(status=404, body="<h1>Page not found</h1>", content_type="text/html")


def of_another_release(route: Route) -> None:
    route.fulfill(body="export const other = 1;", content_type="text/javascript")


def throwing(route: Route) -> None:
    route.fulfill(body="throw new Error('broken');", content_type="text/javascript")


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("main.js", unreachable),
        ("main.js", throwing),
        ("shelf.js", unreachable),
        ("views/rate.js", missing),
        ("dom.js", of_another_release),
    ],
)
def test_a_page_that_cannot_start_says_so_and_starts_on_try_again(
    marquee: MarqueePage, script: str, answer: Callable[[Route], None]
) -> None:
    marquee.page.route(f"**/scripts/{script}", answer)
    marquee.open()
    expect(marquee.heading).to_have_text("Marquee could not start")
    expect(marquee.heading).to_be_focused()
    expect(marquee.page.get_by_role("main")).to_contain_text("check your connection")
    assert violations(marquee.page) == []

    marquee.page.unroute(f"**/scripts/{script}")
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.card_title).to_be_visible()


def test_the_words_about_a_failed_start_fit_a_narrow_phone(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.page.route("**/scripts/store.js", unreachable)
    narrow_marquee.open()
    expect(narrow_marquee.heading).to_have_text("Marquee could not start")
    assert narrow_marquee.overflow() == 0


@pytest.mark.parametrize("answer", [unreachable, of_another_release])
def test_a_view_whose_script_fails_says_so_and_opens_on_try_again(
    marquee: MarqueePage, answer: Callable[[Route], None]
) -> None:
    marquee.open()
    pattern = re.compile(r"/scripts/views/search\.js$")
    marquee.page.route(pattern, answer)
    marquee.go("Search")
    expect(marquee.heading).to_have_text("Something went wrong")

    marquee.page.unroute(pattern)
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.heading).to_have_text("Search")


def test_an_error_after_the_first_view_leaves_the_view_alone(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    marquee.page.evaluate("() => dispatchEvent(new ErrorEvent('error', {filename: location.href}))")
    expect(marquee.card_title).to_be_visible()
    expect(marquee.page.get_by_text("could not start")).to_have_count(0)
