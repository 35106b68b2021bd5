"""Read the lines of a file: encodings are recognised by content, line endings may be of any kind.

Memory is bounded, however long the file or a line is.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from marquee.datasets import DatasetError
from operations.dataset.archives import DAMAGED, damaged
from operations.dataset.files import HEAD_BYTES, DataFile, in_memory

LONGEST_LINE = 100_000  # characters
_LONGEST_BYTES = 4 * LONGEST_LINE
_BLOCK_BYTES = 1 << 20
_SHOWN = 200  # characters of a line that is too long

UTF_8, LATIN_1, WINDOWS = "UTF-8", "Latin-1", "Windows-1252"
# The mark of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# These bytes are control characters in Latin-1 and punctuation in Windows-1252.
_WINDOWS_BYTES = bytes(range(0x80, 0xA0))


class LongLine(str):
    """The beginning of a line that is longer than LONGEST_LINE."""

    __slots__ = ()


def wide_encoding(head: bytes) -> str | None:
    """Return the encoding if a file's first bytes show UTF-16 or UTF-32, else None.

    Without a byte-order mark, text in UTF-16 shows by zeros in every other byte.
    """
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if half and max(even, odd) > half * 0.4 and min(even, odd) < half * 0.1:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


class Lines:
    """The lines of a file, numbered from 1; after reading, `encodings` are those that occurred."""

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self.encodings: set[str] = set()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield the number and the text of each line; a too long line becomes a LongLine.

        Raises:
            DatasetError: if the file cannot be read, or the archive that contains it is damaged.
        """
        number = 0
        for block in self._blocks():
            text = self._decode(block)
            if number == 0:
                text = text.removeprefix("\ufeff")
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            if not lines[-1]:
                lines.pop()
            for line in lines:
                number += 1
                if len(line) > LONGEST_LINE:
                    yield number, LongLine(line[:_SHOWN])
                else:
                    yield number, line

    def _blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks that end with a line, in an extension of ASCII."""
        try:
            with self._file.opened() as content:
                yield from _ending_with_lines(self._extending_ascii(content))
        except DAMAGED as error:
            raise damaged(self._file.name, error) from error
        except OSError as error:
            raise DatasetError(
                f"{self._file.name} cannot be read ({error.strerror or error}): make it readable"
            ) from error

    def _extending_ascii(self, content: BinaryIO) -> Iterator[bytes]:
        first = content.read(_BLOCK_BYTES)
        encoding = wide_encoding(first[:HEAD_BYTES])
        blocks = _all_blocks(first, content)
        if encoding is None:
            yield from blocks
            return
        self.encodings.add(encoding.upper())
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "replace")

    def _decode(self, block: bytes) -> str:
        try:
            return block.decode()
        except UnicodeDecodeError:
            return "".join(self._decode_line(line) for line in block.splitlines(keepends=True))

    def _decode_line(self, line: bytes) -> str:
        """Decode a line of a file that is not all in UTF-8, such as two files put together."""
        try:
            return line.decode()
        except UnicodeDecodeError:
            pass
        if line.translate(None, _WINDOWS_BYTES) != line:
            try:
                text = line.decode("cp1252")
            except UnicodeDecodeError:
                pass
            else:
                self.encodings.add(WINDOWS)
                return text
        self.encodings.add(LATIN_1)
        return line.decode("latin-1")


def first_lines(file: DataFile, head: bytes) -> list[tuple[int, str]]:
    """Return the complete lines of a file's first bytes, `head`."""
    lines = list(Lines(in_memory(file.name, head)))
    return lines[:-1] if len(head) >= HEAD_BYTES and len(lines) > 1 else lines


def _all_blocks(first: bytes, content: BinaryIO) -> Iterator[bytes]:
    yield first
    while block := content.read(_BLOCK_BYTES):
        yield block


def _ending_with_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    carried = b""
    for block in blocks:
        text = carried + block
        # A final \r may be the first half of \r\n.
        end = max(text.rfind(b"\n"), text.rfind(b"\r", 0, len(text) - 1)) + 1
        if end:
            yield text[:end]
        carried = text[end:]
        if len(carried) > _LONGEST_BYTES:
            # What is missing does not matter: the line is too long already.
            carried = carried[:_LONGEST_BYTES].decode("utf-8", "ignore").encode()
            carried += b" " * (_LONGEST_BYTES - len(carried))
    if carried:
        yield carried
