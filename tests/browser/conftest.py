"""The browser and the page under test. `deployment` comes from tests/conftest.py."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.marquee_page import MarqueePage, Watch, call
from tests.deployment import RunningDeployment

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
FLOW_MS = 240_000  # a training step, a recommend step and a text on a busy small machine


@dataclass(frozen=True)
class Visit:
    """A visitor created through the API, as another browser would."""

    visitor_id: str
    token: str
    ratings: dict[int, int]  # stars by movie id

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    try:
        executable = chromium.executable()
    except chromium.NoChromiumError as missing:
        executable = _installed_chromium(missing)
    return {
        **browser_type_launch_args,
        "executable_path": str(executable),
        "args": list(chromium.ARGUMENTS),
    }


@pytest.fixture(scope="session")
def browser(browser: Browser) -> Iterator[Browser]:
    """Block service workers, except in contexts that allow them.

    A worker answers from its own copies and requests, which the tests' routes do not see.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browser, "new_context", partial(browser.new_context, service_workers="block"))
        yield browser


def _installed_chromium(missing: chromium.NoChromiumError) -> Any:
    """Install Chromium if the tests run as root on a CI machine."""
    if not (os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get")):
        pytest.skip(str(missing))
    for command in (["update"], ["install", "--yes", "chromium"]):
        run = subprocess.run(
            ["apt-get", "-qq", *command], capture_output=True, text=True, check=False
        )
        if run.returncode != 0:
            pytest.skip(f"{missing} `apt-get {' '.join(command)}` failed: {run.stderr[-500:]}")
    return chromium.executable()


@pytest.fixture(scope="session", autouse=True)
def fresh_model(deployment: RunningDeployment) -> Iterator[None]:
    """Keep the local model fresh, so that the forms of these tests do not wait for trainings."""
    if not deployment.is_local:
        yield
        return
    with deployment.model_kept_fresh():
        yield


@pytest.fixture(autouse=True)
def patience(page: Page) -> None:
    page.set_default_timeout(PATIENCE_MS)


@pytest.fixture
def watch(page: Page) -> Watch:
    """Record all requests and errors of the page, from before it is opened."""
    return Watch(page)


@pytest.fixture
def marquee(deployment: RunningDeployment, page: Page) -> MarqueePage:
    """Return the page of a new visitor, not opened yet."""
    return MarqueePage(page, deployment.site_url, deployment.api_url)


@pytest.fixture
def narrow_marquee(deployment: RunningDeployment, browser: Browser) -> Iterator[MarqueePage]:
    """Yield the page on the narrowest supported phone: 320 px wide, with touch."""
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield MarqueePage(page, deployment.site_url, deployment.api_url)
    context.close()


@pytest.fixture
def visit(marquee: MarqueePage) -> Visit:
    """Return a visitor who saved six ratings and gave no phone."""
    movies = call("GET", marquee.api("/questionnaire")).json()["movies"]
    ratings = {movie["movie_id"]: 5 - place % 5 for place, movie in enumerate(movies[:6])}
    form = {
        "name": "Ada",
        "consent": False,
        "ratings": [{"movie_id": movie, "stars": stars} for movie, stars in ratings.items()],
    }
    answer = call("POST", marquee.api("/visitors"), json=form)
    assert answer.status_code == 201, answer.text
    return Visit(answer.json()["visitor_id"], answer.json()["token"], ratings)


@pytest.fixture
def phone() -> str:
    """Return a number that the North American plan reserves for fiction, in national format."""
    return f"(415) 555-{100 + secrets.randbelow(100):04d}"


@pytest.fixture
def other_browser(deployment: RunningDeployment, browser: Browser) -> Iterator[MarqueePage]:
    """Yield the page in a second browser that shares nothing with the first."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield MarqueePage(context.new_page(), deployment.site_url, deployment.api_url)
    context.close()
