"""Accessibility, speed and robustness of the page, and the hosts that it may load from."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, Route, expect

from tests.browser.conftest import PATIENCE_MS, Visit
from tests.browser.marquee_page import MarqueePage, Watch, failing, fulfil, origin, real_answer
from tests.deployment import ROOT, RunningDeployment

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CONTRAST_AA = 4.5
FIRST_VIEW_BYTES = 100_000
SIX = (5, 1, 4, 2, 5, 3)

# Relative luminance and contrast as defined in WCAG 2.2, 1.4.3. The background is the nearest
# opaque one; of a gradient, the colour with the lowest contrast counts.
LOWEST_CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(each);
      const gradient = backgroundImage.match(/rgb\\([^)]*\\)/g);
      if (gradient) return gradient.map(channels);
      const colour = channels(backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return [colour];
    }
    return [[255, 255, 255]];
  };
  const words = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.closest("[aria-hidden]") &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return words.map((element) => {
    const ink = luminance(channels(getComputedStyle(element).color));
    const ratios = behind(element).map(luminance).map((paper) =>
      (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
    return [Math.min(...ratios), element.textContent.trim().slice(0, 40)];
  }).sort(([a], [b]) => a - b)[0];
}"""


# Openers of every view, by a visitor's actions. Each starts from a page with six ratings.


def rated(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(*SIX)
    expect(marquee.picks).to_have_count(10)


def beside(marquee: MarqueePage) -> None:
    marquee.rate_seen(marquee.picks.first)
    marquee.find_movie.fill("the")
    expect(marquee.page.get_by_role("option").first).to_be_visible()


def picks(marquee: MarqueePage) -> None:
    marquee.go("Picks")
    expect(marquee.heading).to_have_text("Your picks")


def more(marquee: MarqueePage) -> None:
    picks(marquee)
    expect(marquee.menu_of(marquee.picks.first)).to_be_visible()


def sharing(marquee: MarqueePage) -> None:
    picks(marquee)
    marquee.page.get_by_role("button", name="Share this list").click()
    expect(marquee.page.get_by_role("heading", name="Share this list")).to_be_visible()


def shared(marquee: MarqueePage) -> None:
    sharing(marquee)
    marquee.page.get_by_role("button", name="Make a public link").click()
    expect(marquee.page.get_by_label("Link to the list")).to_be_visible()


def shared_list(marquee: MarqueePage) -> None:
    shared(marquee)
    marquee.page.get_by_role("link", name="Open the list").click()
    expect(marquee.page.get_by_role("button", name="Take back")).to_be_visible()


def watchlist(marquee: MarqueePage) -> None:
    marquee.save_toggle(marquee.picks.first).click()
    marquee.to_watchlist()
    expect(marquee.watchlist).not_to_have_count(0)


def form(marquee: MarqueePage) -> None:
    marquee.go("Picks")
    marquee.page.get_by_role("link", name="Text me my picks").click()
    expect(marquee.heading).to_have_text("Text me my picks")
    marquee.phone.fill("1")
    marquee.save()
    expect(marquee.problem).to_be_visible()


def mine(marquee: MarqueePage) -> None:
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(len(SIX))


def bring(marquee: MarqueePage) -> None:
    mine(marquee)
    marquee.page.get_by_role("link", name="Bring your ratings").click()
    shown = "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,The Matrix,1999,https://x,4.5\n"
    rows = shown + f"2020-01-01,{'Unmade' * 20},1999,https://x,4.5\n"
    marquee.choose_export(rows.encode())
    expect(marquee.page.get_by_role("list", name="Left out")).to_be_visible()


def refused_file(marquee: MarqueePage) -> None:
    marquee.open("bring")
    marquee.choose_export(b"Date,Name,Year,Letterboxd URI\n", "watchlist.csv")
    expect(marquee.problem).to_be_visible()


def forgetting(marquee: MarqueePage) -> None:
    mine(marquee)
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    expect(marquee.page.get_by_role("dialog")).to_be_visible()


def topics(marquee: MarqueePage) -> None:
    marquee.page.get_by_role("button", name="Choose genres and decades").click()
    expect(marquee.page.get_by_role("checkbox").first).to_be_attached()
    marquee.page.get_by_role("dialog").get_by_text("Horror", exact=True).click()


def search(marquee: MarqueePage) -> None:
    marquee.go("Search")
    marquee.search("the")


def movie(marquee: MarqueePage) -> None:
    marquee.more_like_the_first()


def part_of_a_series(marquee: MarqueePage) -> None:
    search(marquee)
    marquee.search("the godfather")
    marquee.page.get_by_role("link", name="The Godfather").first.click()
    expect(marquee.page.get_by_role("region", name="The series in order")).to_be_visible()


def taste(marquee: MarqueePage) -> None:
    marquee.go("Taste")
    expect(marquee.page.locator(".taste-section").first).to_be_visible()
    for summary in marquee.page.locator("summary").all():
        summary.click()


def privacy(marquee: MarqueePage) -> None:
    marquee.page.get_by_role("contentinfo").get_by_role("link", name="Privacy").click()
    expect(marquee.heading).to_have_text("Privacy")


def terms(marquee: MarqueePage) -> None:
    marquee.page.get_by_role("contentinfo").get_by_role("link", name="Terms").click()
    expect(marquee.heading).to_have_text("Terms")


def nothing(marquee: MarqueePage) -> None:
    marquee.open("popcorn")


def unanswered(_: Route) -> None:
    """Leave the intercepted request without an answer."""


def computing_picks(marquee: MarqueePage) -> None:
    picks(marquee)
    marquee.page.route(re.compile("/picks$"), unanswered)
    marquee.rate_seen(marquee.picks.first)
    marquee.stars(4, marquee.picks.first).click()
    expect(marquee.page.locator(".picks-panel")).to_have_attribute("aria-busy", "true")


def computing_taste(marquee: MarqueePage) -> None:
    taste(marquee)
    marquee.page.route(re.compile("/profile$"), unanswered)
    marquee.page.get_by_label("Model").select_option(index=1)
    expect(marquee.page.locator(".taste-sections")).to_have_attribute("aria-busy", "true")


def problem(marquee: MarqueePage) -> None:
    marquee.page.route(re.compile("/picks$"), failing(503, retry_after=3600))
    marquee.rate(3)
    expect(marquee.problem).to_be_visible()


VIEWS: tuple[Callable[[MarqueePage], None], ...] = (
    beside,
    picks,
    more,
    sharing,
    shared,
    shared_list,
    form,
    mine,
    watchlist,
    bring,
    refused_file,
    forgetting,
    topics,
    search,
    movie,
    part_of_a_series,
    taste,
    computing_picks,
    computing_taste,
    privacy,
    terms,
    nothing,
    problem,
)


def violations(page: Page) -> list[str]:
    """Run axe-core on the page; return a line for each violation: rule, help and place.

    axe-core is injected by the debugger, to which the Content-Security-Policy does not apply.
    """
    if not AXE.is_file():
        pytest.fail(f"{AXE} is missing: run `make test-browser`, which installs it by npm.")
    page.evaluate(AXE.read_text() + ";0")
    found = page.evaluate(
        """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
          violations.flatMap((each) => each.nodes.map((node) =>
            `${each.id}: ${each.help}: ${node.target.join(" ")}: ${node.failureSummary}`)))"""
    )
    return [str(each) for each in found]


@pytest.fixture(params=["light", "dark"])
def calm_marquee(
    request: pytest.FixtureRequest, deployment: RunningDeployment, browser: Browser
) -> Iterator[MarqueePage]:
    """Yield the page with six ratings, in each colour scheme, without animations."""
    colours: Literal["light", "dark"] = request.param
    context = browser.new_context(color_scheme=colours, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    rated(marquee)
    yield marquee
    context.close()


def test_axe_finds_nothing_on_any_view(calm_marquee: MarqueePage) -> None:
    found = {"rated": violations(calm_marquee.page)}
    for view in VIEWS:
        view(calm_marquee)
        found[view.__name__] = violations(calm_marquee.page)
        calm_marquee.page.unroute_all()
        calm_marquee.page.keyboard.press("Escape")
        calm_marquee.open()
    assert {name: each for name, each in found.items() if each} == {}


def test_axe_finds_nothing_on_a_visitors_own_page(marquee: MarqueePage, visit: Visit) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks).to_have_count(10)
    assert violations(marquee.page) == []
    marquee.go("My movies")
    marquee.stars(1, marquee.mine.first).click()
    expect(marquee.unsaved).to_be_visible()
    assert violations(marquee.page) == []


def test_every_text_has_enough_contrast(calm_marquee: MarqueePage) -> None:
    for view in (lambda _: None, form):
        view(calm_marquee)
        ratio, words = calm_marquee.page.evaluate(LOWEST_CONTRAST)
        assert ratio >= CONTRAST_AA, f"{words!r} has a contrast of {ratio:.2f}"


def test_nothing_moves_when_the_visitor_prefers_reduced_motion(calm_marquee: MarqueePage) -> None:
    calm_marquee.rate(4)
    assert calm_marquee.page.evaluate("() => document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [320, 2560])
def test_no_view_is_wider_than_its_window(
    deployment: RunningDeployment, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 720})
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    rated(marquee)
    wide = {"rated": marquee.overflow()}
    for view in VIEWS:
        view(marquee)
        wide[view.__name__] = marquee.overflow()
        marquee.page.unroute_all()
        marquee.page.keyboard.press("Escape")
        marquee.open()
    context.close()
    assert {name: pixels for name, pixels in wide.items() if pixels > 0} == {}


def test_no_title_makes_the_page_wider_than_a_phone(narrow_marquee: MarqueePage) -> None:
    def renamed(route: Route) -> None:
        answer = real_answer(route)
        body = answer.json()
        for movie in body.get("movies", []) + body.get("picks", []):
            movie["title"] += " and the Extraterrestrials of Llanfairpwllgwyngyll"
        fulfil(route, answer, json.dumps(body))

    narrow_marquee.page.route(re.compile("/(questionnaire|picks)$"), renamed)
    rated(narrow_marquee)
    expect(narrow_marquee.page.locator(".top-pick")).to_contain_text("Llanfair")
    assert narrow_marquee.overflow() == 0


def test_every_control_is_large_enough_for_a_thumb(narrow_marquee: MarqueePage) -> None:
    rated(narrow_marquee)
    pressed = narrow_marquee.page.locator(
        "label.star, .button, .chip, .text-button, nav a, .wordmark, select, .top-pick, summary, "
        "input[type=text], input[type=search], input[type=tel], .consent-choice label"
    )
    for view in (
        lambda _: None,
        picks,
        more,
        shared,
        shared_list,
        form,
        mine,
        watchlist,
        search,
        taste,
    ):
        view(narrow_marquee)
        for each in pressed.filter(visible=True).all():
            box = each.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44, each.inner_text()
        narrow_marquee.open()


def test_controls_in_one_row_have_one_height(narrow_marquee: MarqueePage) -> None:
    rated(narrow_marquee)
    for view in (picks, mine):
        view(narrow_marquee)
        rows = narrow_marquee.page.locator(
            ".actions, .pick-acts, .picks-actions, .filters, .list-tools, .picks-head"
        )
        heights = rows.evaluate_all(
            """(rows) => rows.map((row) => [...row.querySelectorAll("a, button, select")]
              .filter((each) => each.checkVisibility())
              .map((each) => each.getBoundingClientRect().height))"""
        )
        assert heights
        assert all(each == pytest.approx(44, abs=0.5) for row in heights for each in row), heights


def test_no_tab_is_clipped_on_a_narrow_phone(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    clipped = narrow_marquee.page.locator("nav a").evaluate_all(
        """(links) => links.filter((link) => link.scrollWidth > link.clientWidth ||
          link.getBoundingClientRect().left < 0 ||
          link.getBoundingClientRect().right > innerWidth).map((link) => link.textContent)"""
    )
    assert clipped == []


def test_given_stars_differ_from_empty_ones_in_forced_colours(marquee: MarqueePage) -> None:
    rated(marquee)
    mine(marquee)
    marquee.stars(3, marquee.mine.first).click()
    marquee.page.emulate_media(forced_colors="active")
    shapes = marquee.mine.first.locator(".star-face").evaluate_all(
        """(faces) => faces.map((face) => getComputedStyle(face, "::before").content)"""
    )
    assert shapes == ['"★"', '"★"', '"★"', '"☆"', '"☆"']


# Speed


def test_the_first_view_loads_few_bytes(marquee: MarqueePage) -> None:
    answers: list[Response] = []
    marquee.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright marks what it calls
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    # CloudFront compresses the files; the local website does not.
    sent = {answer.url: len(gzip.compress(answer.body())) for answer in answers}
    assert sum(sent.values()) < FIRST_VIEW_BYTES, sent
    assert not [
        url
        for url in sent
        if re.search(r"(text_me|views/(text|status|mine|taste|movie|search|privacy|terms))\b", url)
        if re.search(r"(text_me|bring|views/(text|status|mine|taste|movie|search))\b", url)
    ]


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_nothing_shifts_while_the_page_loads(
    deployment: RunningDeployment, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 720})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) =>
          [entry.value, ...entry.sources.map(({node}) => node?.outerHTML?.slice(0, 90))])))
          .observe({type: "layout-shift", buffered: true});"""
    )
    marquee = MarqueePage(page, deployment.site_url, deployment.api_url)
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    rated(marquee)
    page.reload()
    expect(marquee.picks).to_have_count(10)
    expect(marquee.liked_share).not_to_be_empty()
    shifts = page.evaluate("() => window.shifts")
    context.close()
    assert shifts == []


# Views, focus and connection


def test_title_and_focus_follow_the_view(marquee: MarqueePage) -> None:
    marquee.open()
    for name, heading in (
        ("Picks", "Your picks"),
        ("My movies", "My movies"),
        ("Search", "Search"),
        ("Taste", "How Marquee sees you"),
        ("Rate", "What should you watch next?"),
    ):
        marquee.go(name)
        expect(marquee.heading).to_have_text(heading)
        expect(marquee.heading).to_be_focused()
        expect(marquee.page).to_have_title(f"{heading} · Marquee")
        link = marquee.page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        expect(link).to_have_attribute("aria-current", "page")


def test_back_goes_through_the_views(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.go("My movies")
    expect(marquee.heading).to_have_text("My movies")
    marquee.go("Search")
    expect(marquee.heading).to_have_text("Search")
    marquee.page.go_back()
    expect(marquee.heading).to_have_text("My movies")


def scrolled_to(marquee: MarqueePage, item: Locator) -> float:
    """Scroll to an item and return how far the page is scrolled."""
    item.scroll_into_view_if_needed()
    place = float(marquee.page.evaluate("() => scrollY"))
    assert place > 0
    return place


def expect_scrolled(marquee: MarqueePage, place: float) -> None:
    marquee.page.wait_for_function("(place) => Math.abs(scrollY - place) <= 1", arg=place)


def test_back_returns_to_the_same_place_in_the_picks(narrow_marquee: MarqueePage) -> None:
    rated(narrow_marquee)
    picks(narrow_marquee)
    menu = narrow_marquee.menu_of(narrow_marquee.picks.nth(8))
    link = menu.get_by_role("link", name="More like this")
    place = scrolled_to(narrow_marquee, link)
    link.click()
    expect(narrow_marquee.page.get_by_text("More like this", exact=True)).to_be_visible()
    expect_scrolled(narrow_marquee, 0)
    narrow_marquee.page.go_back()
    expect(narrow_marquee.heading).to_have_text("Your picks")
    expect_scrolled(narrow_marquee, place)


def test_back_returns_to_the_same_place_in_the_movies_found(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open("search")
    narrow_marquee.search("the")
    found = narrow_marquee.page.get_by_role("list", name="Movies found").get_by_role("link")
    expect(found).to_have_count(20)
    place = scrolled_to(narrow_marquee, found.last)
    title = found.last.locator(".tile-title").inner_text()
    found.last.click()
    expect(narrow_marquee.heading).to_have_text(title)
    expect_scrolled(narrow_marquee, 0)
    narrow_marquee.page.go_back()
    expect(found).to_have_count(20)
    expect_scrolled(narrow_marquee, place)


def test_the_skip_link_goes_to_the_content(marquee: MarqueePage) -> None:
    marquee.open("mine")
    marquee.page.get_by_role("link", name="Skip to content").focus()
    marquee.page.keyboard.press("Enter")
    expect(marquee.page.get_by_role("main")).to_be_focused()
    expect(marquee.heading).to_have_text("My movies")


def test_the_page_says_that_it_is_offline_and_rating_continues(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.page.context.set_offline(True)
    expect(marquee.page.get_by_text("You are offline. Your ratings are stored")).to_be_visible()
    marquee.rate(5, 4)
    expect(marquee.progress).to_have_text("2 of 10")
    marquee.page.context.set_offline(False)
    expect(marquee.page.get_by_text("You are offline")).to_be_hidden()
    marquee.rate(*SIX)
    expect(marquee.picks).to_have_count(10)


def test_movies_that_cannot_be_reached_are_fetched_again_without_a_press(
    marquee: MarqueePage,
) -> None:
    marquee.page.route(marquee.api("/questionnaire"), lambda route: route.abort())
    marquee.open()
    expect(marquee.problem).to_contain_text("can’t reach Marquee")
    marquee.page.unroute(marquee.api("/questionnaire"))
    expect(marquee.card_title).to_be_visible()


def test_failed_movies_are_fetched_on_try_again(marquee: MarqueePage) -> None:
    marquee.page.route(marquee.api("/questionnaire"), failing(503, retry_after=3600))
    marquee.open()
    expect(marquee.problem).to_contain_text("wrong on our end")
    marquee.page.unroute(marquee.api("/questionnaire"))
    marquee.page.get_by_role("button", name="Try again").click()
    expect(marquee.card_title).to_be_visible()


def test_the_site_recovers_from_a_missing_configuration(marquee: MarqueePage) -> None:
    marquee.page.route("**/config.json", lambda route: route.abort(), times=2)
    marquee.open()
    expect(marquee.problem).to_be_visible()
    marquee.page.unroute("**/config.json")
    expect(marquee.card_title).to_be_visible()


# Hosts that the page may load from


def test_the_page_requests_only_the_site_and_its_api(marquee: MarqueePage, watch: Watch) -> None:
    rated(marquee)
    for view in (picks, mine, search):
        view(marquee)
    assert watch.origins == {origin(marquee.site_url), origin(marquee.api_url)}


def test_no_view_makes_the_browser_log_an_error(marquee: MarqueePage, watch: Watch) -> None:
    rated(marquee)
    for view in (beside, picks, more, mine, watchlist, search, movie, taste):
        view(marquee)
        marquee.open()
    assert watch.complaints == []


def test_the_policy_names_the_api_and_allows_no_inline_script(
    marquee: MarqueePage, page: Page
) -> None:
    marquee.open()
    policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
    assert policy is not None
    assert f"connect-src 'self' {origin(marquee.api_url)};" in policy
    assert "script-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_an_inline_script_is_blocked(marquee: MarqueePage, watch: Watch) -> None:
    def with_inline_script(route: Route) -> None:
        answer = real_answer(route)
        script = "<script>document.title = 'x'</script>"
        fulfil(route, answer, answer.text.replace("</body>", f"{script}</body>"))

    marquee.page.route(marquee.site_url, with_inline_script)
    marquee.page.goto(marquee.site_url)
    assert any("inline script" in complaint for complaint in watch.complaints)
    assert marquee.page.title() != "x"
