"""Starts and stops the one emulator process of a state folder."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

from local_aws import emulator
from local_aws.installation import PACKAGE, REPOSITORY, Installation, find_installation

START_SECONDS = 60
# The emulator's own shutdown waits for every open poll. Its state is lost anyway and the watchdog
# ends its children, so it is killed soon.
STOP_SECONDS = 2
LOG = "local_aws.log"
# An empty file that the X-Ray SDK creates in every function, at this path whatever TMPDIR says.
XRAY_MARKER = Path("/tmp/.aws-xray/initialized")  # noqa: S108
RECORD = "local_aws.json"
PRIVATE = 0o700  # only the owner has access to the folder
MODULE = "local_aws.runtime"
WATCHDOG = str(PACKAGE / "child_processes.py")
# The access key of the account's root user. Operators' tools and tests sign their calls with it.
OPERATOR_ACCESS_KEY = "test"
# The only variables of the caller's environment that reach the emulator: settings that an operator
# or a test may choose. So no real AWS credentials can reach it.
PASSED_THROUGH = (
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RETRY_BASE_DELAY",
    "LS_LOG",
    "MARQUEE_EMR_THROTTLING",
    "LANG",
    "PATH",
)


class LauncherError(Exception):
    """The local AWS cannot start or stop; the message gives the cause and the remedy."""


@dataclass(frozen=True)
class RunningLocalAws:
    """A running local AWS, as recorded in its state folder."""

    pid: int
    port: int
    endpoint: str
    emulator: str = "localstack"  # old records lack this field; all of them are about LocalStack

    def sentence(self) -> str:
        """Return one sentence that describes it, for the terminal."""
        title = emulator.EMULATORS[self.emulator].title
        return f"The local AWS runs at {self.endpoint} ({title}, process {self.pid})."


def start(port: int, state: Path) -> str:
    """Start the local AWS and return once every plugin answers.

    Does nothing if the local AWS of this state folder already runs the same emulator on this port.

    Args:
        port: the port on loopback.
        state: the folder of its state.

    Returns:
        A sentence for the terminal.

    Raises:
        LauncherError: if it cannot start, or if it already runs on another port or with another
            emulator.
    """
    make_private(state)
    chosen = emulator.chosen_emulator()
    with starting(state):
        if (there := running_local_aws(state)) is not None:
            if there.port != port:
                raise LauncherError(
                    f"the local AWS of {state} already runs on port {there.port}, not {port}; "
                    "stop it first (`make stop`)."
                )
            if there.emulator != chosen.name:
                raise LauncherError(
                    f"the local AWS of {state} already runs {there.emulator}, not {chosen.name}; "
                    "stop it first (`make stop`)."
                )
            return f"Already running: {there.sentence()}"
        installation = find_installation(chosen.name)
        refuse_taken(port)
        remove_files(state)
        process = launch(installation, port, state)
        there = RunningLocalAws(process.pid, port, f"http://localhost:{port}", chosen.name)
        (state / RECORD).write_text(json.dumps(asdict(there)) + "\n")
        try:
            wait_until_answering(process, port, state / LOG)
        except BaseException:
            end_emulator(process.pid, state)
            remove_files(state)
            raise
    return there.sentence()


def make_private(state: Path) -> None:
    """Create the state folder with access for its owner only: it contains visitors' data."""
    state.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    state.chmod(PRIVATE)


@contextlib.contextmanager
def starting(state: Path) -> Iterator[None]:
    """Hold the state folder's lock, so that two simultaneous starts run only one local AWS."""
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refuse_taken(port: int) -> None:
    """Check that `port` is free on loopback.

    Raises:
        LauncherError: if another process listens on it or this user may not.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LauncherError(
                f"port {port} of 127.0.0.1 is taken or not allowed ({error}); choose another one, "
                "e.g. PORT=4570 (make local PORT=4570)."
            ) from error


def launch(installation: Installation, port: int, state: Path) -> subprocess.Popen[bytes]:
    """Start the emulator's process in its own session, with its output in the log."""
    (state / "tmp").mkdir(parents=True, exist_ok=True)
    path = state / LOG
    path.touch(mode=0o600)
    path.chmod(0o600)  # an older release may have created it with other permissions
    with path.open("wb") as log:
        return subprocess.Popen(
            [str(installation.emulator), "-m", MODULE],
            cwd=state,
            env=environment(installation, port, state),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )


def environment(installation: Installation, port: int, state: Path) -> dict[str, str]:
    """Return the emulator's environment variables."""
    chosen = emulator.chosen_emulator()
    return {name: os.environ[name] for name in PASSED_THROUGH if name in os.environ} | {
        "PYTHONPATH": f"{REPOSITORY}:{PACKAGE / 'entry_points'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # glibc gives many of the emulator's hundreds of threads their own heap and keeps memory
        # that they free.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "131072",
        # Keep everything that it writes in the state folder. Inside a container it would otherwise
        # assume that the machine is its own and write to /var/lib/localstack.
        "OVERRIDE_IN_DOCKER": "0",
        "HOME": str(state / "tmp"),
        "TMPDIR": str(state / "tmp"),
        "XDG_CACHE_HOME": str(state / "tmp" / "cache"),
        "FILESYSTEM_ROOT": str(state / "tmp" / "filesystem"),
        # Listen on loopback only, and use that address in every URL that it returns.
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "GATEWAY_SERVER": "loopback",
        chosen.host_variable: f"localhost:{port}",
        "SQS_ENDPOINT_STRATEGY": "off",
        "DNS_ADDRESS": "0",
        "USE_SSL": "0",
        # The emulator labels the local time of S3's events as UTC.
        "TZ": "UTC",
        # Never contact the emulator's vendor.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # See bookkeeping.py.
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
        # Check every call against the policies of the role that signed it.
        "IAM_ENFORCEMENT": "1" if chosen.enforces_iam else "0",
        "ROOT_ACCESS_KEYS": OPERATOR_ACCESS_KEY,
        # Settings of our plugins.
        emulator.VARIABLE: chosen.name,
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "MARQUEE_FUNCTION_PYTHON": str(installation.function),
        "MARQUEE_STEP_PYTHON": str(installation.step),
        "MARQUEE_SPARK_HOME": str(installation.spark),
        "MARQUEE_SPARK_CLASSES": str(installation.environments / "spark-classes"),
        "JAVA_HOME": str(installation.java),
        # Poll a queue immediately after a batch, and once a second while it is empty.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "5",
    }


def wait_until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the plugins' endpoint answers.

    Raises:
        LauncherError: if the process ends or does not answer in time; the message names the log.
    """
    title = emulator.chosen_emulator().title
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LauncherError(
                f"{title} ended with exit code {process.returncode} while starting; "
                f"the end of {log}:\n{tail(log)}"
            )
        if answers_with_plugins(port):
            return
        time.sleep(0.1)
    raise LauncherError(
        f"{title} did not answer within {START_SECONDS} s; the end of {log}:\n{tail(log)}"
    )


def answers_with_plugins(port: int) -> bool:
    """Return whether the local AWS on `port` answers with its plugins loaded."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/_marquee/faults", timeout=2
        ) as response:
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of the log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def running_local_aws(state: Path) -> RunningLocalAws | None:
    """Return the local AWS of this state folder, or None if it does not run."""
    try:
        record = RunningLocalAws(**json.loads((state / RECORD).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return record if is_ours(record.pid) else None


def is_ours(pid: int) -> bool:
    """Return whether `pid` is a process of the local AWS: the emulator or its watchdog.

    The command line is checked because process ids are reused after a reboot.
    """
    command = command_of(pid)
    return MODULE in command or WATCHDOG in command


def command_of(pid: int) -> str:
    """Return the command line of a live process, or ""; from /proc, or from `ps` without /proc."""
    if Path("/proc/self/cmdline").exists():
        try:
            # Empty for a zombie process.
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    answer = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "" if "<defunct>" in answer.stdout else answer.stdout


def wait(state: Path) -> None:
    """Wait until the local AWS ends or the operator presses Ctrl-C, then stop it."""
    try:
        while running_local_aws(state) is not None:
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        print(stop(state))


def stop(state: Path) -> str:
    """Stop the local AWS of this state folder and return a sentence for the terminal.

    Only the log stays; it contains no personal data.
    """
    there = running_local_aws(state)
    if there is not None:
        end_emulator(there.pid, state)
    remove_files(state)
    (state / "lock").unlink(missing_ok=True)
    if there is None:
        return "The local AWS is not running."
    return f"Stopped the local AWS at {there.endpoint}; its log is {state / LOG}."


def end_emulator(pid: int, state: Path) -> None:
    """End the emulator, by force if its own shutdown is slow, and wait for its children to end."""
    watchdog = 0
    with contextlib.suppress(FileNotFoundError, ValueError):
        watchdog = int((state / "tmp" / "watchdog.pid").read_text())
    end_process(pid)
    deadline = time.monotonic() + STOP_SECONDS
    while watchdog and is_ours(watchdog) and time.monotonic() < deadline:
        time.sleep(0.05)


def end_process(pid: int) -> None:
    """End one process with SIGTERM, or with SIGKILL if it does not end in time."""
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not is_ours(pid):
                return
            time.sleep(0.05)


def remove_files(state: Path) -> None:
    """Remove everything that a local AWS wrote except its log."""
    (state / RECORD).unlink(missing_ok=True)
    shutil.rmtree(state / "tmp", ignore_errors=True)
    XRAY_MARKER.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the folder is missing or contains other files
        XRAY_MARKER.parent.rmdir()
