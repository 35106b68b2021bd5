"""Archives Spark's loaded classes in a file, which halves the start-up cost of a small step.

The Java virtual machine spends most of a small step loading and verifying Spark's classes. When it
runs once with -XX:ArchiveClassesAtExit, it writes the classes to a file of about 150 MB, which
later runs map into memory (https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html).
Java checks that the file matches the running Java and jars; if not, it runs without the file.

`python -m local_aws.emr.class_archive` creates the file. The local AWS runs this command in the
background if the file is missing.
"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from local_aws.emr import spark_submit
from local_aws.emr.node import Node, step_environment

# Loads the classes that steps load: file formats that they read and write, joins, windows, and the
# packing of ratings for numpy.
WORKLOAD = """
import sys
from pyspark.sql import SparkSession, Window, functions as F

home = sys.argv[1]
spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setCheckpointDir(home + "checkpoints/")
rows = [(user, movie, float((user * movie) % 5 + 1)) for user in range(9) for movie in range(9)]
ratings = spark.createDataFrame(rows, "user_id long, movie_id int, rating float")
ratings.write.mode("overwrite").json(home + "json/")
ratings.write.mode("overwrite").parquet(home + "parquet/")
ratings.write.mode("overwrite").csv(home + "csv/", header=True)
read = spark.read.json(home + "json/").join(spark.read.parquet(home + "parquet/"), "movie_id")
read.groupBy("movie_id").agg(F.count("*"), F.avg(F.col("movie_id"))).orderBy("movie_id").collect()
latest = Window.partitionBy("user_id").orderBy(F.desc("rating"))
ratings.withColumn("n", F.row_number().over(latest)).where("n = 1").checkpoint().collect()
spark.read.schema(ratings.schema).csv(home + "csv/", header=True).dropDuplicates().count()
spark.read.text(home + "json/").select(F.split("value", ",")[0]).write.mode("overwrite").text(
    home + "text/"
)
movies = F.broadcast(ratings.select("movie_id").distinct())
known = ratings.unionByName(ratings).join(movies, "movie_id", "left_semi").persist()
held_out = F.when(F.pmod(F.xxhash64("user_id", "movie_id"), F.lit(100)) < 15, 1).otherwise(0)
movie = F.lpad(F.hex(F.col("movie_id").cast("long")), 8, "0")
one = F.concat(movie, F.lpad(F.hex(held_out), 2, "0"))
packed = F.unhex(F.array_join(F.collect_list(one), "")).alias("packed")
known.repartition(1, "user_id").groupBy("user_id").agg(packed).collect()
spark.sparkContext.parallelize([1, 2]).map(str).collect()
"""


def node_of_environment() -> Node:
    """Return the node that the launcher describes in environment variables, with its archive."""
    node = Node(
        python=Path(os.environ["MARQUEE_STEP_PYTHON"]),
        spark=Path(os.environ["MARQUEE_SPARK_HOME"]),
        java=Path(os.environ["JAVA_HOME"]),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )
    folder = os.environ.get("MARQUEE_SPARK_CLASSES")
    return replace(node, class_archive=archive(node, Path(folder))) if folder else node


def archive(node: Node, folder: Path) -> Path:
    """Return the archive's path, whose name depends on this Java, this Spark and the workload.

    Args:
        node: the node with Java and Spark.
        folder: the folder of the archive.
    """
    release = node.java / "release"
    jars = sorted((jar.name, jar.stat().st_size) for jar in (node.spark / "jars").glob("*.jar"))
    content = repr((release.read_text() if release.exists() else str(node.java), jars, WORKLOAD))
    return folder / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.jsa"


def java_option(node: Node) -> str:
    """Return the Java option that uses the archive, or "" while the archive does not exist."""
    made = node.class_archive is not None and node.class_archive.exists()
    return shlex.quote(f"-XX:SharedArchiveFile={node.class_archive}") if made else ""


def build_archive(node: Node, target: Path) -> bool:
    """Create the archive and delete older ones.

    Args:
        node: the node whose Spark to run.
        target: the archive's path.

    Returns:
        False if another process is creating the archive, otherwise True.

    Raises:
        subprocess.CalledProcessError: if the workload fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if target.exists():
            return True
        for old in target.parent.glob("*.jsa*"):
            old.unlink()
        part = target.with_suffix(".jsa.part")
        work = Path(tempfile.mkdtemp(prefix="spark-classes-"))
        try:
            subprocess.run(
                workload_command(node, work, part),
                env=step_environment(node, work),
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=True,
            )
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
            shutil.rmtree(work, ignore_errors=True)
    return True


def workload_command(node: Node, work: Path, part: Path) -> list[str]:
    """Return the spark-submit command that runs the workload and archives its classes.

    Writes the workload's script and settings to `work`.

    Args:
        node: the node whose Spark to run.
        work: an empty folder to work in.
        part: where to write the archive.
    """
    (work / "tmp").mkdir()
    (work / "s3" / "warm-up").mkdir(parents=True)
    script = work / "warm_up.py"
    script.write_text(WORKLOAD)
    settings = spark_submit.local_defaults(0, node.memory_bytes)
    archiving = shlex.quote(f"-XX:ArchiveClassesAtExit={part}")
    options = f"{settings[spark_submit.JAVA_OPTIONS]} {archiving}"
    settings |= spark_submit.machine_settings(work, node.master, options)
    settings |= spark_submit.s3_settings(work / "s3", ["warm-up"])
    properties = work / "spark.properties"
    properties.write_text(spark_submit.properties_file(settings))
    return [
        str(node.spark / "bin" / "spark-submit"),
        "--properties-file",
        str(properties),
        str(script),
        "s3://warm-up/",
    ]


def main() -> int:
    """Create the archive for the node in the environment variables, and return the exit code."""
    node = node_of_environment()
    if node.class_archive is None:
        return 0
    with contextlib.suppress(OSError):
        os.nice(10)  # steps have priority
    try:
        build_archive(node, node.class_archive)
    except subprocess.CalledProcessError as error:
        print(f"Spark's classes were not archived: {error.stderr.decode()[-500:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
