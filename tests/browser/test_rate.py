"""One movie at a time: stars or "haven't seen it", undo, progress, adding a movie."""

import json
import re

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.marquee_page import MEANINGS, UNSEEN, MarqueePage, Watch, fulfil, real_answer


def test_the_first_view_says_what_marquee_is_and_asks_about_one_movie(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.heading).to_have_text("What should you watch next?")
    expect(marquee.card).to_have_count(1)
    expect(marquee.card_title).not_to_be_empty()
    expect(marquee.progress).to_have_text("0 of 10")
    expect(marquee.name).to_have_count(0)


def test_the_card_offers_five_stars_with_their_meaning(marquee: MarqueePage) -> None:
    marquee.open()
    for stars in range(1, 6):
        name = re.compile(re.escape(MEANINGS[stars]))
        expect(marquee.card.get_by_role("radio", name=name)).to_have_value(str(stars))
    expect(marquee.card.get_by_role("button", name=UNSEEN)).to_be_visible()


def test_a_tap_on_a_star_rates_and_shows_the_next_movie(marquee: MarqueePage) -> None:
    marquee.open()
    first = marquee.rate(4)
    expect(marquee.progress).to_have_text("1 of 10")
    expect(marquee.card_title).not_to_have_text(first[0])
    expect(marquee.announced).to_contain_text(f"{first[0]}: 4 stars. Next:")


def test_a_skip_counts_as_no_rating(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5, 0, 3)
    expect(marquee.progress).to_have_text("2 of 10")


def test_a_number_key_rates(marquee: MarqueePage) -> None:
    marquee.open()
    title = marquee.title_on_card()
    expect(marquee.heading).to_be_focused()
    marquee.page.keyboard.press("5")
    expect(marquee.progress).to_have_text("1 of 10")
    expect(marquee.card_title).not_to_have_text(title)


def test_arrows_move_over_the_stars_and_enter_gives_them(marquee: MarqueePage) -> None:
    marquee.open()
    keyboard = marquee.page.keyboard
    marquee.stars(1).focus()
    keyboard.press("Space")  # chooses the focused radio button: one star
    expect(marquee.progress).to_have_text("1 of 10")
    expect(marquee.stars(1)).to_be_focused()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    expect(marquee.stars(3)).to_be_checked()
    expect(marquee.progress).to_have_text("1 of 10")
    keyboard.press("Enter")
    expect(marquee.progress).to_have_text("2 of 10")


def test_stars_chosen_with_arrows_can_be_given_with_a_button(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.stars(1).focus()
    marquee.page.keyboard.press("ArrowRight")
    marquee.card.get_by_role("button", name="Give 2 stars").click()
    expect(marquee.progress).to_have_text("1 of 10")


def test_the_keyboard_alone_reaches_the_stars_from_the_top(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    for _ in range(4):
        marquee.page.keyboard.press("Tab")
        if marquee.page.locator("article input:focus").count():
            return
    pytest.fail("four presses of Tab did not reach the stars")


def test_undo_shows_the_movie_again(marquee: MarqueePage) -> None:
    marquee.open()
    expect(marquee.undo).to_be_disabled()
    titles = marquee.rate(5, 2)
    marquee.undo.click()
    expect(marquee.card_title).to_have_text(titles[1])
    expect(marquee.progress).to_have_text("1 of 10")
    expect(marquee.card_title).to_be_focused()


def test_leaving_and_coming_back_keeps_everything(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5, 0, 4, 3)
    title = marquee.title_on_card()
    marquee.page.reload()
    expect(marquee.progress).to_have_text("3 of 10")
    expect(marquee.card_title).to_have_text(title)
    marquee.undo.click()
    expect(marquee.progress).to_have_text("2 of 10")


def test_new_movies_keep_coming_and_none_comes_twice(marquee: MarqueePage) -> None:
    marquee.open()
    titles = marquee.rate(*[5, 1, 0, 4, 2, 3, 0, 5, 4, 1, 2, 3, 0, 5])
    assert len(set(titles)) == len(titles)
    expect(marquee.progress).to_contain_text("11 rated")


def test_each_answer_decides_what_is_asked_next(marquee: MarqueePage) -> None:
    marquee.open()

    def knows_all(request: Request) -> bool:
        if not request.url.endswith("/questionnaire") or request.method != "POST":
            return False
        sent = json.loads(request.post_data or "{}")
        return (len(sent["answered"]), len(sent["unseen"])) == (3, 1)

    with marquee.page.expect_request(knows_all):
        marquee.rate(5, 0, 4, 1)


def test_a_movie_found_by_its_title_can_be_rated(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.find_movie.fill("casabl")
    option = marquee.page.get_by_role("option").first
    expect(option).to_contain_text("Casablanca")
    option.click()
    expect(marquee.card_title).to_have_text("Casablanca")
    marquee.rate(5)
    expect(marquee.progress).to_have_text("1 of 10")


def test_the_keyboard_chooses_among_the_movies_found(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.find_movie.fill("godfather")
    expect(marquee.page.get_by_role("option").first).to_be_visible()
    expect(marquee.find_movie).to_have_attribute("aria-expanded", "true")
    marquee.page.keyboard.press("ArrowDown")
    active = marquee.find_movie.get_attribute("aria-activedescendant")
    chosen = marquee.page.locator(f"#{active}")
    expect(chosen).to_have_attribute("aria-selected", "true")
    title = chosen.locator(".found-title").inner_text()
    marquee.page.keyboard.press("Enter")
    expect(marquee.card_title).to_have_text(re.sub(r" \(\d+\)$", "", title))
    expect(marquee.find_movie).to_have_attribute("aria-expanded", "false")


def test_escape_closes_the_movies_found(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.find_movie.fill("the")
    expect(marquee.page.get_by_role("option").first).to_be_visible()
    marquee.page.keyboard.press("Escape")
    expect(marquee.page.get_by_role("option")).to_have_count(0)


def test_an_unknown_title_shows_a_message(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.find_movie.fill("qqqxxxzzz")
    expect(marquee.page.get_by_text("“qqqxxxzzz” is not in our catalogue")).to_be_visible()


def test_ratings_of_another_data_set_are_dropped(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(5, 4)

    def of_another_data_set(route: Route) -> None:
        answer = real_answer(route)
        fulfil(route, answer, json.dumps({**answer.json(), "dataset": "another"}))

    marquee.page.route(marquee.api("/questionnaire"), of_another_data_set)
    marquee.rate(3)
    expect(marquee.progress).to_have_text("0 of 10")


def test_markup_in_a_title_stays_text(marquee: MarqueePage, watch: Watch) -> None:
    markup = "<img src=x onerror=\"document.title='taken over'\"><b>Bold</b>"

    def with_markup(route: Route) -> None:
        answer = real_answer(route)
        questionnaire = answer.json()
        questionnaire["movies"][0].update(title=markup, genres=[markup])
        fulfil(route, answer, json.dumps(questionnaire))

    marquee.page.route(marquee.api("/questionnaire"), with_markup)
    marquee.open()
    expect(marquee.card_title).to_have_text(markup)
    assert marquee.card.locator("img, b").count() == 0
    assert watch.complaints == []


def test_the_lights_run_at_the_rating_that_brings_the_first_picks(marquee: MarqueePage) -> None:
    lights = marquee.page.locator(".just-enough")
    marquee.open()
    marquee.rate(5, 1, 4, 2)
    expect(lights).to_have_count(0)
    marquee.rate(5)
    expect(lights).to_have_count(1)
    marquee.page.reload()
    expect(marquee.progress).to_have_text("5 of 10")
    expect(lights).to_have_count(0)
