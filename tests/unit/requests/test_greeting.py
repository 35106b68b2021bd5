"""The name field can send only a name to a phone, which may be a stranger's."""

# ruff: noqa: RUF001, RUF003  (letters that look alike are what is tested)

import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marquee.requests.emoji import without_emoji
from marquee.requests.greeting import greeting_name
from marquee.requests.text_message import compose

TITLES = ["Alien"] * 10
LINK = "https://example.org/#x"
LETTERS = st.text(st.characters(categories=["L", "M"]), max_size=12)
ASCII_LETTERS = st.text(st.characters(categories=["L"], max_codepoint=127), min_size=1, max_size=12)
DIGITS = st.characters(categories=["Nd", "Nl", "No"])
MONEY = st.characters(categories=["Sc"])
DOTS = st.sampled_from(".\u2024\u3002\uff0e\uff61\u00b7\u0701\ua4f8")
# Everything except letters, marks, spaces, hyphens, apostrophes and emoji.
SIGNS = st.characters(
    categories=["N", "P", "S", "C"], exclude_characters="-'\u2010\u2011\u2019"
).filter(lambda sign: without_emoji(sign) == sign)
EMOJI = st.sampled_from(["🎬", "👩🏽\u200d🚀", "❤\ufe0f", "🇺🇸", "☺"])


def first_line(name: str) -> str:
    return compose(name, TITLES, LINK).splitlines()[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada", "Ada"),
        ("ada", "ada"),
        ("ADA", "Ada"),
        ("AÇA", "Aca"),
        ("Ada Lovelace", "Ada"),
        ("Mary-Jane", "Mary-Jane"),
        ("O'Brien", "O'Brien"),
        ("D\u2019Arcy", "D'Arcy"),
        ("Amélie", "Amélie"),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("Łukasz", "Lukasz"),
        ("Nguyễn", "Nguyen"),
        ("Анна", "Anna"),
        ("Игорь", "Igor"),
        ("Ελένη", "Eleni"),
        ("अमित", "amit"),
        ("美里", "MeiLi"),
        ("한국", "HanGug"),
        ("Ａｄａ", "Ada"),
        ("Ada 🎬", "Ada"),
        ("🎬 Ada", "Ada"),
        ("🎬Ada", "Ada"),
        ("Ada👩🏽\u200d🚀", "Ada"),
        ("Ada ❤\ufe0f", "Ada"),
        ("Ada 🇺🇸", "Ada"),
        ("Mark", "Mark"),
        ("Dottie", "Dottie"),
        ("Bob", "Bob"),
        ("Lola", "Lola"),
        ("Maximiliana-Theodora", "Maximiliana-Theodora"),
    ],
)
def test_the_greeting_holds_the_first_word_of_a_name(name: str, shown: str) -> None:
    assert greeting_name(name) == shown
    assert first_line(name) == f"{shown}, your Marquee picks:"


@pytest.mark.parametrize(
    "name",
    [
        "USPS parcel evil.co",
        "WIN $900: bit.ly/x9",
        "Ada evil.co",
        "evil．com",
        "evil。com",
        "evil․com",
        "еvil.со",  # Cyrillic е, с, о
        "ev\u200bil.com",
        "\u202emoc.live",
        "evildotcom",
        "Evil-Dot-Com",
        "ЕvilDotCom",  # Cyrillic Е
        "wwwevil",
        "httpevil",
        "ada@evil",
        "evil/x",
        "call 0900",
        "call ٠٩٠٠",
        "Ⅷ",
        "VIII",
        "½",
        "①②",
        "𝟗𝟎𝟎",
        "百万",
        "w1n",
        "fr33",
        "IOO",
        "lOO",
        "nine",
        "Ninehundred",
        "€5",
        "$",
        "￡",
        "USD",
        "ＵＳＤ",
        "dóllars",
        "Dol-lars",
        "cash",
        "🎬",
        "🇺🇸",
        "w🎬ww",
        "Ada ©",
        "Ada 🅰",
        "Dr. No",
        "J.R.",
        "A",
        "-",
        "''",
        "\u0301",
        "Maximiliana-Theodorax",
        "ada-ada-ada-ada",
    ],
)
def test_the_greeting_leaves_out_anything_that_may_not_be_a_name(name: str) -> None:
    assert greeting_name(name) is None
    assert first_line(name) == "Your Marquee picks:"


@given(st.text(max_size=60))
@example("AÇ")  # GSM 03.38 has only the capital letter
def test_the_greeting_of_any_name_holds_at_most_one_word_of_letters(name: str) -> None:
    greeted, *rest = first_line(name).removesuffix("our Marquee picks:").split(", ")
    assert rest in ([], ["y"])
    assert re.fullmatch(r"[^\W\d_]+([-'][^\W\d_]+){0,2}", greeted)
    assert not re.search("www|http|dollar|money", greeted.lower())
    assert len(greeted) <= 20
    assert all(
        unicodedata.name(letter).startswith("LATIN") for letter in re.sub("[-']", "", greeted)
    )


@given(LETTERS, DIGITS, LETTERS)
def test_a_name_with_a_digit_of_any_script_is_left_out(before: str, digit: str, after: str) -> None:
    assert greeting_name(f"Ada {before}{digit}{after}") is None
    assert greeting_name(f"{before}{digit}{after}") is None


@given(LETTERS, MONEY, LETTERS)
def test_a_name_with_a_currency_sign_is_left_out(before: str, money: str, after: str) -> None:
    assert greeting_name(f"{before}{money}{after}") is None


@given(ASCII_LETTERS, SIGNS, ASCII_LETTERS)
def test_a_name_with_any_other_sign_is_left_out(before: str, sign: str, after: str) -> None:
    assert greeting_name(f"{before}{sign}{after}") is None


@given(st.text(max_size=20), EMOJI, st.text(max_size=20))
def test_an_emoji_counts_as_a_space(before: str, emoji: str, after: str) -> None:
    assert greeting_name(f"{before}{emoji}{after}") == greeting_name(
        f"{without_emoji(before + emoji + after)}"
    )
    assert greeting_name(f"Ada{emoji}{after.replace('.', '')}") in ("Ada", None)


def lookalikes(word: str) -> Iterator[str]:
    """Yield a word written in similar letters of other scripts and styles."""
    cyrillic = str.maketrans("aceiopxyABCEHKMOPTX", "асеіорхуАВСЕНКМОРТХ")
    greek = str.maketrans("oABEZHIKMNOPTYX", "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
    full_width = {letter: letter + 0xFEE0 for letter in range(0x21, 0x7F)}
    bold = {letter: 0x1D400 + letter - ord("A") for letter in range(ord("A"), ord("Z") + 1)}
    for table in (cyrillic, greek, full_width, bold):
        yield word.translate(table)


@given(ASCII_LETTERS, DOTS, st.sampled_from(["co", "com", "ly", "xyz", "COM"]))
def test_the_greeting_shows_no_web_address_in_any_script(host: str, dot: str, top: str) -> None:
    for address in lookalikes(f"{host}{dot}{top}"):
        assert not re.search(r"[^\w'-]", greeting_name(address) or "")
    for spelt_out in lookalikes(f"{host}dot{top}"):
        shown = greeting_name(spelt_out)
        assert shown is None or "dot" not in shown.lower()
