"""Two execution environments that work on the same thing at the same time.

Each handler runs twice, in two threads, from two separately loaded modules, like two execution
environments. `Race` holds each before the same AWS call until the other has reached it, so that
each has read what the other is about to change. moto reads, compares and writes without a lock,
unlike DynamoDB; these tests make every request to moto atomic.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto.core.botocore_stubber import BotocoreStubber

from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import Result, results_prefix, visitor_key
from marquee.requests.send_text import NO_MORE_TODAY
from marquee.requests.visitor import Registration, Status
from operations.proofs import solve
from tests.unit.aws import MODEL_ID, Aws, context, event, put_model, put_titles
from tests.unit.memory import good_result, registration

ENVIRONMENTS = 2
PATIENCE = 20  # seconds for which one environment waits for the other
CATCHING_UP = 0.3  # seconds
SUBMISSION_ID = "9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d"

type Event = dict[str, Any]

# The execution environment that makes a call. A handler's threads inherit it from the thread that
# runs the handler.
_environment: ContextVar[object] = ContextVar("environment", default=None)


class Race:
    """Counter of AWS calls that makes each environment wait for the other before some of them."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.meetings: dict[str, threading.Barrier] = {}
        self.met: set[str] = set()
        self.slow: set[str] = set()
        self._been: set[tuple[object, str]] = set()
        self._lock = threading.Lock()

    def meet_before(self, *operations: str) -> None:
        self.meetings = {name: threading.Barrier(ENVIRONMENTS) for name in operations}
        self.met = set()

    def slow_down(self, operation: str) -> None:
        """Delay this call, so that another environment has time to make it wrongly, too."""
        self.slow.add(operation)

    def reached(self, operation: str) -> None:
        if operation in self.slow:
            time.sleep(CATCHING_UP)
        barrier = self.meetings.get(operation)
        with self._lock:
            self.calls[operation] += 1
            first = (_environment.get(), operation) not in self._been
            self._been.add((_environment.get(), operation))
        if barrier and first:
            barrier.wait(PATIENCE)
            self.met.add(operation)

    def run(self, *handlers: Callable[[], Any]) -> list[Any]:
        """Run the handlers concurrently; return each handler's answer or exception."""

        def as_environment(handler: Callable[[], Any]) -> Any:
            _environment.set(object())
            return handler()

        with ThreadPoolExecutor(len(handlers)) as threads:
            started = [threads.submit(as_environment, handler) for handler in handlers]
            answers = [one.exception() or one.result() for one in started]
        assert self.met == set(self.meetings), "the two did not come to the same point"
        self.meetings = {}
        return answers


@pytest.fixture
def race(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Race:
    put_model(aws)
    put_titles(aws)
    made, one_at_a_time = Race(), threading.Lock()
    call, process = BaseClient._make_api_call, BotocoreStubber.process_request  # type: ignore[attr-defined]

    def counted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        made.reached(operation)
        return call(client, operation, parameters)

    def atomically(stubber: BotocoreStubber, request: Any) -> Any:
        with one_at_a_time:
            return process(stubber, request)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    monkeypatch.setattr(BotocoreStubber, "process_request", atomically)
    return made


@pytest.fixture
def table(aws: Aws) -> VisitorsTable:
    return VisitorsTable(boto3.resource("dynamodb"), aws.environment["VISITORS_TABLE"])


def environments(aws: Aws, function: str) -> tuple[ModuleType, ModuleType]:
    """Load a function twice, with separate metrics, which Powertools otherwise shares."""
    one, other = aws.load(function), aws.load(function)
    for module in (one, other):
        module.metrics.provider.metric_set = {}
    return one, other


def handle(module: ModuleType, sent: Event) -> Callable[[], Any]:
    return lambda: module.handler(sent, context("concurrent"))


def api_event(method: str, path: str, body: object = None) -> Event:
    """Return the event of an API call without Idempotency-Key, based on the sample event."""
    headers = {"Content-Type": "application/json"}
    return event("ingest") | {
        "path": path,
        "httpMethod": method,
        "body": None if body is None else json.dumps(body),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def visitor(number: int) -> Registration:
    return registration(number)


def delivered(sample: str, bodies: Sequence[str]) -> Event:
    """Return a queue's event with these message bodies, based on the sample event."""
    (record,) = event(sample)["Records"]
    return {
        "Records": [
            {**record, "messageId": str(number), "body": body} for number, body in enumerate(bodies)
        ]
    }


def announced(*visitors: Registration) -> Event:
    """Return the event that announces the visitors' new objects."""
    bodies = [
        json.dumps(
            {
                "Records": [
                    {
                        "eventName": "ObjectCreated:Put",
                        "s3": {"object": {"key": visitor_key(v.visitor_id, 1, v.requested_at)}},
                    }
                ]
            }
        )
        for v in visitors
    ]
    return delivered("submit_step", bodies)


def deliver_again(module: ModuleType, sent: Event, answer: Any) -> None:
    """Redeliver the failed messages to a function, or all of them if the handler raised."""
    failed = (
        {record["messageId"] for record in sent["Records"]}
        if isinstance(answer, Exception)
        else {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    )
    again = [record for record in sent["Records"] if record["messageId"] in failed]
    if again:
        handle(module, {"Records": again})()


def put_results(aws: Aws, *results: Result) -> Event:
    lines = "".join(result.to_json() + "\n" for result in results)
    for name, content in (("part-00000.json", lines), ("_SUCCESS", "")):
        aws.client("s3").put_object(
            Bucket="marquee-test-results",
            Key=results_prefix(SUBMISSION_ID) + name,
            Body=content.encode(),
        )
    return event("queue_results")


def recommend_steps(aws: Aws, submission_id: str | None) -> list[str]:
    return [name for name in aws.step_names() if name.startswith(f"recommend-{submission_id}")]


def submission_of(table: VisitorsTable, who: Registration) -> str | None:
    found = table.get(who.visitor_id)
    assert found is not None
    assert found.status is Status.SUBMITTED
    return found.submission_id


def test_two_simultaneous_deliveries_of_a_text_send_it_once(
    aws: Aws, race: Race, table: VisitorsTable
) -> None:
    ada = visitor(1)
    table.create(ada)
    table.mark_recommended(ada.visitor_id, 1, MODEL_ID, good_result(ada.visitor_id, 1).picks)
    text = json.dumps({"schema_version": 1, "visitor_id": ada.visitor_id, "version": 1})
    sent = delivered("send_text", [text])
    one, other = environments(aws, "send_text")
    race.meet_before("UpdateItem")

    answers = race.run(handle(one, sent), handle(other, sent))
    for answer in answers:
        deliver_again(one, sent, answer)

    assert race.calls["Publish"] == 1
    found = table.get(ada.visitor_id)
    assert found is not None
    assert found.status is Status.TEXTED


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 2], [1, 2]), ([1, 2], [2, 3]), ([1], [1, 2])],
    ids=["same", "overlapping", "one within the other"],
)
def test_simultaneous_batches_add_one_recommend_step_for_each_submission(
    aws: Aws, race: Race, table: VisitorsTable, first: list[int], second: list[int]
) -> None:
    people = {number: visitor(number) for number in {*first, *second}}
    for who in people.values():
        table.create(who)
    batches = [announced(*(people[number] for number in batch)) for batch in (first, second)]
    one, other = environments(aws, "submit_step")
    race.meet_before("UpdateItem", "PutItem")
    race.slow_down("AddJobFlowSteps")

    answers = race.run(handle(one, batches[0]), handle(other, batches[1]))
    for batch, answer in zip(batches, answers, strict=True):
        deliver_again(one, batch, answer)

    for who in people.values():
        assert len(recommend_steps(aws, submission_of(table, who))) == 1


def test_results_collected_twice_simultaneously_give_one_text(
    aws: Aws, race: Race, table: VisitorsTable
) -> None:
    ada = visitor(1)
    table.create(ada)
    sent = put_results(aws, good_result(ada.visitor_id, 1))
    one, other = environments(aws, "queue_results")
    race.meet_before("UpdateItem")

    answers = race.run(handle(one, sent), handle(other, sent))

    assert [answer["batchItemFailures"] for answer in answers] == [[], []]
    texts = [delivered("send_text", [json.dumps(body)]) for body in aws.messages("texts")]
    assert len(texts) == ENVIRONMENTS  # each found that the visitor waits for a text
    race.meet_before("UpdateItem")
    race.run(*map(handle, environments(aws, "send_text"), texts))
    assert race.calls["Publish"] == 1


def test_a_failed_step_reported_twice_simultaneously_is_retried_once(
    aws: Aws, race: Race, table: VisitorsTable
) -> None:
    ada = visitor(1)
    table.create(ada)
    handle(aws.load("submit_step"), announced(ada))()
    submission_id = submission_of(table, ada)
    failed = event("reconcile")
    failed["detail"] |= {
        "clusterId": aws.cluster_id,
        "name": f"recommend-{submission_id}",
        "state": "FAILED",
    }
    one, other = environments(aws, "reconcile")
    race.meet_before("PutItem")
    race.slow_down("AddJobFlowSteps")

    answers = race.run(handle(one, failed), handle(other, failed))
    for answer in answers:
        if isinstance(answer, Exception):  # Lambda retries the call
            handle(one, failed)()

    assert len(recommend_steps(aws, f"{submission_id}-2")) == 1
    assert recommend_steps(aws, f"{submission_id}-3") == []


def test_simultaneous_forms_over_the_cap_send_exactly_as_many_texts_as_the_cap(
    aws: Aws, race: Race, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, cap = [visitor(number) for number in range(1, 9)], 3
    for who in people:
        table.create(who)
        table.mark_recommended(who.visitor_id, 1, MODEL_ID, good_result(who.visitor_id, 1).picks)
    bodies = [
        json.dumps({"schema_version": 1, "visitor_id": who.visitor_id, "version": 1})
        for who in people
    ]
    monkeypatch.setenv("TEXTS_A_DAY_IN_ALL", str(cap))
    one, other = environments(aws, "send_text")
    # Each gets all messages, in opposite orders, so that every text is requested twice.
    batches = delivered("send_text", bodies), delivered("send_text", bodies[::-1])
    race.meet_before("UpdateItem")

    answers = race.run(handle(one, batches[0]), handle(other, batches[1]))
    for batch, answer in zip(batches, answers, strict=True):
        deliver_again(one, batch, answer)

    assert race.calls["Publish"] == cap
    found = table.get_many([who.visitor_id for who in people]).values()
    assert Counter((one.status, one.reason) for one in found) == {
        (Status.TEXTED, None): cap,
        (Status.FAILED, NO_MORE_TODAY): len(people) - cap,
    }


def test_two_simultaneous_forms_with_one_proof_create_one_visitor(aws: Aws, race: Race) -> None:
    one, other = environments(aws, "ingest")
    issued = handle(one, api_event("GET", "/challenge"))()
    form = json.loads(event("ingest")["body"]) | {"phone": "+14155550123", "consent": True}
    form["proof"] = solve(json.loads(issued["body"]))
    race.meet_before("UpdateItem")

    answers = race.run(
        handle(one, api_event("POST", "/visitors", form)),
        handle(other, api_event("POST", "/visitors", form)),
    )

    assert sorted(answer["statusCode"] for answer in answers) == [201, 422]
    assert aws.table("VISITORS_TABLE").scan()["Count"] == 1
