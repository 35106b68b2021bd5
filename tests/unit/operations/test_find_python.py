"""Finding a Python 3.13 that works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations import ROOT

SCRIPT = ROOT / "operations" / "find_python.sh"
# The script searches these by absolute path, so a test cannot hide them.
FIXED = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder without any Python."""
    return tmp_path


def find(home: Path, *path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script, not as root, with this home folder and these folders first on PATH."""
    tools = home / "tools"
    tools.mkdir(exist_ok=True)
    identity = tools / "id"
    identity.write_text("#!/bin/sh\necho 1000\n")
    identity.chmod(0o755)
    search = os.pathsep.join(map(str, [*path, tools]))
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        env={"HOME": str(home), "PATH": search, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def shim(folder: Path) -> Path:
    """Write a python3.13 that exits with 127, as a version manager's shim does."""
    folder.mkdir(parents=True)
    file = folder / "python3.13"
    file.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    file.chmod(0o755)
    return folder


def install(folder: Path) -> Path:
    """Put a working Python into a folder."""
    folder.mkdir(parents=True)
    base = Path(getattr(sys, "_base_executable", sys.executable))
    launcher = folder / "python3.13"
    launcher.write_text(f'#!/bin/sh\nexec "{base}" "$@"\n')
    launcher.chmod(0o755)
    return folder


def names_a_working_python(found: subprocess.CompletedProcess[str]) -> bool:
    asked = subprocess.run(
        [found.stdout.strip(), "-c", "import sys; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() == "(3, 13)"


def test_a_working_python_on_the_path_is_found(home: Path) -> None:
    assert names_a_working_python(find(home, install(home / "bin")))


@pytest.mark.parametrize(
    "where",
    [
        ".pyenv/versions/3.13.0/bin",
        ".asdf/installs/python/3.13.1/bin",
        ".local/share/mise/installs/python/3.13/bin",
        ".local/share/uv/python/cpython-3.13.2-linux-x86_64-gnu/bin",
    ],
)
def test_a_version_managers_own_python_is_found_where_its_shim_fails(
    home: Path, where: str
) -> None:
    install(home / where)

    assert names_a_working_python(find(home, shim(home / "shims")))


def test_the_python_named_by_the_variable_is_preferred(home: Path) -> None:
    named = install(home / "mine") / "python3.13"

    assert names_a_working_python(find(home, shim(home / "shims"), PYTHON=str(named)))


def test_without_a_python_one_sentence_says_what_to_install(home: Path) -> None:
    if any((Path(folder) / "python3.13").exists() for folder in FIXED):
        pytest.skip("this machine has a python3.13 where the script looks by absolute name")

    assert find(home, shim(home / "shims")).stderr.startswith("Python 3.13 is needed")


def test_without_a_python_the_script_fails(home: Path) -> None:
    if any((Path(folder) / "python3.13").exists() for folder in FIXED):
        pytest.skip("this machine has a python3.13 where the script looks by absolute name")

    assert find(home, shim(home / "shims")).returncode == 1
