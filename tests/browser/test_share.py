"""A list goes out under a link, a friend starts from it, and whoever shared it takes it back."""

from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.marquee_page import MarqueePage, call

FIVE = (5, 1, 4, 2, 5)
PNG = b"\x89PNG\r\n\x1a\n"


def share_picks(marquee: MarqueePage) -> Locator:
    """Rate five movies and open the dialog that shares the picks; return the dialog."""
    marquee.open()
    marquee.rate(*FIVE)
    expect(marquee.picks).to_have_count(10)
    marquee.page.get_by_role("button", name="Share this list").click()
    return marquee.page.get_by_role("dialog")


def link_in(dialog: Locator) -> str:
    dialog.get_by_role("button", name="Make a public link").click()
    field = dialog.get_by_label("Link to the list")
    expect(field).to_be_visible()
    return field.input_value()


def listed(marquee: MarqueePage) -> Locator:
    return marquee.page.get_by_role("list", name="Movies of the list").get_by_role("listitem")


def test_a_friend_opens_the_list_and_starts_from_it_until_it_is_taken_back(
    marquee: MarqueePage, other_browser: MarqueePage
) -> None:
    dialog = share_picks(marquee)
    titles = marquee.picks.get_by_role("heading").get_by_role("link").all_inner_texts()
    dialog.get_by_label("Your first name").fill("Ada Lovelace")
    dialog.get_by_label("Show why").check()
    preview = dialog.get_by_role("list", name="Ada’s movies")
    expect(preview.get_by_text("Because Ada liked").first).to_be_visible()
    address = link_in(dialog)
    with marquee.page.expect_download() as picture:
        dialog.get_by_role("button", name="Save as picture").click()
    assert Path(picture.value.path()).read_bytes().startswith(PNG)

    assert 'og:title" content="Ada’s movies on Marquee"' in call("GET", address).text
    other_browser.page.goto(address)  # whose page leads to the site
    expect(other_browser.heading).to_have_text("Ada’s movies")
    assert other_browser.page.url.startswith(other_browser.site_url)
    friends = listed(other_browser)
    assert friends.get_by_role("heading").get_by_role("link").all_inner_texts() == titles
    expect(friends.get_by_text("Because Ada liked").first).to_be_visible()
    expect(other_browser.page.get_by_role("button", name="Take back")).to_have_count(0)
    other_browser.save_toggle(friends.nth(1)).click()
    other_browser.page.get_by_role("button", name="Start from this list").click()
    expect(other_browser.card_title).to_have_text(titles[0])
    other_browser.rate(5)
    expect(other_browser.card_title).to_have_text(titles[1])
    expect(other_browser.save_toggle(other_browser.card)).to_have_text("Saved")

    dialog.get_by_role("link", name="Open the list").click()
    expect(listed(marquee)).to_have_count(10)
    marquee.page.get_by_role("button", name="Take back").click()
    expect(marquee.heading).to_have_text("You took this list back")
    expect(marquee.heading).to_be_focused()
    other_browser.page.goto(address)
    expect(other_browser.heading).to_have_text("This list was taken back")


def test_forget_me_takes_the_shared_lists_back(marquee: MarqueePage) -> None:
    dialog = share_picks(marquee)
    name = dialog.get_by_label("Your first name")
    name.fill("evil.com")
    dialog.get_by_role("button", name="Make a public link").click()
    expect(dialog.get_by_role("alert")).to_contain_text("use letters only")
    expect(name).to_be_focused()
    name.fill("")
    expect(dialog.get_by_role("alert")).to_be_empty()
    address = link_in(dialog)
    dialog.get_by_role("button", name="Close").click()
    marquee.go("My movies")
    region = marquee.page.get_by_role("region", name="Lists I shared")
    expect(region.get_by_role("link", name="A list of movies")).to_be_visible()
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    expect(marquee.page.get_by_role("dialog")).to_contain_text("lists that you shared")
    marquee.page.get_by_role("button", name="Yes, forget me").click()
    expect(region).to_be_hidden()
    assert call("GET", address.removesuffix("/page")).status_code == 410
