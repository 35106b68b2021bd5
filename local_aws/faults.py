"""Injects faults for tests: the next calls of an AWS operation fail or kill their caller.

POST   /_marquee/faults   add one fault (JSON, the fields of `Fault`)
GET    /_marquee/faults   list the pending faults
DELETE /_marquee/faults   remove all pending faults
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from local_aws import emulator

LOG = logging.getLogger(__name__)
PATH = "/_marquee/faults"
TYPES = {"service": str, "operation": str, "error": str, "message": str, "when": str}
COUNTS = ("times", "skip", "status")


class FaultError(ValueError):
    """A fault has an invalid field; the message names it."""


@dataclass
class Fault:
    """A failure of the next matching calls.

    Args:
        service: botocore's name of the service.
        operation: the operation's name in the API.
        error: the error code that the caller receives.
        message: the error message that the caller receives.
        when: "before": the call has no effect. "after": the call takes effect, but the caller
            receives the error.
        times: how many calls fail, after the skipped ones.
        skip: how many matching calls succeed first.
        status: the HTTP status of the error.
        kill: whether to kill the Lambda execution environment that made the call as well.
        parameters: top-level request parameters that a call must have to match.
    """

    service: str
    operation: str
    error: str = "ThrottlingException"
    message: str = "Rate exceeded"
    when: Literal["before", "after"] = "before"
    times: int = 1
    skip: int = 0
    status: int = 400
    kill: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)

    def matches(self, service: str, operation: str, parameters: dict[str, Any]) -> bool:
        """Return whether this fault applies to such a call."""
        return (service, operation) == (self.service, self.operation) and all(
            parameters.get(name) == value for name, value in self.parameters.items()
        )


def parse_fault(body: bytes) -> Fault:
    """Return the fault in a request's JSON body.

    Raises:
        FaultError: if the body is invalid; the message names the problem.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise FaultError(f"a fault must be a JSON object, not {body[:80]!r}") from error
    if not isinstance(given, dict):
        raise FaultError(f"a fault must be a JSON object, not {given!r}")
    if unknown := given.keys() - {known.name for known in fields(Fault)}:
        raise FaultError(f"unknown field {', '.join(sorted(unknown))} in a fault")
    for name in ("service", "operation"):
        if not given.get(name):
            raise FaultError(f"a fault needs the field {name}")
    for name, value in given.items():
        if name in TYPES and not isinstance(value, str):
            raise FaultError(f"{name} must be a text, not {value!r}")
        if name in COUNTS and (not isinstance(value, int) or value < 0):
            raise FaultError(f"{name} must be a whole number from 0, not {value!r}")
    if given.get("when", "before") not in ("before", "after"):
        raise FaultError(f'when must be "before" or "after", not {given["when"]!r}')
    return Fault(**given)


class Faults:
    """The pending faults, shared by all request threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault that applies from the next matching call on."""
        with self.lock:
            self.pending.append(fault)

    def clear(self) -> None:
        """Remove all pending faults."""
        with self.lock:
            self.pending.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the pending faults as JSON."""
        with self.lock:
            return [asdict(fault) for fault in self.pending]

    def take(self, service: str, operation: str, parameters: dict[str, Any]) -> Fault | None:
        """Return the fault that hits this call, or None.

        Each matching call uses up one of a fault's `skip` or `times`.
        """
        with self.lock:
            for fault in self.pending:
                if not fault.matches(service, operation, parameters):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None


FAULTS = Faults()
# From the access key of an execution environment to the function that kills this environment.
KILLERS: dict[str, Callable[[], None]] = {}


def access_key(authorization: str) -> str:
    """Return the access key in a SigV4 Authorization header, or "" if there is none."""
    return authorization.partition("Credential=")[2].partition("/")[0]


def serve_endpoint() -> None:
    """Serve the endpoint that tests use."""
    http = emulator.part("http")

    @http.route(PATH, methods=["GET", "POST", "DELETE"])  # type: ignore[untyped-decorator]
    def faults(request: Any) -> Any:
        if request.method == "POST":
            try:
                FAULTS.add(parse_fault(request.get_data()))
            except FaultError as error:
                return http.Response.for_json({"error": str(error)}, status=400)
        elif request.method == "DELETE":
            FAULTS.clear()
        return http.Response.for_json({"faults": FAULTS.listed()})

    emulator.part("services.edge").ROUTER.add(faults)


def kill_caller(request: Any) -> None:
    """Kill the execution environment whose credentials signed this request."""
    key = access_key(request.headers.get("Authorization", ""))
    if killer := KILLERS.get(key):
        killer()
    else:
        LOG.warning(
            "a fault must kill its caller, but the caller is not a Lambda execution environment"
        )


def install() -> None:
    """Serve the endpoint and add the faults to the emulator's request and response handlers."""
    handlers = emulator.part("aws.handlers")
    serializers = emulator.part("aws.protocol.serializer")

    def error(fault: Fault) -> Any:
        return emulator.part("aws.api").CommonServiceException(
            fault.error, fault.message, status_code=fault.status
        )

    def before(_chain: Any, context: Any, _response: Any) -> None:
        if context.is_internal_call or not context.operation:
            return
        fault = FAULTS.take(
            context.service.service_name, context.operation.name, context.service_request or {}
        )
        if fault is None:
            return
        LOG.info("fault %s %s", fault.when, context.operation.name)
        if fault.when == "after":
            context.marquee_fault = fault
            return
        if fault.kill:
            kill_caller(context.request)
        raise error(fault)

    def after(_chain: Any, context: Any, response: Any) -> None:
        fault = getattr(context, "marquee_fault", None)
        if fault is None:
            return
        if fault.kill:
            kill_caller(context.request)
        serializer = serializers.create_serializer(context.service, context.protocol)
        response.update_from(
            serializer.serialize_error_to_response(
                error(fault), context.operation, context.request.headers, context.request_id
            )
        )

    serve_endpoint()
    handlers.serve_custom_service_request_handlers.append(before)
    handlers.run_custom_response_handlers.append(after)
