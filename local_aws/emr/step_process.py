"""Runs one step: downloads its objects, runs `spark-submit`, uploads its objects and logs."""

import gzip
import logging
import re
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws import child_processes
from local_aws.emr import spark_submit
from local_aws.emr.class_archive import java_option
from local_aws.emr.mirror import Address, Mirror, addresses
from local_aws.emr.node import Node, step_environment
from local_aws.emr.s3a import S3A, S3AError
from local_aws.emr.steps import StepFailure

LOG = logging.getLogger(__name__)
LOG_UPLOAD_SECONDS = 5  # minutes on a real cluster
CANCEL_GRACE_SECONDS = 5
EXCEPTION = re.compile(r"^(?:Caused by: )?[\w.$]*(?:Error|Exception|Exit)\b.*")


@dataclass
class StepProcess:
    """One step and the process that runs it.

    Args:
        step_id: the step's id.
        arguments: the step's command line.
        cluster_settings: the cluster's spark-defaults.
        work: the step's working folder.
        client: a boto3 S3 client with the step's credentials.
        node: the machine that runs the step.
        log_prefix: the S3 prefix of the step's logs, or None without a log URI.
        kept: the folder of objects that steps share (see `mirror`), or None.
        uploaded: for each log stream, the number of bytes uploaded so far.
        process: the running process.
        cancelled: whether the step was cancelled.
        starting: the lock that serialises starting and cancelling.
    """

    step_id: str
    arguments: list[str]
    cluster_settings: dict[str, str]
    work: Path
    client: Any
    node: Node
    log_prefix: Address | None = None
    kept: Path | None = None
    uploaded: dict[str, int] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    cancelled: bool = False
    starting: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> StepFailure | None:
        """Run the step to its end; return why it failed, or None if it succeeded."""
        (self.work / "tmp").mkdir(parents=True, exist_ok=True)
        for stream in ("stdout", "stderr"):
            (self.work / stream).touch()
        try:
            code = self.submit()
        except S3AError as error:
            self.note(f"Exception in thread main {error}")
            return self.failed(f"Exception in thread main: {error}", "stderr")
        except Exception as error:  # any error fails the step
            LOG.info("step %s could not run: %s", self.step_id, error)
            self.note(f"{type(error).__name__}: {error}")
            return self.failed(str(error), "stderr")
        finally:
            self.upload_logs()
        return self.failure_in_logs(code) if code else None

    def submit(self) -> int:
        """Download the step's objects, run spark-submit, upload the results; return its exit code.

        Raises:
            S3AError: if the step's role lacks a permission that EMR's S3 client needs.
        """
        submission = spark_submit.parse_command_line(self.arguments)
        mirror, s3a = Mirror(self.work / "s3", self.client, self.kept), S3A(self.client)
        named = addresses(self.arguments)
        s3a.before_reading(named)
        size = mirror.download_all(named)
        if mirror.gone:
            self.note(f"{mirror.gone} objects were deleted before the step could read them")
        command = self.command(submission, mirror, size)
        code = self.wait(command)
        # Upload even after a failure: on a real cluster, what a failed step wrote stays.
        s3a.before_writing(mirror.new())
        mirror.upload_changes()
        return code

    def command(
        self, submission: spark_submit.SparkSubmission, mirror: Mirror, size: int
    ) -> list[str]:
        """Return the command line, and write Spark's settings to the file that it names.

        Args:
            submission: the parsed command line of the step.
            mirror: the local files of the step's objects.
            size: the size of the step's input in bytes.
        """
        defaults = spark_submit.local_defaults(size, self.node.memory_bytes)
        cluster = spark_submit.without_placement(self.cluster_settings)
        own = spark_submit.without_placement(submission.settings)
        merged = defaults | cluster | own
        options = self.driver_java_options(submission, merged[spark_submit.JAVA_OPTIONS])
        if options == spark_submit.SMALL_JAVA_OPTIONS:  # the class archive was made with these
            options = f"{options} {java_option(self.node)}".rstrip()
        merged |= spark_submit.machine_settings(self.work, self.node.master, options)
        merged |= spark_submit.s3_settings(mirror.folder, mirror.buckets)
        properties = self.work / "spark.properties"
        properties.write_text(spark_submit.properties_file(merged))
        local = [
            mirror.local(part) if before in spark_submit.FILES else part
            for before, part in zip(["", *submission.options], submission.options, strict=False)
        ]
        return [
            str(self.node.spark / "bin" / "spark-submit"),
            # Not SPARK_CONF_DIR: Java cannot use archived classes with a folder on the class path.
            "--properties-file",
            str(properties),
            *local,
            mirror.local(submission.application),
            *submission.arguments,
        ]

    @staticmethod
    def driver_java_options(submission: spark_submit.SparkSubmission, configured: str) -> str:
        """Return the driver's Java options, and remove that option from the submission.

        On the command line, `--driver-java-options` would override the options that we add.

        Args:
            submission: the step's command line; changed in place.
            configured: the options to return if the command line has none.
        """
        if "--driver-java-options" not in submission.options:
            return configured
        place = submission.options.index("--driver-java-options")
        chosen = submission.options[place + 1]
        del submission.options[place : place + 2]
        return chosen

    def wait(self, command: list[str]) -> int:
        """Run the command until it ends or is cancelled, and return its exit code.

        The method uploads the logs meanwhile. The exit code is negative if a signal ended the
        command. It is 1 if the step was cancelled before the command started.
        """
        with (
            self.starting,
            (self.work / "stdout").open("wb") as out,
            (self.work / "stderr").open("wb") as err,
        ):
            if self.cancelled:
                return 1
            process = self.process = child_processes.spawn(
                command,
                niceness=child_processes.BACKGROUND,
                cwd=self.work,
                env=step_environment(self.node, self.work) | {"EMR_STEP_ID": self.step_id},
                stdout=out,
                stderr=err,
            )
        try:
            while True:
                try:
                    return process.wait(LOG_UPLOAD_SECONDS)
                except subprocess.TimeoutExpired:
                    self.upload_logs()
        finally:
            child_processes.end_session(process.pid, signal.SIGKILL)  # processes that it left
            child_processes.forget(process)

    def cancel(self, grace_seconds: float = CANCEL_GRACE_SECONDS) -> None:
        """End the step with SIGTERM, or with SIGKILL after `grace_seconds`.

        A step that has not started its process yet will not start it.
        """
        with self.starting:
            self.cancelled = True
            process = self.process
        if process is None or process.poll() is not None:
            return
        child_processes.end_session(process.pid, signal.SIGTERM)

        def insist() -> None:
            if process.poll() is None:
                child_processes.end_session(process.pid, signal.SIGKILL)

        timer = threading.Timer(grace_seconds, insist)
        timer.daemon = True
        timer.start()

    def note(self, line: str) -> None:
        """Add a line to the step's stderr."""
        with (self.work / "stderr").open("a") as stderr:
            stderr.write(line + "\n")

    def failed(self, message: str, stream: str) -> StepFailure:
        """Return the step's failure, with the address of the log that explains it.

        Args:
            message: the failure's message; cut to 1,000 characters.
            stream: `stdout` or `stderr`, the log that explains the failure.
        """
        prefix = self.log_prefix
        log_file = f"s3://{prefix.bucket}/{prefix.key}{stream}.gz" if prefix else ""
        return StepFailure("Unknown Error.", message[:1000], log_file)

    def failure_in_logs(self, code: int) -> StepFailure:
        """Return the failure that the last exception in the logs, or else the exit code, names."""
        # spark-submit sends everything that Python prints to stdout, including tracebacks.
        for stream in ("stdout", "stderr"):
            text = (self.work / stream).read_text(errors="replace")
            for line in reversed(text.splitlines()):
                if EXCEPTION.match(line):
                    return self.failed(f"Exception in thread main: {line}", stream)
        return self.failed(f"Exit code {code}", "stderr")

    def upload_logs(self) -> None:
        """Upload stdout.gz and stderr.gz to the log URI, if they have grown since the last call."""
        if self.log_prefix is None:
            return
        for stream in ("stdout", "stderr"):
            content = (self.work / stream).read_bytes()
            if self.uploaded.get(stream) == len(content):
                continue
            try:
                self.client.put_object(
                    Bucket=self.log_prefix.bucket,
                    Key=f"{self.log_prefix.key}{stream}.gz",
                    Body=gzip.compress(content),
                    ContentType="application/x-gzip",
                )
            except Exception as error:  # a log that cannot be stored does not fail the step
                LOG.warning("log of step %s not stored: %s", self.step_id, error)
                return
            self.uploaded[stream] = len(content)


def log_prefix(log_uri: str, cluster_id: str, step_id: str) -> Address | None:
    """Return the address of a step's logs, `<log-uri>/<cluster>/steps/<step>/`.

    Returns None without a log URI.
    """
    found = addresses([log_uri])
    if not found:
        return None
    base = found[0].key.rstrip("/")
    return Address(found[0].bucket, f"{base}/{cluster_id}/steps/{step_id}/".removeprefix("/"))
