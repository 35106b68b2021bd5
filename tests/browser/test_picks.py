"""The picks next to the questionnaire: shown from the fifth rating, updated by every answer."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.marquee_page import MORE, MarqueePage, failing, fulfil, real_answer
from tests.deployment import RunningDeployment, eventually

FIVE = (5, 1, 4, 2, 5)
NOBODYS = 987_654_321  # a movie that nobody has rated


def asked_for_picks(page: Page) -> list[dict[str, Any]]:
    """Return a list that collects the bodies sent to POST /picks."""
    sent: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/picks") and request.method == "POST":
            sent.append(json.loads(request.post_data or "{}"))

    page.on("request", note)
    return sent


def dismiss_the_first(marquee: MarqueePage, by_keyboard: bool = False) -> Route:
    """Choose "Not for me" on the first pick, and hold back the request for new picks."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    marquee.page.route(marquee.api("/picks"), hold)
    if by_keyboard:
        marquee.more_of(marquee.picks.first).press("Enter")
        marquee.picks.first.get_by_role("button", name="Not for me").press("Enter")
    else:
        marquee.dismiss(marquee.picks.first)

    def held_so_far() -> list[Route]:
        # The browser may ask for permission first (OPTIONS), and reports a request before it hands
        # over its route. Routes are handed over while the page waits.
        marquee.page.wait_for_timeout(50)
        return held

    return eventually(held_so_far, bool, "the request for new picks", every=0)[0]


def answer_with_two(route: Route, **changed: Any) -> None:
    """Answer the held request with two of its picks, each with some fields changed."""
    answer = real_answer(route)
    picks = [{**pick, **changed} for pick in answer.json()["picks"][:2]]
    fulfil(route, answer, json.dumps({**answer.json(), "picks": picks}))


def answer_without_liked_share(route: Route) -> None:
    """Answer as the API does with a model of an older release."""
    if route.request.method != "POST":
        route.continue_()
        return
    answer = real_answer(route)
    fulfil(route, answer, json.dumps({**answer.json(), "liked_share": None}))


def test_four_ratings_give_no_picks_and_say_how_many_are_missing(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE[:4])
    expect(marquee.picks).to_have_count(0)
    expect(marquee.page.get_by_text("Rate 1 more movie")).to_be_visible()


def test_the_fifth_rating_gives_ten_picks(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    expect(marquee.picks_kind).to_have_text("From your 5 ratings. Updated just now.")


def test_the_list_says_how_many_picks_the_visitor_will_probably_like(
    marquee: MarqueePage,
) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    words = re.compile(r"^We expect you to like (all|about \d) of these 10\.$")
    expect(marquee.liked_share).to_have_text(words)


def test_a_model_without_a_calibration_leaves_the_sentence_out(marquee: MarqueePage) -> None:
    marquee.page.route(marquee.api("/picks"), answer_without_liked_share)
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    expect(marquee.liked_share).to_be_empty()


def test_every_pick_shows_title_year_genres_stars_and_reasons(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    for pick in marquee.picks.all():
        expect(pick.get_by_role("heading")).to_contain_text(re.compile(r"\w.* \d{4}"))
        expect(pick.locator(".genres")).not_to_be_empty()
        expect(pick.locator(".pick-stars")).to_have_text(re.compile(r"^★ \d\.\d stars for you$"))
    expect(marquee.picks.first.locator(".because")).to_have_text(re.compile("^Because you liked "))
    reasons = marquee.picks.first.locator(".because").inner_text()
    menu = marquee.menu_of(marquee.picks.first)
    expect(menu.locator(".genres")).to_be_visible()
    expect(menu.locator(".reasons")).to_have_text(reasons)


def test_a_skipped_movie_stays_among_the_picks(marquee: MarqueePage) -> None:
    picked: list[dict[str, Any]] = []
    asked_about: list[str] = []

    def the_same_picks(route: Route) -> None:
        answer = real_answer(route)
        if route.request.method != "POST":
            fulfil(route, answer, answer.text)
            return
        picked[:] = picked or answer.json()["picks"]
        fulfil(route, answer, json.dumps({**answer.json(), "picks": picked}))

    def asking_about_a_pick(route: Route) -> None:
        answer = real_answer(route)
        if route.request.method != "POST" or not picked:
            fulfil(route, answer, answer.text)
            return
        answered = json.loads(route.request.post_data or "{}")["answered"]
        pick = next(each for each in picked if each["movie_id"] not in answered)
        asked_about.append(pick["title"])
        fulfil(route, answer, json.dumps({**answer.json(), "movies": [pick]}))

    marquee.page.route(marquee.api("/picks"), the_same_picks)
    marquee.page.route(marquee.api("/questionnaire"), asking_about_a_pick)
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.rate(3)
    title = asked_about[-1]
    expect(marquee.card_title).to_have_text(title)
    marquee.page.unroute(marquee.api("/questionnaire"))
    marquee.rate(0)
    expect(marquee.picks.filter(has_text=title)).to_have_count(1)


def test_every_answer_requests_picks_and_stores_nothing(marquee: MarqueePage) -> None:
    marquee.open()
    sent = asked_for_picks(marquee.page)
    stored: list[str] = []
    marquee.page.on("request", lambda request: stored.append(request.url))
    marquee.rate(*FIVE, 4, 0, 1)
    expect(marquee.picks).to_have_count(10)
    assert [len(form["ratings"]) for form in sent] == [5, 6, 7]
    assert not [url for url in stored if "/visitors" in url]


def test_an_older_answer_never_replaces_a_newer_one(marquee: MarqueePage) -> None:
    marquee.open()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == "POST" and not held:
            held.append(route)
            return
        route.continue_()

    marquee.page.route(marquee.api("/picks"), hold_the_first)
    marquee.rate(*FIVE, 4)
    expect(marquee.picks).to_have_count(10)
    newest = marquee.titles_picked()
    answer_with_two(held[0])
    marquee.page.wait_for_timeout(300)
    assert marquee.titles_picked() == newest


@pytest.mark.parametrize("view", ["Rate", "Picks"])
def test_picks_that_arrive_during_a_click_on_text_me_these_do_not_swallow_it(
    marquee: MarqueePage, view: str
) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.go(view)
    held = dismiss_the_first(marquee)
    marquee.page.get_by_role("link", name="Text me my picks").hover()
    marquee.page.mouse.down()
    answer_with_two(held)
    expect(marquee.picks).to_have_count(2)
    marquee.page.mouse.up()
    expect(marquee.heading).to_have_text("Text me my picks")


def test_a_pick_that_stays_keeps_its_open_stars_and_shows_its_new_values(
    marquee: MarqueePage,
) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    held = dismiss_the_first(marquee)
    expect(marquee.picks).to_have_count(9)
    marquee.rate_seen(marquee.picks.first)
    answer_with_two(held, stars=1.25, because=[{"movie_id": NOBODYS, "title": "Nothing Else"}])
    expect(marquee.picks).to_have_count(2)
    staying = marquee.picks.first
    expect(staying).to_contain_text("1.3 stars for you")
    expect(staying).to_contain_text("Because you liked Nothing Else")
    expect(marquee.stars(4, staying)).to_be_visible()
    expect(marquee.stars(1, staying)).to_be_focused()


def test_not_for_me_removes_the_movie_permanently(marquee: MarqueePage) -> None:
    marquee.open()
    sent = asked_for_picks(marquee.page)
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    gone = marquee.picks.first.get_by_role("heading").inner_text()
    movie_id = int(marquee.picks.first.get_attribute("data-movie-id") or 0)
    marquee.dismiss(marquee.picks.first)
    expect(marquee.picks).to_have_count(10)
    expect(marquee.page.get_by_role("heading", name=gone, exact=True)).to_have_count(0)
    assert sent[-1]["dismissed"] == [movie_id]
    marquee.page.reload()
    expect(marquee.picks).to_have_count(10)
    assert gone not in marquee.titles_picked()


def test_seen_it_rates_a_pick_in_place(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    title = marquee.picks.first.get_by_role("heading").inner_text()
    marquee.rate_seen(marquee.picks.first)
    marquee.stars(5, marquee.picks.first).click()
    expect(marquee.progress).to_have_text("6 of 10")
    expect(marquee.page.get_by_role("heading", name=title, exact=True)).to_have_count(0)
    expect(marquee.picks).to_have_count(10)


def test_the_focus_is_not_lost_when_a_pick_disappears(marquee: MarqueePage) -> None:
    marquee.open("rate")
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    neighbour = marquee.picks.nth(1).get_by_role("heading").inner_text()
    dismiss_the_first(marquee, by_keyboard=True)
    expect(marquee.picks).to_have_count(9)
    expect(marquee.picks.first.get_by_role("heading")).to_have_text(neighbour)
    expect(marquee.more_of(marquee.picks.first)).to_be_focused()


def test_not_for_me_can_be_undone_in_place(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    title = marquee.picks.nth(3).get_by_role("heading").get_by_role("link").inner_text()
    before = marquee.titles_picked()
    marquee.dismiss(marquee.picks.nth(3))
    expect(marquee.undo_items).to_contain_text(f"Not for you: {title}")
    expect(marquee.picks).to_have_count(10)
    marquee.undo_items.get_by_role("button").click()
    expect(marquee.undo_items).to_have_count(0)
    expect(marquee.picks.nth(3).get_by_role("heading")).to_have_text(before[3])
    assert marquee.titles_picked() == before


@pytest.mark.parametrize("view", ["Rate", "Picks"])
def test_the_page_says_once_what_the_star_means(marquee: MarqueePage, view: str) -> None:
    marquee.open()
    meaning = marquee.page.get_by_text("★ is the rating we expect from you")
    expect(meaning).to_be_hidden()
    marquee.rate(*FIVE)
    marquee.go(view)
    expect(marquee.picks).to_have_count(10)
    expect(meaning.filter(visible=True)).to_have_count(1)
    expect(meaning).to_contain_text("a later pick can have more ★")


def test_escape_closes_the_menu_of_a_pick_and_returns_the_focus(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    more = marquee.more_of(marquee.picks.first)
    more.press("Enter")
    menu = marquee.picks.first.get_by_role("group", name=MORE)
    expect(menu).to_be_visible()
    expect(more).to_have_attribute("aria-expanded", "true")
    marquee.page.keyboard.press("Tab")
    expect(menu.get_by_role("link", name="More like this")).to_be_focused()
    marquee.page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(more).to_be_focused()


def test_one_menu_is_open_at_a_time_and_a_press_elsewhere_closes_it(marquee: MarqueePage) -> None:
    marquee.open("picks")
    marquee.go("Rate")
    marquee.rate(*FIVE)
    marquee.go("Picks")
    expect(marquee.picks).to_have_count(10)
    first = marquee.menu_of(marquee.picks.first)
    expect(first).to_be_in_viewport(ratio=1)
    last = marquee.menu_of(marquee.picks.last)
    expect(last).to_be_in_viewport(ratio=1)
    expect(first).to_be_hidden()
    marquee.heading.click()
    expect(last).to_be_hidden()


def test_the_menu_of_a_pick_lies_in_a_narrow_window(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    narrow_marquee.rate(*FIVE)
    narrow_marquee.go("Picks")
    expect(narrow_marquee.picks).to_have_count(10)
    for place in range(10):
        menu = narrow_marquee.menu_of(narrow_marquee.picks.nth(place))
        expect(menu).to_be_in_viewport(ratio=1)
        narrow_marquee.page.keyboard.press("Escape")
    assert narrow_marquee.overflow() == 0


def test_a_movie_that_was_rated_low_since_is_not_said_to_be_liked(marquee: MarqueePage) -> None:
    def one_reason(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
            return
        reason = json.loads(route.request.post_data or "{}")["ratings"][1]
        assert reason["stars"] < 4
        answer = real_answer(route)
        because = [{"movie_id": reason["movie_id"], "title": "The One"}]
        picks = [{**pick, "because": because} for pick in answer.json()["picks"]]
        fulfil(route, answer, json.dumps({**answer.json(), "picks": picks}))

    marquee.page.route(marquee.api("/picks"), one_reason)
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks.first.locator(".because")).to_have_text("Because you rated The One")


def test_more_like_this_leads_to_the_movie(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    title = marquee.picks.first.get_by_role("heading").get_by_role("link").inner_text()
    marquee.menu_of(marquee.picks.first).get_by_role("link", name="More like this").click()
    expect(marquee.heading).to_have_text(title)
    expect(marquee.heading).to_be_focused()


def test_picks_are_filtered_by_genre_and_decade(marquee: MarqueePage) -> None:
    marquee.open()
    sent = asked_for_picks(marquee.page)
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.get_by_label("Genre").select_option("Drama")
    marquee.page.get_by_label("Decade").select_option("1990")
    expect(marquee.picks.first).to_be_visible()
    expect(marquee.page.locator(".picks-panel[aria-busy=true]")).to_have_count(0)
    assert sent[-1]["genres"] == ["Drama"]
    assert sent[-1]["years"] == {"from": 1990, "to": 1999}
    for pick in marquee.picks.all():
        expect(pick.locator(".genres")).to_contain_text("Drama")
        expect(pick.get_by_role("heading")).to_contain_text(re.compile(r" 199\d$"))


def test_the_filter_offers_every_genre_of_the_catalogue(marquee: MarqueePage) -> None:
    marquee.open()
    with marquee.page.expect_response(marquee.api("/catalogue")) as listed:
        marquee.rate(*FIVE)
    genres = listed.value.json()["genres"]
    options = marquee.page.get_by_label("Genre").get_by_role("option")
    expect(options).to_have_text(["Any genre", *genres])


def test_after_ratings_of_one_star_the_page_asks_for_a_movie_that_was_liked(
    marquee: MarqueePage,
) -> None:
    def nothing_fits(route: Route) -> None:
        answer = real_answer(route)
        if route.request.method == "OPTIONS":
            return fulfil(route, answer, answer.text)
        picks = [{**pick, "stars": 2.1} for pick in answer.json()["picks"]]
        body = {**answer.json(), "picks": picks, "nothing_fits": True}
        return fulfil(route, answer, json.dumps(body))

    marquee.page.route(marquee.api("/picks"), nothing_fits)
    marquee.open()
    marquee.rate(1, 1, 1, 1, 1, 1)
    expect(marquee.picks_kind).to_contain_text("Nothing fits you yet")
    expect(marquee.picks_kind).to_contain_text("Rate a movie that you liked")
    marquee.page.get_by_role("link", name="Find a movie you liked").click()
    expect(marquee.heading).to_have_text("Search")


def test_a_filter_without_matches_says_so(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.get_by_label("Decade").select_option("1920")
    expect(marquee.picks_kind).to_contain_text("No movies match this filter")


def test_the_list_is_shared_as_plain_text(deployment: RunningDeployment, browser: Browser) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    # Headless Chromium has no share sheet; this records the data that it would receive.
    page.add_init_script("navigator.share = async (data) => { window.shared = data; };")
    marquee = MarqueePage(page, deployment.site_url, deployment.api_url)
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    page.get_by_role("button", name="Share this list").click()
    page.get_by_role("button", name="Share as text").click()
    page.wait_for_function("() => window.shared")
    shared = page.evaluate("() => window.shared.text").splitlines()
    context.close()
    assert len(shared) == 12
    assert re.fullmatch(r"1\. .+ \(\d{4}\)", shared[1])
    assert shared[-1] == marquee.site_url


def test_without_a_share_sheet_the_list_is_copied(marquee: MarqueePage) -> None:
    marquee.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    marquee.page.add_init_script("delete Navigator.prototype.share;")
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.get_by_role("button", name="Share this list").click()
    marquee.page.get_by_role("button", name="Share as text").click()
    expect(marquee.page.get_by_text(re.compile("^Copied|doesn’t allow"))).to_be_visible()


def test_a_printed_page_shows_the_picks_and_no_buttons(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.emulate_media(media="print")
    expect(marquee.picks.first).to_be_visible()
    assert marquee.page.get_by_role("button").filter(visible=True).count() == 0
    expect(marquee.card).to_be_hidden()


def test_the_top_pick_stays_in_view_on_a_phone(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    narrow_marquee.rate(*FIVE)
    bar = narrow_marquee.page.get_by_role("link", name=re.compile("^Top pick"))
    for _ in range(2):
        narrow_marquee.rate(4)
        # Playwright may scroll before it clicks on a star; visitors need not.
        narrow_marquee.page.evaluate("() => window.scrollTo(0, 0)")
        expect(bar).to_be_in_viewport(ratio=1)
    bar.click()
    expect(narrow_marquee.heading).to_have_text("Your picks")
    expect(narrow_marquee.picks).to_have_count(10)


def test_failed_picks_can_be_requested_again(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.page.route(marquee.api("/picks"), failing(503, retry_after=3600))
    marquee.rate(*FIVE)
    expect(marquee.problem).to_contain_text("Something went wrong on our end. Try again in 60")
    expect(marquee.problem).to_contain_text("Your ratings are stored")
    marquee.page.unroute(marquee.api("/picks"))
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.picks).to_have_count(10)
    expect(marquee.problem).to_have_count(0)


def test_old_picks_are_marked_when_new_ones_fail(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.route(marquee.api("/picks"), lambda route: route.abort())
    marquee.rate(3)
    expect(marquee.picks_kind).to_have_text("These picks don’t include your latest answers yet.")
    expect(marquee.problem).to_contain_text("can’t reach Marquee")


def test_markup_in_the_title_of_a_pick_stays_text(marquee: MarqueePage) -> None:
    markup = "<script>document.title='taken over'</script><i>Alien</i>"

    def with_markup(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
            return
        answer = real_answer(route)
        body = answer.json()
        body["picks"][0].update(
            title=markup, genres=[markup], because=[{"movie_id": NOBODYS, "title": markup}]
        )
        fulfil(route, answer, json.dumps(body))

    marquee.page.route(marquee.api("/picks"), with_markup)
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks.first.get_by_role("heading")).to_contain_text(markup)
    expect(marquee.picks.first).to_contain_text(f"Because you liked {markup}")
    assert marquee.picks.first.locator("script, i").count() == 0
