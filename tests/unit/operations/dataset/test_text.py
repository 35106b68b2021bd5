"""Reading lines: encodings, line endings and lines without end."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.dataset import text
from operations.dataset.files import in_memory
from operations.dataset.text import LONGEST_LINE, Lines, LongLine

ENDINGS = ("\n", "\r\n", "\r")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff"))


def lines_of(content: bytes) -> list[str]:
    return [line for _, line in Lines(in_memory("a.csv", content))]


def encodings_of(content: bytes) -> set[str]:
    lines = Lines(in_memory("a.csv", content))
    assert list(lines)
    return lines.encodings


@pytest.mark.parametrize("ending", ENDINGS)
def test_lines_end_with_any_line_ending(ending: str) -> None:
    assert lines_of(f"a{ending}{ending}b".encode()) == ["a", "", "b"]


def test_lines_are_numbered_from_one() -> None:
    assert list(Lines(in_memory("a.csv", b"a\r\nb\n"))) == [(1, "a"), (2, "b")]


def test_other_separators_of_lines_in_unicode_do_not_end_a_line() -> None:
    assert lines_of("a\u2028b\x85c\x0bd\n".encode()) == ["a\u2028b\x85c\x0bd"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_is_read_in_every_encoding_with_and_without_a_mark(encoding: str) -> None:
    assert lines_of("userId,title\n1,Amélie\n".encode(encoding)) == ["userId,title", "1,Amélie"]


def test_a_mark_of_utf_16_big_endian_is_understood() -> None:
    content = codecs.BOM_UTF16_BE + "a,é\n".encode("utf-16-be")
    assert (lines_of(content), encodings_of(content)) == (["a,é"], {"UTF-16"})


def test_latin_1_is_distinguished_from_utf_8() -> None:
    content = "1,Amélie\n".encode("latin-1")
    assert (lines_of(content), encodings_of(content)) == (["1,Amélie"], {"Latin-1"})


def test_windows_1252_is_distinguished_from_latin_1_by_its_punctuation() -> None:
    content = "1,“Amélie’s” €\n".encode("cp1252")
    assert (lines_of(content), encodings_of(content)) == (["1,“Amélie’s” €"], {"Windows-1252"})


def test_one_line_in_latin_1_does_not_spoil_the_lines_in_utf_8() -> None:
    content = "Amélie\n".encode() + "Léon\n".encode("latin-1") + "映画\n".encode()
    assert lines_of(content) == ["Amélie", "Léon", "映画"]


def test_a_line_that_is_too_long_is_cut_and_costs_no_other_line() -> None:
    lines = lines_of(b"a\n" + b"9" * 3_000_000 + b"\nb\n")
    assert [line[:1] for line in lines] == ["a", "9", "b"]
    assert [isinstance(line, LongLine) for line in lines] == [False, True, False]
    assert len(lines[1]) < LONGEST_LINE


def test_the_longest_line_is_read_whole() -> None:
    assert lines_of(b"9" * LONGEST_LINE) == ["9" * LONGEST_LINE]


@given(
    lines=st.lists(WORDS, max_size=20),
    ending=st.sampled_from(ENDINGS),
    size=st.integers(1, 12),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_blocks_of_any_size_make_the_same_lines(
    lines: list[str], ending: str, size: int, encoding: str
) -> None:
    content = "".join(f"{line}{ending}" for line in lines).encode(encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_BLOCK_BYTES", max(size, 4) if encoding == "utf-16" else size)
        assert lines_of(content) == lines
