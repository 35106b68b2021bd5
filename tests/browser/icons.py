"""Draw the site's icons as PNGs from `site/icon.svg` (`make icons`).

Browsers install a site only with PNGs of 192 and 512 pixels, and iOS takes no SVG.
"""

from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium

SITE = Path(__file__).parents[2] / "site"
BACKGROUND = "#6d0e20"  # the velvet of the masthead
# File name, pixels, the art's share of the width, and whether the background fills the square. Of a
# maskable icon, only the circle with 80 % of the width is always seen; iOS rounds the corners.
ICONS = (
    ("192.png", 192, 1.0, False),
    ("512.png", 512, 1.0, False),
    ("maskable.png", 512, 0.62, True),
    ("touch.png", 180, 0.8, True),
)


def main() -> None:
    """Draw all icons."""
    art = (SITE / "icon.svg").read_text()
    folder = SITE / "icons"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.executable()), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_page()
        for name, pixels, share, is_filled in ICONS:
            draw(page, art, pixels, share, is_filled)
            page.screenshot(path=folder / name, omit_background=True)
        browser.close()


def draw(page: Page, art: str, pixels: int, share: float, is_filled: bool) -> None:
    """Show the art in the middle of a square."""
    page.set_viewport_size({"width": pixels, "height": pixels})
    page.set_content(
        f"""<style>
          body {{ margin: 0; display: grid; place-items: center; height: 100vh;
                  background: {BACKGROUND if is_filled else "transparent"}; }}
          svg {{ width: {share * 100}vw; height: {share * 100}vw; }}
        </style>{art}"""
    )


if __name__ == "__main__":
    main()
