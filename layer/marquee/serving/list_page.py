"""The page of a shared list, whose tags make chats show a card, and which leads to the site.

It is static HTML. Every word comes from the model or from the filtered first name, and is escaped.
"""

import base64
import hashlib
from html import escape

from marquee.requests.shared_list import SharedList

CARD_IMAGE = "card.png"  # of the site; the API has no library that draws images
CARD_WIDTH, CARD_HEIGHT = 1200, 630
_TITLES_IN_DESCRIPTION = 3
# Chats read the tags above and run no script; a browser goes on to the site, as if redirected.
_SCRIPT = 'location.replace(document.querySelector("a").href)'
_STYLE = (
    "body{margin:0 auto;max-width:40rem;padding:1.5rem;font:1.125rem/1.5 system-ui,sans-serif;"
    "color:#1d1416;background:#fff}a{color:#7c1022}"
    "@media(prefers-color-scheme:dark){body{color:#f7efe6;background:#120c0e}a{color:#ffc65c}}"
)


def _hash_source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


LIST_PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hash_source(_SCRIPT)}; "
        f"style-src {_hash_source(_STYLE)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def view_address(site_url: str, list_id: str) -> str:
    """Return the address of the site's view of a list; `site_url` ends with a slash."""
    return f"{site_url}#list/{list_id}"


def list_page(shared: SharedList, site_url: str) -> str:
    """Return the page of a list; `site_url` ends with a slash."""
    title = _title(shared)
    tags = {
        "og:type": "website",
        "og:site_name": "Marquee",
        "og:title": title,
        "og:description": _description(shared),
        "og:image": f"{site_url}{CARD_IMAGE}",
        "og:image:type": "image/png",
        "og:image:width": str(CARD_WIDTH),
        "og:image:height": str(CARD_HEIGHT),
        "og:image:alt": "A cinema's marquee with the word Marquee",
    }
    properties = "".join(
        f'<meta property="{name}" content="{escape(value)}">' for name, value in tags.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">'
        f'<meta name="description" content="{escape(_description(shared))}">'
        f'{properties}<meta name="twitter:card" content="summary_large_image">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1><ol>"
        + "".join(f"<li>{escape(_titled(shared, place))}</li>" for place in _places(shared))
        + f'</ol><p><a href="{escape(view_address(site_url, shared.list_id))}">'
        "Open this list in Marquee</a></p></main>"
        f"<script>{_SCRIPT}</script></body></html>"
    )


def _places(shared: SharedList) -> range:
    return range(len(shared.movies))


def _titled(shared: SharedList, place: int) -> str:
    movie = shared.movies[place]
    return movie.title if movie.year is None else f"{movie.title} ({movie.year})"


def _title(shared: SharedList) -> str:
    whose = "Movies picked" if shared.first_name is None else f"{shared.first_name}’s movies"
    return f"{whose} on Marquee"


def _description(shared: SharedList) -> str:
    titles = [movie.title for movie in shared.movies[:_TITLES_IN_DESCRIPTION]]
    more = len(shared.movies) - len(titles)
    return ", ".join(titles) + (f" and {more} more" if more else "")
