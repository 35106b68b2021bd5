"""A running deployment, local or on AWS, as tests use it from outside."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
import localstack_client.session

from local_aws.faults import PATH as FAULTS
from local_aws.launcher import OPERATOR_ACCESS_KEY
from local_aws.queue_batches import FIRST_MESSAGE_WAIT
from operations.proofs import fresh_proof
from operations.releases import ALIAS

ROOT = Path(__file__).parents[1]
DEADLINE = 300.0  # seconds; a flow with training takes about twenty, on a busy machine minutes
NEVER_STALE = {
    "SMALL_RATINGS": "0",
    "MODEL_MAX_AGE_HOURS": "100000",
    "MODEL_MAX_NEW_SHARE": "1000000",
}
ENDED = ("texted", "failed")
QUEUES = ("visitors", "results", "texts")
XRAY_DAEMON = "127.0.0.1:2000"  # where the SDK sends traces by default


class NeverHappenedError(AssertionError):
    """A condition did not become true in time; the message states the last value."""


def eventually[T](
    look: Callable[[], T],
    wanted: Callable[[T], bool],
    what: str,
    seconds: float = DEADLINE,
    every: float = 0.5,
) -> T:
    """Poll until a deadline and return the first wanted answer."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > end:
            raise NeverHappenedError(f"{what}: not within {seconds:.0f} s, last seen: {seen!r}")
        time.sleep(every)


@dataclass(frozen=True)
class Visitor:
    """A visitor who posted a form, with the token that opens their page."""

    visitor_id: str
    token: str
    phone: str | None
    picks: list[dict[str, Any]]


@dataclass
class RunningDeployment:
    """Addresses and clients of a deployment, and the actions of tests on it."""

    environment: str
    site_url: str
    api_url: str
    port: int | None  # of the local AWS; None on AWS itself
    variables: Mapping[str, str]  # environment of the operator's tools that selects this deployment
    xray_port: int = 0
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=120))

    @property
    def is_local(self) -> bool:
        return self.port is not None

    @property
    def endpoint(self) -> str | None:
        return f"http://localhost:{self.port}" if self.is_local else None

    @property
    def state(self) -> Path:
        """Folder into which the local AWS writes on this machine."""
        chosen = self.variables.get("MARQUEE_STATE") or os.environ.get("MARQUEE_STATE")
        return Path(chosen).resolve() if chosen else ROOT / ".local" / self.environment

    def client(self, service: str) -> Any:
        return self._session().client(service)

    def resource(self, service: str) -> Any:
        return self._session().resource(service)

    def _session(self) -> Any:
        if self.is_local:
            return localstack_client.session.Session(
                aws_access_key_id=OPERATOR_ACCESS_KEY,
                aws_secret_access_key=OPERATOR_ACCESS_KEY,
                localstack_host=f"localhost:{self.port}",
            )
        return boto3.session.Session()

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python as make does for this deployment."""
        return _python(self.variables, *arguments)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The deployment's SSM parameters, by the last part of their names."""
        path = f"/marquee/{self.environment}/"
        pages = self.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        return {
            parameter["Name"].removeprefix(path): parameter["Value"]
            for page in pages
            for parameter in page["Parameters"]
        }

    # Visitors

    def questionnaire(self) -> dict[str, Any]:
        answer = self.http.get(f"{self.api_url}/questionnaire")
        answer.raise_for_status()
        return dict(answer.json())

    def form(self, phone: str | None = None, name: str = "Ada") -> dict[str, Any]:
        """Fill in a form that likes the first half of the movies and dislikes the rest."""
        movies = self.questionnaire()["movies"][:10]
        ratings = [
            {"movie_id": movie["movie_id"], "stars": 5 if number < 5 else 1}
            for number, movie in enumerate(movies)
        ]
        form: dict[str, Any] = {"name": name, "consent": phone is not None, "ratings": ratings}
        return form | ({"phone": phone} if phone else {})

    def proof(self) -> str:
        """Solve a challenge, as the page does before it sends a phone number."""
        return fresh_proof(self.http, self.api_url)

    def post(self, form: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Post a form; one with a phone number gets a fresh proof, unless it has one."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        if form.get("phone"):
            form = {"proof": self.proof()} | form
        return self.http.post(f"{self.api_url}/visitors", json=form, headers=headers)

    def register(self, form: dict[str, Any]) -> Visitor:
        """Post a form and return its visitor; fail unless the API creates one."""
        answer = self.post(form)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return Visitor(body["visitor_id"], body["token"], form.get("phone"), body["picks"])

    def see(self, visitor: Visitor) -> dict[str, Any]:
        """Return what the API shows a visitor of themselves."""
        answer = self.http.get(
            f"{self.api_url}/visitors/{visitor.visitor_id}",
            headers={"Authorization": f"Bearer {visitor.token}"},
        )
        answer.raise_for_status()
        return dict(answer.json())

    def follow(
        self, visitor: Visitor, to: tuple[str, ...] = ENDED, seconds: float = DEADLINE
    ) -> dict[str, Any]:
        """Wait until the visitor reaches one of these statuses."""
        return eventually(
            lambda: self.see(visitor),
            lambda seen: seen["status"] in to,
            f"visitor {visitor.visitor_id} reaching {' or '.join(to)}",
            seconds,
        )

    # Texts, steps, queues, items and logs

    def texts(self, phone: str) -> list[str]:
        """Return the texts that the local AWS sent to a phone number."""
        return self.texts_by_phone(phoneNumber=phone).get(phone, [])

    def texts_by_phone(self, **only: str) -> dict[str, list[str]]:
        """Return all texts that the local AWS sent, by phone number, with a single call."""
        answer = self.http.get(f"{self.endpoint}/_aws/sns/sms-messages", params=only)
        messages = answer.json()["sms_messages"].items()
        return {phone: [sent["Message"] for sent in texts] for phone, texts in messages}

    def steps(self, kind: str) -> list[dict[str, Any]]:
        """List the cluster's steps of a kind, newest first."""
        pages = self.client("emr").get_paginator("list_steps")
        listed = pages.paginate(ClusterId=self.parameters["cluster-id"])
        return [
            step for page in listed for step in page["Steps"] if step["Name"].startswith(f"{kind}-")
        ]

    def until_no_step_is_active(self) -> None:
        """Wait until no step waits or runs, and no visitor waits for one."""
        emr = self.client("emr")

        def busy() -> list[str]:
            states = ["PENDING", "CANCEL_PENDING", "RUNNING"]
            pages = emr.get_paginator("list_steps").paginate(
                ClusterId=self.parameters["cluster-id"], StepStates=states
            )
            active = [step["Name"] for page in pages for step in page["Steps"]]
            return active + ["a visitor's message"] * self.waiting("visitors")

        eventually(busy, lambda found: not found, "the steps' end", seconds=600)

    def queue_url(self, queue: str) -> str:
        """Return the address of `visitors`, `results` or `texts`, or of their `…-dead-letters`."""
        name = f"marquee-{self.environment}-{queue}"
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def waiting(self, queue: str) -> int:
        """Count a queue's messages, including those in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(
            QueueUrl=self.queue_url(queue), AttributeNames=names
        )["Attributes"]
        return sum(int(found[name]) for name in names)

    def peek(self, queue: str) -> str:
        """Read a local queue's messages, including those in flight, without receiving them."""
        answer = self.http.get(
            f"{self.endpoint}/_aws/sqs/messages",
            params={"QueueUrl": self.queue_url(queue), "ShowInvisible": "true"},
        )
        answer.raise_for_status()
        return answer.text

    def until_handled(self, *marks: str) -> None:
        """Wait until a local queue has no message left that contains one of these."""
        eventually(
            lambda: [
                (queue, mark) for queue in QUEUES for mark in marks if mark in self.peek(queue)
            ],
            lambda left: not left,
            "the messages being handled",
            seconds=600,
        )

    def item(self, visitor_id: str) -> dict[str, dict[str, Any]]:
        """Return a visitor's item in DynamoDB's typed form."""
        answer = self.client("dynamodb").get_item(
            TableName=self.parameters["visitors-table"],
            Key={"visitor_id": {"S": visitor_id}},
            ConsistentRead=True,
        )
        return dict(answer["Item"])

    def submission_of(self, visitor: Visitor) -> str:
        return str(self.item(visitor.visitor_id)["submission_id"]["S"])

    def attempts(self, visitor: Visitor) -> list[dict[str, Any]]:
        """List the recommend steps of a submitted visitor's submission, newest first."""
        submission_id = self.submission_of(visitor)
        return [step for step in self.steps("recommend") if submission_id in step["Name"]]

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a function's alias and return its answer; fail if the function fails."""
        answer = self.client("lambda").invoke(
            FunctionName=f"marquee-{self.environment}-{function}",
            Qualifier=ALIAS,
            Payload=json.dumps(event),
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, payload
        return dict(payload or {})

    def send(self, queue: str, body: str) -> None:
        self.client("sqs").send_message(
            QueueUrl=self.parameters[f"{queue}-queue-url"], MessageBody=body
        )

    def log_lines(self, function: str) -> Iterator[dict[str, Any]]:
        """Yield the JSON lines that a function logged."""
        group = f"/aws/lambda/marquee-{self.environment}-{function}"
        pages = self.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=group):
            for logged in page["events"]:
                if logged["message"].startswith("{"):
                    yield json.loads(logged["message"])

    # Temporary changes of the deployment

    @contextmanager
    def configured(
        self, function: str, variables: Mapping[str, str], *, timeout: int | None = None
    ) -> Iterator[None]:
        """Change a function's variables or its timeout (seconds) for the duration of the context.

        Events call the function's alias. Therefore a version with these settings is published, the
        alias points to it for the duration, and the version is deleted again.
        """
        functions = self.client("lambda")
        name = f"marquee-{self.environment}-{function}"
        found = functions.get_function_configuration(FunctionName=name)
        before = {"Timeout": found["Timeout"], "Environment": found["Environment"]}
        in_use = functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]

        def configure(settings: dict[str, Any]) -> None:
            functions.update_function_configuration(FunctionName=name, **settings)
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)

        def use(version: str) -> None:
            functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)

        environment = {"Variables": before["Environment"]["Variables"] | dict(variables)}
        configure({"Timeout": timeout or before["Timeout"], "Environment": environment})
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version)
        use(version)
        try:
            yield
        finally:
            use(in_use)
            if version != in_use:  # if nothing changed, Lambda returns the existing version
                functions.delete_function(FunctionName=name, Qualifier=version)
            configure(before)

    @contextmanager
    def model_kept_fresh(self) -> Iterator[None]:
        """Configure the functions so that no model is stale: no attempt of a step trains first."""
        with self.configured("submit-step", NEVER_STALE), self.configured("reconcile", NEVER_STALE):
            yield

    @contextmanager
    def visible_again_after(self, **seconds: int) -> Iterator[None]:
        """Change after how many seconds each queue delivers failed messages again.

        A receive that waits for a message has read the timeout already: all of those have to end
        before it holds for every message.
        """
        sqs, name = self.client("sqs"), "VisibilityTimeout"
        with ExitStack() as restored:
            for queue, wanted in seconds.items():
                url = self.queue_url(queue)
                before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
                sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(wanted)})
                restored.callback(sqs.set_queue_attributes, QueueUrl=url, Attributes=before)
            time.sleep(FIRST_MESSAGE_WAIT + 1)
            yield

    def _mapping(self, queue: str) -> dict[str, Any]:
        """Return the event source mapping that delivers a queue's messages to its function."""
        listed = self.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        (found,) = [
            m for m in listed if m["EventSourceArn"] == self.parameters[f"{queue}-queue-arn"]
        ]
        return dict(found)

    @contextmanager
    def one_message_at_a_time(self, queue: str) -> Iterator[None]:
        """Deliver each message of a queue in its own batch."""
        functions, mapping = self.client("lambda"), self._mapping(queue)
        only = {"UUID": mapping["UUID"], "Enabled": True}
        functions.update_event_source_mapping(**only, BatchSize=1)
        time.sleep(FIRST_MESSAGE_WAIT)  # a poll already under way still takes whole batches
        try:
            yield
        finally:
            functions.update_event_source_mapping(**only, BatchSize=mapping["BatchSize"])

    @contextmanager
    def held(self, queue: str) -> Iterator[None]:
        """Hold back the messages of a queue; at the end they are delivered as one batch."""
        functions, uuid_ = self.client("lambda"), self._mapping(queue)["UUID"]
        functions.update_event_source_mapping(UUID=uuid_, Enabled=False)
        time.sleep(FIRST_MESSAGE_WAIT)  # a poll already under way may still take a message
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=uuid_, Enabled=True)

    # Faults, only local

    @contextmanager
    def fault(self, service: str, operation: str, **how: Any) -> Iterator[None]:
        """Make calls fail (or their function die) as `local_aws` describes; see its README."""
        self.plant(service, operation, **how)
        try:
            yield
        finally:
            self.forget_faults()

    def plant(self, service: str, operation: str, **how: Any) -> None:
        """Plant a fault, as described in the README of `local_aws`."""
        fault = {"service": service, "operation": operation, **how}
        self.http.post(f"{self.endpoint}{FAULTS}", json=fault).raise_for_status()

    def forget_faults(self) -> None:
        self.http.delete(f"{self.endpoint}{FAULTS}").raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        """List the faults that have not struck yet."""
        return list(self.http.get(f"{self.endpoint}{FAULTS}").json()["faults"])


def running_locally(port: int) -> RunningDeployment:
    """Return the deployment that `make local` started on this machine.

    AWS_XRAY_DAEMON_ADDRESS says where its traces go, if it was started with one.
    """
    xray_port = int(os.environ.get("AWS_XRAY_DAEMON_ADDRESS", XRAY_DAEMON).rpartition(":")[2])
    return _found({"ENV": "local", "PORT": str(port)}, port, xray_port)


@contextmanager
def local_deployment(state: Path) -> Iterator[RunningDeployment]:
    """Start a separate deployment with the code of `make local`, and stop it at the end."""
    port, xray_port = _free_port(), _free_port(socket.SOCK_DGRAM)
    variables = {
        "ENV": "local",
        "PORT": str(port),
        "MARQUEE_STATE": str(state),
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{xray_port}",
    }
    try:
        _operate(variables, "local")
        yield _found(variables, port, xray_port)
    finally:
        _operate(variables, "stop")


def aws_deployment(environment: str) -> RunningDeployment:
    """Return the deployment of that name in the shell's AWS account."""
    return _found({"ENV": environment}, None)


def _found(variables: Mapping[str, str], port: int | None, xray_port: int = 0) -> RunningDeployment:
    """Return the deployment, with addresses from the operator's tools."""
    site_url, api_url = _operate(variables, "site-url"), _operate(variables, "api-url")
    return RunningDeployment(variables["ENV"], site_url, api_url, port, variables, xray_port)


def _operate(variables: Mapping[str, str], command: str) -> str:
    """Run an operator's command and return what it printed."""
    done = _python(variables, "-m", "operations", command)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip()


def _python(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    # Set for this process only: in our own environment they would affect other deployments' tests.
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        text=True,
        capture_output=True,
        check=False,
    )


def _free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
