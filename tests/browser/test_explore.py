"""Search, a movie and its similar movies, and "How Marquee sees you"."""

import json
import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.marquee_page import (
    MarqueePage,
    Watch,
    failing,
    fulfil,
    origin,
    real_answer,
)
from tests.deployment import RunningDeployment

SIX = (5, 1, 4, 2, 5, 3)


def search(marquee: MarqueePage, words: str) -> None:
    marquee.page.get_by_role("searchbox", name="Title").fill(words)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("matrix", "The Matrix"), ("godfahter", "The Godfather"), ("casablanca 1942", "Casablanca")],
)
def test_a_search_lists_the_intended_movie_first(
    marquee: MarqueePage, typed: str, meant: str
) -> None:
    marquee.open("search")
    search(marquee, typed)
    found = marquee.page.get_by_role("list", name="Movies found").get_by_role("listitem")
    expect(found.first).to_contain_text(meant)


@pytest.mark.parametrize("typed", ["oppenheimer", "tom hanks", "qqqq zzzz"])
def test_a_search_for_what_is_not_there_says_where_the_catalogue_ends(
    marquee: MarqueePage, typed: str
) -> None:
    marquee.open("search")
    search(marquee, typed)
    words = re.compile(f"“{typed}” is not in our catalogue, which ends in \\d{{4}}\\.")
    expect(marquee.page.get_by_text(words)).to_be_visible()


def test_a_genre_typed_in_place_of_a_title_gives_a_list(marquee: MarqueePage) -> None:
    marquee.open("search")
    search(marquee, "drama movies")
    expect(marquee.page.get_by_text("Drama movies, most rated first.")).to_be_visible()
    found = marquee.page.get_by_role("list", name="Movies found").get_by_role("listitem")
    expect(found.first).to_be_visible()


def test_a_movie_that_few_people_rated_says_so_at_its_similar_movies(
    marquee: MarqueePage,
) -> None:
    def rare(route: Route) -> None:
        answer = real_answer(route)
        fulfil(route, answer, json.dumps({**answer.json(), "ratings": 1, "few_ratings": True}))

    marquee.page.route(re.compile(r"/movies/\d+/similar"), rare)
    to_a_movie(marquee)
    expect(marquee.page.get_by_text("Only 1 person has rated it, too few")).to_be_visible()
    expect(marquee.page.get_by_role("list", name="Movies like The Matrix")).to_be_visible()


def test_a_search_stays_in_the_address(marquee: MarqueePage) -> None:
    marquee.open("search")
    search(marquee, "matrix")
    expect(marquee.page.get_by_role("list", name="Movies found")).to_contain_text("The Matrix")
    marquee.page.get_by_role("link", name=re.compile("^The Matrix")).first.click()
    expect(marquee.heading).to_have_text("The Matrix")
    marquee.page.go_back()
    expect(marquee.page.get_by_role("searchbox", name="Title")).to_have_value("matrix")
    expect(marquee.page.get_by_role("list", name="Movies found")).to_contain_text("The Matrix")


def test_a_failed_search_says_what_to_do(marquee: MarqueePage) -> None:
    marquee.open("search")
    marquee.page.route(re.compile(r"/movies\?"), failing(429, retry_after=7))
    search(marquee, "matrix")
    expect(marquee.page.get_by_text("Try again in 7 seconds")).to_be_visible()
    marquee.page.unroute(re.compile(r"/movies\?"))
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.page.get_by_role("list", name="Movies found")).to_contain_text("The Matrix")


def test_alternative_titles_are_shown_in_the_search_and_at_the_movie(
    marquee: MarqueePage,
) -> None:
    def with_other_titles(route: Route) -> None:
        answer = real_answer(route)
        body = answer.json()
        for movie in body.get("movies") or [body["movie"]]:
            movie["alternative_titles"] = ["Matrisen", "La Matrice"]
        fulfil(route, answer, json.dumps(body))

    marquee.page.route(re.compile(r"/movies(\?|/\d+$)"), with_other_titles)
    marquee.open()
    marquee.page.get_by_role("combobox").fill("matrix")
    expect(marquee.page.get_by_role("option").first).to_contain_text("Matrisen")
    to_a_movie(marquee)
    expect(marquee.page.get_by_text("Also known as Matrisen, La Matrice")).to_be_visible()


def to_a_movie(marquee: MarqueePage, title: str = "The Matrix") -> None:
    marquee.open("search")
    search(marquee, title)
    marquee.page.get_by_role("link", name=re.compile(f"^{title}")).first.click()
    expect(marquee.heading).to_have_text(title)


def test_a_movie_shows_its_mean_and_number_of_ratings(marquee: MarqueePage) -> None:
    to_a_movie(marquee)
    words = re.compile(r"\d\.\d out of 5 stars on average, from [\d,]+ ratings?\.")
    expect(marquee.page.get_by_text(words)).to_be_visible()


def test_a_movie_can_be_rated_in_its_own_view(marquee: MarqueePage) -> None:
    to_a_movie(marquee)
    main = marquee.page.get_by_role("main")
    marquee.stars(5, main).click()
    expect(marquee.stars(5, main)).to_be_checked()
    marquee.go("My movies")
    expect(marquee.stars(5, marquee.mine_called("The Matrix"))).to_be_checked()


def test_similar_movies_link_to_their_own_views(marquee: MarqueePage) -> None:
    to_a_movie(marquee)
    similar = marquee.page.get_by_role("list", name="Movies like The Matrix")
    expect(similar.get_by_role("listitem").first).to_be_visible()
    expect(similar).not_to_contain_text("The Matrix")
    title = similar.locator(".tile-title").first.inner_text()
    similar.get_by_role("link").first.click()
    expect(marquee.heading).to_have_text(title)


def test_a_movie_lists_the_parts_of_its_series_in_order(marquee: MarqueePage) -> None:
    to_a_movie(marquee, "The Godfather Part II")
    parts = marquee.page.get_by_role("region", name="The series in order").get_by_role("listitem")
    expect(parts).to_have_text(
        [re.compile("^The Godfather 1972"), re.compile("^The Godfather Part II 1974")]
    )
    shown = parts.nth(1).get_by_role("link")
    expect(shown).to_have_attribute("aria-current", "page")
    parts.first.get_by_role("link").click()
    expect(marquee.heading).to_have_text("The Godfather")


def test_a_movie_of_no_series_lists_no_parts(marquee: MarqueePage) -> None:
    to_a_movie(marquee, "Casablanca")
    expect(marquee.page.get_by_text("The series in order")).to_have_count(0)


def test_a_movie_links_to_where_it_can_be_watched_and_the_page_loads_nothing_from_there(
    deployment: RunningDeployment, browser: Browser
) -> None:
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    watch = Watch(marquee.page)
    to_a_movie(marquee)
    link = marquee.page.get_by_role("link", name="Where to watch")
    expect(link).to_have_attribute("href", "https://www.justwatch.com/uk/search?q=The+Matrix")
    expect(link).to_have_attribute("rel", "noreferrer external")
    assert watch.origins == {origin(marquee.site_url), origin(marquee.api_url)}
    context.close()


def test_a_pick_shows_the_expected_stars_in_its_own_view_until_it_is_rated(
    marquee: MarqueePage,
) -> None:
    marquee.open()
    marquee.rate(*SIX)
    expect(marquee.picks).to_have_count(10)
    marquee.more_like_the_first()
    expect(marquee.page.get_by_text(re.compile(r"We expect \d\.\d of 5 stars"))).to_be_visible()
    marquee.stars(4, marquee.page.get_by_role("main")).click()
    expect(marquee.page.get_by_text("We expect")).to_be_hidden()


def test_an_unknown_movie_shows_a_message(marquee: MarqueePage) -> None:
    marquee.open("movie/999999999")
    expect(marquee.heading).to_have_text("Movie not found")


def test_an_unknown_view_shows_a_message(marquee: MarqueePage) -> None:
    marquee.open("popcorn")
    expect(marquee.heading).to_have_text("Page not found")


# How Marquee sees you


def to_taste(marquee: MarqueePage, model: str = "ranking") -> None:
    marquee.open()
    marquee.rate(*SIX, 4, 5, 1)
    marquee.go("Taste")
    expect(marquee.heading).to_have_text("How Marquee sees you")
    if model != "ranking":
        marquee.page.get_by_label("Model").select_option(model)
    expect(marquee.page.locator(".taste-sections[aria-busy]")).to_have_count(0)


def test_with_few_ratings_the_taste_view_asks_for_more(marquee: MarqueePage) -> None:
    marquee.open("taste")
    expect(marquee.page.get_by_text("Rate 5 more movies first")).to_be_visible()


def test_the_taste_view_shows_its_certainty(marquee: MarqueePage) -> None:
    to_taste(marquee)
    expect(marquee.page.get_by_role("meter", name="How well we know your taste")).to_be_visible()
    expect(marquee.page.locator(".taste-words")).to_contain_text(
        re.compile(r"From your \d+ ratings we know your taste")
    )


def test_the_taste_map_is_a_chart_and_a_table(marquee: MarqueePage) -> None:
    to_taste(marquee)
    chart = marquee.page.get_by_role("img", name=re.compile(r"^Map of \d+ movies; you are nearest"))
    expect(chart).to_be_visible()
    shown = chart.locator("circle.rated, circle.popular").count()
    marquee.page.get_by_text("Show as a table").click()
    rows = marquee.page.locator(".taste-map table tbody tr")
    assert rows.count() == shown >= 9


def test_each_genre_shows_its_weight(marquee: MarqueePage) -> None:
    to_taste(marquee, "genres")
    table = marquee.page.locator(".leanings").first
    expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile(r"[+−]\d\.\d"))


def test_surprises_show_the_visitors_stars_and_the_mean(marquee: MarqueePage) -> None:
    to_taste(marquee)
    table = marquee.page.get_by_role("region", name="Where you differ")
    expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile(r"\d\.\d"))


@pytest.mark.parametrize("model", ["rating", "tags"])
def test_every_model_has_its_own_view(marquee: MarqueePage, model: str) -> None:
    to_taste(marquee, model)
    expect(marquee.page.locator(".taste-sections > *").first).to_be_visible()
    expect(marquee.problem).to_have_count(0)


def test_models_that_are_the_same_for_everyone_are_not_offered(marquee: MarqueePage) -> None:
    to_taste(marquee)
    offered = marquee.page.get_by_label("Model").locator("option")
    assert [option.get_attribute("value") for option in offered.all()] == [
        "ranking",
        "rating",
        "tags",
        "genres",
    ]
    marquee.open("taste/median")
    expect(marquee.page.get_by_label("Model")).to_have_value("ranking")


def test_a_bar_is_as_long_as_its_figure(marquee: MarqueePage) -> None:
    to_taste(marquee, "genres")
    bars = (
        marquee.page.locator(".leanings")
        .first.locator(".bar-cell")
        .evaluate_all(
            """(cells) => cells.map((cell) => [
          Number(cell.querySelector(".bar-figure").textContent.replace("−", "-")),
          cell.querySelector(".bar").getBoundingClientRect().width / cell.clientWidth])"""
        )
    )
    assert bars
    full = max(1, *(abs(figure) for figure, _ in bars))
    for figure, share in bars:
        assert abs(figure) >= 0.1
        assert share == pytest.approx(0.42 * abs(figure) / full, abs=0.42 * 0.06 + 0.01)


def test_no_label_of_the_map_crosses_a_dot_or_another_label(marquee: MarqueePage) -> None:
    to_taste(marquee)
    crossings = marquee.page.locator(".taste-chart").evaluate(
        """(chart) => {
          const labels = [...chart.querySelectorAll(".rated-label, .popular-label, .you-label")];
          const dots = [...chart.querySelectorAll(".rated, .popular, .you")];
          const crosses = (one, other) => {
            const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
            return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
          };
          return labels.flatMap((label, place) => [...dots, ...labels.slice(place + 1)]
            .filter((other) => crosses(label, other))
            .map((other) => `${label.textContent} and ${other.textContent || "a dot"}`));
        }"""
    )
    assert crossings == []


def test_the_chosen_model_survives_a_reload(marquee: MarqueePage) -> None:
    to_taste(marquee, "genres")
    marquee.page.reload()
    expect(marquee.page.get_by_label("Model")).to_have_value("genres")


def test_a_failed_profile_can_be_requested_again(marquee: MarqueePage) -> None:
    marquee.page.route(marquee.api("/profile"), failing(503, retry_after=30))
    to_taste(marquee)
    expect(marquee.page.get_by_text("Something went wrong on our end")).to_be_visible()
    marquee.page.unroute(marquee.api("/profile"))
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.page.get_by_role("meter", name="How well we know your taste")).to_be_visible()
