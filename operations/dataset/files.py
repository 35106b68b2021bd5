"""Files and folders that DATA names: on disk, or in an archive."""

import functools
import io
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from marquee.datasets import DatasetError

HEAD_BYTES = 1 << 16  # number of first bytes by which the content of a file is recognised
MOST_FILES = 50_000  # in one folder or archive; the Netflix Prize has 17,770
# Files that operating systems leave next to others.
_LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to read, on disk or in an archive.

    Attributes:
        name: the path below DATA, as messages show it.
        opened: opens the content for reading, from its beginning.
        path: where the file is on disk; None if it is in an archive.
    """

    name: str
    opened: Callable[[], BinaryIO]
    path: Path | None = None

    @property
    def plain_name(self) -> str:
        """The last part of the name in lower case, without `.gz`."""
        return self.name.rpartition("/")[2].lower().removesuffix(".gz")

    def head(self) -> bytes:
        """Return the first HEAD_BYTES bytes.

        Raises:
            OSError: if the file cannot be read.
        """
        with self.opened() as content:
            return content.read(HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on disk or in an archive, without hidden files.

    Attributes:
        files: the files in it.
        folders: functions that list the inner folders, by name.
        problems: what is wrong with the entries that cannot be read, by name.
    """

    files: tuple[DataFile, ...] = ()
    folders: Mapping[str, Callable[[], "Folder"]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def hidden(name: str) -> bool:
    """Return whether a name is that of a hidden file or of an operating system's leftovers."""
    return name.startswith((".", "_")) or name.lower() in _LEFTOVERS


def file_on_disk(path: Path, name: str) -> DataFile:
    """Return a file on disk.

    Raises:
        DatasetError: if the path is no regular file, or a link that leads nowhere.
    """
    if problem := _problem(path, name):
        raise DatasetError(problem)
    return DataFile(name, lambda: path.open("rb"), path)


def folder_on_disk(path: Path, within: str = "") -> Folder:
    """List a folder on disk; `within` begins the names of its files.

    Raises:
        DatasetError: if the folder cannot be listed or holds more than MOST_FILES entries.
    """
    files: list[DataFile] = []
    folders: dict[str, Callable[[], Folder]] = {}
    problems: dict[str, str] = {}
    for count, entry in enumerate(_entries(path), start=1):
        if count > MOST_FILES:
            raise DatasetError(
                f"{path} contains more than {MOST_FILES:,} files: name the folder that contains"
                " only the ratings"
            )
        name = f"{within}{entry.name}"
        if hidden(entry.name):
            continue
        if entry.is_dir():
            folders[entry.name] = functools.partial(folder_on_disk, entry, f"{name}/")
        elif problem := _problem(entry, name):
            problems[name] = problem
        else:
            files.append(file_on_disk(entry, name))
    return Folder(tuple(files), folders, problems)


def in_memory(name: str, content: bytes) -> DataFile:
    """Return a file whose content is `content`."""
    return DataFile(name, lambda: io.BytesIO(content))


def _entries(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be listed ({error.strerror}): make it readable, or name another folder"
        ) from error


def _problem(path: Path, name: str) -> str | None:
    """Return a sentence if the path is not a regular file; opening a pipe would wait forever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            return (
                f"{name} is a link to {path.readlink()}, which cannot be reached"
                f" ({error.strerror}): put the file itself there"
            )
        return f"{name} cannot be read ({error.strerror}): make it readable"
    if not stat.S_ISREG(mode):
        return f"{name} is neither a file nor a folder: name a folder or file of ratings"
    return None
