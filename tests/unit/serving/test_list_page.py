"""The page of a shared list: every word is escaped, and the policy allows only its own parts."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from marquee.requests.shared_list import ListedMovie, SharedList
from marquee.serving.list_page import LIST_PAGE_HEADERS, list_page

SITE = "https://example.org/"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


class Read(HTMLParser):
    """Collects the elements, the texts and the attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shared(*titles: str, first_name: str | None = None, year: int | None = 1995) -> SharedList:
    movies = tuple(ListedMovie(n, title, year, ()) for n, title in enumerate(titles))
    return SharedList("0" * 26, "embedded", movies, 2_000_000_000, first_name)


@given(WORDS, WORDS)
def test_words_add_no_element_and_no_attribute(title: str, first_name: str) -> None:
    usual = Read(list_page(shared("Heat", first_name="Ada"), SITE))
    read = Read(list_page(shared(title, first_name=first_name), SITE))
    assert read.elements == usual.elements
    assert [name for name, _ in read.attributes] == [name for name, _ in usual.attributes]
    assert f"{title} (1995)" in read.texts


def test_the_policy_allows_exactly_the_script_and_the_style_of_the_page() -> None:
    html = list_page(shared("Heat"), SITE)
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", html)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        policy = LIST_PAGE_HEADERS["Content-Security-Policy"]
        assert f"{element}-src 'sha256-{digest}';" in policy


def test_the_card_names_the_first_titles_and_counts_the_others() -> None:
    html = list_page(shared("Heat", "Up", "Alien", "Ronin", "Big"), SITE)
    assert '<meta property="og:title" content="Movies picked on Marquee">' in html
    assert '<meta property="og:description" content="Heat, Up, Alien and 2 more">' in html


def test_a_movie_without_a_year_has_its_title_alone() -> None:
    assert "<li>Heat</li>" in list_page(shared("Heat", year=None), SITE)
