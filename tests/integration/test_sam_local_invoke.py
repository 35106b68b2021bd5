"""Every function runs in a container, with its sample event, against the local AWS."""

import json
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from operations.console import Phases
from operations.invoke import engine
from tests.deployment import ROOT, RunningDeployment

EVENTS = ROOT / "events"
LISTENING = "0A"  # a socket's state in /proc/net/tcp
DELIVERED: dict[str, list[str]] = {"batchItemFailures": []}

pytestmark = pytest.mark.skipif(
    not engine.obtainable(),
    reason="no container engine answers 'docker info', and only root on Debian can install one",
)


def invoke(
    local: RunningDeployment, function: str, event: Path
) -> subprocess.CompletedProcess[str]:
    """Run the command of `make invoke`."""
    return local.python("-m", "operations.invoke", function, str(event))


def answer(local: RunningDeployment, function: str) -> Any:
    """Return the function's answer to its sample event."""
    done = invoke(local, function, EVENTS / f"{function}.json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def listened_on() -> set[str]:
    """Return the IPv4 addresses that any process on this Linux machine listens on."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = [fields[1].partition(":")[0] for fields in sockets if fields[3] == LISTENING]
    return {str(IPv4Address(bytes.fromhex(address)[::-1])) for address in addresses}


def test_an_engine_started_for_an_invocation_ends_with_it(local: RunningDeployment) -> None:
    if engine.engine_answers():
        pytest.skip("an engine of the machine's own runs")

    answer(local, "reconcile")

    assert not engine.engine_answers()


@pytest.fixture(scope="module")
def container_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run one container engine for all tests of the module."""
    with engine.provide_engine(tmp_path_factory.mktemp("engine") / "log", Phases()):
        yield


@pytest.mark.usefixtures("container_engine")
def test_ingest_registers_its_sample_visitor_and_answers_with_ten_picks(
    local: RunningDeployment,
) -> None:
    answered = answer(local, "ingest")

    body = json.loads(answered["body"])
    assert answered["statusCode"] == 201
    assert len(body["picks"]) == 10
    stored = local.client("dynamodb").get_item(
        TableName=local.parameters["visitors-table"],
        Key={"visitor_id": {"S": body["visitor_id"]}},
    )["Item"]
    assert stored["name"] == {"S": "Ada"}


@pytest.mark.usefixtures("container_engine")
def test_submit_step_skips_an_unknown_visitor(local: RunningDeployment) -> None:
    assert answer(local, "submit_step") == DELIVERED


@pytest.mark.usefixtures("container_engine")
def test_queue_results_finds_nothing_to_queue_in_an_empty_submission(
    local: RunningDeployment,
) -> None:
    assert answer(local, "queue_results") == DELIVERED


@pytest.mark.usefixtures("container_engine")
def test_send_text_skips_an_unknown_visitor(local: RunningDeployment) -> None:
    assert answer(local, "send_text") == DELIVERED


@pytest.mark.usefixtures("container_engine")
def test_reconcile_ignores_a_step_of_another_cluster(local: RunningDeployment) -> None:
    assert answer(local, "reconcile") is None


@pytest.mark.usefixtures("container_engine")
def test_a_function_that_raises_fails_the_command_with_its_error(
    local: RunningDeployment, tmp_path: Path
) -> None:
    event = tmp_path / "unknown.json"
    event.write_text('{"action": "dance"}')

    done = invoke(local, "reconcile", event)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        "The function failed with ContractError: "
        "reconcile does not handle such an event: ['action']"
    )


@pytest.mark.usefixtures("container_engine")
def test_an_invocation_leaves_no_container_and_no_listener_on_the_bridge(
    local: RunningDeployment,
) -> None:
    answer(local, "reconcile")

    containers = ["ps", "--all", "--quiet", "--filter", "label=sam.cli.container.type=lambda"]
    assert engine.docker_answer(*containers) == ""
    if sys.platform == "linux":
        assert engine.bridge_address() not in listened_on()
        assert "127.0.0.1" in listened_on()  # proves that `listened_on` finds addresses
