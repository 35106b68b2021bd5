"""A text is GSM-7, at most three parts long, and has its link and opt-out line complete."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee.requests.identity import new_visitor_id, token_for
from marquee.requests.text_message import (
    MAX_PARTS,
    OPT_OUT,
    TextTooLongError,
    compose,
    link_to,
    parts,
    preview_link,
    septets,
    to_gsm7,
)

LINK = "https://d111111abcdef8.cloudfront.net/#01jd5m8k3q9x7w2v4t6r8p0nzb.AbCdEfGhIjKlMnOpQrStUv"
DATA = Path(os.environ.get("MARQUEE_DATA", Path(__file__).parents[4] / "shared" / "data"))
CATALOGUE = Path(__file__).parents[3] / "catalogue" / "movies.csv"


def check(message: str) -> None:
    assert parts(message) <= MAX_PARTS  # raises if a character is outside GSM-7
    *_, link, opt_out = message.splitlines()
    assert (link, opt_out) == (LINK, OPT_OUT)


def titles_of(path: Path, encoding: str, place: int) -> list[str]:
    lines = path.read_text(encoding=encoding).splitlines()
    return [line.split(",", place)[place] for line in lines if line.count(",") >= place]


@given(st.text(max_size=60), st.lists(st.text(max_size=300), min_size=10, max_size=10))
def test_any_name_and_titles_make_a_complete_text(name: str, titles: list[str]) -> None:
    check(compose(name, titles, LINK))


@pytest.mark.parametrize(
    ("path", "encoding", "place"),
    [
        pytest.param(CATALOGUE, "utf-8", 1, id="catalogue"),
        pytest.param(DATA / "netflix" / "movie_titles.csv", "latin-1", 2, id="Netflix Prize"),
        pytest.param(DATA / "ml-latest-small" / "movies.csv", "utf-8", 1, id="MovieLens"),
    ],
)
def test_every_title_makes_a_complete_text(path: Path, encoding: str, place: int) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    titles = titles_of(path, encoding, place)
    for start in range(0, len(titles) - 9, 10):
        check(compose("Ada", titles[start : start + 10], LINK))
    for longest in sorted(titles, key=len)[-20:]:
        check(compose("Maximiliana-Theodora", [longest] * 10, LINK))


def test_the_longest_title_is_shortened_first_and_short_ones_never() -> None:
    titles = ["Up", "Jaws", "Alien", "Heat", "Fargo", "Psycho", "Brazil", "Gravity", "Se7en"]
    message = compose("Ada", [*titles, "A" * 400], LINK)
    lines = message.splitlines()
    assert [line.partition(". ")[2] for line in lines[1:10]] == titles
    assert lines[10].startswith("10. AAAA")
    assert lines[10].endswith("...")


def test_ten_usual_titles_are_not_shortened() -> None:
    titles = ["The Godfather", "Alien", "Amelie", "Spirited Away", "Heat", "Jaws", "Up", "Fargo"]
    message = compose("Ada", [*titles, "Casablanca", "Psycho"], LINK)
    assert "..." not in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amélie", "Amélie"),
        ("L\u2019Amour", "L'Amour"),
        ("Château", "Chateau"),
        ("Łódź", "Lodz"),
        ("Šílení", "Sileni"),
        ("The 🎬 Movie", "The   Movie"),
    ],
)
def test_characters_outside_gsm7_are_transliterated(text: str, expected: str) -> None:
    assert to_gsm7(text) == expected


def test_an_emoji_leaves_no_trace_in_the_text() -> None:
    message = compose("Ada 🎬", ["The Emoji 🎬 Movie", "🎬", *["Alien"] * 8], LINK)
    assert message.splitlines()[:3] == ["Ada, your Marquee picks:", "1. The Emoji Movie", "2. ?"]


def test_the_preview_has_a_link_of_the_same_length() -> None:
    site = "https://d111111abcdef8.cloudfront.net/"
    visitor_id = new_visitor_id()
    link = link_to(site, visitor_id, token_for(visitor_id, "secret"))
    assert len(preview_link(site)) == len(link)


def test_extended_characters_take_two_septets() -> None:
    assert septets("[€]") == 6


@pytest.mark.parametrize(("length", "expected"), [(160, 1), (161, 2), (306, 2), (307, 3), (459, 3)])
def test_parts_follow_the_billing_limits(length: int, expected: int) -> None:
    assert parts("a" * length) == expected


def test_a_link_that_is_too_long_is_rejected_and_not_cut() -> None:
    with pytest.raises(TextTooLongError, match="shorten the site's address"):
        compose("Ada", ["Alien"] * 10, "https://example.org/" + "x" * 400)
