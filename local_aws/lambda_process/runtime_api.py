"""Serves the Lambda Runtime API, which awslambdaric polls, for one execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import queue
import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

NEXT = "/2018-06-01/runtime/invocation/next"
INIT_ERROR = "/2018-06-01/runtime/init/error"
OUTCOME = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True)
class LambdaInvocation:
    """One event for the function; `deadline` is in milliseconds since the epoch."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    deadline: int


class Environment(Protocol):
    """Receives the runtime's reports about its function."""

    def became_ready(self) -> None:
        """Note that the function's module is imported and the runtime asks for an event."""

    def failed_to_start(self, error: bytes) -> None:
        """Note that importing the function's module failed; `error` is Lambda's JSON."""

    def finished(self, request_id: str, body: bytes, is_error: bool, seconds: float) -> None:
        """Note that the handler returned `body`, or failed with it, after so many seconds."""


class RuntimeApi:
    """A server on a free port of 127.0.0.1 that gives the runtime its invocations."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.inbox: queue.Queue[LambdaInvocation | None] = queue.Queue()
        self.handed_out = 0.0  # when the function received its event, by time.monotonic
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        # The poll interval limits how long closing takes; it does not delay answers.
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        """host:port of this server."""
        return f"127.0.0.1:{self.server.server_address[1]}"

    def renew(self) -> None:
        """Replace the inbox that a dead process waits on, so that it cannot take the next event."""
        self.inbox.put(None)
        self.inbox = queue.Queue()

    def close(self) -> None:
        """Release the waiting process and stop serving."""
        self.inbox.put(None)
        self.server.shutdown()
        self.server.server_close()


def handler_of(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    """Return the request handler class of one server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise each reply would wait about 40 ms

        def log_message(self, *_arguments: object) -> None:
            """Write nothing: the log is for the function's output."""

        def reply(self, status: int, body: bytes = b"", **headers: str | int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), str(value))
            with contextlib.suppress(ConnectionError):  # the process was killed while waiting
                self.end_headers()
                self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path != NEXT:
                self.reply(HTTPStatus.NOT_FOUND)
                return
            inbox = api.inbox
            api.environment.became_ready()
            invocation = inbox.get()
            if invocation is None:  # the environment stops
                self.close_connection = True
                return
            api.handed_out = time.monotonic()
            self.reply(
                HTTPStatus.OK,
                invocation.payload,
                Content_Type="application/json",
                Lambda_Runtime_Aws_Request_Id=invocation.request_id,
                Lambda_Runtime_Invoked_Function_Arn=invocation.function_arn,
                Lambda_Runtime_Trace_Id=invocation.trace_id,
                Lambda_Runtime_Deadline_Ms=invocation.deadline,
            )

        def do_POST(self) -> None:
            seconds = time.monotonic() - api.handed_out
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == INIT_ERROR:
                api.environment.failed_to_start(body)
            elif outcome := OUTCOME.fullmatch(self.path):
                api.environment.finished(outcome[1], body, outcome[2] == "error", seconds)
            else:
                self.reply(HTTPStatus.NOT_FOUND)
                return
            self.reply(HTTPStatus.ACCEPTED, b"{}", Content_Type="application/json")

    return Handler
