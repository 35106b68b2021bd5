"""The first view: movies to rate, name, phone and consent, and what goes wrong there."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Response, Route, expect

from tests.browser.marquee_page import FIVE_ANSWERS, UNSEEN, MarqueePage, fulfil, real_answer

PHONE = "+14155550123"


def fail_with(
    status: int, body: dict[str, object], headers: dict[str, str] | None = None
) -> Callable[[Route], None]:
    """Answer a call with an error, as the API words it."""

    def handle(route: Route) -> None:
        cors = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        route.fulfill(status=status, json=body, headers={**cors, **(headers or {})})

    return handle


def is_creation(answer: Response) -> bool:
    return answer.url.endswith("/visitors") and answer.request.method == "POST"


def test_every_movie_is_asked_with_the_five_answers_and_havent_seen_it(
    marquee: MarqueePage,
) -> None:
    marquee.open()
    for movie in marquee.movies.all():
        labels = movie.locator("label").all_inner_texts()
        words = [label.splitlines()[-1].strip() for label in labels]
        assert words == [*FIVE_ANSWERS, UNSEEN]


def test_progress_counts_ratings_and_leaves_out_movies_not_seen(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(4)
    marquee.answer(4, UNSEEN).check()
    expect(marquee.progress).to_have_text("4 of 5 needed")


def test_a_rating_is_taken_back_by_havent_seen_it(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.answer(0, UNSEEN).check()
    expect(marquee.progress).to_have_text("4 of 5 needed")


def test_the_keyboard_alone_rates_a_movie(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.answer(0, FIVE_ANSWERS[0]).focus()
    marquee.page.keyboard.press("Space")
    marquee.page.keyboard.press("ArrowRight")
    expect(marquee.answer(0, FIVE_ANSWERS[1])).to_be_checked()


def test_the_keyboard_alone_reaches_the_movies_from_the_top(marquee: MarqueePage) -> None:
    marquee.open()
    for _ in range(4):
        marquee.page.keyboard.press("Tab")
        if marquee.page.locator("fieldset input:focus").count():
            return
    pytest.fail("four presses of Tab did not reach a movie's answers")


def test_an_empty_form_is_not_sent(marquee: MarqueePage) -> None:
    marquee.open()
    sent: list[Request] = []
    marquee.page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - no builtins
    marquee.submit()
    expect(marquee.problem).to_contain_text("Rate 5 more movies.")
    assert not sent


def test_an_empty_name_is_told_at_the_name(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.submit()
    expect(marquee.name).to_have_attribute("aria-invalid", "true")
    assert "Tell us your name" in marquee.error_at(marquee.name)


def test_the_summary_of_errors_takes_the_focus(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.submit()
    expect(marquee.problem).to_be_focused()


def test_the_summary_leads_to_the_field(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.submit()
    marquee.problem.get_by_role("button").click()
    expect(marquee.name).to_be_focused()


def test_consent_is_asked_only_with_a_phone(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.consent).to_be_hidden()
    marquee.phone.fill(PHONE)
    expect(marquee.consent).to_be_visible()


def test_a_phone_without_consent_is_told_at_the_consent(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.phone.fill(PHONE)
    marquee.submit()
    expect(marquee.consent).to_have_attribute("aria-invalid", "true")
    assert "Tick this" in marquee.error_at(marquee.consent)


def test_the_api_s_word_on_a_local_phone_number_is_shown_at_the_phone(
    marquee: MarqueePage,
) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.give_phone("020 7946 0958")
    with marquee.page.expect_response(is_creation) as refused:
        marquee.submit()
    message = refused.value.json()["errors"][0]["message"]
    expect(marquee.phone).to_have_attribute("aria-invalid", "true")
    assert message in marquee.error_at(marquee.phone)


def test_the_api_s_word_on_one_rating_is_shown_at_its_movie(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    error = {"field": "ratings[2].movie_id", "message": "There is no such movie."}
    marquee.page.route(marquee.api("/visitors"), fail_with(422, {"errors": [error]}))
    marquee.submit()
    expect(marquee.movies.nth(2)).to_contain_text("There is no such movie.")


def test_a_message_for_no_field_is_shown_above_the_form(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    error = {"field": "", "message": "This is not how it is done."}
    marquee.page.route(marquee.api("/visitors"), fail_with(400, {"errors": [error]}))
    marquee.submit()
    expect(marquee.problem).to_contain_text("This is not how it is done.")


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "Try again in 42 seconds"), (503, "wrong on our side"), (500, "wrong on our side")],
)
def test_an_api_in_trouble_says_when_to_try_again(
    marquee: MarqueePage, status: int, words: str
) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    answer = fail_with(status, {"errors": []}, {"Retry-After": "42"})
    marquee.page.route(marquee.api("/visitors"), answer)
    marquee.submit()
    expect(marquee.problem).to_contain_text(words)


def test_an_api_that_is_down_loses_nothing_typed(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.give_phone(PHONE)
    before = marquee.chosen()
    marquee.page.route(marquee.api("/visitors"), lambda route: route.abort())
    marquee.submit()
    expect(marquee.problem).to_contain_text("Nothing you entered is lost")
    assert marquee.chosen() == before
    expect(marquee.name).to_have_value("Ada")
    expect(marquee.phone).to_have_value(PHONE)


def test_being_offline_is_said(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.page.context.set_offline(True)
    marquee.submit()
    expect(marquee.problem).to_contain_text("You are offline")


def test_a_questionnaire_that_cannot_be_fetched_is_fetched_on_try_again(
    marquee: MarqueePage, page: Page
) -> None:
    page.route(marquee.api("/questionnaire"), lambda route: route.abort())
    page.goto(marquee.site_url)
    page.get_by_role("heading", name=re.compile("be reached$")).wait_for()
    page.unroute(marquee.api("/questionnaire"))
    page.get_by_role("button", name="Try again").click()
    expect(marquee.movies.first).to_be_visible()


def test_a_second_try_of_the_same_form_makes_no_second_visitor(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    made: list[str] = []

    def lose_the_answer(route: Route) -> None:
        made.append(real_answer(route).json()["visitor_id"])
        route.abort()

    marquee.page.route(marquee.api("/visitors"), lose_the_answer, times=1)
    marquee.submit()
    expect(marquee.problem).to_be_visible()
    with marquee.page.expect_response(is_creation) as second:
        marquee.submit()
    assert second.value.json()["visitor_id"] == made[0]


def test_a_changed_form_is_a_new_visitor(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    keys: list[str] = []

    def refuse(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    marquee.page.route(marquee.api("/visitors"), refuse)
    marquee.submit()
    expect(marquee.problem).to_be_visible()
    marquee.answer(0, FIVE_ANSWERS[4]).check()
    marquee.submit()
    expect(marquee.problem).to_be_visible()
    assert len(set(keys)) == 2


def test_a_form_still_being_worked_on_is_asked_for_again(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    busy = fail_with(409, {"errors": [{"field": "", "message": "Still being worked on."}]})
    marquee.page.route(marquee.api("/visitors"), busy, times=1)
    marquee.submit()
    expect(marquee.picks).to_have_count(10)


def test_a_reload_keeps_ratings_and_name(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.answer(5, UNSEEN).check()
    marquee.name.fill("Ada")
    before = marquee.chosen()
    marquee.page.reload()
    marquee.movies.first.wait_for()
    assert marquee.chosen() == before
    expect(marquee.name).to_have_value("Ada")


def test_ratings_of_movies_no_longer_asked_about_are_kept(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(2)
    rated = marquee.chosen()

    def without_the_first_two(route: Route) -> None:
        answer = real_answer(route)
        questionnaire = answer.json()
        questionnaire["movies"] = questionnaire["movies"][2:]
        fulfil(route, answer, json.dumps(questionnaire))

    marquee.page.route(marquee.api("/questionnaire"), without_the_first_two)
    marquee.page.reload()
    expect(marquee.progress).to_have_text("2 of 5 needed")
    assert marquee.chosen() == rated


def test_ratings_of_another_data_set_are_not_taken_over(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(2)

    def of_another_data_set(route: Route) -> None:
        answer = real_answer(route)
        fulfil(route, answer, json.dumps({**answer.json(), "dataset": "another"}))

    marquee.page.route(marquee.api("/questionnaire"), of_another_data_set)
    marquee.page.reload()
    expect(marquee.progress).to_have_text("0 of 5 needed")


def test_the_phone_number_is_not_kept_in_the_browser(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.give_phone(PHONE)
    marquee.page.route(marquee.api("/visitors"), lambda route: route.abort())
    marquee.submit()
    expect(marquee.problem).to_be_visible()
    kept = marquee.page.evaluate(
        "() => JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})"
    )
    assert "Ada" in kept
    assert "5550123" not in kept


def test_clear_my_answers_clears_them(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.page.get_by_role("button", name="Clear my answers").click()
    expect(marquee.progress).to_have_text("0 of 5 needed")
    expect(marquee.name).to_have_value("")
    marquee.page.reload()
    expect(marquee.progress).to_have_text("0 of 5 needed")


def test_a_title_that_is_markup_stays_text(marquee: MarqueePage) -> None:
    markup = "<img src=x onerror=\"document.title='taken over'\"><b>Bold</b>"

    def with_markup(route: Route) -> None:
        answer = real_answer(route)
        questionnaire = answer.json()
        questionnaire["movies"][0]["title"] = markup
        fulfil(route, answer, json.dumps(questionnaire))

    marquee.page.route(marquee.api("/questionnaire"), with_markup)
    marquee.open()
    expect(marquee.movies.first.get_by_text(markup, exact=True)).to_be_visible()
    assert marquee.movies.first.locator("img, b").count() == 0
