"""The page as an installed app and without a connection; new releases of it.

Only here do pages have their service worker. It runs on a server of its own: Playwright's routes do
not see what a worker requests.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from operations.site import FOLDER, WORKER, WORKER_OFF
from tests.browser.conftest import PATIENCE_MS
from tests.browser.marquee_page import MarqueePage, Watch
from tests.browser.site_server import PICKS, SiteServer, site_server
from tests.browser.test_quality import violations

FIVE = (5, 1, 4, 2, 3)
LAST_VISIT = "These picks are from your last visit"


@pytest.fixture(scope="session", autouse=True)
def fresh_model() -> None:
    """Start no deployment: these tests need none."""


@pytest.fixture
def server() -> Iterator[SiteServer]:
    with site_server() as running:
        yield running


@pytest.fixture
def installed(server: SiteServer, browser: Browser) -> Iterator[MarqueePage]:
    """Yield the page of a new visitor after its worker has kept it."""
    context = browser.new_context(service_workers="allow", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    marquee = MarqueePage(context.new_page(), server.url, server.api_url)
    marquee.open()
    wait_until_kept(marquee.page)
    yield marquee
    context.close()


def wait_until_kept(page: Page) -> None:
    """Wait until a worker has kept the page's files and serves this page."""
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


@contextmanager
def no_connection(marquee: MarqueePage, server: SiteServer) -> Iterator[None]:
    """Take the browser off the network; the server closes what a worker may still connect to."""
    server.is_reachable = False
    marquee.page.context.set_offline(True)
    yield
    server.is_reachable = True
    marquee.page.context.set_offline(False)


def kept_releases(page: Page) -> list[str]:
    return list(page.evaluate("() => caches.keys()"))


def workers(page: Page) -> int:
    """Return how many service workers the browser has for the site."""
    counted = "() => navigator.serviceWorker.getRegistrations().then((all) => all.length)"
    return int(page.evaluate(counted))


def wait_for(page: Page, is_reached: Callable[[Page], bool]) -> None:
    """Wait for a state that the browser tells by a promise, which `wait_for_function` ignores."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not is_reached(page):
        assert time.monotonic() < deadline, kept_releases(page)
        page.wait_for_timeout(100)


def test_the_site_can_be_installed(installed: MarqueePage) -> None:
    debugger = installed.page.context.new_cdp_session(installed.page)
    manifest = debugger.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{installed.site_url}manifest.webmanifest"
    errors = debugger.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # Each test's browser profile is a private one, in which Chromium installs nothing.
    assert [each for each in errors if each["errorId"] != "in-incognito"] == []


def test_without_a_connection_ratings_and_last_picks_are_there_and_rating_goes_on(
    installed: MarqueePage, server: SiteServer
) -> None:
    installed.rate(*FIVE)
    expect(installed.picks).to_have_count(len(PICKS))
    expect(installed.picks_kind).to_contain_text("Updated just now")
    watch = Watch(installed.page)

    with no_connection(installed, server):
        installed.page.reload()
        expect(installed.progress).to_have_text("5 of 10")
        expect(installed.picks).to_have_count(len(PICKS))
        expect(installed.picks_kind).to_contain_text(LAST_VISIT)
        expect(installed.page.get_by_text("You are offline").first).to_be_visible()
        assert violations(installed.page) == []
        installed.rate(4)
        expect(installed.progress).to_have_text("6 of 10")
        installed.go("My movies")  # its script was never needed before
        expect(installed.mine).to_have_count(6)
        installed.go("Picks")
        expect(installed.picks_kind).to_contain_text(LAST_VISIT)
        assert violations(installed.page) == []

    expect(installed.picks_kind).to_contain_text("From your 6 ratings")
    expect(installed.problem).to_have_count(0)
    assert not [each for each in watch.complaints if "Content Security Policy" in each]


def keeps_another(page: Page, former: str) -> bool:
    releases = kept_releases(page)
    return len(releases) == 1 and releases != [former]


def keeps_nothing(page: Page) -> bool:
    return kept_releases(page) == [] and workers(page) == 0


def test_a_new_release_replaces_the_kept_one_on_the_next_visit_and_can_be_rolled_back(
    installed: MarqueePage, server: SiteServer, tmp_path: Path
) -> None:
    page = installed.page
    former = server.files
    next_site = tmp_path / "site"
    shutil.copytree(FOLDER, next_site)
    view = next_site / "scripts" / "views" / "rate.js"
    view.write_text(view.read_text().replace("What should you watch next?", "What is next?"))
    [kept] = kept_releases(page)

    for files, heading in (
        (server.release(next_site), "What is next?"),
        (former, "What should you watch next?"),
    ):
        server.files = files
        page.reload()
        expect(installed.heading).to_have_text(heading)
        wait_for(page, partial(keeps_another, former=kept))
        [kept] = kept_releases(page)
        with no_connection(installed, server):
            page.reload()
            expect(installed.heading).to_have_text(heading)


def test_an_operator_can_remove_the_worker_from_all_browsers(
    installed: MarqueePage, server: SiteServer
) -> None:
    assert kept_releases(installed.page)
    server.files = {**server.files, WORKER: server.files[WORKER_OFF]}
    installed.page.reload()
    expect(installed.card_title).to_be_visible()
    wait_for(installed.page, keeps_nothing)


def test_forget_me_leaves_nothing_on_the_device(installed: MarqueePage) -> None:
    page = installed.page
    installed.rate(*FIVE)
    expect(installed.picks).to_have_count(len(PICKS))
    assert str(PICKS[0]["title"]) in installed.kept()
    installed.go("My movies")
    page.get_by_role("button", name="Forget me", exact=True).click()
    page.get_by_role("button", name="Yes, forget me").click()
    expect(page.get_by_text("This browser no longer stores anything about you")).to_be_visible()
    assert keeps_nothing(page)
    assert str(PICKS[0]["title"]) not in installed.kept()
