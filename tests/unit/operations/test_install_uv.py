"""Installing uv, which builds the Python environments."""

import shutil
import subprocess
from pathlib import Path

import pytest

from operations import ROOT

SCRIPT = ROOT / "operations" / "install_uv.sh"
BROKEN_SHIM = "echo 'pyenv: python3: command not found' >&2; exit 127"
# Makes a folder whose Python writes down how it is called.
PYTHON = """
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$@" >"%s/called"\\n' "$3" >"$3/bin/python"
chmod +x "$3/bin/python"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder for PATH that has what the script needs, and neither Python nor uv."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("chmod", "dirname", "ln", "mkdir", "rm"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    program(folder / "id", "echo 1000")
    return folder


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def install(tools: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), str(tools.parent / "uv")],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_uv_is_installed_with_the_hashes_of_its_lock_file(tools: Path, tmp_path: Path) -> None:
    program(tools / "python3", PYTHON)

    install(tools)

    called = (tmp_path / "uv" / "called").read_text()
    assert "--require-hashes --requirement" in called
    assert Path(called.split()[-1]).samefile(ROOT / "requirements" / "uv.lock")


def test_nothing_of_an_earlier_attempt_is_kept(tools: Path, tmp_path: Path) -> None:
    half = tmp_path / "uv" / "half-installed"
    half.parent.mkdir()
    half.touch()
    program(tools / "python3", PYTHON)

    install(tools)

    assert not half.exists()


def test_without_a_python_that_runs_the_uv_on_the_path_is_used(tools: Path, tmp_path: Path) -> None:
    program(tools / "python3", BROKEN_SHIM)
    program(tools / "uv", "exit 0")

    install(tools)

    assert (tmp_path / "uv" / "bin" / "uv").samefile(tools / "uv")


def test_without_python_and_uv_one_sentence_says_what_to_install(tools: Path) -> None:
    done = install(tools)

    assert done.returncode == 1
    assert done.stderr.startswith("uv is needed, and no Python 3.8 or newer was found")
    assert len(done.stderr.splitlines()) == 1
