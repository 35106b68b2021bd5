"""The files that are uploaded for the EMR cluster."""

import io
import sys
import zipfile
from pathlib import Path

import pytest

from operations.scripts import content_hash, imports_of, marquee_zip, travelling_modules


def test_a_module_that_needs_only_the_standard_library_and_numpy_is_packed() -> None:
    sources = {"marquee.model": "import json\nimport numpy as np\n"}

    assert travelling_modules(sources) == ["marquee.model"]


def test_a_module_that_needs_a_package_emr_lacks_is_not_packed() -> None:
    assert travelling_modules({"marquee.forms": "from pydantic import BaseModel\n"}) == []


def test_a_module_that_imports_one_that_is_not_packed_is_not_packed_either() -> None:
    sources = {
        "marquee.forms": "import pydantic\n",
        "marquee.registering": "from marquee.forms import VisitorForm\n",
        "marquee.answers": "from marquee import registering\n",
    }

    assert travelling_modules(sources) == []


def test_imports_inside_functions_count_too() -> None:
    assert "phonenumbers" in imports_of("def f():\n    import phonenumbers\n")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "marquee"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "contracts.py").write_text("VERSION = 1\n")
    (folder / "phone.py").write_text("import phonenumbers\n")
    return folder


def test_the_zip_holds_the_packed_modules_and_those_that_the_steps_share(package: Path) -> None:
    learning = package.parent / "learning"
    learning.mkdir()
    (learning / "data.py").write_text("import pyspark\n")
    with zipfile.ZipFile(io.BytesIO(marquee_zip(package, learning))) as archive:
        assert archive.namelist() == [
            "marquee/__init__.py",
            "marquee/contracts.py",
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


def test_every_packed_module_can_be_imported_without_the_packages_of_the_layer() -> None:
    with zipfile.ZipFile(io.BytesIO(marquee_zip())) as archive:
        modules = [name for name in archive.namelist() if name != "marquee/__init__.py"]
        imported = {
            module.split(".")[0]
            for name in modules
            for module in imports_of(archive.read(name).decode())
        }

    assert imported <= {*sys.stdlib_module_names, "numpy", "pyspark", "py4j", "marquee", "learning"}
