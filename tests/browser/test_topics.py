"""Choosing the genres and decades to be asked about first."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.marquee_page import UNSEEN, MarqueePage, failing

ANY = "Choose genres and decades"


def dialog(marquee: MarqueePage) -> Locator:
    return marquee.page.get_by_role("dialog", name="Which movies do you know?")


def choose(marquee: MarqueePage, opener: str, *topics: str) -> None:
    """Choose only these topics."""
    marquee.page.get_by_role("button", name=opener).click()
    boxes = dialog(marquee).get_by_role("checkbox")
    expect(boxes.first).to_be_attached()
    for box in boxes.all():
        box.set_checked((box.get_attribute("value") or "") in topics, force=True)
    dialog(marquee).get_by_role("button", name="Ask about these").click()
    expect(dialog(marquee)).to_have_count(0)


def lines_of_cards(marquee: MarqueePage, count: int) -> list[str]:
    """Return the year and genres of the next cards, which are answered with "Haven't seen it"."""
    lines = []
    for _ in range(count):
        marquee.wait_until_card_takes_taps()
        title = marquee.title_on_card()
        lines.append(marquee.card.locator(".poster-line").inner_text())
        marquee.card.get_by_role("button", name=UNSEEN).click()
        expect(marquee.card_title).not_to_have_text(title)
    return lines


def test_movies_of_the_chosen_genres_and_decades_come_first(marquee: MarqueePage) -> None:
    marquee.open()
    choose(marquee, ANY, "Horror", "1980")
    expect(marquee.page.get_by_role("button", name="First: Horror, 1980s")).to_be_visible()
    expect(marquee.card.locator(".poster-line")).to_contain_text(re.compile("^198"))
    for line in lines_of_cards(marquee, 3):
        assert re.match(r"198\d", line), line
        assert "horror" in line.lower(), line


def test_the_chosen_topics_stay_until_they_are_taken_back(marquee: MarqueePage) -> None:
    marquee.open()
    choose(marquee, ANY, "Musical")
    marquee.page.reload()
    chosen = marquee.page.get_by_role("button", name="First: Musical")
    chosen.click()
    expect(dialog(marquee).get_by_role("checkbox", name="Musical")).to_be_checked()
    dialog(marquee).get_by_role("button", name="Ask about all movies").click()
    expect(marquee.page.get_by_role("button", name=ANY)).to_be_visible()
    expect(marquee.card_title).not_to_be_empty()


def test_cancelling_keeps_the_card_and_returns_the_focus(marquee: MarqueePage) -> None:
    marquee.open()
    title = marquee.title_on_card()
    opener = marquee.page.get_by_role("button", name=ANY)
    opener.click()
    expect(dialog(marquee).get_by_role("checkbox").first).to_be_attached()
    marquee.page.keyboard.press("Escape")
    expect(dialog(marquee)).to_have_count(0)
    expect(opener).to_be_focused()
    expect(marquee.card_title).to_have_text(title)


def test_genres_that_cannot_be_loaded_can_be_tried_again(marquee: MarqueePage) -> None:
    marquee.open()
    address = marquee.api("/catalogue")
    marquee.page.route(address, failing(503, retry_after=5))
    marquee.page.get_by_role("button", name=ANY).click()
    expect(dialog(marquee).get_by_role("alert")).to_contain_text("Try again")
    marquee.page.unroute(address)
    dialog(marquee).get_by_role("button", name="Try again").click()
    expect(dialog(marquee).get_by_role("checkbox", name="Horror")).to_be_attached()
