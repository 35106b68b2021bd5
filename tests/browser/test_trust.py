"""Who runs the site, its pages on privacy and terms, and the consent to be texted."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from operations.sam_template import load_template
from tests.browser.conftest import Visit
from tests.browser.marquee_page import MarqueePage, call, fulfil, real_answer
from tests.browser.test_quality import violations

CINEMA = {"name": "Kino <b>Ärger</b> & Söhne", "contact": "help@example.com"}


def run_by(marquee: MarqueePage, **operator: str) -> None:
    """Configure the site as if these settings named its operator."""

    def configured(route: Route) -> None:
        answer = real_answer(route)
        fulfil(route, answer, json.dumps(answer.json() | {"operator": operator}))

    marquee.page.route("**/config.json", configured)


def facts(marquee: MarqueePage) -> dict[str, Any]:
    answer: dict[str, Any] = call("GET", f"{marquee.site_url}config.json").json()
    return answer


def footer(marquee: MarqueePage) -> Locator:
    return marquee.page.get_by_role("contentinfo")


def test_the_footer_names_the_operator_as_text_and_links_to_their_contact(
    marquee: MarqueePage,
) -> None:
    run_by(marquee, **CINEMA)
    marquee.open()
    expect(footer(marquee)).to_contain_text("Run by Kino <b>Ärger</b> & Söhne")
    expect(footer(marquee).locator("b")).to_have_count(0)
    contact = footer(marquee).get_by_role("link", name="Contact")
    expect(contact).to_have_attribute("href", "mailto:help@example.com")


def test_without_an_operator_the_footer_links_to_the_sites_own_pages(marquee: MarqueePage) -> None:
    run_by(marquee)
    marquee.open()
    for name in ("Privacy", "Terms"):
        footer(marquee).get_by_role("link", name=name).click()
        expect(marquee.heading).to_have_text(name)
        expect(marquee.heading).to_be_focused()
        expect(marquee.page.get_by_text("This site does not name who runs it.")).to_be_visible()
    expect(footer(marquee)).not_to_contain_text("Run by")
    expect(footer(marquee).get_by_role("link", name="Contact")).to_have_count(0)


def test_the_footer_links_to_the_operators_own_pages(marquee: MarqueePage) -> None:
    own = {"privacyUrl": "https://example.com/privacy", "termsUrl": "https://example.com/terms"}
    run_by(marquee, **CINEMA, **own)
    marquee.open()
    for name, address in zip(("Privacy", "Terms"), own.values(), strict=True):
        link = footer(marquee).get_by_role("link", name=name)
        expect(link).to_have_attribute("href", address)
    marquee.open("privacy")
    expect(marquee.page.get_by_role("main")).to_contain_text("run by Kino <b>Ärger</b> & Söhne")
    own_page = marquee.page.get_by_role("link", name="a privacy page of Kino")
    expect(own_page).to_have_attribute("href", own["privacyUrl"])


def test_the_privacy_page_states_the_periods_of_this_deployment(marquee: MarqueePage) -> None:
    retention = facts(marquee)["retention"]
    assert retention["visitorDays"] == load_template({}).parameters["VisitorDays"]
    marquee.open("privacy")
    for period in ("visitorDays", "listDays", "batchDays", "logDays", "backupDays"):
        expect(marquee.page.get_by_role("main")).to_contain_text(f"{retention[period]} days")


def test_the_terms_state_how_many_texts_a_phone_gets(marquee: MarqueePage) -> None:
    marquee.open("terms")
    words = f"a phone gets at most {facts(marquee)['textsADay']} texts a day"
    expect(marquee.page.get_by_role("main")).to_contain_text(words)


@pytest.mark.parametrize("view", ["privacy", "terms"])
def test_a_page_to_read_fits_a_narrow_phone_and_axe_finds_nothing(
    narrow_marquee: MarqueePage, view: str
) -> None:
    run_by(narrow_marquee, **CINEMA, privacyUrl="https://example.com/privacy")
    narrow_marquee.open(view)
    expect(footer(narrow_marquee)).to_contain_text("Run by")
    assert narrow_marquee.overflow() == 0
    assert violations(narrow_marquee.page) == []
    links = footer(narrow_marquee).locator(".colophon-links a")
    for link in links.all():
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 44


@pytest.mark.parametrize(
    ("operator", "brand"), [({}, "Marquee"), (CINEMA, "Kino <b>Ärger</b> & Söhne")]
)
def test_the_consent_names_who_texts_how_often_at_what_cost_and_how_to_stop(
    marquee: MarqueePage, operator: dict[str, str], brand: str
) -> None:
    run_by(marquee, **operator)
    marquee.open()
    marquee.rate(5, 1, 4, 2, 5, 3)
    marquee.open("text")
    marquee.phone.fill("1")
    label = marquee.page.get_by_text(f"Yes, I want {brand} to text my ten picks to this number.")
    expect(label).to_be_visible()
    described = marquee.error_at(marquee.consent)
    for words in (
        "One text each time",
        "Message and data rates may apply",
        "STOP",
        "HELP",
        "Terms, Privacy",
    ):
        assert words in described


def test_forgetting_states_the_periods_of_this_deployment(
    marquee: MarqueePage, visit: Visit
) -> None:
    backup_days = facts(marquee)["retention"]["backupDays"]
    marquee.open_link(visit.visitor_id, visit.token)
    marquee.go("My movies")
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    dialog = marquee.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Database backups keep everything for up to {backup_days} days")
    dialog.get_by_role("button", name="Yes, forget me").click()
    main = marquee.page.get_by_role("main")
    expect(main).to_contain_text(f"Backups keep everything for up to {backup_days} days")
