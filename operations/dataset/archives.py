"""Open archives: zip, gzip, tar and tar.gz, bounded in size, number of files and depth.

A member's name never becomes a path on disk: members are read from the archive itself, and what has
to be unpacked first gets a file name of our own in a temporary folder.
"""

import gzip
import io
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self, cast

from marquee.datasets import DatasetError
from operations.dataset.files import HEAD_BYTES, MOST_FILES, DataFile, Folder, hidden

MOST_BYTES = 50 * 1024**3  # unpacked; the Netflix Prize has 2 GiB
MOST_TIMES = 200  # unpacked size divided by packed size; ratings reach about 10
_SMALL = 100 * 1024**2  # bytes below which the ratio does not matter: it does no harm
_FREE_BYTES = 1024**3  # space that unpacking leaves on the disk
_COPIED = 1 << 20  # bytes

_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"PK\x05\x06": "an empty zip archive",
    b"PK\x07\x08": "a zip archive in several parts",
}
_CONVERT = "export it as CSV, and name that file"
_DOCUMENTS = {
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF document",
    b"\x80\x04\x95": "a Python pickle",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
}
_IN_ZIP = {
    "xl/": "an Excel workbook",
    "word/": "a Word document",
    "content.xml": "an OpenDocument file",
}
# What Python's modules raise while they read a damaged archive.
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


def is_archive(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a zip, tar or tar.gz."""
    return head.startswith(_ZIP) or _is_tar(head) or _is_tar(_unzipped(head))


def is_gzip(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of one gzipped file."""
    return head.startswith(_GZIP) and not _is_tar(_unzipped(head))


def not_supported(head: bytes) -> str | None:
    """Return what a file is and what to do about it, if its first bytes name such a format."""
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            return f"is {kind}, which cannot be opened here: unpack it, and name the folder"
    for magic, kind in _DOCUMENTS.items():
        if head.startswith(magic):
            return f"is {kind}: {_CONVERT}"
    return None


def unzipped(file: DataFile) -> DataFile:
    """Return the content of a gzipped file as a file of the same name."""

    def opened() -> BinaryIO:
        packed = file.path.stat().st_size if file.path else MOST_BYTES
        content = _Bounded(file.opened(), file.name, packed)
        return cast(BinaryIO, io.BufferedReader(content, _COPIED))

    return DataFile(file.name, opened)


class Archives:
    """Opens archives and keeps them open; unpacked files vanish when the context ends."""

    def __init__(self, workplace: Path) -> None:
        self._workplace = workplace
        self._stack = ExitStack()
        self._unpacked = 0
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, file: DataFile) -> Folder:
        """Return the content of a zip, tar or tar.gz as a folder.

        Raises:
            DatasetError: if the archive is damaged, encrypted or too large, or holds a document.
        """
        try:
            head = file.head()
            return self._zip(file) if head.startswith(_ZIP) else self._tar(file, head)
        except (*DAMAGED, NotImplementedError) as error:
            raise damaged(file.name, error) from error
        except OSError as error:
            raise DatasetError(f"{file.name} cannot be read ({error.strerror or error})") from error

    def _zip(self, file: DataFile) -> Folder:
        archive = self._stack.enter_context(zipfile.ZipFile(self._on_disk(file)))
        members = [info for info in archive.infolist() if not info.is_dir()]
        for start, kind in _IN_ZIP.items():
            if any(info.filename.startswith(start) for info in members):
                raise DatasetError(f"{file.name} is {kind}: {_CONVERT}")
        if any(info.flag_bits & 1 for info in members):
            raise DatasetError(
                f"{file.name} needs a password: unpack it yourself, and name the folder"
            )
        packed = sum(info.compress_size for info in members)
        _bound(file.name, len(members), sum(info.file_size for info in members), packed)

        def opener(info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
            return lambda: cast(BinaryIO, archive.open(info))

        return _tree(file.name, ((info.filename, opener(info)) for info in members))

    def _tar(self, file: DataFile, head: bytes) -> Folder:
        plain = unzipped(file) if head.startswith(_GZIP) else file
        path = self._on_disk(plain)
        archive = self._stack.enter_context(tarfile.open(path, "r:"))  # noqa: SIM115
        members: list[tarfile.TarInfo] = []
        size = 0
        for member in archive:
            # Links and devices have no content of their own and could lead out of the archive.
            if member.isreg():
                members.append(member)
                size += member.size
                _bound(file.name, len(members), size)

        def opener(member: tarfile.TarInfo) -> Callable[[], BinaryIO]:
            return lambda: cast(BinaryIO, archive.extractfile(member))

        return _tree(file.name, ((member.name, opener(member)) for member in members))

    def _on_disk(self, file: DataFile) -> Path:
        """Return the path of a file; one in an archive is unpacked into a temporary folder."""
        if file.path:
            return file.path
        if self._folder is None:
            self._workplace.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = tempfile.TemporaryDirectory(prefix="unpacked-", dir=self._workplace)
            self._folder = Path(self._stack.enter_context(made))
        self._unpacked += 1
        path = self._folder / f"{self._unpacked}"
        with file.opened() as content, path.open("wb") as copy:
            while block := content.read(_COPIED):
                if shutil.disk_usage(self._folder).free < _FREE_BYTES:
                    raise DatasetError(
                        f"{file.name} does not fit on the disk of {self._workplace} when unpacked:"
                        " free some space, or unpack it elsewhere and name the folder"
                    )
                copy.write(block)
        return path


def damaged(name: str, error: Exception) -> DatasetError:
    """Return the error that says that an archive cannot be read to its end."""
    return DatasetError(f"{name} is damaged ({error}): download or pack it again")


class _Bounded(io.RawIOBase):
    """A gzip stream that fails once it has grown beyond the bounds."""

    def __init__(self, packed_content: BinaryIO, name: str, packed: int) -> None:
        super().__init__()
        self._packed_content = packed_content
        self._content = gzip.GzipFile(fileobj=packed_content)
        self._name = name
        self._packed = packed
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._content.read(len(buffer))
        self._read += len(block)
        _bound(self._name, 1, self._read, self._packed)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._packed_content.close()
        super().close()


def _bound(name: str, count: int, size: int, packed: int | None = None) -> None:
    advice = "unpack it yourself if you trust it, and name the folder"
    if count > MOST_FILES:
        raise DatasetError(f"{name} contains more than {MOST_FILES:,} files: {advice}")
    if size > MOST_BYTES:
        raise DatasetError(f"{name} holds more than {MOST_BYTES >> 30} GiB: {advice}")
    if packed is not None and size > _SMALL and size > MOST_TIMES * packed:
        raise DatasetError(f"{name} grows more than {MOST_TIMES} times when unpacked: {advice}")


def _tree(archive: str, members: Iterable[tuple[str, Callable[[], BinaryIO]]]) -> Folder:
    """Arrange the members of an archive in folders by their names."""
    files: list[DataFile] = []
    inner: dict[str, list[tuple[str, Callable[[], BinaryIO]]]] = {}
    problems: dict[str, str] = {}
    for name, opened in members:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or ".." in parts or parts[0] == "/":
            problems[name] = f"{name!r} in {archive} leads out of the archive"
        elif not hidden(parts[0]):
            if len(parts) == 1:
                files.append(DataFile(f"{archive}/{parts[0]}", opened))
            else:
                inner.setdefault(parts[0], []).append(("/".join(parts[1:]), opened))

    def lister(name: str) -> Callable[[], Folder]:
        return lambda: _tree(f"{archive}/{name}", inner[name])

    ordered = tuple(sorted(files, key=lambda file: file.name))
    return Folder(ordered, {name: lister(name) for name in sorted(inner)}, problems)


def _unzipped(head: bytes) -> bytes:
    """Return the beginning of a gzipped file's content; nothing if it is not gzipped."""
    if not head.startswith(_GZIP):
        return b""
    try:
        return zlib.decompressobj(31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"
