"""Starting and stopping the local AWS as a user does."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import emulator
from local_aws.installation import java_major
from tests.local_aws import functions
from tests.local_aws.conftest import (
    LocalAws,
    command,
    free_port,
    start,
    until,
)
from tests.local_aws.roles import bucket_rights, instance_profile
from tests.local_aws.test_child_processes import alive

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def own_aws(tmp_path: Path) -> Iterator[LocalAws]:
    """Yield a separate local AWS that a test may kill."""
    aws = start(tmp_path / "state")
    yield aws
    command("stop", "--state", str(aws.state))


def family(pid: int) -> set[int]:
    """Return the ids of a process and all of its descendants."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    members = {pid}
    while more := {child for child, parent in pairs if parent in members} - members:
        members |= more
    return members


def listening(pids: set[int]) -> set[str]:
    """Return the hexadecimal addresses on which any of these processes listens, from /proc."""
    inodes = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.add(handle.readlink().name.removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].split(":")[0])
    return found


def pid_of(aws: LocalAws) -> int:
    """Return the process id of the local AWS."""
    status = command("status", "--state", str(aws.state)).stdout
    return int(status.split("process ")[1].split(")")[0])


def test_the_local_aws_listens_on_loopback_only(aws: LocalAws) -> None:
    code = "def handler(event, context):\n    return 1\n"
    functions.create(aws, "loopback", code)
    functions.invoke(aws, "loopback")  # starts a Runtime API, which listens too

    assert listening(family(pid_of(aws))) == {"0100007F"}


def test_starting_again_says_so_without_an_error(aws: LocalAws) -> None:
    again = command("start", "--port", str(aws.port), "--state", str(aws.state))

    assert again.returncode == 0
    assert again.stdout.startswith("Already running: The local AWS runs at http://localhost:")


def test_starting_again_on_another_port_says_what_to_do(aws: LocalAws) -> None:
    again = command("start", "--port", str(free_port()), "--state", str(aws.state))

    assert again.returncode == 1
    assert "stop it first" in again.stderr


def test_starting_again_with_the_other_emulator_says_what_to_do(aws: LocalAws) -> None:
    port, state = str(aws.port), str(aws.state)
    again = command("start", "--port", port, "--state", state, EMULATOR="localstack")

    assert again.returncode == 1
    assert "already runs localemu, not localstack; stop it first" in again.stderr


def test_an_unknown_emulator_gets_one_sentence_with_the_names(tmp_path: Path) -> None:
    refused = command(
        "start", "--port", str(free_port()), "--state", str(tmp_path), EMULATOR="floci"
    )

    assert refused.returncode == 1
    assert refused.stderr == "local_aws: EMULATOR is 'floci': use localemu or localstack.\n"


def test_a_taken_port_gets_one_sentence_with_the_fix(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = command("start", "--port", str(port), "--state", str(tmp_path))

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"local_aws: port {port} of 127.0.0.1 is taken")
    assert "PORT=" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_missing_java_gets_one_sentence_with_the_fix(tmp_path: Path) -> None:
    refused = command(
        "start", "--port", str(free_port()), "--state", str(tmp_path), JAVA_HOME="/nowhere"
    )

    assert refused.returncode == 1
    assert "no Java in JAVA_HOME=/nowhere; install Java 17 or newer" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("command not found", None),
    ],
)
def test_the_version_of_java_is_read(output: str, major: int | None) -> None:
    assert java_major(output) == major


def test_the_status_of_a_stopped_local_aws_is_an_error(tmp_path: Path) -> None:
    status = command("status", "--state", str(tmp_path))

    assert (status.returncode, status.stdout) == (1, "The local AWS is not running.\n")


@pytest.fixture
def temporary_files() -> set[str]:
    """Return the names in the machine's temporary folder before the test."""
    return set(os.listdir(tempfile.gettempdir()))  # noqa: PTH208


def test_stopping_the_local_aws_leaves_nothing_but_the_log(
    temporary_files: set[str], own_aws: LocalAws
) -> None:
    aws = own_aws
    aws.client("s3").create_bucket(Bucket="left-over")
    functions.create(aws, "left-over", "def handler(event, context):\n    return 1\n")
    functions.invoke(aws, "left-over")
    processes = family(pid_of(aws))

    stopped = command("stop", "--state", str(aws.state))

    assert stopped.returncode == 0
    assert [path.name for path in aws.state.iterdir()] == ["local_aws.log"]
    assert not any(alive(pid) for pid in processes)
    left = set(os.listdir(tempfile.gettempdir())) - temporary_files  # noqa: PTH208
    assert not {
        name for name in left if name.startswith(("localemu", "localstack", "function-", "emr-"))
    }


def machine_wide() -> dict[Path, int]:
    """Return the machine-wide folders that the emulator uses in a container.

    Each has the time of its last change (ns), because another run may have created the folder.
    """
    top = Path("/var/lib") / emulator.chosen_emulator().name
    found = [top, *top.glob("*")] if top.exists() else []
    return {folder: folder.stat().st_mtime_ns for folder in found}


@pytest.fixture
def before() -> dict[Path, int]:
    return machine_wide()


def test_the_emulator_stores_its_files_in_the_state_folder(
    before: dict[Path, int], own_aws: LocalAws
) -> None:
    stored = own_aws.state / "tmp" / "filesystem" / "var" / "lib" / emulator.chosen_emulator().name

    assert (stored / "cache").is_dir()
    assert machine_wide() == before


def test_killing_the_local_aws_leaves_no_spark_running(own_aws: LocalAws) -> None:
    aws = own_aws
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="orphan-steps")
    s3.put_object(Bucket="orphan-steps", Key="s.py", Body="import time\ntime.sleep(300)\n")
    emr = aws.client("emr")
    cluster = emr.run_job_flow(
        Name="orphans",
        ReleaseLabel="emr-spark-8.1.0",
        JobFlowRole=instance_profile(aws, "nodes", bucket_rights("orphan-steps")),
        ServiceRole="service-role",
        Instances={"KeepJobFlowAliveWhenNoSteps": True},
    )["JobFlowId"]
    jar_step = {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://orphan-steps/s.py"]}
    emr.add_job_flow_steps(
        JobFlowId=cluster,
        Steps=[{"Name": "s", "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar_step}],
    )
    pid = pid_of(aws)

    def python_of_the_step() -> set[int]:
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
        )
        lines = [line for line in listed.stdout.splitlines() if str(aws.state) in line]
        return {int(line.split()[0]) for line in lines if "s.py" in line and "spark" in line}

    processes = until(python_of_the_step, "the step's process")

    os.kill(pid, signal.SIGKILL)

    until(lambda: not any(alive(process) for process in processes), "Spark to end")


def test_killing_the_local_aws_leaves_no_function_running(own_aws: LocalAws) -> None:
    aws = own_aws
    functions.create(aws, "orphan", "def handler(event, context):\n    return 1\n")
    functions.invoke(aws, "orphan")
    pid = pid_of(aws)
    children = family(pid) - {pid}
    assert children

    os.kill(pid, signal.SIGKILL)

    until(lambda: not any(alive(child) for child in children), "the children to end")
    stopped = command("stop", "--state", str(aws.state))
    assert stopped.stdout == "The local AWS is not running.\n"
    assert [path.name for path in aws.state.iterdir()] == ["local_aws.log"]
