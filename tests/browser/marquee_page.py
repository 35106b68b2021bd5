"""The site as a visitor handles it: by what is written on the page, not by how it is built."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, Route

FIVE_ANSWERS = ("Really love it!", "Like it", "It's OK", "Not for me", "I don't like it")
UNSEEN = "Haven\u2019t seen it"


class MarqueePage:
    def __init__(self, page: Page, site_url: str, api_url: str) -> None:
        self.page = page
        self.site_url = site_url.rstrip("/") + "/"
        self.api_url = api_url.rstrip("/")

    def open(self) -> None:
        self.page.goto(self.site_url)
        self.movies.first.wait_for()

    def open_link(self, visitor_id: str, token: str) -> None:
        """Open what a text links to."""
        self.page.goto(f"{self.site_url}#{visitor_id}.{token}")

    def api(self, path: str) -> str:
        """Give the address of a call, to route it."""
        return self.api_url + path

    @property
    def movies(self) -> Locator:
        return self.page.locator("fieldset")

    def answer(self, place: int, label: str) -> Locator:
        """Give the answer's radio button in the movie card at `place` (from 0)."""
        return self.movies.nth(place).get_by_role("radio", name=label, exact=True)

    def rate(self, count: int) -> None:
        """Rate the first movies, going through the five answers."""
        for place in range(count):
            self.answer(place, FIVE_ANSWERS[place % 5]).check()

    def chosen(self) -> list[str]:
        """Give the answers chosen so far, as `movie=stars`."""
        radios = self.page.locator("fieldset input:checked").all()
        return [f"{each.get_attribute('name')}={each.get_attribute('value')}" for each in radios]

    @property
    def name(self) -> Locator:
        return self.page.get_by_label("Your name")

    @property
    def phone(self) -> Locator:
        return self.page.get_by_label("Mobile number")

    @property
    def consent(self) -> Locator:
        return self.page.get_by_label("Text my ten picks to this number")

    def give_phone(self, phone: str) -> None:
        self.phone.fill(phone)
        self.consent.check()

    def submit(self) -> None:
        self.page.get_by_role("button", name=re.compile("my picks$")).click()

    @property
    def progress(self) -> Locator:
        return self.page.locator("#progress-words")

    @property
    def problem(self) -> Locator:
        return self.page.get_by_role("alert")

    @property
    def status(self) -> Locator:
        return self.page.locator("#status-words")

    @property
    def picks_kind(self) -> Locator:
        return self.page.locator("#picks-kind")

    @property
    def picks(self) -> Locator:
        return self.page.get_by_role("list", name="Your ten picks").get_by_role("listitem")

    @property
    def journey(self) -> Locator:
        return self.page.get_by_role("list", name="How far your picks are")

    def error_at(self, field: Locator) -> str:
        """Give the text that describes a field, as a screen reader would read it after it."""
        ids = (field.get_attribute("aria-describedby") or "").split()
        texts = [self.page.locator(f"#{each}") for each in ids]
        return " ".join(text.inner_text() for text in texts if text.is_visible())

    def overflow(self) -> int:
        """Give the pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )


class Watch:
    """What a page asks for and complains about."""

    def __init__(self, page: Page) -> None:
        self.origins: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", self._requested)
        page.on("console", self._logged)
        page.on("pageerror", self._raised)

    def _requested(self, request: Request) -> None:
        self.origins.add(origin(request.url))

    def _logged(self, message: ConsoleMessage) -> None:
        # Chromium reports every violation of the Content-Security-Policy as a console error.
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _raised(self, error: Error) -> None:
        self.complaints.append(str(error))


# A name under localhost is loopback to a browser, but not to every system's resolver.
_UNDER_LOCALHOST = re.compile(r"(?<=://)[^/:]+\.localhost(?=[:/])")
# The client unpacks the body, and the browser is handed it unpacked.
_OF_THE_CONNECTION = {"content-encoding", "content-length", "transfer-encoding", "connection"}
_PATIENCE_S = 30


def call(method: str, url: str, **sent: Any) -> httpx.Response:
    """Call a site or an API from the test itself; what httpx takes goes with it."""
    headers = {**sent.pop("headers", {}), "host": urlsplit(url).netloc}
    reachable = _UNDER_LOCALHOST.sub("127.0.0.1", url)
    return httpx.request(method, reachable, headers=headers, timeout=_PATIENCE_S, **sent)


def real_answer(route: Route) -> httpx.Response:
    """Get the answer that a caught request would have had."""
    request = route.request
    return call(
        request.method, request.url, headers=request.all_headers(), content=request.post_data_buffer
    )


def fulfil(route: Route, answer: httpx.Response, body: str) -> None:
    """Give the caught request that answer with another body."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION
    }
    route.fulfill(status=answer.status_code, headers=headers, body=body)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
