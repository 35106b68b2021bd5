"""More concurrent calls of a function than it has execution environments, on a local AWS."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from local_aws.lambda_process.turns import environments_at_once
from tests.local_aws import functions
from tests.local_aws.conftest import LocalAws, until

pytestmark = pytest.mark.timeout(300)

PLACES = environments_at_once()
MANY = 3 * PLACES
PATIENCE = 240  # seconds

TELLS_ITS_PROCESS = """
import os, time
def handler(event, context):
    time.sleep(0.2)
    print("process", os.getpid())
    return os.getpid()
"""

type Outcome = tuple[Any, str | None]


def call_often(aws: LocalAws, name: str, count: int, event: object = None) -> list[Outcome]:
    """Make `count` concurrent calls; return their answers."""
    aws.client("lambda")  # creates the client before the threads use it
    with ThreadPoolExecutor(count) as callers:
        calls = [callers.submit(functions.invoke, aws, name, event) for _ in range(count)]
        return [call.result(PATIENCE) for call in calls]


def test_a_few_environments_answer_many_calls(aws: LocalAws) -> None:
    functions.create(aws, "many-at-once", TELLS_ITS_PROCESS, Timeout=20)

    first = call_often(aws, "many-at-once", MANY)
    again = call_often(aws, "many-at-once", MANY)

    assert not [error for _, error in first + again if error]
    processes = {process for process, _ in first}
    assert len(processes) <= PLACES
    assert {process for process, _ in again} <= processes


def test_asynchronous_calls_wait_too_and_are_all_carried_out(aws: LocalAws) -> None:
    functions.create(aws, "many-events", TELLS_ITS_PROCESS, Timeout=20)
    for _ in range(MANY):
        aws.client("lambda").invoke(FunctionName="many-events", InvocationType="Event")

    def processes() -> list[str] | None:
        lines = functions.log(aws, "many-events").splitlines()
        lines_of_processes = [line for line in lines if line.startswith("process")]
        return lines_of_processes if len(lines_of_processes) == MANY else None

    assert len(set(until(processes, "all the calls"))) <= PLACES


@pytest.mark.parametrize(
    ("name", "mishap"), [("many-crashes", "os._exit(7)"), ("many-timeouts", "time.sleep(60)")]
)
def test_a_failed_environment_frees_its_place(aws: LocalAws, name: str, mishap: str) -> None:
    code = f"""
    import os, time
    def handler(event, context):
        if event == "fail":
            {mishap}
        return "done"
    """
    functions.create(aws, name, code, Timeout=2)

    failed = call_often(aws, name, PLACES + 1, "fail")
    after = call_often(aws, name, PLACES + 1, "work")

    assert {error for _, error in failed} == {"Unhandled"}
    assert after == [("done", None)] * (PLACES + 1)


def test_a_function_that_cannot_start_frees_its_places(aws: LocalAws) -> None:
    functions.create(aws, "many-broken", "import nowhere\n")

    answers = call_often(aws, "many-broken", PLACES + 1)

    assert {answer["errorType"] for answer, _ in answers} == {"Runtime.ImportModuleError"}


TELLS_ITS_VERSION = """
import os, time
def handler(event, context):
    print("begun")
    time.sleep(event)
    return os.environ["GENERATION"]
"""


def test_an_update_finishes_running_calls_and_gives_waiting_calls_the_new_version(
    aws: LocalAws,
) -> None:
    client = aws.client("lambda")
    generation: dict[str, Any] = {"Environment": {"Variables": {"GENERATION": "old"}}}
    functions.create(aws, "many-updated", TELLS_ITS_VERSION, Timeout=30, **generation)
    call_often(aws, "many-updated", PLACES, 0.5)  # warms all execution environments

    with ThreadPoolExecutor(2 * PLACES) as callers:

        def begin(seconds: float) -> Future[Outcome]:
            return callers.submit(functions.invoke, aws, "many-updated", seconds)

        at_it = [begin(6) for _ in range(PLACES)]
        time.sleep(1)  # cannot be observed from outside: these calls run, the next ones wait
        waiting = [begin(0) for _ in range(PLACES)]
        time.sleep(1)
        client.update_function_configuration(
            FunctionName="many-updated", Environment={"Variables": {"GENERATION": "new"}}
        )
        assert {call.result(PATIENCE) for call in waiting} == {("new", None)}
        assert {call.result(PATIENCE) for call in at_it} == {("old", None)}


TELLS_ITS_EVENT = """
import time
def handler(event, context):
    time.sleep(2)
    print("event", event)
"""


def test_an_update_loses_no_asynchronous_call(
    aws: LocalAws,
) -> None:
    client = aws.client("lambda")
    functions.create(aws, "many-events-updated", TELLS_ITS_EVENT, Timeout=30)
    # No more calls than the emulator works on at the same time. A call that it has accepted but not
    # begun when the update comes is retried only after the function's timeout and a minute.
    events = {f"event {number}" for number in range(PLACES + 2)}
    for event in events:
        payload = event.removeprefix("event ").encode()
        client.invoke(FunctionName="many-events-updated", InvocationType="Event", Payload=payload)
    time.sleep(1.5)  # cannot be observed from outside: some calls run and others wait
    client.update_function_configuration(FunctionName="many-events-updated", MemorySize=256)

    def logged() -> bool:
        return events <= set(functions.log(aws, "many-events-updated").splitlines())

    until(logged, "all the calls")
