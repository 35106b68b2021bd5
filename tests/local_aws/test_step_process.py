"""The process of one step from its arguments to its logs, with a fake spark-submit."""

import gzip
import threading
import time
from pathlib import Path

import pytest

from local_aws.emr.mirror import Address
from local_aws.emr.node import Node
from local_aws.emr.step_process import StepProcess, log_prefix
from tests.local_aws.test_child_processes import alive
from tests.local_aws.test_mirror import FakeS3


class Bench:
    """Runner of steps whose spark-submit is a shell script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3 = FakeS3({("steps", "train.py"): b"print()"})

    def step(self, script: str, *arguments: str, **cluster_settings: str) -> StepProcess:
        spark = self.folder / "spark"
        (spark / "bin").mkdir(parents=True, exist_ok=True)
        submit = spark / "bin" / "spark-submit"
        submit.write_text(f"#!/bin/sh\n{script}\n")
        submit.chmod(0o755)
        return StepProcess(
            step_id="s-1",
            arguments=["spark-submit", *(arguments or ("s3://steps/train.py",))],
            cluster_settings=cluster_settings,
            work=self.folder / "work",
            client=self.s3,
            node=Node(python=Path("/step/python"), spark=spark, java=Path("/java")),
            log_prefix=Address("logs", "j-1/steps/s-1/"),
        )

    def log(self, stream: str) -> str:
        return gzip.decompress(self.s3.objects["logs", f"j-1/steps/s-1/{stream}.gz"]).decode()

    def settings(self) -> dict[str, str]:
        lines = (self.folder / "work" / "spark.properties").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_successful_step_has_no_failure(bench: Bench) -> None:
    assert bench.step("echo RMSE 0.9").run() is None
    assert bench.log("stdout") == "RMSE 0.9\n"


def test_a_failed_step_names_the_exception_and_the_log_it_is_in(bench: Bench) -> None:
    failure = bench.step("echo 'ValueError: no model'; echo noise >&2; exit 3").run()

    assert failure is not None
    assert failure.message == "Exception in thread main: ValueError: no model"
    assert failure.log_file == "s3://logs/j-1/steps/s-1/stdout.gz"


def test_a_failed_step_without_an_exception_names_its_exit_code(bench: Bench) -> None:
    failure = bench.step("exit 3").run()

    assert failure is not None
    assert failure.message == "Exit code 3"


def test_a_step_without_its_script_fails_and_its_log_names_it(bench: Bench) -> None:
    bench.s3.objects.clear()
    failure = bench.step('ls "$3" >&2', "s3://steps/train.py").run()

    assert failure is not None
    assert "train.py" in bench.log("stderr")


def test_a_step_whose_role_lacks_a_folders_bare_name_fails_before_it_runs(bench: Bench) -> None:
    bench.s3.objects["ratings", "visitors/a.json"] = b"{}"
    bench.s3.refused.add("visitors")

    failure = bench.step("echo ran", "s3://steps/train.py", "s3://ratings/visitors/").run()

    denied = "java.nio.file.AccessDeniedException: s3://ratings/visitors: getFileStatus on s3://"
    assert failure is not None
    assert denied in failure.message
    assert failure.log_file.endswith("stderr.gz")
    assert denied in bench.log("stderr")
    assert "403 Forbidden" in bench.log("stderr")
    assert bench.log("stdout") == ""


def test_a_step_whose_role_lacks_its_outputs_bare_name_uploads_nothing(bench: Bench) -> None:
    out = bench.folder / "work" / "s3" / "out" / "picks"
    step = bench.step(
        f"mkdir -p {out}; touch {out}/part-0 {out}/_SUCCESS", "s3://steps/train.py", "s3://out/"
    )
    bench.s3.refused.add("picks")

    failure = step.run()

    assert failure is not None
    assert "AccessDeniedException: s3://out/picks: getFileStatus" in failure.message
    assert [key for bucket, key in bench.s3.objects if bucket == "out"] == []


def test_the_script_is_a_local_file_and_its_arguments_keep_their_addresses(bench: Bench) -> None:
    bench.step('shift 2; echo "$@"', "s3://steps/train.py", "--out", "s3://out/a/").run()

    local = bench.folder / "work" / "s3" / "steps" / "train.py"
    assert bench.log("stdout") == f"{local} --out s3://out/a/\n"


def test_the_output_of_a_failed_step_stays(bench: Bench) -> None:
    out = bench.folder / "work" / "s3" / "out" / "part-0"

    bench.step(f"echo 1 > {out}; exit 1", "s3://steps/train.py", "s3://out/").run()

    assert bench.s3.objects["out", "part-0"] == b"1\n"


def test_a_step_option_overrides_the_cluster_and_the_cluster_our_defaults(
    bench: Bench,
) -> None:
    bench.step(
        "true",
        "--conf",
        "spark.step=step",
        "s3://steps/train.py",
        **{"spark.step": "cluster", "spark.sql.shuffle.partitions": "77"},
    ).run()

    settings = bench.settings()
    assert (settings["spark.step"], settings["spark.sql.shuffle.partitions"]) == ("step", "77")
    assert settings["spark.sql.adaptive.enabled"] == "false"


def test_the_java_options_of_a_step_replace_ours_but_keep_its_temporary_folder(
    bench: Bench,
) -> None:
    bench.step("true", "--driver-java-options", "-Xss16m", "s3://steps/train.py").run()

    options = bench.settings()["spark.driver.extraJavaOptions"]
    assert options.startswith("-Xss16m -Djava.io.tmpdir=")
    assert "TieredStopAtLevel" not in options


def test_a_step_gets_only_what_spark_needs_from_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    bench.step("env").run()

    assert "AWS_SECRET_ACCESS_KEY" not in bench.log("stdout")
    assert "PYSPARK_PYTHON=/step/python" in bench.log("stdout")


def test_a_cancelled_step_ends_with_all_of_its_processes(bench: Bench) -> None:
    step = bench.step("sleep 300 & echo $! > $TMPDIR/child; wait")
    child_file = bench.folder / "work" / "tmp" / "child"
    runner = threading.Thread(target=step.run)
    runner.start()
    while not (child_file.exists() and child_file.read_text()):
        time.sleep(0.01)

    step.cancel()
    runner.join(120)

    assert not runner.is_alive()
    assert not alive(int(child_file.read_text()))


def test_a_step_that_ignores_sigterm_is_killed(bench: Bench) -> None:
    step = bench.step("trap '' TERM; touch $TMPDIR/up; while true; do sleep 0.05; done")
    runner = threading.Thread(target=step.run)
    runner.start()
    while not (bench.folder / "work" / "tmp" / "up").exists():
        time.sleep(0.01)

    step.cancel(grace_seconds=0.2)
    runner.join(120)

    assert not runner.is_alive()


def test_a_step_cancelled_before_its_process_starts_never_starts_one(bench: Bench) -> None:
    step = bench.step("echo started")
    step.cancel()

    step.run()

    assert bench.log("stdout") == ""


@pytest.mark.parametrize(
    ("log_uri", "key"),
    [("s3://logs/emr/", "emr/j-1/steps/s-1/"), ("s3://logs", "j-1/steps/s-1/")],
)
def test_logs_are_below_the_log_uri_of_the_cluster(log_uri: str, key: str) -> None:
    assert log_prefix(log_uri, "j-1", "s-1") == Address("logs", key)


def test_a_cluster_without_a_log_uri_keeps_no_logs() -> None:
    assert log_prefix("", "j-1", "s-1") is None
