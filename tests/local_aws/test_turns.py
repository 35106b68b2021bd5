"""Calls of a function wait until an execution environment is free."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from local_aws.lambda_process.turns import (
    LEAST,
    WRITES_WAIT_LONGER,
    Turns,
    VersionEndedError,
    environments_at_once,
    patience_of,
)

PATIENCE = 60  # seconds


def call(
    turns: Turns,
    version: str = "v1",
    work: Callable[[], object] = lambda: None,
    patience: float = 0.0,
) -> str:
    """Take a turn and do the work; return the execution environment."""
    with turns.turn(version, patience) as place:
        work()
        return place


def waiting_call(
    pool: ThreadPoolExecutor, turns: Turns, done: list[int], name: int, patience: float = 0.0
) -> Future[str]:
    """Start a call that must wait and that appends its name to `done` when its turn comes."""
    begun = pool.submit(call, turns, "v1", lambda: done.append(name), patience)
    time.sleep(0.05)  # its waiting cannot be observed from outside
    assert not begun.done()
    return begun


def test_calls_beyond_the_number_of_places_wait_and_all_run() -> None:
    turns, under_way, most, lock = Turns(3), set[str](), 0, threading.Lock()
    all_there = threading.Barrier(3)  # times out if fewer than three run at the same time

    def one() -> None:
        nonlocal most
        with turns.turn("v1") as place:
            with lock:
                assert place not in under_way
                under_way.add(place)
                most = max(most, len(under_way))
            all_there.wait(PATIENCE)
            with lock:
                under_way.remove(place)

    with ThreadPoolExecutor(12) as pool:
        for each in [pool.submit(one) for _ in range(12)]:
            each.result(PATIENCE)
    assert most == 3


def test_the_first_call_that_waits_goes_first() -> None:
    turns, done = Turns(1), list[int]()
    with ThreadPoolExecutor(5) as pool:
        with turns.turn("v1"):
            waiting = [waiting_call(pool, turns, done, name) for name in range(5)]
        for each in waiting:
            each.result(PATIENCE)
    assert done == [0, 1, 2, 3, 4]


def test_a_read_goes_before_forms_that_wait() -> None:
    turns, done = Turns(1), list[int]()
    with ThreadPoolExecutor(4) as pool:
        with turns.turn("v1"):
            waiting = [
                waiting_call(pool, turns, done, 0, patience=600),
                waiting_call(pool, turns, done, 1, patience=600),
                waiting_call(pool, turns, done, 2),
                waiting_call(pool, turns, done, 3),
            ]
        for each in waiting:
            each.result(PATIENCE)
    assert done == [2, 3, 0, 1]


def test_a_form_whose_patience_has_ended_goes_before_a_later_read() -> None:
    turns, done = Turns(1), list[int]()
    with ThreadPoolExecutor(2) as pool:
        with turns.turn("v1"):
            form = waiting_call(pool, turns, done, 0, patience=0.01)  # ends before the read comes
            read = waiting_call(pool, turns, done, 1)
        form.result(PATIENCE)
        read.result(PATIENCE)
    assert done == [0, 1]


@pytest.mark.parametrize(
    ("event", "patience"),
    [
        (json.dumps({"resource": "/health", "httpMethod": "GET"}).encode(), 0.0),
        (json.dumps({"httpMethod": "GET"}, separators=(",", ":")).encode(), 0.0),
        (json.dumps({"resource": "/visitors", "httpMethod": "POST"}).encode(), WRITES_WAIT_LONGER),
        (json.dumps({"Records": []}).encode(), WRITES_WAIT_LONGER),
        (None, WRITES_WAIT_LONGER),
    ],
)
def test_only_reads_of_the_api_go_first(event: bytes | None, patience: float) -> None:
    assert patience_of(event) == patience


def test_a_new_call_does_not_go_before_one_that_waits() -> None:
    turns, done = Turns(1), list[int]()
    with ThreadPoolExecutor(1) as pool:
        with turns.turn("v1"):
            waiting = waiting_call(pool, turns, done, 0)
        call(turns, work=lambda: done.append(1))
        waiting.result(PATIENCE)
    assert done == [0, 1]


def test_sequential_calls_use_the_same_warm_place() -> None:
    turns = Turns(4)
    assert len({call(turns) for _ in range(10)}) == 1


def test_a_failed_call_frees_its_place() -> None:
    turns = Turns(1)
    with pytest.raises(RuntimeError, match="crashed"), turns.turn("v1"):
        raise RuntimeError("crashed")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call, turns).result(PATIENCE)


def test_versions_do_not_wait_for_one_another() -> None:
    turns = Turns(1)
    with turns.turn("v1") as first, turns.turn("v2") as second:
        assert first != second


def test_the_end_of_a_version_rejects_waiting_calls_and_lets_running_ones_finish() -> None:
    turns = Turns(1)
    with ThreadPoolExecutor(1) as pool:
        with turns.turn("v1"):
            waiting = waiting_call(pool, turns, [], 0)
            idle = turns.end("v1")
            with pytest.raises(VersionEndedError):
                waiting.result(PATIENCE)
            assert not idle.done()
        idle.result(PATIENCE)
    with pytest.raises(VersionEndedError):
        call(turns)
    assert call(turns, "v2")


def test_an_idle_version_ends_immediately() -> None:
    turns = Turns(3)
    call(turns, "called before")
    for version in ("called before", "never called"):
        turns.end(version).result(0)
        turns.end(version).result(0)  # ending it again has no effect


def test_even_a_small_machine_runs_several_environments() -> None:
    assert environments_at_once() >= LEAST
