"""Take screenshots of every view: `python -m tests.browser.screenshots SITE_URL [FOLDER]`.

Each view is taken in five sizes, light, dark and in forced colours, into FOLDER (build/screenshots
by default). The two pictures of the README go to docs/images. Each size and colour scheme creates a
visitor without a phone and a shared list.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import chromium
from tests.browser.marquee_page import MarqueePage, call

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "screenshots"
README_PICTURES = ROOT / "docs" / "images"
MOST_BYTES = 300_000
FINAL_PICKS_MS = 600_000
PATIENCE_MS = 60_000
# Phones as high as their browsers' bars leave them, one of them held sideways, and desktops.
SIZES = ((320, 568), (390, 664), (844, 390), (1280, 800), (2560, 1440))
TOUCH_WIDTH = 1000  # narrower screens have touch
type Colours = Literal["light", "dark", "forced"]
COLOURS: tuple[Colours, ...] = ("light", "dark", "forced")
LIKES = (5, 1, 4, 5, 2, 5, 0, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site_url")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    arguments = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.executable()), args=list(chromium.ARGUMENTS)
        )
        for size in SIZES:
            for colours in COLOURS:
                marquee = opened(browser, arguments.site_url, size, colours)
                for name in views(marquee):
                    save(marquee, arguments.folder / f"{name}-{size[0]}-{colours}.png")
                marquee.page.context.close()
        take_for_the_readme(browser, arguments.site_url)
        browser.close()


def views(marquee: MarqueePage) -> Iterator[str]:
    """Visit the site's views in a visitor's order; yield each view's name when it is ready."""
    page = marquee.page
    marquee.open()
    expect(marquee.card_title).to_be_visible()
    yield "rate-first"
    marquee.rate(*LIKES)
    expect(marquee.picks).to_have_count(10)
    to_top(marquee)
    yield "rate"
    marquee.find_movie.fill("god")
    expect(page.get_by_role("option").first).to_be_visible()
    yield "rate-add"
    for pick in marquee.picks.all()[:2]:
        marquee.save_toggle(pick).click()
    for name, address, ready in VIEWS:
        marquee.open(address)
        ready(marquee)
        to_top(marquee)
        yield name
    marquee.open("picks")
    page.get_by_role("button", name="Share this list").click()
    page.get_by_label("Your first name").fill("Ada")
    page.get_by_label("Show why").check()
    yield "share"
    page.get_by_role("button", name="Make a public link").click()
    page.get_by_role("link", name="Open the list").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    to_top(marquee)
    yield "list"
    marquee.open("text")
    yield "text"
    marquee.name.fill("Ada")
    marquee.save()
    expect(marquee.picks).to_have_count(10)
    to_top(marquee)
    yield "status"
    expect(marquee.picks_kind).to_contain_text("Computed with", timeout=FINAL_PICKS_MS)
    to_top(marquee)
    yield "status-final"
    marquee.go("My movies")
    marquee.stars(3, marquee.mine.first).click()
    expect(marquee.unsaved).to_be_visible()
    yield "mine-unsaved"
    page.get_by_role("button", name="Forget me", exact=True).click()
    yield "forget"
    marquee.open("popcorn")
    yield "nothing"


def menu_open(marquee: MarqueePage) -> None:
    expect(marquee.menu_of(marquee.picks.first)).to_be_visible()


def seen_through(marquee: MarqueePage) -> None:
    expect(marquee.page.locator(".taste-section").first).to_be_visible()


VIEWS: tuple[tuple[str, str, Callable[[MarqueePage], None]], ...] = (
    ("picks", "picks", lambda marquee: expect(marquee.picks).to_have_count(10)),
    ("picks-menu", "picks", menu_open),
    ("mine", "mine", lambda marquee: expect(marquee.mine.first).to_be_visible()),
    ("saved", "mine/saved", lambda marquee: expect(marquee.watchlist).to_have_count(2)),
    ("search", "search", lambda marquee: marquee.search("the")),
    ("movie", "picks", MarqueePage.more_like_the_first),
    ("taste", "taste", seen_through),
    ("privacy", "privacy", lambda marquee: expect(marquee.heading).to_have_text("Privacy")),
    ("terms", "terms", lambda marquee: expect(marquee.heading).to_have_text("Terms")),
)


def take_for_the_readme(browser: Browser, site_url: str) -> None:
    pages = {
        "desktop.png": opened(browser, site_url, (1280, 800), "dark"),
        "phone.png": opened(browser, site_url, (390, 844), "light", scale=2),
    }
    for name, marquee in pages.items():
        marquee.open()
        marquee.rate(*LIKES)
        expect(marquee.picks).to_have_count(10)
        expect(marquee.page.locator(".picks-panel")).to_have_attribute("aria-busy", "false")
        to_top(marquee)
        save(marquee, README_PICTURES / name, whole=False)
        marquee.page.context.close()


def opened(
    browser: Browser,
    site_url: str,
    size: tuple[int, int],
    colours: Colours,
    scale: int = 1,
) -> MarqueePage:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        color_scheme="dark" if colours == "dark" else "light",
        forced_colors="active" if colours == "forced" else "none",
        reduced_motion="reduce",
        has_touch=size[0] < TOUCH_WIDTH,
        service_workers="block",
    )
    context.set_default_timeout(PATIENCE_MS)
    api_url = json.loads(call("GET", site_url.rstrip("/") + "/config.json").text)["apiUrl"]
    return MarqueePage(context.new_page(), site_url, api_url)


def to_top(marquee: MarqueePage) -> None:
    marquee.page.evaluate("() => window.scrollTo(0, 0)")


def save(marquee: MarqueePage, picture: Path, whole: bool = True) -> None:
    marquee.page.screenshot(path=picture, full_page=whole)
    size = picture.stat().st_size
    if picture.parent == README_PICTURES and size > MOST_BYTES:
        raise SystemExit(f"{picture} has {size:,} bytes; pictures there stay under {MOST_BYTES:,}.")
    print(f"{picture}: {size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
