"""Settings and options that run a `spark-submit` step on this machine instead of on YARN.

A step's own options override the cluster's spark-defaults, which override the local defaults below.
Only options that tie Spark to a real cluster (master, deploy mode, the node's Python) are replaced.
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_RUNNER = "command-runner.jar"
# Options of spark-submit without a value.
FLAGS = ("--verbose", "-v", "--supervise")
# Options that place a job on a real cluster.
PLACEMENT = (
    "--master",
    "--deploy-mode",
    "--queue",
    "--num-executors",
    "--executor-cores",
    "--executor-memory",
    "--total-executor-cores",
    "--driver-cores",
    "--principal",
    "--keytab",
    "--properties-file",  # would replace the cluster's settings
)
# Options whose value lists files.
FILES = ("--py-files", "--files", "--jars", "--archives")
PLACED_BY_YARN = (
    "spark.master",
    "spark.submit.deployMode",
    "spark.yarn.",
    "spark.dynamicAllocation.",
    "spark.executor.instances",
    "spark.pyspark.",
    "spark.executorEnv.PYSPARK_",
    "spark.yarn.appMasterEnv.",
    "spark.eventLog.",
    "spark.history.",
)
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
# Code from the fast-starting compiler needs more stack than a cluster's, hence -Xss4m.
SMALL_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m"
SMALL_WORK = 32 * 1024 * 1024  # bytes of input


class SparkSubmitError(Exception):
    """A step cannot run here; the message names the problem."""


@dataclass
class SparkSubmission:
    """A step's parsed `spark-submit` command line.

    Args:
        options: the options other than settings, without those that place a job on a cluster.
        settings: the settings given by `--conf`.
        application: the script to run.
        arguments: the script's arguments.
    """

    options: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    application: str = ""
    arguments: list[str] = field(default_factory=list)


def parse_command_line(arguments: list[str]) -> SparkSubmission:
    """Parse a step's arguments.

    Raises:
        SparkSubmitError: if they are not a spark-submit command line with a script.
    """
    if not arguments or Path(arguments[0]).name != "spark-submit":
        raise SparkSubmitError(
            f"the local EMR runs spark-submit steps only, not {shlex.join(arguments) or 'nothing'}"
        )
    submission = SparkSubmission()
    rest = iter(arguments[1:])
    for part in rest:
        if not part.startswith("-"):
            submission.application = part
            submission.arguments = list(rest)
            return submission
        if part in FLAGS:
            submission.options.append(part)
            continue
        option, equals, value = part.partition("=")
        if not equals:
            value = next(rest, "")
        if option in ("--conf", "-c"):
            name, _, setting = value.partition("=")
            submission.settings[name] = setting
        elif option not in PLACEMENT:
            submission.options += [option, value]
    raise SparkSubmitError(f"{shlex.join(arguments)} names no script to run")


def local_defaults(input_bytes: int, memory_bytes: int) -> dict[str, str]:
    """Return default settings for an input of this size.

    With an input of up to `SMALL_WORK` bytes, Java starts fast; with a larger one, it gets the full
    compiler and more memory.

    Args:
        input_bytes: the size of the step's input.
        memory_bytes: the machine's memory.
    """
    cores = os.cpu_count() or 1
    small = input_bytes <= SMALL_WORK
    heap = max(1, min(8, memory_bytes // 2**30 // 2))
    return {
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.driver.memory": f"{1 if small else heap}g",
        "spark.sql.shuffle.partitions": "2" if small else str(cores * 4),
        "spark.default.parallelism": "2" if small else str(cores * 2),
        "spark.sql.adaptive.enabled": "false" if small else "true",
        JAVA_OPTIONS: SMALL_JAVA_OPTIONS if small else "-XX:+UseParallelGC",
    }


def cluster_settings(configurations: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Return the spark-defaults in a cluster's Configurations."""
    settings: dict[str, str] = {}
    for configuration in configurations:
        properties = configuration.get("Properties")
        if configuration.get("Classification") == "spark-defaults" and isinstance(properties, dict):
            settings |= {str(name): str(value) for name, value in properties.items()}
    return settings


def without_placement(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings without those that have a meaning only on YARN or on an EMR node."""
    return {name: value for name, value in settings.items() if not name.startswith(PLACED_BY_YARN)}


def s3_settings(mirror: Path, buckets: Iterable[str]) -> dict[str, str]:
    """Return settings that map `s3://bucket/…` to the folder `mirror`/bucket.

    They use Hadoop's mount tables, with `linkFallback` because `linkMergeSlash` corrupts paths. A
    mount is a URI with percent-encoding, unlike a path.
    """
    view = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
    return (
        {f"spark.hadoop.fs.{scheme}.impl": view for scheme in ("s3", "s3a", "s3n")}
        | {
            "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": (
                "org.apache.hadoop.fs.LocalFileSystem"
            ),
            "spark.hadoop.fs.viewfs.ignore.port.in.mount.table.name": "true",
        }
        | {
            f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": (mirror / bucket).as_uri()
            for bucket in sorted(buckets)
        }
    )


def machine_settings(work: Path, master: str, java_options: str) -> dict[str, str]:
    """Return the settings that a step cannot override: where it runs and where it writes.

    Args:
        work: the step's working folder.
        master: Spark's master URL.
        java_options: Java options of the driver; those of this machine are appended.
    """
    own = [
        f"-Djava.io.tmpdir={work / 'tmp'}",
        "-XX:-UsePerfData",
        f"-Dderby.system.home={work / 'tmp'}",
    ]
    return {
        "spark.master": master,
        "spark.submit.deployMode": "client",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(work / "tmp"),
        "spark.sql.warehouse.dir": f"file://{work / 'tmp' / 'warehouse'}",
        # Spark splits the options as a shell does.
        JAVA_OPTIONS: f"{java_options} {shlex.join(own)}".strip(),
    }


def properties_file(settings: Mapping[str, str]) -> str:
    """Return settings as Java properties, the format of spark-defaults.conf."""
    escaped = {name: value.replace("\\", "\\\\") for name, value in settings.items()}
    return "".join(f"{name} {value}\n" for name, value in escaped.items())
