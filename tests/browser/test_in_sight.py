"""What a visitor sees without scrolling while rating, on screens of every size, and what moves."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, ViewportSize, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.marquee_page import UNSEEN, MarqueePage, fulfil, real_answer
from tests.deployment import RunningDeployment

# With the bars of their browsers shown, phones leave 390 by 664, 360 by 560 and 320 by 568 pixels;
# 844 by 390 is a phone held sideways.
SIZES = (
    *((320, 480), (320, 568), (320, 640), (360, 560), (390, 664), (390, 844)),
    *((480, 320), (568, 320), (844, 390), (768, 480), (768, 1024), (1024, 600)),
    *((1280, 500), (1280, 720), (1440, 900), (2560, 1440)),
)
PHONES = ((320, 568), (390, 664))
# 1280 by 720 at 400 % zoom, and a phone held sideways.
LOW = ((320, 180), (844, 390))
WIDTH_OF_A_CHOICE = 115  # pixels, for the words "Any genre" and the arrow
LONGEST = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb"

# The name of everything on the card that is not wholly in the window, or that something covers.
OUT_OF_SIGHT = """(card) => [
  ["title", card.querySelector("h2")],
  ...[...card.querySelectorAll(".star")].map((star, place) => [`star ${place + 1}`, star]),
  ["not seen", card.querySelector(".card-answers > .button")],
  ["save", card.querySelector(".save")],
].filter(([, element]) => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const inside = top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
  const middle = (left + right) / 2;
  return !inside || [top + 2, (top + bottom) / 2, bottom - 2].some((y) => {
    const hit = document.elementFromPoint(middle, y);
    return !element.contains(hit);
  });
}).map(([name]) => name)"""
PLACES = """(card) => [
  ...card.querySelectorAll(".star, .card-answers > .button, .save"),
].map((element) => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + scrollX, y + scrollY, width, height].map(Math.round);
})"""
FIXED = """() => [...document.querySelectorAll("body *")].filter((element) =>
  ["fixed", "sticky"].includes(getComputedStyle(element).position) && element.checkVisibility()
).map((element) => element.outerHTML.slice(0, 80))"""


def sized(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int], **context: Any
) -> MarqueePage:
    """Return the page in a window of this size, without animations; its context is to be closed."""
    viewport = ViewportSize(width=size[0], height=size[1])
    opened = browser.new_context(viewport=viewport, reduced_motion="reduce", **context)
    opened.set_default_timeout(PATIENCE_MS)
    return MarqueePage(opened.new_page(), deployment.site_url, deployment.api_url)


@pytest.fixture(params=PHONES, ids=lambda size: "x".join(map(str, size)))
def phone_marquee(
    request: pytest.FixtureRequest, deployment: RunningDeployment, browser: Browser
) -> Iterator[MarqueePage]:
    """Yield the page on two phones as high as their browsers' bars leave it, with touch."""
    marquee = sized(deployment, browser, request.param, has_touch=True)
    yield marquee
    marquee.page.context.close()


def out_of_sight(marquee: MarqueePage) -> list[str]:
    expect(marquee.card_title).to_be_visible()
    return [str(each) for each in marquee.card.evaluate(OUT_OF_SIGHT)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_title_and_answers_are_in_sight_without_scrolling(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int]
) -> None:
    marquee = sized(deployment, browser, size)
    marquee.open()
    first = out_of_sight(marquee)
    marquee.rate(5, 1, 4, 2, 5, 3)
    expect(marquee.picks).to_have_count(10)
    sixth = out_of_sight(marquee)
    scrolled = marquee.page.evaluate("() => scrollY")
    marquee.page.context.close()
    assert (first, sixth, scrolled) == ([], [], 0)


@pytest.mark.parametrize("size", [(320, 480), (480, 320), (1280, 500)])
def test_a_long_title_leaves_the_answers_in_sight(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int]
) -> None:
    def renamed(route: Route) -> None:
        answer = real_answer(route)
        body = answer.json()
        body["movies"][0]["title"] = LONGEST
        fulfil(route, answer, json.dumps(body))

    marquee = sized(deployment, browser, size)
    marquee.page.route(marquee.api("/questionnaire"), renamed)
    marquee.open()
    expect(marquee.card_title).to_have_text(LONGEST)
    unseen = out_of_sight(marquee)
    marquee.page.context.close()
    assert unseen == []


@pytest.mark.parametrize("size", [(320, 568), (390, 664), (844, 390), (1280, 800)])
def test_the_answers_never_move_while_rating(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int]
) -> None:
    marquee = sized(deployment, browser, size)
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    places = [marquee.card.evaluate(PLACES)]
    for stars in (5, 1, 0, 4, 2, 5, 3, 4, 5, 1, 2, 3):
        marquee.rate(stars)
        places.append(marquee.card.evaluate(PLACES))
    expect(marquee.picks).to_have_count(10)
    places.append(marquee.card.evaluate(PLACES))
    marquee.undo.click()
    places.append(marquee.card.evaluate(PLACES))
    marquee.page.context.close()
    assert places == [places[0]] * len(places)


def test_the_button_that_gives_the_stars_moves_nothing(
    deployment: RunningDeployment, browser: Browser
) -> None:
    marquee = sized(deployment, browser, (1280, 720))
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    before = marquee.card.evaluate(PLACES)
    marquee.stars(1).focus()
    marquee.page.keyboard.press("ArrowRight")
    expect(marquee.card.get_by_role("button", name="Give 2 stars")).to_be_visible()
    after = marquee.card.evaluate(PLACES)
    marquee.page.context.close()
    assert after == before


def test_a_double_tap_rates_one_movie(marquee: MarqueePage) -> None:
    page, now = marquee.page, datetime.now(UTC)
    page.clock.install(time=now)
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    page.clock.pause_at(now + timedelta(hours=1))
    box = marquee.stars(4).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.dblclick(x, y)
    expect(marquee.progress).to_have_text("1 of 10")
    expect(marquee.card).to_have_attribute("data-settling", "")
    expect(marquee.stars(4)).not_to_be_checked()
    page.clock.run_for(299)
    page.mouse.click(x, y)
    expect(marquee.progress).to_have_text("1 of 10")
    page.clock.run_for(1)
    expect(marquee.card).not_to_have_attribute("data-settling", "")
    page.mouse.click(x, y)
    expect(marquee.progress).to_have_text("2 of 10")


def test_a_key_that_is_held_down_rates_one_movie(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    marquee.page.keyboard.down("4")
    marquee.page.keyboard.down("4")
    marquee.page.keyboard.up("4")
    expect(marquee.progress).to_have_text("1 of 10")


def test_the_movies_found_are_above_the_navigation(phone_marquee: MarqueePage) -> None:
    phone_marquee.open()
    phone_marquee.rate(5, 1, 4, 2, 5)
    expect(phone_marquee.picks).to_have_count(10)
    phone_marquee.find_movie.fill("the")
    found = phone_marquee.page.get_by_role("listbox", name="Movies found")
    expect(found.get_by_role("option")).to_have_count(8)
    box = found.bounding_box()
    navigation = phone_marquee.page.get_by_role("navigation").bounding_box()
    assert box is not None
    assert navigation is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= navigation["y"]
    takes_the_press = """(option) => {
        const { x, y, width, height } = option.getBoundingClientRect();
        return option.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }"""
    assert found.get_by_role("option").nth(1).evaluate(takes_the_press)


def test_the_card_of_the_chosen_movie_is_in_sight(phone_marquee: MarqueePage) -> None:
    phone_marquee.open()
    phone_marquee.rate(5, 1, 4, 2, 5)
    phone_marquee.find_movie.fill("casabl")
    found = phone_marquee.page.get_by_role("listbox", name="Movies found")
    found.get_by_role("option").first.click()
    expect(phone_marquee.card_title).to_have_text("Casablanca")
    assert out_of_sight(phone_marquee) == []


@pytest.mark.parametrize("size", LOW, ids=lambda size: "x".join(map(str, size)))
def test_nothing_is_fixed_in_a_low_window(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int]
) -> None:
    marquee = sized(deployment, browser, size)
    marquee.open()
    marquee.rate(5, 1, 4, 2, 5)
    expect(marquee.picks).to_have_count(10)
    fixed = {"Rate": marquee.page.evaluate(FIXED)}
    for name in ("Picks", "My movies", "Search", "Taste"):
        marquee.go(name)
        expect(marquee.heading).not_to_have_text(re.compile("^What should"))
        fixed[name] = marquee.page.evaluate(FIXED)
    wide = marquee.overflow()
    marquee.page.context.close()
    assert fixed == {name: [] for name in fixed}
    assert wide == 0


def test_the_top_pick_is_in_the_progress_line(phone_marquee: MarqueePage) -> None:
    phone_marquee.open()
    line = phone_marquee.page.locator(".progress")
    expect(line).to_contain_text("your top pick appears here")
    phone_marquee.rate(5, 1, 4, 2, 5)
    top_pick = line.get_by_role("link", name=re.compile("^Top pick"))
    expect(top_pick).to_be_in_viewport(ratio=1)
    expect(phone_marquee.card.get_by_role("button", name=UNSEEN)).to_be_in_viewport(ratio=1)


def test_ten_picks_fit_on_two_screens_of_a_phone(
    deployment: RunningDeployment, browser: Browser
) -> None:
    marquee = sized(deployment, browser, (390, 844), has_touch=True)
    marquee.open()
    marquee.rate(5, 1, 4, 2, 5)
    marquee.go("Picks")
    expect(marquee.picks).to_have_count(10)
    end = marquee.picks.last.evaluate("(pick) => pick.getBoundingClientRect().bottom + scrollY")
    marquee.page.context.close()
    assert end <= 2 * 844


@pytest.mark.parametrize("size", [(320, 568), (1280, 800)])
def test_the_filters_of_the_picks_show_what_is_chosen(
    deployment: RunningDeployment, browser: Browser, size: tuple[int, int]
) -> None:
    marquee = sized(deployment, browser, size)
    marquee.open()
    marquee.rate(5, 4, 2, 5, 3)
    if size[0] < 1000:  # the picks are not beside the card
        marquee.go("Picks")
    expect(marquee.picks).to_have_count(10)
    for label in ("Genre", "Decade"):
        box = marquee.page.get_by_label(label, exact=True).bounding_box()
        assert box is not None
        assert box["width"] >= WIDTH_OF_A_CHOICE
    marquee.page.context.close()
