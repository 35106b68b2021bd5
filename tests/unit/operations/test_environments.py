"""Building the Python environments from their lock files."""

import venv
from pathlib import Path

import pytest

from operations import environments
from operations.environments import build_environment, is_built, packages_named, stamp_name
from operations.errors import OperationError

EMPTY_LOCK = "# nothing\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a work tree whose Python environment `emr` needs no package."""
    lock = tmp_path / environments.LOCKS["emr"]
    lock.parent.mkdir()
    lock.write_text(EMPTY_LOCK)
    return tmp_path


def test_a_changed_lock_has_another_stamp() -> None:
    assert stamp_name("numpy==2.5.0") != stamp_name("numpy==2.5.1")


def test_an_environment_with_the_stamp_of_its_lock_is_built(root: Path) -> None:
    folder = root / ".venvs" / "emr"
    folder.mkdir(parents=True)
    (folder / stamp_name(EMPTY_LOCK)).touch()

    assert is_built("emr", root)


def test_an_environment_with_the_stamp_of_another_lock_is_not_built(root: Path) -> None:
    folder = root / ".venvs" / "emr"
    folder.mkdir(parents=True)
    (folder / stamp_name("numpy==2.5.0")).touch()

    assert not is_built("emr", root)


def test_building_keeps_nothing_of_half_an_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = root / ".venvs" / "emr" / "lib" / "half-installed.txt"
    half.parent.mkdir(parents=True)
    half.touch()
    monkeypatch.setattr(environments, "_pip", lambda *_: "[]")

    build_environment("emr", root)

    assert not half.exists()


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a work tree whose Python environment could not be built, and the error message."""
    root = tmp_path_factory.mktemp("work-tree")
    lock = root / environments.LOCKS["emr"]
    lock.parent.mkdir()
    lock.write_text("not a requirement\n")
    with pytest.raises(OperationError) as said:
        build_environment("emr", root)
    return root, str(said.value)


def test_the_error_of_a_lock_that_pip_rejects_names_the_environment(
    refused: tuple[Path, str],
) -> None:
    assert refused[1].startswith("The Python environment emr could not be built: ERROR")


def test_an_environment_whose_build_failed_is_not_built(
    refused: tuple[Path, str],
) -> None:
    assert not is_built("emr", refused[0])


def test_building_removes_packages_that_the_lock_no_longer_names(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / ".venvs" / "emr"
    venv.create(folder, with_pip=False)
    (folder / stamp_name("left-over==1.0")).touch()
    (root / environments.LOCKS["emr"]).write_text("Kept_Package==1.0\n")
    calls: list[tuple[str, ...]] = []

    def pip(_: Path, *arguments: str) -> str:
        calls.append(arguments)
        names = ["pip", "kept-package", "left-over"]
        return str([{"name": name} for name in names]).replace("'", '"')

    monkeypatch.setattr(environments, "_pip", pip)

    build_environment("emr", root)

    assert calls[-1] == ("uninstall", "--yes", "left-over")


def test_packages_of_a_lock_are_read_with_extras_markers_and_hashes() -> None:
    lock = (
        "aws_lambda.powertools[all]==3.37.0 \\\n    --hash=sha256:0\n"
        "numpy==2.5.0 ; python_version >= '3.13' \\\n    --hash=sha256:1\n    # via -r emr.in\n"
    )

    assert packages_named(lock) == {"aws-lambda-powertools", "numpy"}


def test_building_without_names_leaves_out_environments_built_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[str] = []
    monkeypatch.setattr(environments, "build_missing", built.extend)

    environments.main([])

    assert built
    assert not set(built) & set(environments.ON_DEMAND)


def test_an_environment_built_on_demand_is_built_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[str] = []
    monkeypatch.setattr(environments, "build_missing", built.extend)

    environments.main(["benchmarks"])

    assert built == ["benchmarks"]
