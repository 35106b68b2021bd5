"""Child processes end with the process that started them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from tests.local_aws.conftest import REPOSITORY, until

PARENT = """
import sys, time
from pathlib import Path
from local_aws import child_processes

folder = Path(sys.argv[1])
child_processes.start_watchdog(folder / "watchdog.pid")
child = child_processes.spawn(["sh", "-c", "sleep 300 & echo $! > grandchild; wait"], cwd=folder)
(folder / "child").write_text(str(child.pid))
ended = child_processes.spawn(["true"])
ended.wait()
child_processes.forget(ended)
(folder / "ready").touch()
time.sleep(300)
"""


def alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(answer.stdout.strip()) and not answer.stdout.startswith("Z")


def test_children_and_grandchildren_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    until((tmp_path / "ready").exists, "the parent to be ready")
    until((tmp_path / "grandchild").exists, "the grandchild")
    family = [int((tmp_path / name).read_text()) for name in ("child", "grandchild")]
    watchdog = int((tmp_path / "watchdog.pid").read_text())
    assert all(alive(pid) for pid in (*family, watchdog))

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    until(lambda: not any(alive(pid) for pid in (*family, watchdog)), "the family to end")


def test_a_child_whose_parent_dies_while_starting_it_never_runs(tmp_path: Path) -> None:
    killed_before_registering = """
    import os, signal, sys
    from local_aws import child_processes

    child_processes.send_to_watchdog = lambda line: os.kill(os.getpid(), signal.SIGKILL)
    child_processes.spawn(["touch", sys.argv[1]])
    """
    trace = tmp_path / "ran"

    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(killed_before_registering), str(trace)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=False,
    )

    time.sleep(0.5)
    assert not trace.exists()
