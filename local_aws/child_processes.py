"""Child processes of the emulator (functions, Spark steps) that never outlive it.

Each child leads its own session. A watchdog process holds the read end of a pipe, and only the
emulator holds the write end. However the emulator ends, `kill -9` included, the pipe closes and the
watchdog kills every session registered with it. PR_SET_PDEATHSIG would not work: it fires when the
*thread* that created the child ends, and the emulator uses short-lived threads.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

BACKGROUND = 5  # niceness of work that no caller waits for: a third of other work's CPU share
LOCK = threading.Lock()
WATCHDOG_PIPES: list[IO[bytes]] = []


def start_watchdog(pid_file: Path) -> int:
    """Start this process's watchdog; return its process id and write it to `pid_file`."""
    watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert watchdog.stdin is not None  # noqa: S101  asked for a pipe above
    WATCHDOG_PIPES[:] = [watchdog.stdin]
    pid_file.write_text(f"{watchdog.pid}\n")
    return watchdog.pid


def spawn(command: list[str], niceness: int = 0, **options: Any) -> subprocess.Popen[bytes]:
    """Start `command` in its own session and register the session with the watchdog.

    A shell waits for a line on its standard input before it executes the command. The line is sent
    after the registration, so if this process is killed in between, the command never runs.

    Args:
        command: the program and its arguments.
        niceness: added to this process's niceness; a higher value means a lower priority.
        options: options of Popen.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'read -r _ && exec nice -n {niceness} "$@" </dev/null', "sh", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    send_to_watchdog(f"+{process.pid}\n")
    assert process.stdin is not None  # noqa: S101  asked for a pipe above
    with contextlib.suppress(BrokenPipeError):  # the child has already been killed
        process.stdin.write(b"go\n")
        process.stdin.close()
    return process


def end_child(process: subprocess.Popen[bytes], sign: int = signal.SIGKILL) -> None:
    """Send signal `sign` to the child's whole session; after SIGKILL, wait for the child to end."""
    end_session(process.pid, sign)
    if sign == signal.SIGKILL:
        process.wait()
        forget(process)


def spawn_and_forget(command: list[str], **options: Any) -> None:
    """Start `command` in the background without waiting for it to end (options of Popen)."""
    process = spawn(command, **options)

    def reap() -> None:
        process.wait()
        forget(process)

    threading.Thread(target=reap, daemon=True).start()


def forget(process: subprocess.Popen[bytes]) -> None:
    """Deregister a child that has ended from the watchdog."""
    send_to_watchdog(f"-{process.pid}\n")


def send_to_watchdog(line: str) -> None:
    """Write one line to the watchdog, if one is running."""
    with LOCK:
        for pipe in WATCHDOG_PIPES:
            pipe.write(line.encode())
            pipe.flush()


def end_session(leader: int, sign: int) -> None:
    """Signal the leader's process group and, where /proc exists, every process of its session.

    PySpark's worker daemon leaves its parent's process group but stays in its session.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sign)
    for member in session_members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, sign)


def session_members(leader: int) -> list[int]:
    """Return the process ids of the session `leader`, from /proc (none on systems without it)."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The command name may contain spaces. After it: state, parent, group, session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                members.append(int(entry.name))
    return members


def watch(pipe: IO[str]) -> None:
    """Run the watchdog: keep the list of sessions, and kill them all when the pipe closes.

    Args:
        pipe: the pipe from the emulator; each line is `+<pid>` to register a session or `-<pid>`
            to deregister it.
    """
    sessions: set[int] = set()
    for line in pipe:
        pid = int(line[1:])
        if line.startswith("+"):
            sessions.add(pid)
        else:
            sessions.discard(pid)
    for session in sessions:
        end_session(session, signal.SIGKILL)


if __name__ == "__main__":
    # Ctrl-C and a closing shell are for the emulator; the watchdog ends after the emulator.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    watch(sys.stdin)
