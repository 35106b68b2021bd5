"""Children of the emulator's process (functions, Spark steps) that never outlive it.

Each child leads a session of its own. A watchdog process holds the read end of a pipe whose only
write end is the emulator's: however the emulator ends, kill -9 included, the pipe closes and the
watchdog ends every session it was told of. (PR_SET_PDEATHSIG would not do: it fires when the
*thread* that made the child ends, and the emulator works in short-lived threads.)
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

BACKGROUND = 5  # niceness of work that nobody waits for while it runs: a third of the others' share
LOCK = threading.Lock()
TOLD: list[IO[bytes]] = []


def start_watchdog(pid_file: Path) -> int:
    """Start the watchdog of this process; its process id is returned and written to `pid_file`."""
    watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert watchdog.stdin is not None  # noqa: S101  asked for a pipe above
    TOLD[:] = [watchdog.stdin]
    pid_file.write_text(f"{watchdog.pid}\n")
    return watchdog.pid


def spawn(command: list[str], niceness: int = 0, **options: Any) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, known to the watchdog (options of Popen).

    `niceness` is added to this process's own: the higher, the more it gives way to others.
    The command waits for a line until the watchdog knows of it: if this process is killed in
    between, the line never comes and the command never runs.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'read -r _ && exec nice -n {niceness} "$@" </dev/null', "sh", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    tell(f"+{process.pid}\n")
    assert process.stdin is not None  # noqa: S101  asked for a pipe above
    with contextlib.suppress(BrokenPipeError):  # it was ended already
        process.stdin.write(b"go\n")
        process.stdin.close()
    return process


def end(process: subprocess.Popen[bytes], sign: int = signal.SIGKILL) -> None:
    """Send `sign` to all of the child's session; with SIGKILL, also wait for the child."""
    end_session(process.pid, sign)
    if sign == signal.SIGKILL:
        process.wait()
        forget(process)


def spawn_and_forget(command: list[str], **options: Any) -> None:
    """Run `command` in the background, nobody waiting for it (options of Popen)."""
    process = spawn(command, **options)

    def reap() -> None:
        process.wait()
        forget(process)

    threading.Thread(target=reap, daemon=True).start()


def forget(process: subprocess.Popen[bytes]) -> None:
    """Tell the watchdog that this child has ended."""
    tell(f"-{process.pid}\n")


def tell(line: str) -> None:
    """Write one line to the watchdog, where there is one."""
    with LOCK:
        for pipe in TOLD:
            pipe.write(line.encode())
            pipe.flush()


def end_session(leader: int, sign: int) -> None:
    """Signal the leader's process group and, where /proc tells, every group of its session.

    PySpark's worker daemon leaves its parent's process group, but not its session.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sign)
    for member in session_members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, sign)


def session_members(leader: int) -> list[int]:
    """Process ids of the session `leader`, from /proc (none on systems without it)."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # fields after the command's name, which may hold spaces: state, parent, group, session
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                members.append(int(entry.name))
    return members


def watch(told: IO[str]) -> None:
    """The watchdog: keep the list of sessions, and end them all when the pipe closes."""
    sessions: set[int] = set()
    for line in told:
        pid = int(line[1:])
        if line.startswith("+"):
            sessions.add(pid)
        else:
            sessions.discard(pid)
    for session in sessions:
        end_session(session, signal.SIGKILL)


if __name__ == "__main__":
    # the terminal's Ctrl-C and a stopping shell are the emulator's business
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    watch(sys.stdin)
