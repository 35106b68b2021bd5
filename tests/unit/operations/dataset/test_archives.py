"""Opening archives, and refusing those that cannot be opened or would do harm."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from marquee.datasets import DatasetError
from operations.dataset import archives
from operations.dataset.files import file_on_disk
from tests.unit.operations.dataset.made import GOOD, MOVIES, RATINGS, put, read


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, str | bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def inner(files: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    return {f"ml-x/{name}": content for name, content in files.items()}


PACKED = {
    "zip": ("ml-x.zip", zipped(inner(GOOD))),
    "zip without a folder": ("ml-x.zip", zipped(GOOD)),
    "zip with backslashes": ("ml-x.zip", zipped({rf"ml-x\{n}": c for n, c in GOOD.items()})),
    "zip with another name": ("download", zipped(inner(GOOD))),
    "tar": ("ml-x.tar", tarred(inner(GOOD))),
    "tar.gz": ("ml-x.tar.gz", tarred(inner(GOOD), "w:gz")),
    "zip in a zip": ("all.zip", zipped({"ml-x.zip": zipped(inner(GOOD))})),
    "tar in a zip": ("all.zip", zipped({"ml-x.tar": tarred(inner(GOOD))})),
    "tar.gz in a tar": ("all.tar", tarred({"ml-x.tgz": tarred(inner(GOOD), "w:gz")})),
    "gzipped files in a zip": (
        "ml-x.zip",
        zipped({f"{n}.gz": gzip.compress(str(c).encode()) for n, c in GOOD.items()}),
    ),
    "zip of a Mac": (
        "ml-x.zip",
        zipped({**inner(GOOD), "__MACOSX/ml-x/._ratings.csv": b"\0\5\x16\7", ".DS_Store": b"\0"}),
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_an_archive_that_is_named_is_opened(tmp_path: Path, name: str) -> None:
    file, content = PACKED[name]
    assert read(put(tmp_path, {file: content}) / file).report.ratings == 3


@pytest.mark.parametrize("name", PACKED)
def test_the_only_archive_of_a_folder_is_opened(tmp_path: Path, name: str) -> None:
    file, content = PACKED[name]
    assert read(put(tmp_path, {file: content})).report.ratings == 3


@pytest.mark.parametrize("name", ["ratings.csv.gz", "ratings.csv"])
def test_a_gzipped_file_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    put(tmp_path, {name: gzip.compress(RATINGS.encode()), "movies.csv": MOVIES})
    assert read(tmp_path).report.ratings == 3
    assert read(tmp_path / name).report.ratings == 3


def test_a_member_with_a_path_out_of_the_archive_is_not_read(tmp_path: Path) -> None:
    files = {**GOOD, "../movies.csv": "x", "/etc/made-up": "x", "a/../../b": "x"}
    put(tmp_path, {"ml.zip": zipped(files), "ml.tar": tarred(files)})
    for name in ("ml.zip", "ml.tar"):
        found = read(tmp_path / name)
        assert found.report.ratings == 3
        assert {"../movies.csv", "a/../../b"} <= set(found.report.ignored)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ml.tar", "ml.zip"]


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    made = io.BytesIO(tarred({"movies.csv": MOVIES}))
    with tarfile.open(fileobj=made, mode="a") as archive:
        link = tarfile.TarInfo("ratings.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    put(tmp_path, {"ml.tar": made.getvalue()})
    with pytest.raises(DatasetError, match=r"found no ratings in ml\.tar/movies\.csv"):
        read(tmp_path / "ml.tar")


def test_what_was_unpacked_is_deleted(tmp_path: Path) -> None:
    put(tmp_path, {"all.zip": PACKED["tar in a zip"][1]})
    workplace = tmp_path / "workplace"
    with archives.Archives(workplace) as opened:
        folder = opened.open(file_on_disk(tmp_path / "all.zip", "all.zip"))
        opened.open(folder.files[0])
        assert len(list(workplace.rglob("*"))) == 2
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ml.7z", b"7z\xbc\xaf\x27\x1c\0\4", "ml.7z is a 7-Zip archive.*unpack it, and name"),
        ("ml.rar", b"Rar!\x1a\x07\x01\0", "ml.rar is a RAR archive"),
        ("ml.tar.bz2", b"BZh91AY&SY", "ml.tar.bz2 is a bzip2 archive"),
        ("ml.csv.xz", b"\xfd7zXZ\0", "ml.csv.xz is an xz archive"),
        ("ml.zst", b"\x28\xb5\x2f\xfd", "ml.zst is a Zstandard archive"),
        ("ratings.xlsx", zipped({"xl/workbook.xml": "<x/>"}), "an Excel workbook: export it as"),
        ("ratings.ods", zipped({"content.xml": "<x/>"}), "is an OpenDocument file"),
        ("ratings.parquet", b"PAR1\0\0", "is a Parquet file: export it as CSV"),
        ("ratings.db", b"SQLite format 3\0", "is an SQLite database"),
        ("ratings.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        ("ratings.bin", bytes(range(256)), "ratings.bin is a binary file"),
        ("ratings.json", b'[{"userId": 1}]', "is JSON: convert it to CSV with the columns userId"),
        ("ml.zip", zipped(GOOD)[:200], "ml.zip is damaged .*download or pack it again"),
        ("ratings.csv.gz", gzip.compress(b"x" * 99, mtime=0)[:20], "is damaged"),
    ],
)
def test_other_formats_are_refused_by_their_own_name(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    put(tmp_path, {name: content})
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(DatasetError, match=message):
            read(path)


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"ratings.csv": RATINGS}))
    content[6] |= 1  # the local header's flag
    content[content.index(b"PK\1\2") + 8] |= 1  # the central directory's
    put(tmp_path, {"ml.zip": bytes(content)})
    with pytest.raises(DatasetError, match=r"ml\.zip needs a password"):
        read(tmp_path / "ml.zip")


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [
        ("MOST_FILES", 1, "contains more than 1 files"),
        ("MOST_BYTES", 10, "holds more than 0 GiB"),
        ("MOST_TIMES", 1, "grows more than 1 times when unpacked"),
    ],
)
@pytest.mark.parametrize("name", ["ml.zip", "ml.tar.gz"])
def test_an_archive_beyond_a_bound_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    bound: str,
    value: int,
    message: str,
) -> None:
    files = {"ratings.csv": RATINGS * 400, "movies.csv": MOVIES}
    put(tmp_path, {"ml.zip": zipped(files), "ml.tar.gz": tarred(files, "w:gz")})
    monkeypatch.setattr(archives, bound, value)
    monkeypatch.setattr(archives, "_SMALL", 100)
    with pytest.raises(DatasetError, match=f"ml.* {message}: unpack it yourself if you trust it"):
        read(tmp_path / name)


def test_a_gzipped_file_beyond_the_bound_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"ratings.csv.gz": gzip.compress(b"0" * 3_000_000), "movies.csv": MOVIES})
    monkeypatch.setattr(archives, "_SMALL", 100)
    with pytest.raises(DatasetError, match="grows more than 200 times"):
        read(tmp_path)


def test_an_archive_that_does_not_fit_on_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"all.zip": PACKED["tar in a zip"][1]})
    monkeypatch.setattr(archives, "_FREE_BYTES", 2**62)
    with pytest.raises(DatasetError, match=r"does not fit on the disk .*free some space"):
        read(tmp_path / "all.zip")


def test_archives_within_archives_end_at_a_depth(tmp_path: Path) -> None:
    content = zipped(GOOD)
    for _ in range(8):
        content = zipped({"inner.zip": content})
    put(tmp_path, {"all.zip": content})
    with pytest.raises(DatasetError, match=r"found no ratings in .*inner.zip is an archive"):
        read(tmp_path / "all.zip")
