"""Take the README's pictures: `python -m tests.browser.screenshots SITE_URL [FOLDER]`.

The questionnaire half answered on a desktop, and the final picks on a phone. Makes one visitor
without a phone number.
"""

import argparse
import json
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import chromium
from tests.browser.marquee_page import MarqueePage, call

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 300_000
FINAL_PICKS_MS = 600_000
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site_url")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.executable()), args=list(chromium.ARGUMENTS)
        )
        take_desktop(browser, arguments.site_url, arguments.folder / "desktop.png")
        take_phone(browser, arguments.site_url, arguments.folder / "phone.png")
        browser.close()


def take_desktop(browser: Browser, site_url: str, picture: Path) -> None:
    marquee = opened(browser, site_url, DESKTOP, scale=1)
    rate_some(marquee)
    marquee.page.evaluate("() => window.scrollTo(0, 0)")
    save(marquee, picture)


def take_phone(browser: Browser, site_url: str, picture: Path) -> None:
    marquee = opened(browser, site_url, PHONE, scale=2)
    rate_some(marquee)
    marquee.name.fill("Ada")
    marquee.submit()
    expect(marquee.picks_kind).to_contain_text("Final picks", timeout=FINAL_PICKS_MS)
    save(marquee, picture)


def opened(browser: Browser, site_url: str, viewport: dict[str, int], scale: int) -> MarqueePage:
    page = browser.new_page(
        viewport={"width": viewport["width"], "height": viewport["height"]},
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    api_url = json.loads(call("GET", site_url.rstrip("/") + "/config.json").text)["apiUrl"]
    marquee = MarqueePage(page, site_url, api_url)
    marquee.open()
    return marquee


def rate_some(marquee: MarqueePage) -> None:
    answers = ("Really love it!", "I don't like it", "Like it", "It's OK", "Really love it!")
    for place, answer in enumerate(answers):
        marquee.answer(place, answer).check()


def save(marquee: MarqueePage, picture: Path) -> None:
    marquee.page.screenshot(path=picture)
    size = picture.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{picture} has {size:,} bytes; pictures here stay under {MOST_BYTES:,}.")
    print(f"{picture}: {size:,} bytes")


if __name__ == "__main__":
    main()
