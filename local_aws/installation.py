"""Finds what the local AWS needs on this machine: its Python environments, Spark and Java."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = Path(__file__).resolve().parent
MINIMUM_JAVA = 17


class InstallationError(Exception):
    """Something that the local AWS needs is missing; the message names it and gives the remedy."""


@dataclass(frozen=True)
class Installation:
    """Paths of everything that the local AWS runs.

    Args:
        environments: the folder of the Python environments.
        emulator: the emulator's Python interpreter.
        function: the Python interpreter of the Lambda functions.
        step: the Python interpreter of the EMR steps (its environment has only numpy, as an EMR
            node does).
        spark: the home folder of Spark.
        java: the home folder of Java.
    """

    environments: Path
    emulator: Path
    function: Path
    step: Path
    spark: Path
    java: Path


def environment_python(environments: Path, name: str, module: str) -> Path:
    """Return the Python interpreter of the environment `name`.

    Raises:
        InstallationError: if the environment is missing or lacks `module`.
    """
    python = environments / name / "bin" / "python"
    if not python.exists():
        raise InstallationError(
            f"the Python environment {environments / name} is missing; run `make local`."
        )
    if not list((environments / name / "lib").glob(f"python3*/site-packages/{module}")):
        raise InstallationError(
            f"the Python environment {environments / name} lacks {module}; delete the folder and "
            "run `make local` again."
        )
    return python


def spark_home(environments: Path) -> Path:
    """Return the home folder of Spark, which pyspark brings to the development environment.

    Raises:
        InstallationError: if the development environment lacks pyspark.
    """
    homes = list((environments / "development" / "lib").glob("python3*/site-packages/pyspark"))
    if not homes:
        raise InstallationError(
            f"the Python environment {environments / 'development'} lacks pyspark; delete the "
            "folder and run `make local` again."
        )
    return homes[0]


def java_major(version_output: str) -> int | None:
    """Return the major version in the output of `java -version` ("17.0.15" is 17, "1.8.0" is 8)."""
    match = re.search(r'version "(?:1\.)?(\d+)', version_output)
    return int(match[1]) if match else None


def java_home() -> Path:
    """Return the home folder of the Java that JAVA_HOME, or else PATH, names.

    Raises:
        InstallationError: if there is no Java or if it is older than 17, which Spark 4 needs.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    fix = f"install Java {MINIMUM_JAVA} or newer (Debian: openjdk-17-jre-headless)"
    if java is None or not Path(java).exists():
        where = f"no Java in JAVA_HOME={home}" if home else "no Java on PATH"
        raise InstallationError(f"{where}; {fix}, because EMR steps run Spark.")
    answer = subprocess.run(
        [java, "-XX:-UsePerfData", "-version"], capture_output=True, text=True, check=False
    )
    major = java_major(answer.stderr)
    if major is None or major < MINIMUM_JAVA:
        raise InstallationError(f"{java} is Java {major}; {fix}, or set JAVA_HOME to one.")
    return Path(java).resolve().parent.parent


def find_installation(emulator: str, environments: Path = REPOSITORY / ".venvs") -> Installation:
    """Return the paths of everything that the local AWS runs.

    Args:
        emulator: the name of the emulator, of its package and of its environment.
        environments: the folder of the Python environments.

    Raises:
        InstallationError: if something is missing; the message names the first such thing.
    """
    return Installation(
        environments=environments,
        emulator=environment_python(environments, emulator, emulator),
        function=environment_python(environments, "lambda", "awslambdaric"),
        step=environment_python(environments, "emr", "numpy"),
        spark=spark_home(environments),
        java=java_home(),
    )
