"""Split lines into fields: separators, quotes, and quoted fields that contain line breaks."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from operations.dataset.text import LONGEST_LINE, LongLine

WHITE_SPACE = " "
# In the order in which they are tried: a comma also occurs in titles, a space everywhere.
SEPARATORS = ("::", "\t", ";", "|", ",", WHITE_SPACE)
NAMES = {
    "::": "::",
    "\t": "tabs",
    ";": "semicolons",
    "|": "vertical bars",
    ",": "commas",
    WHITE_SPACE: "spaces",
}
_MOST_JOINED = 50  # lines of one quoted field
_QUOTED_WORD = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|(\S+)')
_EXCEL_SEPARATOR = re.compile(r"sep=.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the fields of a line are separated. Fields may be in double quotes.

    Attributes:
        separator: one of SEPARATORS; WHITE_SPACE stands for any run of spaces and tabs.
    """

    separator: str

    def fields(self, line: str) -> list[str]:
        """Split one line, whose quotes may be unbalanced."""
        if '"' not in line:
            return self.plain_fields(line)
        with suppress(OpenQuoteError):
            if fields := self.quoted_fields(line):
                return fields
        return [_unquoted(each) for each in self.plain_fields(line)]

    def plain_fields(self, line: str) -> list[str]:
        """Split one line at each separator, as if quotes had no meaning."""
        return line.split() if self.separator == WHITE_SPACE else line.split(self.separator)

    def quoted_fields(self, line: str) -> list[str] | None:
        """Split one line in which quotes enclose fields; None if its quotes do not do that.

        Raises:
            OpenQuoteError: if a quote that begins a field does not end in this line.
        """
        if len(self.separator) > 1:
            return None
        try:
            return self._parsed(line)
        except csv.Error as error:
            # Some programs write a quote within quotes as \" instead of "".
            if '\\"' in line:
                with suppress(csv.Error):
                    return self._parsed(line.replace('\\"', '""'))
            if "unexpected end of data" in str(error):
                raise OpenQuoteError from None
            return None

    def _parsed(self, line: str) -> list[str] | None:
        if self.separator == WHITE_SPACE:
            found = _QUOTED_WORD.findall(line)
            return [quoted.replace('""', '"') or bare for quoted, bare in found]
        reader = csv.reader([line], delimiter=self.separator, skipinitialspace=True, strict=True)
        rows = list(reader)
        return rows[0] if len(rows) == 1 else None


class OpenQuoteError(ValueError):
    """A quoted field continues in the next line."""


def records(
    lines: Iterable[tuple[int, str]], dialect: Dialect
) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each record: the number of its first line, its text and its fields.

    Blank lines are skipped. A quoted field may contain line breaks: the following lines are joined,
    if the quote ends properly within _MOST_JOINED lines. Otherwise, the quote is a part of the
    text, and costs no other line.
    """
    following = iter(lines)
    returned: deque[tuple[int, str]] = deque()
    while True:
        number, line = returned.popleft() if returned else next(following, (0, ""))
        if not number:
            return
        if line.__class__ is LongLine:
            yield number, line, []
        elif '"' not in line:
            if line and not line.isspace():
                yield number, line, dialect.plain_fields(line)
        else:
            try:
                yield number, line, dialect.quoted_fields(line) or dialect.fields(line)
            except OpenQuoteError:
                joined = _joined(line, dialect, returned, following)
                yield number, *(joined or (line, dialect.fields(line)))


def is_preamble(line: str) -> bool:
    """Return whether a line at the beginning of a file is a comment or Excel's `sep=;`."""
    return line.startswith(("#", "%")) or bool(_EXCEL_SEPARATOR.fullmatch(line.strip()))


def _joined(
    line: str,
    dialect: Dialect,
    returned: deque[tuple[int, str]],
    following: Iterator[tuple[int, str]],
) -> tuple[str, list[str]] | None:
    """Join a line whose quote stays open with those that follow; return text and fields.

    Lines that do not belong to it are put back into `returned`.
    """
    taken: list[tuple[int, str]] = []
    text = line
    while len(taken) < _MOST_JOINED and len(text) < LONGEST_LINE:
        number, more = returned.popleft() if returned else next(following, (0, ""))
        if not number:
            break
        taken.append((number, more))
        if more.__class__ is LongLine:
            break
        text += f"\n{more}"
        if '"' not in more:
            continue
        try:
            fields = dialect.quoted_fields(text)
        except OpenQuoteError:
            continue
        if fields:
            return text, fields
        break
    returned.extendleft(reversed(taken))
    return None


def _unquoted(field: str) -> str:
    """Remove quotes around a field, or a single one at its beginning."""
    text = field.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text[1:] if text.startswith('"') and text.count('"') == 1 else text
