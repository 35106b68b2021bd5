"""The bootstrap script of the EMR nodes, with the node's commands replaced by recorders."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "terraform" / "bootstrap" / "install.sh"
WHEELS_URL = "s3://artifacts/bootstrap/wheels/"
RECORDER = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n'


@dataclass
class Node:
    """A fake EMR node: the folder of its commands, that of its libraries, and the calls made."""

    commands: Path
    libraries: Path
    calls: Path

    def command(self, name: str, then: str = "") -> None:
        path = self.commands / name
        path.write_text(RECORDER + then)
        path.chmod(0o755)

    def boot(self) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.commands}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "LIBRARIES": str(self.libraries),
            "MARQUEE_PYTHON": str(self.commands / "python3.13"),
            "MARQUEE_LIBRARY_DIRECTORY": str(self.libraries),
            "MARQUEE_TMPFILES_DIRECTORY": str(self.libraries),
        }
        return subprocess.run(
            [str(SCRIPT), WHEELS_URL], env=environment, capture_output=True, text=True, check=False
        )

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    commands, libraries = tmp_path / "bin", tmp_path / "lib64"
    commands.mkdir()
    libraries.mkdir()
    node = Node(commands, libraries, tmp_path / "calls")
    node.command("aws", 'for last in "$@"; do :; done; touch "$last/requirements.txt"\n')
    node.command("python3.13")
    node.command("dnf", 'touch "$LIBRARIES/libopenblasp-r0.so.0" "$LIBRARIES/libopenblas.so.0"\n')
    node.command("sudo", 'exec "$@"\n')
    return node


def test_python_packages_come_from_the_wheels_only_and_by_their_hashes(
    node: Node,
) -> None:
    assert node.boot().returncode == 0
    installed = next(call for call in node.called if "pip install" in call)
    assert "--no-index" in installed
    assert "--require-hashes" in installed


def test_old_logs_of_steps_and_containers_are_deleted_on_a_long_lived_node(
    node: Node,
) -> None:
    assert node.boot().returncode == 0
    rules = (node.libraries / "marquee-logs.conf").read_text().splitlines()
    assert [rule.split() for rule in rules] == [
        ["e", folder, "-", "-", "-", "14d"]
        for folder in ("/mnt/var/log/hadoop/steps", "/mnt/var/log/hadoop-yarn/containers")
    ]


def test_mllib_finds_openblas_under_the_names_it_loads(node: Node) -> None:
    node.boot()
    linked = {
        name: (node.libraries / name).readlink().name for name in ("libblas.so.3", "liblapack.so.3")
    }
    assert linked == {"libblas.so.3": "libopenblas.so.0", "liblapack.so.3": "libopenblas.so.0"}


def test_a_blas_that_the_node_already_has_is_left_alone(node: Node) -> None:
    (node.libraries / "libblas.so.3").write_text("the node's own")
    node.boot()
    assert (node.libraries / "libblas.so.3").read_text() == "the node's own"


def test_a_python_that_cannot_import_its_packages_fails_the_node_with_one_sentence(
    node: Node,
) -> None:
    node.command("python3.13", '[[ "$*" == "-c import numpy, pyarrow" ]] && exit 1 || exit 0\n')
    booted = node.boot()
    assert booted.returncode == 1
    assert "cannot import numpy and pyarrow" in booted.stderr


def test_missing_wheels_fail_the_node_with_one_sentence(node: Node) -> None:
    node.command("aws")
    booted = node.boot()
    assert booted.returncode == 1
    assert booted.stderr.startswith(f"No requirements.txt under {WHEELS_URL}")


def test_a_node_without_openblas_still_starts(node: Node) -> None:
    node.command("dnf", "exit 1\n")
    booted = node.boot()
    assert booted.returncode == 0
    assert "OpenBLAS is not installed" in booted.stderr


def test_pip_is_installed_first_where_python_lacks_it(node: Node) -> None:
    node.command("python3.13", '[[ "$*" == "-m pip --version" ]] && exit 1 || exit 0\n')
    node.boot()
    called = node.called
    assert called.index("dnf install --assumeyes --quiet python3.13-pip") < next(
        position for position, call in enumerate(called) if "pip install --no-index" in call
    )
