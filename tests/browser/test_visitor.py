"""The second view: the form has arrived, its status is live, the picks come in twice."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.marquee_page import MarqueePage, Watch, call, fulfil, origin, real_answer

FLOW_MS = 240_000  # a training step, a recommend step and a text on a busy small machine


@dataclass(frozen=True)
class Visit:
    """A visitor made through the API alone, as another browser would have made her."""

    visitor_id: str
    token: str


def phone() -> str:
    """Give one of the numbers that the North American plan reserves for fiction."""
    return f"+1415555{100 + secrets.randbelow(100):04d}"


@pytest.fixture
def visit(marquee: MarqueePage) -> Visit:
    movies = call("GET", marquee.api("/questionnaire")).json()["movies"]
    ratings = [
        {"movie_id": movie["movie_id"], "stars": 5 - place % 5}
        for place, movie in enumerate(movies[:6])
    ]
    answer = call("POST", marquee.api("/visitors"), json={"name": "Ada", "ratings": ratings})
    assert answer.status_code == 201, answer.text
    return Visit(answer.json()["visitor_id"], answer.json()["token"])


def changed(marquee: MarqueePage, visit: Visit, **fields: Any) -> None:
    """Have the API's answers about the visitor say something else in some fields."""

    def handle(route: Route) -> None:
        answer = real_answer(route)
        fulfil(route, answer, json.dumps({**answer.json(), **fields}))

    marquee.page.route(marquee.api(f"/visitors/{visit.visitor_id}"), handle)


def fill_in(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(6)
    marquee.name.fill("Ada")


def test_a_form_sent_shows_ten_picks_at_once(marquee: MarqueePage) -> None:
    fill_in(marquee)
    marquee.submit()
    expect(marquee.picks).to_have_count(10)


def test_picks_at_once_need_no_look_at_the_status(marquee: MarqueePage) -> None:
    marquee.page.route(re.compile(r"/visitors/[0-9a-z]{26}$"), lambda route: route.abort())
    fill_in(marquee)
    marquee.submit()
    expect(marquee.picks).to_have_count(10)
    expect(marquee.status).to_have_text("Your ratings have arrived.")
    expect(marquee.picks_kind).to_contain_text("from your ratings alone")


def test_a_form_without_a_phone_ends_at_the_final_picks(marquee: MarqueePage) -> None:
    fill_in(marquee)
    marquee.submit()
    expect(marquee.status).to_have_text("Your picks are ready.", timeout=FLOW_MS)
    expect(marquee.picks_kind).to_contain_text("Final picks")
    expect(marquee.picks).to_have_count(10)
    expect(marquee.journey.get_by_text("Texted")).to_be_hidden()


def test_a_form_with_a_phone_is_followed_until_it_is_texted(
    marquee: MarqueePage, watch: Watch
) -> None:
    fill_in(marquee)
    marquee.give_phone(phone())
    marquee.submit()
    expect(marquee.status).to_contain_text("Texted at", timeout=FLOW_MS)
    expect(marquee.picks_kind).to_contain_text("Final picks")
    assert watch.complaints == []
    assert watch.origins <= {origin(marquee.site_url), origin(marquee.api_url)}


def test_each_pick_says_title_stars_and_rank(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks).to_have_count(10)
    for pick in marquee.picks.all():
        expect(pick.get_by_role("heading")).not_to_be_empty()
        expect(pick).to_contain_text(re.compile(r"\d\.\d"))


def test_the_link_in_a_text_opens_that_visitor(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.page.get_by_role("heading", name="Your ten picks")).to_be_focused()
    expect(marquee.picks).to_have_count(10)


def test_a_visitors_page_survives_a_reload(marquee: MarqueePage) -> None:
    fill_in(marquee)
    marquee.submit()
    expect(marquee.picks).to_have_count(10)
    marquee.page.reload()
    expect(marquee.picks).to_have_count(10)


def test_a_link_with_a_wrong_token_opens_nothing(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, "A" * len(visit.token))
    expect(marquee.page.get_by_role("heading", name="This link opens no picks")).to_be_visible()
    expect(marquee.picks).to_have_count(0)


def test_computing_is_said_while_it_lasts(marquee: MarqueePage, visit: Visit) -> None:
    changed(marquee, visit, status="submitted", picks=None, model_id=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_contain_text("Computing with everyone")
    expect(marquee.picks_kind).to_contain_text("from your ratings alone")


def test_a_failure_says_why_and_what_happens_next(marquee: MarqueePage, visit: Visit) -> None:
    changed(marquee, visit, status="failed", reason="the step failed three times", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_contain_text("the step failed three times")
    expect(marquee.page.locator("#status-next")).to_contain_text("Change my answers")
    expect(marquee.picks).to_have_count(10)


def test_losing_the_api_while_waiting_is_said_and_mended(
    marquee: MarqueePage, visit: Visit
) -> None:
    changed(marquee, visit, status="received", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_have_text("Your ratings have arrived.")
    address = marquee.api(f"/visitors/{visit.visitor_id}")
    marquee.page.unroute(address)
    marquee.page.route(address, lambda route: route.abort(), times=1)
    lost = marquee.page.get_by_text("this page keeps looking")
    expect(lost).to_be_visible()
    expect(lost).to_be_hidden()


def test_a_status_lost_to_throttling_is_asked_for_again_later(
    marquee: MarqueePage, visit: Visit
) -> None:
    changed(marquee, visit, status="received", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_have_text("Your ratings have arrived.")
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "3",
    }
    asked: list[str] = []

    def throttle(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(status=429, json={"errors": []}, headers=headers)

    marquee.page.route(marquee.api(f"/visitors/{visit.visitor_id}"), throttle)
    expect(marquee.page.get_by_text("Try again in 3 seconds")).to_be_visible()
    marquee.page.wait_for_timeout(2000)
    assert len(asked) == 1


def test_a_pick_whose_title_is_markup_stays_text(marquee: MarqueePage, visit: Visit) -> None:
    markup = "<script>document.title='taken over'</script><i>Alien</i>"
    pick = {
        "movie_id": 1,
        "title": markup,
        "year": 1979,
        "genres": [markup],
        "stars": 4.5,
        "score": 0.9,
        "because": [{"movie_id": 2, "title": markup}],
    }
    changed(marquee, visit, status="recommended", picks=[pick])
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks.first.get_by_role("heading")).to_contain_text(markup)
    expect(marquee.picks.first).to_contain_text(f"Because you loved {markup}")
    assert marquee.picks.first.locator("script, i").count() == 0


def test_change_my_answers_brings_them_back(marquee: MarqueePage) -> None:
    fill_in(marquee)
    before = marquee.chosen()
    marquee.submit()
    expect(marquee.picks).to_have_count(10)
    marquee.page.get_by_role("button", name="Change my answers").click()
    marquee.movies.first.wait_for()
    assert marquee.chosen() == before


def test_the_picks_are_one_step_away_from_the_questionnaire(marquee: MarqueePage) -> None:
    fill_in(marquee)
    marquee.submit()
    expect(marquee.picks).to_have_count(10)
    marquee.page.go_back()
    marquee.page.get_by_role("link", name="Back to my picks").click()
    expect(marquee.picks).to_have_count(10)
