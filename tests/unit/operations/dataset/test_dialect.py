"""Splitting lines into fields."""

import csv
import io
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.dataset.dialect import Dialect, is_preamble, records
from operations.dataset.files import in_memory
from operations.dataset.text import Lines

COMMAS = Dialect(",")
FIELDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff"),
    min_size=1,
).filter(lambda field: field == field.strip())


def fields_of(text: str, dialect: Dialect = COMMAS) -> list[list[str]]:
    return [fields for _, _, fields in records(Lines(in_memory("a.csv", text.encode())), dialect)]


@pytest.mark.parametrize(
    ("separator", "line"),
    [
        (",", '1,"A, B",x'),
        (";", '1;"A, B";x'),
        ("\t", "1\tA, B\tx"),
        ("|", '"1"|A, B|x'),
        ("::", "1::A, B::x"),
        (" ", '  1   "A, B" \t x '),
        (",", '1, "A, B", x'),
    ],
)
def test_each_separator_divides_fields_with_and_without_quotes(separator: str, line: str) -> None:
    [fields] = fields_of(line, Dialect(separator))
    assert [field.strip() for field in fields] == ["1", "A, B", "x"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ('1,"""A"" B",x', '"A" B'),
        (r'1,"\"A\" B",x', '"A" B'),
        ('1,A "B" C,x', 'A "B" C'),
        ('1,"A" B,x', '"A" B'),
        ('1,"A B,x', "A B"),
        ('1,5" disc,x', '5" disc'),
    ],
)
def test_quotes_that_are_doubled_escaped_or_part_of_the_text_are_understood(
    line: str, title: str
) -> None:
    assert fields_of(line) == [["1", title, "x"]]


def test_a_quoted_field_may_contain_line_breaks() -> None:
    assert fields_of('1,"A\nB\n\nC",x\n2,D,y\n') == [["1", "A\nB\n\nC", "x"], ["2", "D", "y"]]


def test_a_quote_that_never_ends_costs_no_other_line() -> None:
    text = '1,"A,x\n2,B "C" D,y\n3,"E, F",z\n'
    assert fields_of(text) == [["1", "A", "x"], ["2", 'B "C" D', "y"], ["3", "E, F", "z"]]


def test_a_quote_at_the_end_of_a_file_costs_no_line() -> None:
    assert fields_of('1,A,x\n2,"B,y\n3,C,z') == [["1", "A", "x"], ["2", "B", "y"], ["3", "C", "z"]]


def test_the_number_of_a_record_is_that_of_its_first_line() -> None:
    lines = [(1, '1,"A'), (2, 'B"'), (3, ""), (4, "2,C")]
    assert [number for number, _, _ in records(lines, COMMAS)] == [1, 4]


def test_blank_lines_are_no_records() -> None:
    assert fields_of("1,A\n\n  \n2,B\n") == [["1", "A"], ["2", "B"]]


@pytest.mark.parametrize("line", ["# made up", "% bip weighted", "sep=;", "SEP=,"])
def test_comments_and_excels_separator_precede_the_header(line: str) -> None:
    assert is_preamble(line)


@given(
    st.lists(st.lists(FIELDS, min_size=2, max_size=4), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
def test_what_pythons_csv_writes_is_read_back(
    rows: list[list[str]], separator: str, quote_all: bool
) -> None:
    written = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(written, delimiter=separator, quoting=quoting, lineterminator="\n").writerows(rows)
    assert fields_of(written.getvalue(), Dialect(separator)) == rows
