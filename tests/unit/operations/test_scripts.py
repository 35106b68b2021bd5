"""The files that are uploaded for the EMR cluster."""

import io
import zipfile
from pathlib import Path

import pytest

from operations.scripts import content_hash, marquee_zip


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "marquee"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "contracts.py").write_text("VERSION = 1\n")
    for room in ("recommender", "requests"):
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("")
    return folder


def test_the_zip_holds_the_packed_modules_and_those_that_the_steps_share(package: Path) -> None:
    learning = package.parent / "learning"
    learning.mkdir()
    (learning / "data.py").write_text("import pyspark\n")
    with zipfile.ZipFile(io.BytesIO(marquee_zip(package, learning))) as archive:
        assert archive.namelist() == [
            "marquee/__init__.py",
            "marquee/contracts.py",
            "marquee/recommender/__init__.py",
            "learning/data.py",
        ]


def test_untouched_sources_make_the_same_zip_to_the_byte(package: Path) -> None:
    first = marquee_zip(package)
    (package / "contracts.py").touch()

    assert marquee_zip(package) == first


def test_a_changed_script_changes_the_prefix() -> None:
    assert content_hash({"train.py": b"1"}) != content_hash({"train.py": b"2"})


def test_the_order_of_scripts_does_not_change_the_prefix() -> None:
    files = {"train.py": b"1", "prepare.py": b"2"}

    assert content_hash(files) == content_hash(dict(reversed(files.items())))
