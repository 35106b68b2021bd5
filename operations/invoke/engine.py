"""The container engine: the one that runs already, or one started for a single invocation."""

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from operations import ROOT
from operations.console import Phases
from operations.errors import OperationError
from operations.invoke import debian

START_SECONDS = 60
STOP_SECONDS = 60
_EVERY = 0.2


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command and return its result, without raising if it fails."""
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def docker_answer(*arguments: str) -> str:
    """Return what a docker command printed.

    Raises:
        OperationError: if the command fails; the message has the last line of its output.
    """
    done = docker(*arguments)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise OperationError(f"docker {arguments[0]} failed: {''.join(words)}")
    return done.stdout.strip()


def engine_answers() -> bool:
    """Return whether a container engine answers this user."""
    if not shutil.which("docker"):
        return False
    seen = docker("info", "--format", "{{.ServerVersion}}")
    return seen.returncode == 0 and bool(seen.stdout.strip())


def obtainable() -> bool:
    """Return whether `provide_engine` can succeed: one answers, or we may install and start one."""
    return engine_answers() or debian.may_install()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Run one invocation at a time; otherwise the first could stop the engine during the second."""
    with (ROOT / ".venvs" / ".invoke-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def provide_engine(log: Path, phases: Phases) -> Iterator[None]:
    """Provide a container engine; start one if none runs, and stop it again afterwards.

    Args:
        log: the file for the engine's own output.
        phases: reports the progress.

    Raises:
        OperationError: if no engine answers and we may not or cannot start one.
    """
    if not engine_answers():
        _install(phases)
    if engine_answers():  # it ran before, or its package started it as a service: leave it running
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
            "'make invoke' needs a container engine, and none answers 'docker info': install Docker"
            " (https://docs.docker.com/get-docker), start it, and let this user use it."
        )
    missing = [] if shutil.which("dockerd") else ["docker.io", "iptables"]
    if not shutil.which("docker") and debian.debian_version() >= debian.FIRST_WITH_DOCKER_CLI:
        missing.append("docker-cli")
    if missing:
        with phases.phase("install a container engine") as phase:
            debian.install_packages(*missing)
            phase.result = ", ".join(missing)


def _start(log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as kept:
        # In its own session, so that Ctrl-C ends the invocation first and the engine after it.
        daemon = subprocess.Popen(["dockerd"], stdout=kept, stderr=kept, start_new_session=True)
    end = time.monotonic() + START_SECONDS
    while not engine_answers():
        if daemon.poll() is not None or time.monotonic() > end:
            _stop(daemon)
            words = "".join(log.read_text().splitlines()[-1:])
            raise OperationError(f"The container engine did not start: {words} (full log: {log})")
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
    """Return the host's address on the containers' network, or None with Docker Desktop.

    Docker Desktop runs the engine in a virtual machine, so this address is not an address of this
    machine. There, `host.docker.internal` reaches this machine's loopback without help.
    """
    if docker_answer("info", "--format", "{{.OperatingSystem}}") == "Docker Desktop":
        return None
    network = docker_answer("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    return gateway(network)


def gateway(ipam: str) -> str:
    """Return the IPv4 gateway of a docker network.

    Args:
        ipam: the network's IPAM configuration, as JSON.

    Raises:
        OperationError: if the network has no IPv4 subnet.
    """
    for config in json.loads(ipam) or []:
        network = ip_network(config["Subnet"])
        if isinstance(network, IPv4Network):
            # Before a bridge's first container, the gateway is not listed: it is the first address.
            return str(config.get("Gateway") or next(network.hosts()))
    raise OperationError("The container engine's bridge network has no IPv4 address.")
