"""Posts the forms of a load, follows them to their ends and checks the outcome."""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from httpx import codes

from local_aws.instance import PATH as INSTANCE
from marquee.aws.batch_get import batch_get
from marquee.contracts import parse_timestamp
from marquee.requests.emr_step_requests import parse_recommend_step_name
from operations.proofs import fresh_proof
from tests.deployment import ENDED, QUEUES, RunningDeployment
from tests.load.faults import disturbed_deliveries, fail_steps, plant_deaths
from tests.load.forms import Form, Load, make_forms
from tests.load.seen import NO_ANSWER, Observations, Read

CLIENT_SECONDS = 60  # longer than any answer can take: API Gateway gives up after 29
TRY_AGAIN_SECONDS = 1.0
TRIES = 100
POLL_SECONDS = 2.0
SAY_SECONDS = 15.0
READ_EVERY_SECONDS = 0.2
LOOK_AT_ONCE = 100  # keys of one BatchGetItem
BESIDE = 4  # further threads next to the posting clients


@dataclass
class Pouring:
    """A running load; shared by the threads that post, read, watch and follow."""

    deployment: RunningDeployment
    load: Load
    forms: list[Form]
    seen: Observations
    say: Callable[[str], None]
    begun: float = 0.0  # by time.monotonic
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered: list[tuple[Form, str]] = field(default_factory=list)  # each with the visitor's token
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seconds(self) -> float:
        """Seconds since the first form."""
        return time.monotonic() - self.begun

    @property
    def out_of_time(self) -> bool:
        return self.seconds > self.load.seconds


def pour(
    deployment: RunningDeployment,
    load: Load,
    phones: Sequence[str],
    say: Callable[[str], None] = lambda _line: None,
) -> Observations:
    """Post all forms, follow them to their ends and compare the outcome with what it should be.

    Args:
        deployment: a local one; the caller should keep its model fresh.
        load: the forms and the faults.
        phones: a phone number for each form, none of them texted before.
        say: receives the progress every few seconds.
    """
    seen = Observations(load)
    pouring = Pouring(deployment, load, make_forms(deployment, load, phones), seen, say)
    steps_before = {step["Id"] for step in deployment.steps("recommend")}
    with ExitStack() as meanwhile:
        meanwhile.callback(deployment.forget_faults)
        seen.deaths_planted = plant_deaths(deployment, load, pouring.forms)
        meanwhile.enter_context(disturbed_deliveries(deployment, load, seen))
        threads = meanwhile.enter_context(ThreadPoolExecutor(load.clients + BESIDE))
        meanwhile.callback(pouring.over.set)  # must run before the executor waits for its threads
        others = [
            threads.submit(_read_during_the_load, pouring),
            threads.submit(_note_load, pouring),
        ]
        if load.failing_steps:
            others.append(threads.submit(fail_steps, deployment, steps_before, seen, pouring.over))
        pouring.begun, pouring.begun_at = time.monotonic(), datetime.now(UTC)
        clients = [threads.submit(_run_client, pouring, n) for n in range(load.clients)]
        if load.backlog:
            others.append(threads.submit(_hold_backlog, pouring))
        _follow(pouring)
        pouring.over.set()
        wait(clients)
        for thread in (*clients, *others):
            thread.result()
        faults_left = deployment.faults()
    _compare(pouring, steps_before, faults_left)
    return seen


# Clients


def _run_client(pouring: Pouring, number: int) -> None:
    """Post this client's share of the forms, one after the other."""
    with httpx.Client(base_url=pouring.deployment.api_url, timeout=CLIENT_SECONDS) as http:
        for form in pouring.forms[number :: pouring.load.clients]:
            if not _post(pouring, http, form, again=False):
                return
            if form.repeated and not _post(pouring, http, form, again=True):
                return


def _post(pouring: Pouring, http: httpx.Client, form: Form, *, again: bool) -> bool:
    """Post a form until it is accepted, as the page does; return False once the load is over."""
    seen = pouring.seen
    for _ in range(TRIES):
        if pouring.over.is_set():
            return False
        begun = time.monotonic()
        answer = _try(pouring, http, form)
        if answer is not None and answer.status_code == codes.CREATED:
            body = answer.json()
            with pouring.lock:
                if body["visitor_id"] != form.visitor_id:
                    seen.wrong_answers.append(f"{form.visitor_id} got {body['visitor_id']}")
                if not again:
                    seen.answered += 1
                    seen.answered_after = pouring.seconds
                    seen.post_milliseconds.append(1000 * (time.monotonic() - begun))
                    pouring.answered.append((form, body["token"]))
            return True
        with pouring.lock:
            seen.refusals[answer.status_code if answer is not None else NO_ANSWER] += 1
        pouring.over.wait(TRY_AGAIN_SECONDS)
    with pouring.lock:
        seen.wrong_answers.append(f"{form.visitor_id} was not taken in {TRIES} tries")
    return True


def _try(pouring: Pouring, http: httpx.Client, form: Form) -> httpx.Response | None:
    try:
        proof = fresh_proof(http, pouring.deployment.api_url)
        headers = {"Idempotency-Key": form.key}
        return http.post("/visitors", json=form.body | {"proof": proof}, headers=headers)
    except httpx.HTTPStatusError as error:
        return error.response
    except httpx.TransportError:
        return None


# Concurrent reads and watching


def _read_during_the_load(pouring: Pouring) -> None:
    """Read the API's health and visitors' pages in turns."""
    chance = random.Random(pouring.load.seed)  # noqa: S311  no secret
    with httpx.Client(base_url=pouring.deployment.api_url, timeout=CLIENT_SECONDS) as http:
        while not pouring.over.wait(READ_EVERY_SECONDS):
            _read(pouring, http, "GET /health", "/health")
            if pouring.answered:
                form, token = chance.choice(pouring.answered)
                path = f"/visitors/{form.visitor_id}"
                _read(pouring, http, "GET /visitors/{id}", path, Authorization=f"Bearer {token}")


def _read(pouring: Pouring, http: httpx.Client, name: str, path: str, **headers: str) -> None:
    begun = time.monotonic()
    try:
        status = http.get(path, headers=headers).status_code
    except httpx.TransportError:
        status = NO_ANSWER
    pouring.seen.reads.append(Read(name, 1000 * (time.monotonic() - begun), status))


def _note_load(pouring: Pouring) -> None:
    while not pouring.over.wait(SAY_SECONDS):
        pouring.seen.machine_loads.append(os.getloadavg()[0])


def _hold_backlog(pouring: Pouring) -> None:
    """Hold the last forms in the queue of visitors until all forms are answered."""
    load, seen = pouring.load, pouring.seen
    while seen.answered < load.forms - load.backlog:
        if pouring.over.wait(POLL_SECONDS):
            return
    with pouring.deployment.held("visitors"):
        pouring.say(f"{pouring.seconds:5.0f} s: holding the forms from here on")
        while seen.answered < load.forms and not pouring.over.wait(POLL_SECONDS):
            pass
    pouring.say(f"{pouring.seconds:5.0f} s: all answered; draining")


# Progress and outcome


def _follow(pouring: Pouring) -> None:
    """Wait until all forms have ended and no message is left, or until the time is up."""
    left, taken, ended = deque[Form](), 0, 0
    said = 0.0
    dynamodb, queues = pouring.deployment.client("dynamodb"), Queues.of(pouring.deployment)
    while not pouring.out_of_time:
        new = [form for form, _ in pouring.answered[taken:]]
        left.extend(new)
        taken += len(new)
        gone = _ended_first(pouring, dynamodb, left)
        ended += gone
        waiting = {} if gone else queues.waiting()
        if pouring.seconds - said >= SAY_SECONDS:
            said = pouring.seconds
            pouring.say(
                f"{said:5.0f} s: {taken} answered, {ended} or more ended, waiting: {waiting}, "
                f"load {os.getloadavg()[0]:.1f}"
            )
        if ended == pouring.load.forms and not gone and not any(waiting.values()):
            return
        time.sleep(POLL_SECONDS)


def _ended_first(pouring: Pouring, dynamodb: Any, left: deque[Form]) -> int:
    """Remove ended forms from the front of `left`, oldest first, and return their number.

    Stops after the first page with a form that has not ended: reading all items each time would add
    load.
    """
    gone = 0
    while left:
        first = [left.popleft() for _ in range(min(LOOK_AT_ONCE, len(left)))]
        items = _items(pouring.deployment, dynamodb, first)
        still = [form for form in first if not _has_ended(items.get(form.visitor_id))]
        gone += len(first) - len(still)
        left.extendleft(reversed(still))
        if still:
            break
    return gone


def _has_ended(item: dict[str, Any] | None) -> bool:
    return item is not None and item["status"]["S"] in ENDED


def _items(
    deployment: RunningDeployment, dynamodb: Any, forms: Iterable[Form]
) -> dict[str, dict[str, Any]]:
    """Return the items of these forms' visitors by id, in DynamoDB's typed form."""
    keys = [{"visitor_id": {"S": form.visitor_id}} for form in forms]
    found = batch_get(
        dynamodb,
        deployment.parameters["visitors-table"],
        keys,
        ProjectionExpression="visitor_id, #status, status_at, reason, submission_id",
        ExpressionAttributeNames={"#status": "status"},
        ConsistentRead=True,
    )
    return {item["visitor_id"]["S"]: item for item in found}


@dataclass(frozen=True)
class Queues:
    """Queues to look at repeatedly with one client."""

    sqs: Any
    urls: dict[str, str]

    @classmethod
    def of(cls, deployment: RunningDeployment, ending: str = "") -> "Queues":
        return cls(
            deployment.client("sqs"),
            {queue: deployment.queue_url(f"{queue}{ending}") for queue in QUEUES},
        )

    def waiting(self) -> dict[str, int]:
        """Count the remaining messages, including delayed ones and those in flight."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        counts = {}
        for queue, url in self.urls.items():
            found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            counts[queue] = sum(map(int, found["Attributes"].values()))
        return counts


def _compare(
    pouring: Pouring, steps_before: set[str], faults_left: Sequence[dict[str, Any]]
) -> None:
    """Record the outcome of every form in `seen`."""
    deployment, seen = pouring.deployment, pouring.seen
    items = _items(deployment, deployment.client("dynamodb"), pouring.forms)
    texts = deployment.texts_by_phone()
    for form in pouring.forms:
        item = items.get(form.visitor_id)
        if item is not None and _has_ended(item):
            at = parse_timestamp(item["status_at"]["S"])
            seen.ended_after.append((at - pouring.begun_at).total_seconds())
        seen.judge(form, item, texts.get(form.phone, []))
    by_submission: dict[str, list[str]] = {}
    for step in reversed(deployment.steps("recommend")):
        named = parse_recommend_step_name(step["Name"])
        if named is not None and step["Id"] not in steps_before:
            by_submission.setdefault(named[0], []).append(step["Status"]["State"])
    seen.step_states = list(by_submission.values())
    ours = [*(form.visitor_id for form in pouring.forms), *by_submission]
    seen.dead = _dead(deployment, ours)
    never = [f for f in pouring.forms if seen.has_no_picks(items.get(f.visitor_id))]
    # Where the results came before `submitted` was written, that write was left out.
    shorter = [f for f in pouring.forms if "submission_id" not in items.get(f.visitor_id, {})]
    seen.deaths_left = _deaths_left(faults_left, never, shorter)
    seen.memory_bytes = _most_memory(deployment)


def _dead(deployment: RunningDeployment, marks: Iterable[str]) -> list[str]:
    """List those of the visitors and submissions in `marks` that are among the dead letters."""
    letters = {queue: deployment.peek(f"{queue}-dead-letters") for queue in QUEUES}
    return [f"{mark} of {queue}" for mark in marks for queue in QUEUES if mark in letters[queue]]


def _deaths_left(
    faults: Iterable[dict[str, Any]], never_texted: Iterable[Form], shorter: Iterable[Form]
) -> list[str]:
    """List deaths that did not strike although their write or call was due.

    Args:
        faults: the faults that are left.
        never_texted: forms that were never to be texted; none of their deaths is due.
        shorter: forms whose visitors were written once less; a death at the last write is not due.
    """
    ids, phones = {f.visitor_id for f in never_texted}, {f.phone for f in never_texted}
    once_less = {f.visitor_id for f in shorter}
    left = []
    for fault in faults:
        target = fault["parameters"]
        whose = target.get("Key", {}).get("visitor_id", {}).get("S") if fault["kill"] else None
        not_due = whose in ids or (whose in once_less and fault["skip"] == 0)
        if fault["kill"] and not not_due and target.get("PhoneNumber") not in phones:
            left.append(f"{fault['operation']} {fault['when']}, {fault['skip']} to skip: {target}")
    return left


def _most_memory(deployment: RunningDeployment) -> int:
    """Return the peak memory of the emulator in bytes; 0 where /proc does not exist."""
    described = deployment.http.get(f"{deployment.endpoint}{INSTANCE}").json()
    status = Path(f"/proc/{described['process']}/status")
    if not status.exists():
        return 0
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024  # in KiB, see proc(5)
