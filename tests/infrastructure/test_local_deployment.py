"""What Terraform and the site's hosting make of a running deployment."""

import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.deployment import ROOT, Deployment


def test_a_second_plan_changes_nothing(deployment: Deployment) -> None:
    planned = deployment.python("-m", "operations", "plan", "--expect-none")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "No changes." in planned.stdout


def got(deployment: Deployment, url: str) -> httpx.Response:
    """Fetch a page of the site; not every resolver knows names below localhost, as browsers do."""
    if not deployment.is_local:
        return deployment.http.get(url)
    host = urlsplit(url).netloc
    path = url.partition(host)[2]
    return deployment.http.get(f"{deployment.endpoint}{path}", headers={"Host": host})


@pytest.mark.parametrize("address", ["nowhere", "nowhere/at/all"])
def test_an_address_that_is_not_there_shows_a_page_that_says_so(
    deployment: Deployment, address: str
) -> None:
    answer = got(deployment, urljoin(deployment.site_url, address))
    assert answer.status_code == 404
    assert answer.text == (ROOT / "site" / "404.html").read_text()


@pytest.mark.parametrize("address", ["nowhere", "nowhere/at/all"])
def test_what_that_page_links_to_is_found_from_every_address(
    deployment: Deployment, address: str
) -> None:
    shown_at = urljoin(deployment.site_url, address)
    links = re.findall(r'(?:href|src)="([^"]+)"', got(deployment, shown_at).text)
    assert "/marquee.css" in links
    answers = {link: got(deployment, urljoin(shown_at, link)).status_code for link in links}
    assert answers == dict.fromkeys(links, 200)
