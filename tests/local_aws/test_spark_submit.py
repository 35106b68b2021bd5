"""Translation of a step's spark-submit command line into one for this machine."""

import shlex
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from local_aws.emr import spark_submit
from local_aws.emr.spark_submit import JAVA_OPTIONS


def test_a_command_line_is_split_into_options_script_and_arguments() -> None:
    submission = spark_submit.parse_command_line(
        [
            "spark-submit",
            "--deploy-mode",
            "client",
            "--py-files",
            "s3://a/marquee.zip",
            "--conf",
            "spark.sql.shuffle.partitions=8",
            "--verbose",
            "s3://a/train.py",
            "--conf",
            "mine",
        ]
    )

    assert submission.options == ["--py-files", "s3://a/marquee.zip", "--verbose"]
    assert submission.settings == {"spark.sql.shuffle.partitions": "8"}
    assert submission.application == "s3://a/train.py"
    assert submission.arguments == ["--conf", "mine"]


@pytest.mark.parametrize("option", ["--master", "--num-executors", "--executor-memory", "--queue"])
def test_options_that_place_a_job_on_a_real_cluster_are_left_out(option: str) -> None:
    submission = spark_submit.parse_command_line(["spark-submit", option, "yarn", "train.py"])

    assert submission.options == []


def test_an_option_may_be_joined_to_its_value() -> None:
    submission = spark_submit.parse_command_line(
        ["spark-submit", "--conf=a.b=c", "--name=mine", "train.py"]
    )

    assert (submission.settings, submission.options) == ({"a.b": "c"}, ["--name", "mine"])


def test_only_the_spark_defaults_of_a_cluster_count() -> None:
    settings = spark_submit.cluster_settings(
        [
            {"Classification": "spark-defaults", "Properties": {"spark.a": "1"}},
            {"Classification": "spark-env", "Properties": {"spark.b": "2"}},
            {"Classification": "spark-defaults"},
        ]
    )

    assert settings == {"spark.a": "1"}


def test_the_python_and_yarn_settings_of_a_node_are_left_out() -> None:
    kept = spark_submit.without_placement(
        {
            "spark.pyspark.python": "/usr/bin/python3.13",
            "spark.master": "yarn",
            "spark.yarn.maxAppAttempts": "1",
            "spark.sql.ansi.enabled": "true",
        }
    )

    assert kept == {"spark.sql.ansi.enabled": "true"}


def test_small_work_starts_fast_and_large_work_compiles_fully() -> None:
    small = spark_submit.local_defaults(1_000, 16 * 2**30)
    large = spark_submit.local_defaults(2 * 2**30, 16 * 2**30)

    assert "TieredStopAtLevel=1" in small[JAVA_OPTIONS]
    assert "TieredStopAtLevel" not in large[JAVA_OPTIONS]
    assert (small["spark.driver.memory"], large["spark.driver.memory"]) == ("1g", "8g")


def test_no_more_memory_is_requested_than_a_small_machine_has() -> None:
    large = spark_submit.local_defaults(2 * 2**30, 4 * 2**30)

    assert large["spark.driver.memory"] == "2g"


def test_each_bucket_is_mounted_on_its_mirror() -> None:
    settings = spark_submit.s3_settings(Path("/mirror"), ["ratings", "models"])

    mounts = {name: value for name, value in settings.items() if "linkFallback" in name}
    assert mounts == {
        "spark.hadoop.fs.viewfs.mounttable.models.linkFallback": "file:///mirror/models",
        "spark.hadoop.fs.viewfs.mounttable.ratings.linkFallback": "file:///mirror/ratings",
    }


def test_folders_may_contain_spaces_and_quotes() -> None:
    work = Path('/it\'s a "folder"')

    options = spark_submit.machine_settings(work, "local", "-Xss4m")[JAVA_OPTIONS]
    mounts = spark_submit.s3_settings(work, ["ratings"])

    assert f"-Djava.io.tmpdir={work / 'tmp'}" in shlex.split(options)
    [mount] = (value for name, value in mounts.items() if "linkFallback" in name)
    assert urlsplit(mount).path == quote(f"{work}/ratings")


def test_settings_are_written_as_java_reads_them() -> None:
    assert spark_submit.properties_file({"spark.a": "b c\\d"}) == "spark.a b c\\\\d\n"
