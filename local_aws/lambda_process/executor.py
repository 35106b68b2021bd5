"""The emulator's Lambda executor `process`: one execution environment is one process.

Not enforced, unlike on Lambda: the memory limit and a read-only file system.
"""

import json
import logging
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from subprocess import Popen
from typing import Any

from local_aws import child_processes, emulator, faults
from local_aws.lambda_process import logs
from local_aws.lambda_process.environment import function_environment
from local_aws.lambda_process.priority import niceness
from local_aws.lambda_process.runtime_api import Invocation, RuntimeApi

LOG = logging.getLogger(__name__)
INVOCATION = "services.lambda_.invocation"
config = emulator.part("config")
StatusErrorException = emulator.part(f"{INVOCATION}.executor_endpoint").StatusErrorException
InvocationResult = emulator.part(f"{INVOCATION}.lambda_models").InvocationResult
RuntimeExecutorPlugin: Any = emulator.part(f"{INVOCATION}.plugins").RuntimeExecutorPlugin
RuntimeExecutor: Any = emulator.part(f"{INVOCATION}.runtime_executor").RuntimeExecutor
PYTHON = Path(os.environ.get("MARQUEE_FUNCTION_PYTHON", "python3"))
RUNTIME = "python3.13"


def runtime_error(kind: str, message: str) -> bytes:
    """The JSON that Lambda answers for an error outside the handler."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]  # untyped
    """One execution environment: a Runtime API server, a process, its log, its scratch."""

    def __init__(self, id: str, function_version: Any) -> None:
        super().__init__(id, function_version)
        self.api = RuntimeApi(self)
        self.scratch = Path(tempfile.mkdtemp(prefix=f"function-{id[:8]}-"))
        self.log_path = self.scratch.with_suffix(".log")
        self.log_read = 0
        self.process: Popen[bytes] | None = None
        self.ready: Future[None] = Future()
        self.result: Future[tuple[bytes, bool]] = Future()
        self.request_id = ""
        self.took = 0.0  # seconds that the function had its last event
        self.stopped = False

    # -- life of the environment ---------------------------------------------------------------
    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process and wait until the function's module is imported."""
        settings = self.function_version.config
        if settings.runtime != RUNTIME:
            raise StatusErrorException(
                "unsupported runtime",
                runtime_error(
                    "InvalidRuntime", f"the local AWS runs {RUNTIME} only, not {settings.runtime}"
                ),
            )
        self.given = env_vars
        self.code = Path(settings.code.get_unzipped_code_location())
        self.environment = function_environment(
            env_vars,
            settings.environment or {},
            runtime=settings.runtime,
            runtime_api=self.api.address,
            code=self.code,
            layers=[Path(x.code.get_unzipped_code_location()) for x in settings.layers or []],
            python=PYTHON,
            scratch=self.scratch,
            xray_daemon=os.environ.get("AWS_XRAY_DAEMON_ADDRESS"),
        )
        faults.KILLERS[str(env_vars.get("AWS_ACCESS_KEY_ID"))] = self.kill
        self.spawn()

    def spawn(self) -> None:
        """Start a fresh process of this environment; raises StatusErrorException if it fails."""
        self.ready = Future()
        self.api.renew()
        with self.log_path.open("ab") as log:
            self.process = child_processes.spawn(
                [str(PYTHON), "-B", "-m", "awslambdaric", self.environment["_HANDLER"]],
                niceness=niceness(self.function_version.id),
                cwd=self.code,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()
        try:
            self.ready.result(timeout=config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
        except StatusErrorException:
            self.process.wait()  # so that all it printed is in the log
            self.store_init_log()
            raise

    def watch(self, process: Popen[bytes]) -> None:
        """Turn the death of the process into an init error or a failed invocation."""
        code = process.wait()
        child_processes.forget(process)
        if process is self.process and not self.stopped:
            ended = f"signal: {-code}" if code < 0 else f"exit status {code}"
            error = runtime_error(
                "Runtime.ExitError",
                f"RequestId: {self.request_id} Error: Runtime exited with error: {ended}",
            )
            self.failed_to_start(error)
            seconds = time.monotonic() - self.api.handed_out
            self.finished(self.request_id, error, True, seconds)

    def kill(self) -> None:
        """Kill the process, as a crash would."""
        if self.process and self.process.poll() is None:
            child_processes.end(self.process)

    def stop(self) -> None:
        """End the environment and whoever waits for it."""
        self.stopped = True
        faults.KILLERS.pop(str(getattr(self, "given", {}).get("AWS_ACCESS_KEY_ID")), None)
        self.kill()
        self.api.close()
        self.ready.cancel()
        self.result.cancel()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.log_path.unlink(missing_ok=True)

    # -- what the Runtime API hears --------------------------------------------------------------
    def became_ready(self) -> None:
        """The runtime asks for work."""
        if not self.ready.done():
            self.ready.set_result(None)

    def failed_to_start(self, error: bytes) -> None:
        """The function's module could not be imported."""
        if not self.ready.done():
            self.ready.set_exception(StatusErrorException("Environment startup failed", error))

    def finished(self, request_id: str, body: bytes, is_error: bool, seconds: float) -> None:
        """The handler is done with one event."""
        if request_id == self.request_id and not self.result.done():
            self.took = seconds
            self.result.set_result((body, is_error))

    # -- invocation ------------------------------------------------------------------------------
    def invoke(self, payload: dict[str, str], **_timeout: Any) -> Any:
        """Run the handler on one event; return the emulator's InvocationResult.

        LocalEmu passes the function's timeout, which is read from its settings here.
        """
        self.request_id = payload["invoke-id"]
        self.result = Future()
        self.took = 0.0
        try:
            body, is_error = self.run(payload)
        except StatusErrorException as error:  # a process that had died did not start again
            body, is_error = error.payload, True
        # As Lambda reports it: the function's own time, without the emulator's before and after.
        return InvocationResult(
            self.request_id, body, is_error=is_error, logs=self.invocation_log(self.took * 1000)
        )

    def run(self, payload: dict[str, str]) -> tuple[bytes, bool]:
        """Hand the event to the process and wait for its answer or the function's timeout."""
        if self.process is None or self.process.poll() is not None:
            self.spawn()
        seconds = self.function_version.config.timeout
        self.api.inbox.put(
            Invocation(
                request_id=self.request_id,
                payload=payload["payload"].encode(),
                function_arn=payload["invoked-function-arn"],
                trace_id=payload["trace-id"],
                deadline=int((time.time() + seconds) * 1000),
            )
        )
        try:
            return self.result.result(timeout=seconds)
        except TimeoutError:
            stuck, self.process = self.process, None  # watch() keeps quiet about this one
            if stuck:
                child_processes.end(stuck)
            self.took = float(seconds)
            message = (
                f"RequestId: {self.request_id} Error: Task timed out after {seconds:.2f} seconds"
            )
            return runtime_error("Sandbox.Timedout", message), True

    # -- logs ------------------------------------------------------------------------------------
    def invocation_log(self, milliseconds: float) -> str:
        """What the process printed since the last invocation, framed as Lambda frames it."""
        version = self.function_version.id.qualifier
        memory = self.function_version.config.memory_size
        return (
            f"START RequestId: {self.request_id} Version: {version}\n"
            f"{self.new_output()}"
            f"END RequestId: {self.request_id}\n"
            f"REPORT RequestId: {self.request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Billed Duration: {int(milliseconds) + 1} ms\tMemory Size: {memory} MB\n"
        )

    def new_output(self) -> str:
        """What the process printed since this was last asked, ending in a line's end."""
        with self.log_path.open("rb") as log:
            log.seek(self.log_read)
            data = log.read()
        self.log_read += len(data)
        text = data.decode(errors="replace")
        return text if not text or text.endswith("\n") else text + "\n"

    def store_init_log(self) -> None:
        """The emulator drops the log of a failed start; Lambda keeps it, and so does this."""
        function = self.function_version
        logs.store(
            logs.as_role(function.config.role, function.id.region),
            self.given["AWS_LAMBDA_LOG_GROUP_NAME"],
            self.given["AWS_LAMBDA_LOG_STREAM_NAME"],
            f"INIT_START Runtime Version: {RUNTIME}\n{self.new_output()}"
            "INIT_REPORT Phase: init\tStatus: error\n",
        )

    def get_logs(self) -> str:
        """All that the environment printed."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- addresses: everything is on this machine ------------------------------------------------
    def get_address(self) -> str:
        """Where the emulator reaches the environment."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where the environment reaches the emulator."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Base URL of the Runtime API."""
        return f"http://{self.api.address}"

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack the function's code and layers."""
        for part in [function_version.config, *(function_version.config.layers or [])]:
            part.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Nothing is kept for a version but the unpacked code, which the emulator removes."""

    @classmethod
    def validate_environment(cls) -> bool:
        """Whether functions can run: the launcher looked for the interpreter already."""
        return PYTHON.exists()


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]
    """Registers the executor as LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_arguments: Any, **_options: Any) -> type[ProcessExecutor]:
        """The executor class that the emulator makes environments of."""
        return ProcessExecutor
