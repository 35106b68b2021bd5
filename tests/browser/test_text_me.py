""" "Text me my picks": the form, the live status until the text is sent, and errors on the way."""

import json
import re

import pytest
from playwright.sync_api import Request, Response, Route, expect

from marquee.requests.send_text import NO_MORE_TODAY
from tests.browser.conftest import FLOW_MS, Visit
from tests.browser.marquee_page import (
    MarqueePage,
    Watch,
    call,
    failing,
    fulfil,
    origin,
    real_answer,
)
from tests.deployment import RunningDeployment

SIX = (5, 1, 4, 2, 5, 3)


def to_the_form(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    marquee.page.get_by_role("link", name="Text me my picks").click()
    expect(marquee.heading).to_have_text("Text me my picks")


def is_creation(answer: Response) -> bool:
    return answer.url.endswith("/visitors") and answer.request.method == "POST"


def is_phone_check(answer: Response) -> bool:
    return answer.url.endswith("/phones") and answer.request.method == "POST"


def changed(marquee: MarqueePage, visit: Visit, **fields: object) -> None:
    """Replace some fields in the API's answers about the visitor."""

    def handle(route: Route) -> None:
        answer = real_answer(route)
        if route.request.method == "OPTIONS":
            fulfil(route, answer, answer.text)
        else:
            fulfil(route, answer, json.dumps({**answer.json(), **fields}))

    marquee.page.route(marquee.api(f"/visitors/{visit.visitor_id}"), handle)


# The form


def test_with_few_ratings_the_page_says_how_many_are_missing(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5, 4)
    marquee.page.goto(f"{marquee.site_url}#text")
    expect(marquee.page.get_by_text("Rate 3 more movies first")).to_be_visible()


def test_the_form_shows_what_will_be_sent_and_how_to_stop_it(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    facts = marquee.page.get_by_role("complementary")
    expect(facts).to_contain_text("Reply STOP")
    expect(facts).to_contain_text("ten titles")
    expect(facts).to_contain_text(re.compile(r"10\. .+"))


def test_the_preview_is_the_text_of_the_api_and_greets_without_the_emoji(
    marquee: MarqueePage,
) -> None:
    to_the_form(marquee)
    preview = marquee.page.get_by_role("complementary")
    expect(preview).to_contain_text("10. ")
    with marquee.page.expect_response(
        lambda answer: (
            answer.url.endswith("/texts/preview") and "Ada" in (answer.request.post_data or "")
        )
    ) as composed:
        marquee.name.fill("Ada 🎬")
    text = composed.value.json()["text"]
    assert text.startswith("Ada, your Marquee picks:\n1. ")
    expect(preview.locator(".bubble")).to_have_text(text, use_inner_text=True)
    marquee.name.fill("ada.example")
    expect(preview).to_contain_text("It doesn’t use your name")
    expect(preview.locator(".bubble")).to_contain_text("Your Marquee picks:")


def test_the_number_is_optional(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    expect(marquee.consent).to_be_hidden()
    marquee.name.fill("Ada")
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    expect(marquee.picks).to_have_count(10)
    expect(marquee.journey.get_by_text("Finished")).to_be_hidden()


@pytest.mark.parametrize(
    ("country", "typed", "shown"),
    [
        ("GB", "07911 123456", "+44 7911 123456"),
        ("US", "(+44) 7400 123456", "+44 7400 123456"),
        ("US", "1 415 555 0123", "+1 415-555-0123"),
        ("GB", "\u202a+1 415 555 0123\u202c", "+1 415-555-0123"),
    ],
)
def test_the_page_shows_how_the_api_reads_a_number(
    marquee: MarqueePage, country: str, typed: str, shown: str
) -> None:
    to_the_form(marquee)
    marquee.country.select_option(country)
    marquee.phone.fill(typed)
    expect(marquee.page.get_by_text(f"We’ll text {shown}.")).to_be_visible()
    expect(marquee.phone).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("020 7946 0958", "+44 20 7946 0958 is a landline, which cannot receive texts"),
        ("0740", "has too few digits"),
        ("(+44) 7700 900123", "+44 7700 900123 does not exist"),
        ("+49 1512 3456789", "is a number of DE; Marquee texts only those of"),
    ],
)
def test_leaving_a_number_that_cannot_be_texted_shows_the_reason_at_the_field(
    marquee: MarqueePage, typed: str, words: str
) -> None:
    to_the_form(marquee)
    marquee.country.select_option("GB")
    marquee.phone.fill(typed)
    expect(marquee.page.get_by_text(words).first).to_be_visible()
    marquee.name.focus()
    expect(marquee.phone).to_have_attribute("aria-invalid", "true")
    assert words in marquee.error_at(marquee.phone)


def test_only_countries_that_are_texted_are_offered_and_the_hint_names_them(
    marquee: MarqueePage,
) -> None:
    to_the_form(marquee)
    expect(marquee.country.get_by_role("option")).to_have_count(6)
    expect(marquee.page.get_by_text("We text numbers of Australia, Canada")).to_be_visible()


def test_a_number_with_its_country_code_selects_the_country(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    marquee.country.select_option("US")
    marquee.phone.press_sequentially("+44 7400 123456")
    expect(marquee.country).to_have_value("GB")


def test_consent_is_required_with_a_number(marquee: MarqueePage, phone: str) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.phone.fill(phone)
    expect(marquee.consent).to_be_visible()
    marquee.save()
    expect(marquee.problem).to_be_focused()
    expect(marquee.consent).to_have_attribute("aria-invalid", "true")
    assert "Tick the box" in marquee.error_at(marquee.consent)


def test_no_name_is_asked_for_without_a_text(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    expect(marquee.name).to_have_attribute("dir", "auto")
    expect(marquee.page.get_by_text("Your name optional")).to_be_visible()
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    expect(marquee.picks).to_have_count(10)


def test_an_empty_name_is_an_error_where_a_text_is_asked_for(
    marquee: MarqueePage, phone: str
) -> None:
    to_the_form(marquee)
    marquee.give_phone(phone)
    sent: list[Request] = []
    marquee.page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - no builtins
    marquee.save()
    expect(marquee.problem).to_contain_text("Enter your name")
    assert not [request for request in sent if request.url.endswith("/visitors")]
    marquee.problem.get_by_role("button").click()
    expect(marquee.name).to_be_focused()


def test_an_error_of_the_api_about_a_number_shows_at_the_field(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.country.select_option("US")
    marquee.give_phone("100 100 0000")
    with marquee.page.expect_response(is_phone_check) as refused:
        marquee.save()
    message = refused.value.json()["errors"][0]["message"]
    expect(marquee.phone).to_have_attribute("aria-invalid", "true")
    assert message in marquee.error_at(marquee.phone)


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "Try again in 42 seconds"), (503, "wrong on our end"), (500, "wrong on our end")],
)
def test_a_failing_api_makes_the_page_say_when_to_try_again(
    marquee: MarqueePage, status: int, words: str
) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.page.route(marquee.api("/visitors"), failing(status, retry_after=42))
    marquee.save()
    expect(marquee.problem).to_contain_text(words)


def test_an_api_that_is_down_loses_no_input(marquee: MarqueePage, phone: str) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.give_phone(phone)
    marquee.page.route(marquee.api("/visitors"), lambda route: route.abort())
    marquee.save()
    expect(marquee.problem).to_contain_text("Nothing you entered is lost")
    expect(marquee.name).to_have_value("Ada")
    expect(marquee.phone).to_have_value(phone)
    expect(marquee.consent).to_be_checked()


def test_a_repeated_form_creates_no_second_visitor(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    made: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        made.append(real_answer(route).json()["visitor_id"])
        route.abort()

    marquee.page.route(marquee.api("/visitors"), lose_the_answer)
    marquee.save()
    expect(marquee.problem).to_be_visible()
    marquee.page.unroute(marquee.api("/visitors"))
    with marquee.page.expect_response(is_creation) as second:
        marquee.save()
    assert second.value.json()["visitor_id"] == made[0]


def test_the_number_is_never_kept_in_the_browser(marquee: MarqueePage, phone: str) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.give_phone(phone)
    marquee.page.route(marquee.api("/visitors"), lambda route: route.abort())
    marquee.save()
    expect(marquee.problem).to_be_visible()
    kept = marquee.kept()
    assert "Ada" in kept
    assert re.sub(r"\D", "", phone) not in re.sub(r"[ ().-]", "", kept)
    assert phone[-4:] not in kept


# The challenge before a text


def test_a_form_without_a_number_asks_for_no_challenge(marquee: MarqueePage) -> None:
    to_the_form(marquee)
    sent: list[str] = []
    marquee.page.on("request", lambda request: sent.append(request.url))
    marquee.name.fill("Ada")
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    assert not [url for url in sent if url.endswith("/challenge")]


def test_the_robot_check_begins_during_typing_and_shows_its_progress(
    marquee: MarqueePage, phone: str
) -> None:
    to_the_form(marquee)
    held: list[Route] = []
    marquee.page.route(
        marquee.api("/challenge"),
        lambda route: held.append(route),  # noqa: PLW0108 - no builtins
    )
    marquee.name.fill("Ada")
    with marquee.page.expect_request(marquee.api("/challenge")):
        marquee.country.select_option("US")
        marquee.phone.fill(phone)
    marquee.consent.check()
    marquee.save()
    check = marquee.page.get_by_role("status").filter(has_text="Checking that you’re not a robot")
    expect(check).to_be_visible()
    expect(marquee.page.get_by_role("progressbar")).to_be_visible()
    held[0].continue_()
    expect(marquee.heading).to_have_text("Your ten picks")


def test_a_rejected_proof_is_replaced_without_asking_the_visitor(
    marquee: MarqueePage, phone: str
) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.country.select_option("US")
    marquee.give_phone(phone)
    proofs: list[str] = []

    def reject_the_first(route: Route) -> None:
        if route.request.method == "POST":
            proofs.append(json.loads(route.request.post_data or "{}")["proof"])
            if len(proofs) == 1:
                failing(422, "This challenge has expired.", "proof")(route)
                return
        route.continue_()

    marquee.page.route(marquee.api("/visitors"), reject_the_first)
    marquee.save()
    expect(marquee.heading).to_have_text("Your ten picks")
    assert len(set(proofs)) == 2


def test_a_failed_challenge_loses_no_input(marquee: MarqueePage, phone: str) -> None:
    to_the_form(marquee)
    marquee.page.route(marquee.api("/challenge"), lambda route: route.abort())
    marquee.name.fill("Ada")
    marquee.give_phone(phone)
    marquee.save()
    expect(marquee.problem).to_contain_text("Nothing you entered is lost")
    expect(marquee.phone).to_have_value(phone)


# The status


def test_the_page_follows_a_form_with_a_number_until_it_is_texted(
    marquee: MarqueePage, watch: Watch, phone: str, local: RunningDeployment
) -> None:
    to_the_form(marquee)
    marquee.name.fill("Ada")
    marquee.country.select_option("US")
    marquee.give_phone(phone)
    marquee.save()
    expect(marquee.picks).to_have_count(10)
    expect(marquee.picks_kind).to_contain_text("From your 6 ratings")
    expect(marquee.status).to_contain_text(re.compile(r"Finished at \d"), timeout=FLOW_MS)
    expect(marquee.picks_kind).to_contain_text("Computed with everyone’s ratings")
    sent = local.texts("+1" + re.sub(r"\D", "", phone))[-1]
    link = re.search(r"#([0-9a-z]{26})\.(\S+)", sent)
    assert link
    assert watch.complaints == []
    assert watch.origins <= {origin(marquee.site_url), origin(marquee.api_url)}


def test_the_link_in_a_text_opens_the_visitors_page_in_any_browser(
    marquee: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.page.get_by_role("heading", name="Your ten picks")).to_be_focused()
    expect(marquee.picks).to_have_count(10)
    assert visit.token not in marquee.page.url
    marquee.page.reload()
    expect(marquee.picks).to_have_count(10)
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(visit.ratings))


def test_a_link_with_a_wrong_token_opens_nothing(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, "A" * len(visit.token))
    expect(marquee.page.get_by_role("heading", name="This link doesn’t work")).to_be_visible()
    expect(marquee.picks).to_have_count(0)


def test_the_picks_of_the_batch_replace_the_first_picks_and_are_marked(
    marquee: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_have_text("Your picks are ready.", timeout=FLOW_MS)
    expect(marquee.picks_kind).to_contain_text("Computed with everyone’s ratings")
    expect(marquee.picks).to_have_count(10)


def test_a_saved_visitor_finds_the_status_from_the_picks(
    marquee: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.heading).to_have_text("Your ten picks")
    marquee.go("Picks")
    expect(marquee.page.get_by_role("link", name="Text me my picks")).to_be_hidden()
    marquee.page.get_by_role("link", name="See status").click()
    expect(marquee.heading).to_have_text("Your ten picks")


def test_the_status_says_that_picks_are_being_computed(marquee: MarqueePage, visit: Visit) -> None:
    changed(marquee, visit, status="submitted", picks=None, model_id=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_contain_text("Computing with everyone")
    expect(marquee.picks_kind).to_contain_text("From your 6 ratings")
    expect(marquee.journey.get_by_text("Computing")).to_have_attribute("aria-current", "step")


def test_a_failure_says_why_and_what_happens_next(marquee: MarqueePage, visit: Visit) -> None:
    changed(marquee, visit, status="failed", reason="the step failed three times", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_contain_text("the step failed three times")
    expect(marquee.page.locator(".status-next")).to_contain_text("We have been notified")
    expect(marquee.picks).to_have_count(10)


def test_the_status_says_plainly_that_a_text_is_over_the_cap_and_shows_the_picks(
    marquee: MarqueePage, visit: Visit
) -> None:
    picks = call(
        "POST",
        marquee.api("/picks"),
        json={"ratings": [{"movie_id": m, "stars": s} for m, s in visit.ratings.items()]},
    ).json()["picks"]
    changed(marquee, visit, status="failed", reason=NO_MORE_TODAY, texts=True, picks=picks)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_contain_text("we can’t send any more texts today")
    expect(marquee.status).to_contain_text("Your picks are ready")
    expect(marquee.picks).to_have_count(10)


def test_the_page_reports_a_lost_api_and_recovers(marquee: MarqueePage, visit: Visit) -> None:
    changed(marquee, visit, status="received", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_have_text("We have your ratings.")
    address = marquee.api(f"/visitors/{visit.visitor_id}")
    marquee.page.route(address, lambda route: route.abort(), times=2)
    lost = marquee.page.get_by_text("this page keeps checking")
    expect(lost).to_be_visible()
    expect(lost).to_be_hidden()


def test_a_throttled_status_is_requested_again_after_the_stated_time(
    marquee: MarqueePage, visit: Visit
) -> None:
    changed(marquee, visit, status="received", picks=None)
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.status).to_have_text("We have your ratings.")
    asked: list[str] = []
    throttle = failing(429, retry_after=4)

    def noted(route: Route) -> None:
        if route.request.method == "GET":
            asked.append(route.request.url)
        throttle(route)

    marquee.page.route(marquee.api(f"/visitors/{visit.visitor_id}"), noted)
    expect(marquee.page.get_by_text("Try again in 4 seconds")).to_be_visible()
    marquee.page.wait_for_timeout(2500)
    assert len(asked) == 1


def test_the_number_form_is_below_the_picks_on_a_phone_and_a_button_leads_there(
    narrow_marquee: MarqueePage, visit: Visit
) -> None:
    narrow_marquee.open_link(visit.visitor_id, visit.token)
    expect(narrow_marquee.picks).to_have_count(10)
    places = [narrow_marquee.picks.last, narrow_marquee.phone]
    last_pick, number = [place.bounding_box() for place in places]
    assert last_pick is not None
    assert number is not None
    assert last_pick["y"] < number["y"]
    narrow_marquee.page.get_by_role("button", name="Get them by text").click()
    expect(narrow_marquee.phone).to_be_focused()
    expect(narrow_marquee.phone).to_be_in_viewport()


def test_a_visitor_saved_without_a_number_can_request_the_text_later(
    marquee: MarqueePage, visit: Visit, phone: str, local: RunningDeployment
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    form = marquee.page.get_by_role("form", name="Text me my picks")
    expect(form).to_be_in_viewport()
    expect(marquee.page.get_by_role("button", name="Get them by text")).to_be_hidden()
    marquee.country.select_option("US")
    marquee.phone.fill(phone)
    marquee.consent.check()
    form.get_by_role("button", name="Text me my picks").click()
    expect(marquee.page.get_by_text(f"ending in {phone[-2:]}")).to_be_focused()
    expect(marquee.status).to_contain_text("Finished at", timeout=FLOW_MS)
    assert local.texts("+1" + re.sub(r"\D", "", phone))


# A link that is replaced


def held(marquee: MarqueePage) -> str:
    """Return the token that the browser stores."""
    shelf = marquee.page.evaluate("() => JSON.parse(localStorage.getItem('marquee.shelf'))")
    return str(shelf["visit"]["token"])


def test_a_new_link_opens_the_page_and_the_former_one_does_not(
    marquee: MarqueePage, other_browser: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    marquee.page.get_by_role("button", name="Make a new link").click()
    expect(marquee.page.get_by_text("You have a new link")).to_be_visible()
    renewed = held(marquee)
    assert renewed != visit.token

    stranger = other_browser
    stranger.open_link(visit.visitor_id, visit.token)
    expect(stranger.page.get_by_role("heading", name="This link doesn’t work")).to_be_visible()
    expect(stranger.page.get_by_text("A newer link may have replaced it")).to_be_visible()
    stranger.open_link(visit.visitor_id, renewed)
    expect(stranger.picks).to_have_count(10)

    # A browser that stores the newer token opens the page by the former link, too.
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks).to_have_count(10)
    assert held(marquee) == renewed


def test_another_tab_continues_with_the_new_link(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks).to_have_count(10)
    tab = MarqueePage(marquee.page.context.new_page(), marquee.site_url, marquee.api_url)
    tab.open("text")
    expect(tab.picks).to_have_count(10)
    marquee.page.get_by_role("button", name="Make a new link").click()
    expect(marquee.page.get_by_text("You have a new link")).to_be_visible()
    tab.page.reload()
    expect(tab.picks).to_have_count(10)
    expect(tab.page.get_by_text("link in this browser no longer works")).to_be_hidden()


def test_a_corrected_number_invalidates_the_former_link(
    marquee: MarqueePage, other_browser: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    marquee.country.select_option("US")
    marquee.give_phone("(415) 555-0111")
    marquee.page.get_by_role("button", name="Text me my picks").click()
    expect(marquee.page.get_by_text("ending in 11")).to_be_visible()
    assert held(marquee) == visit.token

    marquee.page.get_by_role("button", name="Use another number").click()
    form = marquee.page.get_by_role("form", name="Text my picks to another number")
    marquee.country.select_option("US")
    marquee.give_phone("(415) 555-0122")
    form.get_by_role("button", name="Text me my picks").click()
    expect(marquee.page.get_by_text("ending in 22")).to_be_visible()
    expect(form).to_be_hidden()
    assert held(marquee) != visit.token
    other_browser.open_link(visit.visitor_id, visit.token)
    expect(other_browser.page.get_by_text("A newer link may have replaced it")).to_be_visible()
    marquee.page.reload()
    expect(marquee.picks).to_have_count(10)
