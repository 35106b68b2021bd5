"""This machine in the role of an EMR node: its Python, Spark and Java."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Node:
    """The software and resources that this machine gives to a step.

    Args:
        python: the steps' Python interpreter.
        spark: the home folder of Spark.
        java: the home folder of Java.
        master: Spark's master URL.
        memory_bytes: the machine's memory.
        class_archive: the path of Spark's class archive, which may not exist yet (see the module
            `class_archive`); None to use none.
    """

    python: Path
    spark: Path
    java: Path
    master: str = "local[2]"
    memory_bytes: int = 2**31
    class_archive: Path | None = None


def step_environment(node: Node, work: Path) -> dict[str, str]:
    """Return the environment variables of a step that works in `work`: only what Spark needs."""
    return {
        "PATH": f"{node.java / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(work / "tmp"),
        "TMPDIR": str(work / "tmp"),
        "LANG": "C.UTF-8",
        "JAVA_HOME": str(node.java),
        "SPARK_HOME": str(node.spark),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LAUNCHER_OPTS": "-XX:-UsePerfData -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PYSPARK_PYTHON": str(node.python),
        "PYSPARK_DRIVER_PYTHON": str(node.python),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",  # Spark's tasks already run in parallel
    }
