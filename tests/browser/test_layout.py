"""What the page looks like where room, light or motion is short, and what it may load."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.marquee_page import MarqueePage, Watch, fulfil, origin, real_answer
from tests.deployment import Deployment

CONTRAST_AA = 4.5

# Relative luminance and contrast: WCAG 2.2, 1.4.3. The background is the nearest opaque one.
LOWEST_CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const words = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return words.map((element) => {
    const [ink, paper] = [channels(getComputedStyle(element).color), behind(element)]
      .map(luminance);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return [ratio, element.textContent.trim().slice(0, 40)];
  }).sort(([a], [b]) => a - b)[0];
}"""


def test_nothing_is_wider_than_a_phone_of_320_px(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    narrow_marquee.phone.fill("1")
    narrow_marquee.submit()
    expect(narrow_marquee.problem).to_be_visible()
    assert narrow_marquee.overflow() <= 0


def test_picks_fit_a_phone_of_320_px(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    narrow_marquee.rate(5)
    narrow_marquee.name.fill("Ada")
    narrow_marquee.submit()
    expect(narrow_marquee.picks).to_have_count(10)
    assert narrow_marquee.overflow() <= 0


def test_answers_are_large_enough_for_a_thumb(narrow_marquee: MarqueePage) -> None:
    narrow_marquee.open()
    for label in narrow_marquee.movies.first.locator("label").all():
        box = label.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_word_stands_out_from_its_background(
    deployment: Deployment, browser: Browser, colours: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=colours, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    marquee.open()
    marquee.rate(5)
    marquee.phone.fill("1")
    marquee.submit()
    expect(marquee.problem).to_be_visible()
    ratio, words = marquee.page.evaluate(LOWEST_CONTRAST)
    context.close()
    assert ratio >= CONTRAST_AA, f"{words!r} has a contrast of {ratio:.2f}"


def test_nothing_moves_when_the_visitor_prefers_that(
    deployment: Deployment, browser: Browser
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    marquee.open()
    marquee.rate(5)
    marquee.name.fill("Ada")
    marquee.submit()
    expect(marquee.picks).to_have_count(10)
    moving = marquee.page.evaluate("() => document.getAnimations().length")
    context.close()
    assert moving == 0


def test_the_page_asks_nobody_but_the_site_and_its_api(marquee: MarqueePage, watch: Watch) -> None:
    marquee.open()
    assert watch.origins == {origin(marquee.site_url), origin(marquee.api_url)}


def test_the_page_opens_without_a_complaint_from_the_browser(
    marquee: MarqueePage, watch: Watch
) -> None:
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


def test_an_inline_script_is_refused(marquee: MarqueePage, watch: Watch) -> None:
    def with_inline_script(route: Route) -> None:
        answer = real_answer(route)
        script = "<script>document.title = 'x'</script>"
        fulfil(route, answer, answer.text.replace("</body>", f"{script}</body>"))

    marquee.page.route(marquee.site_url, with_inline_script)
    marquee.page.goto(marquee.site_url)
    assert any("inline script" in complaint for complaint in watch.complaints)
    assert marquee.page.title() != "x"
