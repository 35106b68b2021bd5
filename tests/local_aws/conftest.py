"""Fixtures: a local AWS on a free port, with its state in a temporary folder."""

import functools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from localstack_client.session import Session

from local_aws.launcher import OPERATOR_ACCESS_KEY

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = "000000000000"
REGION = "us-east-1"
PATIENCE = 120  # seconds; long enough for a very busy machine


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS."""

    port: int
    state: Path

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.port}"

    @functools.cache  # noqa: B019  lives as long as the test session
    def client(self, service: str) -> Any:
        """Return a boto3 client that does not retry calls."""
        session = Session(
            aws_access_key_id=OPERATOR_ACCESS_KEY,
            aws_secret_access_key=OPERATOR_ACCESS_KEY,
            region_name=REGION,
            localstack_host=f"localhost:{self.port}",
        )
        return session.client(service, config=Config(retries={"total_max_attempts": 1}))


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m local_aws` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "local_aws", *arguments],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def until(found: Callable[[], Any], what: str) -> Any:
    """Return the first true result of `found`; after `PATIENCE` seconds, fail and name `what`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {PATIENCE} s; last answer: {found()!r}")


def start(state: Path, **environment: str) -> LocalAws:
    """Start a local AWS and return it."""
    port = free_port()
    started = command("start", "--port", str(port), "--state", str(state), **environment)
    assert started.returncode == 0, started.stderr
    return LocalAws(port, state)


@pytest.fixture(scope="session")
def xray_daemon() -> Iterator[socket.socket]:
    """Yield a UDP listener that replaces the X-Ray daemon."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        yield listener


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory, xray_daemon: socket.socket) -> Iterator[LocalAws]:
    """Yield one local AWS for all tests of the session."""
    there = start(
        tmp_path_factory.mktemp("local_aws"),
        AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{xray_daemon.getsockname()[1]}",
        LAMBDA_RETRY_BASE_DELAY="1",
    )
    yield there
    stopped = command("stop", "--state", str(there.state))
    assert stopped.returncode == 0, stopped.stderr
