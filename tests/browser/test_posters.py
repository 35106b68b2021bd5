"""Posters that the operator fetched, and drawn posters for the other movies."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.marquee_page import MarqueePage, Watch, call, fulfil, origin, real_answer

POSTER = re.compile(r"/posters/[a-z0-9-]+/[0-9]+\.jpg$")


def with_posters(marquee: MarqueePage, answer: Callable[[Route], None]) -> None:
    """Configure the site as if the posters of its data set were published.

    Args:
        marquee: the page.
        answer: handles the requests for posters.
    """

    def configured(route: Route) -> None:
        real = real_answer(route)
        dataset = call("GET", marquee.api("/health")).json()["dataset"]
        fulfil(route, real, json.dumps(real.json() | {"posters": [dataset]}))

    marquee.page.route(f"{marquee.site_url}config.json", configured)
    marquee.page.route(POSTER, answer)


def photo(page: Page) -> Callable[[Route], None]:
    image = page.screenshot(type="jpeg", clip={"x": 0, "y": 0, "width": 40, "height": 60})
    return lambda route: route.fulfill(body=image, content_type="image/jpeg")


def missing(route: Route) -> None:
    route.fulfill(status=404, body="<h1>Not found</h1>", content_type="text/html")


def damaged(route: Route) -> None:
    route.fulfill(body=b"\xff\xd8\xff cut off", content_type="image/jpeg")


def test_a_poster_is_loaded_from_the_site_itself(marquee: MarqueePage, watch: Watch) -> None:
    with_posters(marquee, photo(marquee.page))
    marquee.open()
    expect(marquee.card.locator(".has-photo img")).to_be_visible()
    assert watch.origins <= {origin(marquee.site_url), origin(marquee.api_url)}
    assert watch.complaints == []


def test_tmdb_is_credited_where_its_posters_are_shown(marquee: MarqueePage) -> None:
    with_posters(marquee, photo(marquee.page))
    marquee.open()
    footer = marquee.page.get_by_role("contentinfo")
    expect(footer).to_contain_text(
        "This product uses the TMDB API but is not endorsed or certified by TMDB."
    )
    expect(footer.get_by_role("link", name="TMDB")).to_have_count(1)


def test_drawn_posters_carry_titles_and_the_choice_about_series_is_kept(
    marquee: MarqueePage,
) -> None:
    movie = call("GET", marquee.api("/movies?q=godfather")).json()["movies"][0]
    marquee.open(f"movie/{movie['movie_id']}")
    letters = marquee.page.locator(".poster-large svg text").all_text_contents()
    assert "GODFATHER" in " ".join(letters)
    marquee.page.evaluate("location.hash = '#rate'")
    marquee.rate(5, 5, 4, 2, 5)
    expect(marquee.picks.first).to_be_visible()
    box = marquee.page.get_by_role("checkbox", name="Series in order")
    expect(box).to_be_checked()
    with marquee.page.expect_request("**/picks") as asked:
        box.uncheck()
    assert json.loads(asked.value.post_data or "{}")["series_in_order"] is False
    marquee.page.reload()
    expect(box).not_to_be_checked()


def test_a_new_visitor_sees_the_poster_of_a_movie_they_were_linked_to(marquee: MarqueePage) -> None:
    with_posters(marquee, photo(marquee.page))
    movie = call("GET", marquee.api("/movies?q=matrix")).json()["movies"][0]
    marquee.open(f"movie/{movie['movie_id']}")
    expect(marquee.page.locator(".poster-large.has-photo img")).to_be_visible()


@pytest.mark.parametrize("answer", [missing, damaged])
def test_a_poster_that_fails_to_load_leaves_the_drawn_one(
    marquee: MarqueePage, watch: Watch, answer: Callable[[Route], None]
) -> None:
    with_posters(marquee, answer)
    with marquee.page.expect_response(POSTER):
        marquee.open()
    expect(marquee.card.locator("svg.poster-art")).to_be_visible()
    expect(marquee.card.locator("img")).to_have_count(0)
    # The browser logs each 404 itself; no other error may be logged.
    assert all("404" in each for each in watch.complaints)


def test_a_poster_shifts_nothing_when_it_loads(marquee: MarqueePage) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with_posters(marquee, hold)
    marquee.page.emulate_media(reduced_motion="reduce")  # else the card's size is animated
    marquee.open()
    expect(marquee.card.locator("img")).to_be_attached()
    before = marquee.card.bounding_box()
    show = photo(marquee.page)
    for route in held:
        show(route)
    expect(marquee.card.locator(".has-photo img")).to_be_visible()
    assert marquee.card.bounding_box() == before


def test_a_poster_does_not_cover_a_long_title(narrow_marquee: MarqueePage) -> None:
    page = narrow_marquee.page
    with_posters(narrow_marquee, photo(page))

    def renamed(route: Route) -> None:
        real = real_answer(route)
        answer = real.json()
        answer["movies"][0]["title"] = "The Lord of the Rings: The Fellowship of the Ring"
        fulfil(route, real, json.dumps(answer))

    page.route("**/questionnaire", renamed)
    narrow_marquee.open()
    expect(narrow_marquee.card.locator(".has-photo img")).to_be_visible()
    title, image = (
        narrow_marquee.card.locator(each).bounding_box() for each in ("h2", ".poster-photo")
    )
    assert title
    assert image
    assert title["y"] < image["y"] + image["height"], "too short a title to be covered"
    x, y = image["x"] + image["width"] / 2, title["y"] + 2
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [x, y]) == "H2"


def test_no_poster_is_requested_where_there_are_none(marquee: MarqueePage) -> None:
    asked: list[str] = []
    marquee.page.on("request", lambda request: asked.append(request.url))
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    assert not [url for url in asked if "/posters/" in url]
    expect(marquee.page.get_by_text("TMDB")).to_have_count(0)
