"""Reading ids, numbers, times, titles and genres."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.dataset.values import (
    Times,
    clean_text,
    id_key,
    is_missing,
    kind_of_time,
    number,
    number_in,
    split_genres,
    title_with_year,
)

NOON = 1072958400  # 2004-01-01 12:00:00 UTC


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("862", "862"),
        (" 862 ", "862"),
        ("862.0", "862"),
        ("862,0", "862"),
        ("0000862", "862"),
        ("0", "0"),
        ("000", "0"),
        ("tt0000862", "tt0000862"),
        ("862.5", "862.5"),
        ("-3", "-3"),
        ("B00006HAXW", "B00006HAXW"),
        ("NULL", ""),
        ("NaN", ""),
        ("  ", ""),
    ],
)
def test_ids_are_compared_without_leading_zeros_and_decimals(text: str, key: str) -> None:
    assert id_key(text) == key


@pytest.mark.parametrize(
    ("key", "found"), [("tt0000862", "862"), ("m7", "7"), ("7", "7"), ("a1b2", None), ("x", None)]
)
def test_the_number_in_an_id_is_found_if_it_ends_with_one(key: str, found: str | None) -> None:
    assert number_in(key) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.5", 3.5),
        ("3,5", 3.5),
        (" 4 ", 4.0),
        ("-7.82", -7.82),
        (".5", 0.5),
        ("4.", 4.0),
        ("+4", 4.0),
        ("four", None),
        ("4/5", None),
        ("", None),
        ("1e3", None),
        ("inf", None),
        ("٣", None),
    ],
)
def test_numbers_have_a_decimal_point_or_comma(text: str, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "1072958400",
        "1072958400.0",
        "1072958400000",
        "1072958400123",
        "1072958400000000",
        "1072958400000000000",
        "2004-01-01 12:00:00",
        "2004-01-01T12:00:00Z",
        "2004-01-01T12:00:00.000Z",
        "2004-01-01T13:00:00+01:00",
        "2004-01-01 12:00",
        "2004-01-01 12:00:00 UTC",
        "2004/01/01 12:00:00",
        "01.01.2004 12:00",
        "Thu Jan 01 12:00:00 2004",
    ],
)
def test_times_are_read_in_the_ways_people_write_them(text: str) -> None:
    assert Times().seconds(text) == NOON


@pytest.mark.parametrize(
    "text", ["2004-01-01", "20040101", "01-Jan-2004", "1 January 2004", "Jan 1, 2004", "01.01.2004"]
)
def test_a_day_is_its_midnight(text: str) -> None:
    assert Times().seconds(text) == NOON - 12 * 3600


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2005-02-30", "99999999999999999999", "1960-01-01", "12:00"]
)
def test_a_time_that_cannot_be_read_is_none(text: str) -> None:
    assert Times().seconds(text) is None


@pytest.mark.parametrize(
    ("seen", "day_first", "seconds"),
    [
        (["2/1/2004", "25/12/2003"], True, NOON + 12 * 3600),
        (["2/1/2004", "12/25/2003"], False, NOON - 12 * 3600 + 31 * 86400),
    ],
)
def test_another_date_of_the_file_shows_whether_the_day_comes_first(
    seen: list[str], day_first: bool, seconds: int
) -> None:
    times = Times()
    for text in seen:
        times.look(text)
    assert (times.day_first, times.seconds("2/1/2004")) == (day_first, seconds)


@pytest.mark.parametrize(
    ("clock", "hours"),
    [("9:30", 9.5), ("09:30:00", 9.5), ("9:30 PM", 21.5), ("12:30 am", 0.5), ("12:30 PM", 12.5)],
)
def test_a_date_with_slashes_may_have_a_clock_of_12_or_24_hours(clock: str, hours: float) -> None:
    times = Times()
    times.look("12/25/2003")
    assert times.seconds(f"1/1/2004 {clock}") == NOON + (hours - 12) * 3600


@pytest.mark.parametrize("seen", [["1/2/2004"], ["13/1/2004", "1/13/2004"]])
def test_dates_that_do_not_show_their_order_are_not_read(seen: list[str]) -> None:
    times = Times()
    for text in seen:
        times.look(text)
    assert (times.day_first, times.seconds("1/2/2004")) == (None, None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1072958400", "seconds since 1970"),
        ("1072958400.0", "seconds since 1970"),
        ("1072958400000", "milliseconds since 1970"),
        ("1072958400000000", "microseconds since 1970"),
        ("1072958400000000000", "nanoseconds since 1970"),
        ("20040101", "dates without separators"),
        ("2004-01-01", "dates"),
    ],
)
def test_the_report_says_how_times_are_written(text: str, kind: str) -> None:
    assert kind_of_time(text) == kind


@pytest.mark.parametrize(
    ("title", "year", "written"),
    [
        ("Made Up (1995)", "", "Made Up (1995)"),
        ("Made Up", "1995", "Made Up (1995)"),
        ("Made Up", "1995.0", "Made Up (1995)"),
        ("Made Up", "01-Jan-1995", "Made Up (1995)"),
        ("Made Up", "1995-10-30", "Made Up (1995)"),
        ("Made Up", "NULL", "Made Up"),
        ("Made Up (1995)", "2001", "Made Up (1995)"),
        ("Made Up (2007-)", "", "Made Up (2007)"),
        ("Made Up (2007\u2013 )", "", "Made Up (2007)"),
        ("Made Up (2007-2010)", "", "Made Up (2007)"),
        ("Made Up (NULL)", "", "Made Up"),
        ("Made Up (1999) (2000)", "", "Made Up (1999) (2000)"),
        ("2012 (2009)", "", "2012 (2009)"),
        ("(500) Made Up (2009)", "", "(500) Made Up (2009)"),
        ("Made Up 1984", "", "Made Up 1984"),
        ("(1995)", "", ""),
        ("   ", "1995", ""),
        ("NaN", "1995", ""),
    ],
)
def test_a_title_ends_with_its_year(title: str, year: str, written: str) -> None:
    assert title_with_year(title, year) == written


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Made Up &amp; Co", "Made Up & Co"),
        ("Made&nbsp;Up &#233;", "Made Up é"),
        ("R&B; Made Up", "R&B; Made Up"),
        ("AT&T", "AT&T"),
        ("Made\tUp\nTwo  lines\r", "Made Up Two lines"),
        ("Made\x00\x07\x1b[31m Up\x9f", "Made[31m Up"),
        ("Made \u202eUp\u202c\u200b", "Made Up"),
        (r"\"Made\" Up", '"Made" Up'),
        ("नि\u200dर्मित", "नि\u200dर्मित"),
        ("Made Up \U0001f3ac 映画", "Made Up \U0001f3ac 映画"),
    ],
)
def test_entities_and_control_characters_do_not_reach_a_title(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(st.text())
def test_a_cleaned_text_can_be_printed_on_one_line(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Drama|Comedy", ["Drama", "Comedy"]),
        ("Drama, Comedy", ["Drama", "Comedy"]),
        ("Drama;Comedy", ["Drama", "Comedy"]),
        ("Drama / Comedy", ["Drama", "Comedy"]),
        ("Drama|Sci-Fi|Drama", ["Drama", "Sci-Fi"]),
        ("[{'id': 18, 'name': 'Drama'}, {'id': 35, 'name': 'Comedy'}]", ["Drama", "Comedy"]),
        ('[{"id": 18, "name": "Drama"}]', ["Drama"]),
        ("['Drama', 'Comedy']", ["Drama", "Comedy"]),
        ("[Drama, Comedy]", ["Drama", "Comedy"]),
        ("[]", []),
        ("(no genres listed)", []),
        ("\\N", []),
        ("", []),
        ("Film-Noir", ["Film-Noir"]),
    ],
)
def test_genres_are_read_in_the_ways_people_write_them(text: str, names: list[str]) -> None:
    assert split_genres(text) == names


@pytest.mark.parametrize("text", ["", " ", "NaN", "null", "None", r"\N", "N/A", "-"])
def test_words_for_no_value_are_known(text: str) -> None:
    assert is_missing(text)
