"""My movies: sorting, rating again, removing, exporting, forgetting; two browsers at a time."""

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Visit
from tests.browser.marquee_page import SHELF, MarqueePage, call, failing

SIX = (5, 1, 4, 2, 5, 3)


def to_mine(marquee: MarqueePage, visit: Visit) -> None:
    """Open a visitor's link, then My movies."""
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.heading).to_have_text("Your ten picks")
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(visit.ratings))


def held_by_the_api(marquee: MarqueePage, visit: Visit) -> dict[int, int]:
    answer = call("GET", marquee.api(f"/visitors/{visit.visitor_id}"), headers=visit.headers)
    return {each["movie_id"]: each["stars"] for each in answer.json()["ratings"]}


def hide_other_changes(marquee: MarqueePage, visit: Visit) -> None:
    """Keep the page from noticing changes made elsewhere until it saves its own."""
    saves: list[Request] = []

    def note(request: Request) -> None:
        if request.method == "PUT":
            saves.append(request)

    marquee.page.on("request", note)
    marquee.page.route(
        marquee.api(f"/visitors/{visit.visitor_id}"),
        lambda route: route.continue_() if saves else route.abort(),
    )


def rerate(marquee: MarqueePage, place: int, stars: int) -> int:
    """Rate the movie at this place (from 0) again; return its id."""
    row = marquee.mine.nth(place)
    movie_id = int(row.get_attribute("data-movie-id") or 0)
    marquee.stars(stars, row).click()
    return movie_id


def changed_elsewhere(marquee: MarqueePage, other_browser: MarqueePage, visit: Visit) -> int:
    """Rate the first movie with one star in the other browser; return the movie's id.

    The page does not notice the change until it saves.
    """
    to_mine(marquee, visit)
    hide_other_changes(marquee, visit)
    to_mine(other_browser, visit)
    movie_id = rerate(other_browser, 0, 1)
    other_browser.save_changes()
    expect(other_browser.unsaved).to_have_count(0)
    return movie_id


def titles(marquee: MarqueePage) -> list[str]:
    return marquee.mine.get_by_role("link").all_inner_texts()


def test_rated_movies_are_listed_with_the_latest_first(marquee: MarqueePage) -> None:
    marquee.open()
    rated = marquee.rate(5, 0, 4, 1)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(3)
    assert titles(marquee) == [rated[3], rated[2], rated[0]]
    expect(marquee.page.get_by_text("Haven’t seen (1)")).to_be_visible()


def test_the_list_is_sorted_by_title_stars_and_year(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(SIX))
    sort = marquee.page.get_by_label("Sort")
    sort.select_option("stars")
    stars = [row.locator("input:checked").get_attribute("value") for row in marquee.mine.all()]
    assert stars == ["5", "5", "4", "3", "2", "1"]
    sort.select_option("year")
    years = [int(text) for text in marquee.mine.locator(".year").all_inner_texts()]
    assert years == sorted(years, reverse=True)
    sort.select_option("title")
    shown = [title.removeprefix("The ").lower() for title in titles(marquee)]
    assert shown == sorted(shown)


def test_a_movie_can_be_rated_again_and_removed(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(SIX))
    title = titles(marquee)[0]
    marquee.stars(1, marquee.mine.first).click()
    expect(marquee.stars(1, marquee.mine_called(title))).to_be_checked()
    marquee.mine_called(title).get_by_role("button", name="Remove").click()
    expect(marquee.mine).to_have_count(5)
    expect(marquee.mine.first.get_by_role("button", name="Remove")).to_be_focused()


def test_a_movie_that_is_rated_again_stays_in_its_place(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(SIX))
    before = titles(marquee)
    row = marquee.mine.nth(4)
    marquee.stars(4, row).click()
    expect(marquee.stars(4, row)).to_be_checked()
    assert titles(marquee) == before
    marquee.go("Search")
    marquee.go("My movies")
    expect(marquee.mine.first.get_by_role("link")).to_have_text(before[4])


def test_a_removed_movie_can_be_put_back_in_its_place(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(SIX))
    before = titles(marquee)
    stars = marquee.mine.nth(2).locator("input:checked").get_attribute("value")
    marquee.mine.nth(2).get_by_role("button", name="Remove").click()
    expect(marquee.undo_items).to_contain_text(f"Removed: {before[2]}")
    marquee.undo_items.get_by_role("button").click()
    expect(marquee.mine).to_have_count(len(SIX))
    expect(marquee.undo_items).to_have_count(0)
    assert titles(marquee) == before
    expect(marquee.stars(int(stars or 0), marquee.mine.nth(2))).to_be_focused()


def test_a_dismissed_movie_can_be_restored(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    expect(marquee.picks).to_have_count(10)
    marquee.dismiss(marquee.picks.first)
    marquee.go("My movies")
    marquee.page.get_by_text("Not for me (1)").click()
    marquee.page.get_by_role("button", name="Restore").click()
    expect(marquee.page.get_by_text("Not for me (1)")).to_have_count(0)


# Saved


def test_changed_ratings_can_be_saved(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    expect(marquee.unsaved).to_have_count(0)
    changed = rerate(marquee, 0, 1)
    expect(marquee.unsaved).to_contain_text("1 unsaved change")
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    assert held_by_the_api(marquee, visit)[changed] == 1


def test_unsaved_changes_survive_a_reload(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    rerate(marquee, 0, 1)
    expect(marquee.unsaved).to_be_visible()
    marquee.page.reload()
    expect(marquee.unsaved).to_contain_text("1 unsaved change")


def test_order_times_and_movies_not_seen_come_with_the_link(
    marquee: MarqueePage, other_browser: MarqueePage
) -> None:
    marquee.open()
    marquee.rate(5, 0, 4, 1, 3, 2)
    marquee.page.goto(f"{marquee.site_url}#text")
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    stored = json.loads(marquee.page.evaluate(f"() => localStorage.getItem('{SHELF}')"))
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(5)

    other_browser.open_link(stored["visit"]["visitor_id"], stored["visit"]["token"])
    expect(other_browser.heading).to_have_text("Your ten picks")
    other_browser.go("My movies")
    expect(other_browser.mine).to_have_count(5)
    assert titles(other_browser) == titles(marquee)
    expect(other_browser.page.get_by_text("Haven’t seen (1)")).to_be_visible()
    here, there = (json.loads(exported(each, "JSON")) for each in (marquee, other_browser))
    assert there["ratings"] == here["ratings"]
    assert there["not_seen"] == here["not_seen"]


def test_fewer_than_five_ratings_are_saved_without_computing_picks(
    marquee: MarqueePage, visit: Visit
) -> None:
    to_mine(marquee, visit)
    for _ in range(3):
        marquee.mine.first.get_by_role("button", name="Remove").click()
    expect(marquee.unsaved).to_contain_text("picks need at least 5 ratings")
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    assert len(held_by_the_api(marquee, visit)) == 3


def test_a_change_made_elsewhere_is_merged_before_saving_and_nothing_is_lost(
    marquee: MarqueePage, other_browser: MarqueePage, visit: Visit
) -> None:
    theirs = changed_elsewhere(marquee, other_browser, visit)
    mine = rerate(marquee, 1, 2)
    marquee.save_changes()
    elsewhere = marquee.page.get_by_role("status", name="Changed elsewhere")
    expect(elsewhere).to_contain_text("1 star")
    expect(marquee.unsaved).to_contain_text("1 unsaved change")
    assert held_by_the_api(marquee, visit)[mine] == visit.ratings[mine]

    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    held = held_by_the_api(marquee, visit)
    assert (held[theirs], held[mine]) == (1, 2)


def test_the_visitor_decides_where_two_changes_concern_the_same_movie(
    marquee: MarqueePage, other_browser: MarqueePage, visit: Visit
) -> None:
    movie = changed_elsewhere(marquee, other_browser, visit)
    assert rerate(marquee, 0, 2) == movie
    marquee.save_changes()
    elsewhere = marquee.page.get_by_role("status", name="Changed elsewhere")
    expect(elsewhere).to_contain_text("1 star there, 2 stars here")
    elsewhere.get_by_role("button", name="Use 1 star").click()
    expect(marquee.unsaved).to_have_count(0)
    assert held_by_the_api(marquee, visit)[movie] == 1


def test_a_change_made_while_saving_is_not_lost(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    before = marquee.mine.first.locator("input:checked").get_attribute("value")
    movie = rerate(marquee, 0, 1)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    address = marquee.api(f"/visitors/{visit.visitor_id}/ratings")
    marquee.page.route(address, hold)
    with marquee.page.expect_request(address):
        marquee.save_changes()
    expect(marquee.unsaved).to_contain_text("Saving your changes…")
    rerate(marquee, 0, int(before or 0))
    expect(marquee.unsaved).to_contain_text("Saving your changes…")
    held[0].continue_()
    expect(marquee.unsaved).to_contain_text("1 unsaved change")
    assert held_by_the_api(marquee, visit)[movie] == 1
    expect(marquee.stars(int(before or 0), marquee.mine.first)).to_be_checked()


def test_two_tabs_of_one_browser_share_their_ratings(marquee: MarqueePage, page: Page) -> None:
    marquee.open()
    marquee.rate(5, 4)
    second = MarqueePage(page.context.new_page(), marquee.site_url, marquee.api_url)
    second.open()
    expect(second.progress).to_have_text("2 of 10")
    second.rate(3)
    expect(marquee.progress).to_have_text("3 of 10")
    marquee.rate(2)
    expect(second.progress).to_have_text("4 of 10")


@pytest.mark.parametrize("status", [429, 503])
def test_changes_that_cannot_be_saved_are_kept(
    marquee: MarqueePage, visit: Visit, status: int
) -> None:
    to_mine(marquee, visit)
    rerate(marquee, 0, 1)
    address = marquee.api(f"/visitors/{visit.visitor_id}/ratings")
    marquee.page.route(address, failing(status, retry_after=3600))
    marquee.save_changes()
    expect(marquee.unsaved).to_contain_text("Your changes are stored in this browser")
    marquee.page.unroute(address)
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)


# My data


def exported(marquee: MarqueePage, kind: str) -> str:
    with marquee.page.expect_download() as download:
        marquee.page.get_by_role("button", name=f"Export as {kind}").click()
    return Path(download.value.path()).read_text()


def test_my_data_as_json_holds_everything_except_the_phone_and_the_token(
    marquee: MarqueePage, visit: Visit
) -> None:
    to_mine(marquee, visit)
    text = exported(marquee, "JSON")
    data = json.loads(text)
    assert {each["movie_id"]: each["stars"] for each in data["ratings"]} == visit.ratings
    assert data["name"] == "Ada"
    assert data["phone_ends"] is None
    assert data["saved"]["visitor_id"] == visit.visitor_id
    assert visit.token not in text


def test_my_data_as_csv_has_a_line_for_each_rating(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    rows = list(csv.DictReader(exported(marquee, "CSV").splitlines()))
    assert [int(row["stars"]) for row in rows] == list(SIX)
    assert all(row["title"] and row["movie_id"] for row in rows)


def test_forget_me_asks_once_then_deletes_and_confirms(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    dialog = marquee.page.get_by_role("dialog")
    expect(dialog).to_contain_text("right away and permanently")
    dialog.get_by_role("button", name="Yes, forget me").click()
    expect(
        marquee.page.get_by_text("Your name, phone number, ratings and picks are deleted")
    ).to_be_visible()
    expect(marquee.mine).to_have_count(0)
    address = marquee.api(f"/visitors/{visit.visitor_id}")
    assert call("GET", address, headers=visit.headers).status_code == 404
    assert visit.visitor_id not in marquee.kept()
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.page.get_by_role("heading", name="This link doesn’t work")).to_be_visible()


def test_keep_everything_deletes_nothing(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    marquee.page.get_by_role("button", name="Cancel").click()
    expect(marquee.mine).to_have_count(len(visit.ratings))
    assert held_by_the_api(marquee, visit) == visit.ratings


def test_a_failed_deletion_is_not_reported_as_forgotten(marquee: MarqueePage, visit: Visit) -> None:
    to_mine(marquee, visit)
    marquee.page.route(marquee.api(f"/visitors/{visit.visitor_id}"), failing(503, retry_after=30))
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    marquee.page.get_by_role("button", name="Yes, forget me").click()
    expect(marquee.page.get_by_role("dialog")).to_contain_text("Nothing has been deleted yet")


def test_forget_me_clears_the_browser_of_an_unsaved_visitor(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.go("My movies")
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    marquee.page.get_by_role("button", name="Yes, forget me").click()
    expect(
        marquee.page.get_by_text("This browser no longer stores anything about you")
    ).to_be_visible()
    marquee.go("Rate")
    expect(marquee.progress).to_have_text("0 of 10")
