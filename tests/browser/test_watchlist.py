"""Save for later: wherever a movie appears, in its list, and with the visitor's link."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.marquee_page import SAVE, SHELF, MarqueePage, call

SIX = (5, 1, 4, 2, 5, 3)
SIZE = """(element) => {
  const { x, width, height } = element.getBoundingClientRect();
  return [x, width, height];
}"""


# Openers of the places where a movie appears; each returns what holds the button "Save".


def card(marquee: MarqueePage) -> Locator:
    marquee.wait_until_card_takes_taps()
    return marquee.card


def pick(marquee: MarqueePage) -> Locator:
    return marquee.picks.nth(2)


def search_result(marquee: MarqueePage) -> Locator:
    marquee.go("Search")
    marquee.search("the")
    found = marquee.page.get_by_role("list", name="Movies found").get_by_role("listitem")
    return found.filter(has=marquee.page.get_by_role("button", name=SAVE)).first


def movie(marquee: MarqueePage) -> Locator:
    marquee.more_like_the_first()
    return marquee.page.locator(".opinion")


def similar_movie(marquee: MarqueePage) -> Locator:
    marquee.more_like_the_first()
    similar = marquee.page.get_by_role("list", name=re.compile("^Movies like"))
    items = similar.get_by_role("listitem")
    return items.filter(has=marquee.page.get_by_role("button", name=SAVE)).first


PLACES = (card, pick, search_result, movie, similar_movie)


def named(toggle: Locator) -> str:
    """Return the movie in the accessible name of a button "Save"."""
    return re.sub("^Saved?: ", "", toggle.get_attribute("aria-label") or "")


def rated(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    # The picks of the fifth rating are there earlier; those of the sixth replace them.
    expect(marquee.picks_kind).to_have_text("From your 6 ratings. Updated just now.")
    expect(marquee.picks).to_have_count(10)


def save_picks(marquee: MarqueePage, count: int) -> list[str]:
    """Save the first picks; return their titles."""
    titles = []
    for place in range(count):
        toggle = marquee.save_toggle(marquee.picks.nth(place))
        toggle.click()
        expect(toggle).to_have_attribute("aria-pressed", "true")
        link = marquee.picks.nth(place).get_by_role("heading").get_by_role("link")
        titles.append(link.inner_text())
    return titles


def save_found(marquee: MarqueePage) -> str:
    """Save a movie in the search and go to My movies; return the movie's title and year.

    Unlike a visitor's picks, the movies found do not change while their request is computed.
    """
    toggle = marquee.save_toggle(search_result(marquee))
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    title = named(toggle)
    marquee.go("My movies")
    expect(marquee.heading).to_have_text("My movies")
    return title


def listed(marquee: MarqueePage) -> list[str]:
    return marquee.watchlist.get_by_role("link").all_inner_texts()


def stored(marquee: MarqueePage) -> Any:
    return json.loads(marquee.page.evaluate(f"() => localStorage.getItem('{SHELF}')"))


def held_by_the_api(marquee: MarqueePage, visit: Visit) -> list[int]:
    answer = call("GET", marquee.api(f"/visitors/{visit.visitor_id}"), headers=visit.headers)
    return [each["movie_id"] for each in answer.json()["saved"]]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_movie_can_be_saved_where_it_appears_and_taken_off_again(
    marquee: MarqueePage, place: Callable[[MarqueePage], Locator]
) -> None:
    rated(marquee)
    toggle = marquee.save_toggle(place(marquee))
    expect(toggle).to_have_text("Save")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    title, before = named(toggle), toggle.evaluate(SIZE)
    toggle.click()
    expect(toggle).to_have_text("Saved")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(toggle).to_have_accessible_name(f"Saved: {title}")
    assert toggle.evaluate(SIZE) == before
    toggle.click()
    expect(toggle).to_have_accessible_name(f"Save: {title}")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    marquee.to_watchlist()
    expect(marquee.watchlist).to_have_count(1)
    expect(marquee.page.get_by_role("link", name="Saved for later (1)")).to_be_visible()
    expect(marquee.watchlist.get_by_role("button", name=f"Remove {title}")).to_be_visible()


def test_a_part_of_a_series_can_be_saved(marquee: MarqueePage) -> None:
    marquee.open("search")
    marquee.search("the godfather")
    marquee.page.get_by_role("link", name="The Godfather").first.click()
    parts = marquee.page.get_by_role("region", name="The series in order")
    toggle = marquee.save_toggle(parts).first
    title = named(toggle)
    toggle.click()
    marquee.to_watchlist()
    expect(marquee.watchlist.get_by_role("button", name=f"Remove {title}")).to_be_visible()


def test_a_saved_movie_is_marked_everywhere(marquee: MarqueePage) -> None:
    rated(marquee)
    [title] = save_picks(marquee, 1)
    marquee.go("Picks")
    expect(marquee.save_toggle(marquee.picks.first)).to_have_text("Saved")
    marquee.more_like_the_first()
    toggle = marquee.save_toggle(marquee.page.locator(".opinion"))
    expect(toggle).to_have_text("Saved")
    assert named(toggle).startswith(title)


def test_without_saved_movies_the_list_says_how_to_add_one(marquee: MarqueePage) -> None:
    marquee.open("mine")
    marquee.page.get_by_role("link", name="Saved for later (0)").click()
    expect(marquee.page.get_by_text("Nothing is saved for later. Press “Save”")).to_be_visible()
    marquee.page.get_by_role("main").get_by_role("link", name="Search").click()
    expect(marquee.heading).to_have_text("Search")


def test_a_removed_movie_can_be_put_back_in_its_place(marquee: MarqueePage) -> None:
    rated(marquee)
    save_picks(marquee, 3)
    marquee.to_watchlist()
    expect(marquee.watchlist).to_have_count(3)
    before = listed(marquee)
    marquee.watchlist.nth(1).get_by_role("button", name="Remove").click()
    expect(marquee.watchlist).to_have_count(2)
    expect(marquee.watchlist.nth(1).get_by_role("button", name="Remove")).to_be_focused()
    expect(marquee.undo_items).to_contain_text(f"Removed: {before[1]}")
    marquee.undo_items.get_by_role("button").click()
    expect(marquee.undo_items).to_have_count(0)
    expect(marquee.watchlist).to_have_count(3)
    assert listed(marquee) == before
    marquee.page.reload()
    expect(marquee.watchlist).to_have_count(3)
    assert listed(marquee) == before


def test_saved_movies_survive_a_reload_with_the_last_saved_first(marquee: MarqueePage) -> None:
    rated(marquee)
    titles = save_picks(marquee, 3)
    marquee.page.reload()
    expect(marquee.save_toggle(marquee.picks.first)).to_have_text("Saved")
    marquee.to_watchlist()
    expect(marquee.watchlist).to_have_count(3)
    assert listed(marquee) == titles[::-1]


def test_a_rated_movie_leaves_the_list_and_undo_brings_it_back(marquee: MarqueePage) -> None:
    marquee.open()
    title = marquee.title_on_card()
    marquee.save_toggle(marquee.card).click()
    marquee.rate(4)
    marquee.to_watchlist()
    expect(marquee.page.get_by_role("link", name="Saved for later (0)")).to_be_visible()
    marquee.go("Rate")
    marquee.undo.click()
    expect(marquee.card_title).to_have_text(title)
    expect(marquee.save_toggle(marquee.card)).to_have_text("Saved")
    marquee.rate(0)
    marquee.to_watchlist()
    expect(marquee.watchlist).to_have_count(1)
    marquee.stars(3, marquee.watchlist.first).click()
    expect(marquee.watchlist).to_have_count(0)
    expect(marquee.page.get_by_role("link", name="Rated (1)")).to_be_visible()


def test_a_rated_movie_has_no_button_to_save_it(marquee: MarqueePage) -> None:
    rated(marquee)
    marquee.more_like_the_first()
    opinion = marquee.page.locator(".opinion")
    expect(marquee.save_toggle(opinion)).to_be_visible()
    marquee.stars(5, opinion).click()
    expect(marquee.save_toggle(opinion)).to_have_count(0)


def test_two_tabs_of_one_browser_share_the_watchlist(marquee: MarqueePage) -> None:
    rated(marquee)
    second = MarqueePage(marquee.page.context.new_page(), marquee.site_url, marquee.api_url)
    second.open("mine/saved")
    save_picks(marquee, 1)
    expect(second.watchlist).to_have_count(1)
    second.watchlist.get_by_role("button", name="Remove").click()
    expect(marquee.save_toggle(marquee.picks.first)).to_have_text("Save")


def test_the_watchlist_comes_with_the_link(
    marquee: MarqueePage, other_browser: MarqueePage
) -> None:
    rated(marquee)
    titles = save_picks(marquee, 2)
    marquee.page.goto(f"{marquee.site_url}#text")
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    visit = stored(marquee)["visit"]
    other_browser.open_link(visit["visitor_id"], visit["token"])
    expect(other_browser.heading).to_have_text("Your ten picks")
    other_browser.to_watchlist()
    expect(other_browser.watchlist).to_have_count(2)
    assert listed(other_browser) == titles[::-1]


def test_a_visitors_changes_of_the_watchlist_are_saved_and_merged(
    marquee: MarqueePage, other_browser: MarqueePage, visit: Visit
) -> None:
    for browser in (marquee, other_browser):
        browser.open_link(visit.visitor_id, visit.token)
        expect(browser.heading).to_have_text("Your ten picks")
    save_found(marquee)
    expect(marquee.unsaved).to_contain_text("1 unsaved change")
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    assert held_by_the_api(marquee, visit) == [each["movie_id"] for each in on_shelf(marquee)]

    other_browser.page.reload()
    other_browser.to_watchlist()
    expect(other_browser.watchlist).to_have_count(1)
    other_browser.watchlist.get_by_role("button", name="Remove").click()
    other_browser.save_changes()
    expect(other_browser.unsaved).to_have_count(0)
    assert held_by_the_api(marquee, visit) == []
    marquee.page.reload()
    marquee.to_watchlist()
    expect(marquee.page.get_by_role("link", name="Saved for later (0)")).to_be_visible()


def on_shelf(marquee: MarqueePage) -> list[dict[str, Any]]:
    return list(stored(marquee)["watchlist"])


def test_the_watchlist_is_exported_and_forgotten(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.heading).to_have_text("Your ten picks")
    title = save_found(marquee)
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    marquee.to_watchlist()
    with marquee.page.expect_download() as download:
        marquee.page.get_by_role("button", name="Export as JSON").click()
    data = json.loads(Path(download.value.path()).read_text())
    assert [f"{each['title']} ({each['year']})" for each in data["saved_for_later"]] == [title]
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    dialog = marquee.page.get_by_role("dialog")
    expect(dialog).to_contain_text("saved movies")
    dialog.get_by_role("button", name="Yes, forget me").click()
    expect(marquee.page.get_by_role("link", name="Saved for later (0)")).to_be_visible()
    expect(marquee.watchlist).to_have_count(0)
    assert "movie_id" not in marquee.kept()
    address = marquee.api(f"/visitors/{visit.visitor_id}")
    assert call("GET", address, headers=visit.headers).status_code == 404
