"""The emulator's Lambda executor `process`: each execution environment is one process.

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
from local_aws.lambda_process.runtime_api import LambdaInvocation, RuntimeApi

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
    """Return the JSON with which Lambda reports an error outside the handler."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]  # untyped
    """One execution environment: a Runtime API server, a process, its log and its scratch folder.

    The process is started again if it has died before an invocation.
    """

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
        self.took = 0.0  # seconds that the function worked on its last event
        self.stopped = False

    # -- life of the environment ---------------------------------------------------------------
    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process and wait until it has imported the function's module.

        Raises:
            StatusErrorException: if the runtime is not supported or the start fails.
        """
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
        """Start a new process of this environment and wait until it is ready.

        Raises:
            StatusErrorException: if the process fails to start.
        """
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
            self.process.wait()  # so that everything it printed is in the log
            self.store_init_log()
            raise

    def watch(self, process: Popen[bytes]) -> None:
        """Wait for the process to end and report its end as an init error or a failed invocation.

        A process that was replaced, or ended by `stop`, is not reported.
        """
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
        """Kill the process, which looks like a crash to the caller."""
        if self.process and self.process.poll() is None:
            child_processes.end_child(self.process)

    def stop(self) -> None:
        """End the environment, cancel pending waits and remove its files."""
        self.stopped = True
        faults.KILLERS.pop(str(getattr(self, "given", {}).get("AWS_ACCESS_KEY_ID")), None)
        self.kill()
        self.api.close()
        self.ready.cancel()
        self.result.cancel()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.log_path.unlink(missing_ok=True)

    # -- callbacks of the Runtime API ------------------------------------------------------------
    def became_ready(self) -> None:
        """Note that the runtime asks for its first or next event."""
        if not self.ready.done():
            self.ready.set_result(None)

    def failed_to_start(self, error: bytes) -> None:
        """Note that the function's module could not be imported; `error` is Lambda's JSON."""
        if not self.ready.done():
            self.ready.set_exception(StatusErrorException("Environment startup failed", error))

    def finished(self, request_id: str, body: bytes, is_error: bool, seconds: float) -> None:
        """Note that the handler is done with one event.

        Args:
            request_id: the event's request id; other ids than the current one are ignored.
            body: the answer, or Lambda's JSON of the error.
            is_error: whether the handler failed.
            seconds: how long the handler took.
        """
        if request_id == self.request_id and not self.result.done():
            self.took = seconds
            self.result.set_result((body, is_error))

    # -- invocation ------------------------------------------------------------------------------
    def invoke(self, payload: dict[str, str], **_timeout: Any) -> Any:
        """Run the handler on one event and return the emulator's InvocationResult.

        LocalEmu also passes the function's timeout; it is ignored, because `run` reads it from the
        function's configuration.
        """
        self.request_id = payload["invoke-id"]
        self.result = Future()
        self.took = 0.0
        try:
            body, is_error = self.run(payload)
        except StatusErrorException as error:  # the process had died and could not be restarted
            body, is_error = error.payload, True
        # The duration is the function's own time, as Lambda reports it, without the emulator's.
        return InvocationResult(
            self.request_id, body, is_error=is_error, logs=self.invocation_log(self.took * 1000)
        )

    def run(self, payload: dict[str, str]) -> tuple[bytes, bool]:
        """Pass the event to the process and wait for its answer or the function's timeout.

        Returns:
            The answer, or Lambda's JSON of the error; and whether it is an error.
        """
        if self.process is None or self.process.poll() is not None:
            self.spawn()
        seconds = self.function_version.config.timeout
        self.api.inbox.put(
            LambdaInvocation(
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
            stuck, self.process = self.process, None  # so that watch() does not report its end
            if stuck:
                child_processes.end_child(stuck)
            self.took = float(seconds)
            message = (
                f"RequestId: {self.request_id} Error: Task timed out after {seconds:.2f} seconds"
            )
            return runtime_error("Sandbox.Timedout", message), True

    # -- logs ------------------------------------------------------------------------------------
    def invocation_log(self, milliseconds: float) -> str:
        """Return the log of the current invocation, framed as in Lambda's logs.

        It contains everything that the process printed since the previous log was taken, so the
        first log also contains what the process printed at its start.

        Args:
            milliseconds: how long the function worked on the event.
        """
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
        """Return what the process printed since the last call; the last line gets a newline."""
        with self.log_path.open("rb") as log:
            log.seek(self.log_read)
            data = log.read()
        self.log_read += len(data)
        text = data.decode(errors="replace")
        return text if not text or text.endswith("\n") else text + "\n"

    def store_init_log(self) -> None:
        """Store the log of a failed start, as Lambda does; the emulator would drop it."""
        function = self.function_version
        logs.store_lines(
            logs.as_role(function.config.role, function.id.region),
            self.given["AWS_LAMBDA_LOG_GROUP_NAME"],
            self.given["AWS_LAMBDA_LOG_STREAM_NAME"],
            f"INIT_START Runtime Version: {RUNTIME}\n{self.new_output()}"
            "INIT_REPORT Phase: init\tStatus: error\n",
        )

    def get_logs(self) -> str:
        """Return everything that the environment printed."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- addresses: everything is on this machine ------------------------------------------------
    def get_address(self) -> str:
        """Return the host at which the emulator reaches the environment."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Return the host at which the environment reaches the emulator."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Return the base URL of the Runtime API."""
        return f"http://{self.api.address}"

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack the function's code and layers."""
        for part in [function_version.config, *(function_version.config.layers or [])]:
            part.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Do nothing: the only files of a version are its code, which the emulator removes."""

    @classmethod
    def validate_environment(cls) -> bool:
        """Return whether the functions' interpreter exists; the launcher has checked it before."""
        return PYTHON.exists()


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]
    """Registers the executor for LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_arguments: Any, **_options: Any) -> type[ProcessExecutor]:
        """Return the class that the emulator instantiates for each execution environment."""
        return ProcessExecutor
