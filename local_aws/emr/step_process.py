"""Runs one step: its objects in, `spark-submit`, its objects and logs out."""

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
from local_aws.emr.steps import Failure

LOG = logging.getLogger(__name__)
LOG_UPLOAD_SECONDS = 5  # a real cluster takes minutes
CANCEL_GRACE_SECONDS = 5
EXCEPTION = re.compile(r"^(?:Caused by: )?[\w.$]*(?:Error|Exception|Exit)\b.*")


@dataclass
class StepProcess:
    """One step at work in the folder `work`; `client` is a boto3 S3 client.

    `log_prefix` is where the step's logs go, or None without a log URI. `kept` is a folder of
    objects that steps share (see `mirror`).
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

    def run(self) -> Failure | None:
        """Run the step to its end; returns why it failed, or None."""
        (self.work / "tmp").mkdir(parents=True, exist_ok=True)
        for stream in ("stdout", "stderr"):
            (self.work / stream).touch()
        try:
            code = self.submit()
        except S3AError as error:
            self.note(f"Exception in thread main {error}")
            return self.failed(f"Exception in thread main: {error}", "stderr")
        except Exception as error:  # whatever went wrong, the step failed of it
            LOG.info("step %s could not run: %s", self.step_id, error)
            self.note(f"{type(error).__name__}: {error}")
            return self.failed(str(error), "stderr")
        finally:
            self.upload_logs()
        return self.failure_in_logs(code) if code else None

    def submit(self) -> int:
        """Download, run spark-submit, upload; returns its exit code.

        Raises:
            S3AError: where the step's role lacks a right that EMR's S3 client needs.
        """
        submission = spark_submit.parse(self.arguments)
        mirror, s3a = Mirror(self.work / "s3", self.client, self.kept), S3A(self.client)
        named = addresses(self.arguments)
        s3a.before_reading(named)
        size = mirror.pull(named)
        if mirror.gone:
            self.note(f"{mirror.gone} objects were deleted before the step could read them")
        command = self.command(submission, mirror, size)
        code = self.wait(command)
        # a step that failed may have written before, and on a real cluster that stays
        s3a.before_writing(mirror.new())
        mirror.push()
        return code

    def command(self, submission: spark_submit.Submission, mirror: Mirror, size: int) -> list[str]:
        """The command line, with Spark's settings written beside it."""
        defaults = spark_submit.local_defaults(size, self.node.memory_bytes)
        cluster = spark_submit.without_placement(self.cluster_settings)
        own = spark_submit.without_placement(submission.settings)
        merged = defaults | cluster | own
        options = self.driver_java_options(submission, merged[spark_submit.JAVA_OPTIONS])
        if options == spark_submit.SMALL_JAVA_OPTIONS:  # the archive is made with these
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
            # not SPARK_CONF_DIR: a folder on the class path would rule out archived classes
            "--properties-file",
            str(properties),
            *local,
            mirror.local(submission.application),
            *submission.arguments,
        ]

    @staticmethod
    def driver_java_options(submission: spark_submit.Submission, configured: str) -> str:
        """Java options of the driver; the command line's option would hide ours, so it moves."""
        if "--driver-java-options" not in submission.options:
            return configured
        place = submission.options.index("--driver-java-options")
        chosen = submission.options[place + 1]
        del submission.options[place : place + 2]
        return chosen

    def wait(self, command: list[str]) -> int:
        """Run the command, uploading logs meanwhile, until it ends or is cancelled."""
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
            child_processes.end_session(process.pid, signal.SIGKILL)  # what it left behind
            child_processes.forget(process)

    def cancel(self, grace_seconds: float = CANCEL_GRACE_SECONDS) -> None:
        """End the step, first gently; a step that has not started its process never will."""
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

    def failed(self, message: str, stream: str) -> Failure:
        """The step's failure, naming the log that tells more."""
        prefix = self.log_prefix
        log_file = f"s3://{prefix.bucket}/{prefix.key}{stream}.gz" if prefix else ""
        return Failure("Unknown Error.", message[:1000], log_file)

    def failure_in_logs(self, code: int) -> Failure:
        """The failure named by the last exception in the logs, or by the exit code."""
        # spark-submit sends all that Python prints to stdout, tracebacks too
        for stream in ("stdout", "stderr"):
            text = (self.work / stream).read_text(errors="replace")
            for line in reversed(text.splitlines()):
                if EXCEPTION.match(line):
                    return self.failed(f"Exception in thread main: {line}", stream)
        return self.failed(f"Exit code {code}", "stderr")

    def upload_logs(self) -> None:
        """Store stdout.gz and stderr.gz under the log URI where they have grown."""
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
            except Exception as error:  # a step does not fail of its log
                LOG.warning("log of step %s not stored: %s", self.step_id, error)
                return
            self.uploaded[stream] = len(content)


def log_prefix(log_uri: str, cluster_id: str, step_id: str) -> Address | None:
    """Where a step's logs go: `<log-uri>/<cluster>/steps/<step>/`; None without a log URI."""
    found = addresses([log_uri])
    if not found:
        return None
    base = found[0].key.rstrip("/")
    return Address(found[0].bucket, f"{base}/{cluster_id}/steps/{step_id}/".removeprefix("/"))
