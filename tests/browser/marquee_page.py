"""The site as visitors use it: elements are found by their visible labels, not by markup."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import (
    ConsoleMessage,
    Error,
    FilePayload,
    Locator,
    Page,
    Request,
    Route,
    TimeoutError,
    expect,
)

MEANINGS = ("", "Didn’t like it", "Not great", "It was OK", "Liked it", "Really liked it")
UNSEEN = "Haven’t seen it"
SHELF = "marquee.shelf"
# What Playwright makes the browser log in a context without service workers.
WORKER_BLOCKED = "Service Worker registration blocked by Playwright"
MORE = re.compile("^More: ")
SAVE = re.compile("^Saved?: ")


class MarqueePage:
    def __init__(self, page: Page, site_url: str, api_url: str) -> None:
        self.page = page
        self.site_url = site_url.rstrip("/") + "/"
        self.api_url = api_url.rstrip("/")
        self._watch = Watch(page)

    def open(self, view: str = "rate") -> None:
        """Open a view by its URL, as a bookmark does."""
        self.page.goto(f"{self.site_url}#{view}")
        with self._explained(f"{view} did not open"):
            self.heading.wait_for()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Add what the page shows and requested to the error of something that does not appear."""
        try:
            yield
        except TimeoutError as error:
            main = self.page.get_by_role("main").inner_text()
            raise AssertionError(f"{what}: {main!r}; {self._watch}") from error

    def go(self, name: str) -> None:
        """Choose a view in the navigation."""
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()

    def open_link(self, visitor_id: str, token: str) -> None:
        """Open the link that a text contains."""
        self.page.goto(f"{self.site_url}#{visitor_id}.{token}")

    def api(self, path: str) -> str:
        """Return the URL of an API call, for example to route it."""
        return self.api_url + path

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    # Rating

    @property
    def card(self) -> Locator:
        return self.page.locator("article")

    @property
    def card_title(self) -> Locator:
        return self.card.get_by_role("heading", level=2)

    def title_on_card(self) -> str:
        """Return the movie's title in its original case; the poster shows capitals."""
        with self._explained("no card appeared"):
            return self.card_title.text_content() or ""

    def stars(self, count: int, within: Locator | None = None) -> Locator:
        """Return the radio button for `count` stars in `within`, by default the card."""
        label = re.compile(f"^{count} star")
        return (within or self.card).get_by_role("radio", name=label)

    def rate(self, *stars: int) -> list[str]:
        """Rate the next movies with these stars, in order; 0 answers "Haven't seen it".

        Returns the movies' titles.
        """
        titles = []
        for each in stars:
            title = self.title_on_card()
            self.wait_until_card_takes_taps()
            if each:
                self.stars(each).click()
            else:
                self.card.get_by_role("button", name=UNSEEN).click()
            expect(self.card_title).not_to_have_text(title)
            titles.append(title)
        return titles

    def wait_until_card_takes_taps(self) -> None:
        """Wait until the card no longer ignores the second tap of a double tap."""
        expect(self.card).not_to_have_attribute("data-settling", "")

    @property
    def progress(self) -> Locator:
        return self.page.locator(".progress-words")

    @property
    def undo(self) -> Locator:
        return self.page.get_by_role("button", name="Undo", exact=True)

    @property
    def find_movie(self) -> Locator:
        return self.page.get_by_role("combobox", name="Find a movie to rate")

    @property
    def announced(self) -> Locator:
        return self.page.locator("#announcer")

    # Picks

    @property
    def picks(self) -> Locator:
        items = self._your_picks.get_by_role("listitem")
        return items.filter(has=self.page.get_by_role("heading"))

    @property
    def _your_picks(self) -> Locator:
        return self.page.get_by_role("list", name="Your picks", exact=True)

    @property
    def undo_items(self) -> Locator:
        """The items that replace what was removed from a list, each with a button Undo."""
        return self.page.get_by_role("listitem").filter(
            has=self.page.get_by_role("button", name="Undo.")
        )

    @property
    def picks_kind(self) -> Locator:
        return self.page.locator(".picks-kind")

    @property
    def liked_share(self) -> Locator:
        """The sentence about how many of the picks the visitor will probably like."""
        return self.page.locator(".picks-share")

    def titles_picked(self) -> list[str]:
        return self.picks.get_by_role("heading").all_inner_texts()

    def more_of(self, pick: Locator) -> Locator:
        """Return the button that opens the menu of a pick."""
        return pick.get_by_role("button", name=MORE)

    def menu_of(self, pick: Locator) -> Locator:
        """Open the menu of a pick and return it."""
        self.more_of(pick).click()
        return pick.get_by_role("group", name=MORE)

    def dismiss(self, pick: Locator) -> None:
        """Choose "Not for me" in the menu of a pick."""
        self.menu_of(pick).get_by_role("button", name="Not for me").click()

    def rate_seen(self, pick: Locator) -> None:
        """Choose "Seen it" in the menu of a pick, which shows its stars."""
        self.menu_of(pick).get_by_role("button", name="Seen it").click()

    def more_like_the_first(self) -> None:
        """Open the first pick's movie and wait for its similar movies."""
        self.menu_of(self.picks.first).get_by_role("link", name="More like this").click()
        expect(self.page.get_by_role("list", name=re.compile("^Movies like"))).to_be_visible()

    # Save for later

    def save_toggle(self, within: Locator) -> Locator:
        """Return the button that puts a movie on the watchlist or takes it off."""
        return within.get_by_role("button", name=SAVE)

    @property
    def watchlist(self) -> Locator:
        """The movies of the list "Saved for later"."""
        items = self.page.get_by_role("list", name="Movies I saved").get_by_role("listitem")
        return items.filter(has=self.page.get_by_role("link"))

    def to_watchlist(self) -> None:
        """Open "Saved for later" by the navigation."""
        self.go("My movies")
        self.page.get_by_role("link", name=re.compile(r"^Saved for later \(")).click()
        expect(self.page).to_have_title("Saved for later · Marquee")

    # Search

    def search(self, words: str) -> None:
        """Type into the search field of the Search view and wait for movies."""
        self.page.get_by_role("searchbox", name="Title").fill(words)
        expect(self.page.get_by_role("list", name="Movies found")).to_be_visible()

    # Text me my picks

    @property
    def name(self) -> Locator:
        return self.page.get_by_label("Your name")

    @property
    def country(self) -> Locator:
        return self.page.get_by_label("Country")

    @property
    def phone(self) -> Locator:
        return self.page.get_by_label("Mobile number")

    @property
    def consent(self) -> Locator:
        return self.page.get_by_label("text my ten picks to this number")

    def give_phone(self, number: str) -> None:
        self.phone.fill(number)
        self.consent.check()

    def save(self) -> None:
        self.page.get_by_role("button", name=re.compile("^Save (without|and text)")).click()

    @property
    def problem(self) -> Locator:
        return self.page.get_by_role("alert").filter(visible=True)

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("region", name="Status").locator(".status-words")

    @property
    def journey(self) -> Locator:
        return self.page.get_by_role("list", name="Progress")

    # My movies

    @property
    def mine(self) -> Locator:
        items = self.page.get_by_role("list", name="Movies I rated").get_by_role("listitem")
        return items.filter(has=self.page.get_by_role("link"))

    def mine_called(self, title: str) -> Locator:
        return self.mine.filter(has=self.page.get_by_role("link", name=title, exact=True))

    def save_changes(self) -> None:
        self.page.get_by_role("button", name="Save changes").click()

    @property
    def unsaved(self) -> Locator:
        return self.page.get_by_role("region", name="Unsaved changes")

    # Bring your ratings

    def choose_export(self, content: bytes, name: str = "ratings.csv") -> None:
        """Choose a file with this content."""
        file: FilePayload = {"name": name, "mimeType": "", "buffer": content}
        self.page.get_by_label("Your export").set_input_files(file)

    # The page as a whole

    def kept(self) -> str:
        """Return everything that the browser stores about the visit."""
        return str(
            self.page.evaluate(
                "() => JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})"
            )
        )

    def error_at(self, field: Locator) -> str:
        """Return the text that describes a field, as a screen reader reads it after the field."""
        ids = (field.get_attribute("aria-describedby") or "").split()
        texts = [self.page.locator(f"#{each}") for each in ids]
        return " ".join(text.inner_text() for text in texts if text.is_visible())

    def overflow(self) -> int:
        """Return the number of pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )


class Watch:
    """Recorder of a page's requests and errors."""

    def __init__(self, page: Page) -> None:
        self.origins: set[str] = set()
        self.complaints: list[str] = []
        self._unfinished: set[Request] = set()
        self._failed: list[str] = []
        page.on("request", self._requested)
        page.on("requestfinished", self._request_finished)
        page.on("requestfailed", self._request_failed)
        page.on("console", self._logged)
        page.on("pageerror", self._raised)

    def _requested(self, request: Request) -> None:
        self.origins.add(origin(request.url))
        self._unfinished.add(request)

    def _request_finished(self, request: Request) -> None:
        self._unfinished.discard(request)

    def _request_failed(self, request: Request) -> None:
        self._unfinished.discard(request)
        self._failed.append(f"{request.url}: {request.failure}")

    def _logged(self, message: ConsoleMessage) -> None:
        # Chromium reports every violation of the Content-Security-Policy as a console error.
        if message.type in ("error", "warning") and message.text != WORKER_BLOCKED:
            self.complaints.append(message.text)

    def _raised(self, error: Error) -> None:
        self.complaints.append(str(error))

    def __str__(self) -> str:
        """Return what a failed test needs to tell a slow page from a broken one."""
        unfinished = [request.url for request in self._unfinished]
        return (
            f"requests without an answer: {unfinished}, failed requests: {self._failed}, "
            f"messages: {self.complaints}"
        )


# Browsers resolve names under localhost to loopback, but not every system's resolver does.
_UNDER_LOCALHOST = re.compile(r"(?<=://)[^/:]+\.localhost(?=[:/])")
# httpx decompresses the body, and the browser receives it decompressed.
_OF_THE_CONNECTION = {"content-encoding", "content-length", "transfer-encoding", "connection"}
_PATIENCE_S = 120


def call(method: str, url: str, **sent: Any) -> httpx.Response:
    """Call a site or an API from the test itself; `sent` are further arguments of httpx."""
    headers = {**sent.pop("headers", {}), "host": urlsplit(url).netloc}
    reachable = _UNDER_LOCALHOST.sub("127.0.0.1", url)
    return httpx.request(method, reachable, headers=headers, timeout=_PATIENCE_S, **sent)


def real_answer(route: Route) -> httpx.Response:
    """Fetch the answer that an intercepted request would have received."""
    request = route.request
    return call(
        request.method, request.url, headers=request.all_headers(), content=request.post_data_buffer
    )


def fulfil(route: Route, answer: httpx.Response, body: str) -> None:
    """Fulfil the intercepted request with this answer but another body."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION
    }
    route.fulfill(status=answer.status_code, headers=headers, body=body)


def failing(
    status: int, message: str = "", field: str = "", retry_after: int | None = None
) -> Callable[[Route], None]:
    """Return a handler that answers calls with an error in the API's form; preflights succeed."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "*",
        "Access-Control-Expose-Headers": "ETag, Retry-After",
        **({} if retry_after is None else {"Retry-After": str(retry_after)}),
    }
    errors = [{"field": field, "message": message}] if message else []

    def handle(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fulfill(status=204, headers=headers)
        else:
            route.fulfill(status=status, json={"errors": errors}, headers=headers)

    return handle


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
