"""The container engine: the one that runs, or one of our own for the time of an invocation."""

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from local_aws.invoke import debian
from operations import ROOT
from operations.console import Phases
from operations.errors import OperationError

START_SECONDS = 60
STOP_SECONDS = 60
_EVERY = 0.2


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command to its end, whatever that is."""
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def docker_answer(*arguments: str) -> str:
    """Return what a docker command printed; raises OperationError with its last words."""
    done = docker(*arguments)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise OperationError(f"docker {arguments[0]} failed: {''.join(words)}")
    return done.stdout.strip()


def answers() -> bool:
    """Tell whether a container engine answers this user."""
    if not shutil.which("docker"):
        return False
    seen = docker("info", "--format", "{{.ServerVersion}}")
    return seen.returncode == 0 and bool(seen.stdout.strip())


def obtainable() -> bool:
    """Tell whether `running` can give an engine: one answers, or we may install and start one."""
    return answers() or debian.may_install()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let invocations wait for each other: the first one's engine would end under the second."""
    with (ROOT / ".venvs" / ".invoke-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running(log: Path, phases: Phases) -> Iterator[None]:
    """Give an engine that answers; one that was not running is started and stopped again.

    The engine's own words go to `log`. Raises OperationError where none answers and we may not
    start one.
    """
    if not answers():
        _install(phases)
    if answers():  # installing it may have started it as a service: then it is the machine's own
        yield
        return
    with phases.phase("start the container engine"):
        daemon = _start(log)
    try:
        yield
    finally:
        _stop(daemon)


def _install(phases: Phases) -> None:
    if not debian.may_install():
        raise OperationError(
            "'make invoke' needs a container engine and none answers 'docker info': install Docker"
            " (https://docs.docker.com/get-docker), start it and see that this user may use it."
        )
    missing = [] if shutil.which("dockerd") else ["docker.io", "iptables"]
    if not shutil.which("docker") and debian.release() >= debian.FIRST_WITH_DOCKER_CLI:
        missing.append("docker-cli")
    if missing:
        with phases.phase("install a container engine") as phase:
            debian.install(*missing)
            phase.result = ", ".join(missing)


def _start(log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as kept:
        # A session of its own: Ctrl-C at the terminal ends the invocation first, then the engine.
        daemon = subprocess.Popen(["dockerd"], stdout=kept, stderr=kept, start_new_session=True)
    end = time.monotonic() + START_SECONDS
    while not answers():
        if daemon.poll() is not None or time.monotonic() > end:
            _stop(daemon)
            words = "".join(log.read_text().splitlines()[-1:])
            raise OperationError(f"The container engine does not start: {words} (all of it: {log})")
        time.sleep(_EVERY)
    return daemon


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def bridge_address() -> str | None:
    """Return the host's address on the network of the containers.

    None where the engine runs in a virtual machine of its own (Docker Desktop): that address is
    not this machine's, and `host.docker.internal` leads to this machine's loopback by itself.
    """
    if docker_answer("info", "--format", "{{.OperatingSystem}}") == "Docker Desktop":
        return None
    network = docker_answer("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    return gateway(network)


def gateway(ipam: str) -> str:
    """Return the gateway that a network's address management (JSON) names or implies."""
    for config in json.loads(ipam) or []:
        network = ip_network(config["Subnet"])
        if isinstance(network, IPv4Network):
            # A bridge that has had no container yet does not name it; it is the first address.
            return str(config.get("Gateway") or next(network.hosts()))
    raise OperationError("The container engine's bridge network has no IPv4 address.")
