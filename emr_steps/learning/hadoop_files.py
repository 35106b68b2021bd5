"""Read and write small files by URI, through Hadoop's FileSystem in the driver's JVM.

With it the steps read and write models and reports at any URI that Spark supports: `s3://` on EMR,
the local AWS's mirror of it, `hdfs://` and `file:`. It does not import pyspark at the top, so that
the package works without Spark.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

# In these stores an object appears, complete, when its stream is closed; a rename is a copy.
_OBJECT_STORES = frozenset({"s3", "s3a", "s3n"})


class Files:
    """Reads, writes and lists files through the session's Hadoop configuration."""

    def __init__(self, spark: Any) -> None:
        """Use the Hadoop configuration of `spark`, the step's SparkSession."""
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()

    @classmethod
    def without_session(cls) -> Self:
        """Use the JVM of spark-submit, and its configuration, without starting Spark.

        Starting a session takes seconds, and on YARN it also waits for a container. A session that
        is started later uses the same JVM.
        """
        from pyspark import SparkContext  # noqa: PLC0415  only here does the module need Spark

        SparkContext._ensure_initialized()
        found = cls.__new__(cls)
        jvm: Any = SparkContext._jvm
        found._jvm = jvm
        settings = jvm.org.apache.spark.SparkConf()
        hadoop = jvm.org.apache.spark.deploy.SparkHadoopUtil.get()
        found._configuration = hadoop.newConfiguration(settings)
        return found

    def exists(self, uri: str) -> bool:
        """Return whether there is a file or a folder at the URI."""
        path = self._path(uri)
        return bool(self._system(path).exists(path))

    def read(self, uri: str, limit: int | None = None) -> bytes:
        """Return the file's content, or its first `limit` bytes.

        Raises:
            FileNotFoundError: if the file does not exist.
        """
        path = self._path(uri)
        with _missing_file(uri):  # some file systems look for the file when it is first read
            if limit is None:
                return self._whole(path)
            stream = self._system(path).open(path)
            try:
                return bytes(stream.readNBytes(limit))
            finally:
                stream.close()

    def size(self, uri: str) -> int:
        """Return the size of a file in bytes.

        Raises:
            FileNotFoundError: if the file does not exist.
        """
        path = self._path(uri)
        with _missing_file(uri):
            return int(self._system(path).getFileStatus(path).getLen())

    def write(self, uri: str, content: bytes) -> None:
        """Write the file so that a reader sees either the former or the complete new content.

        On HDFS, however, a file that is replaced does not exist for a moment.
        """
        path = self._path(uri)
        system = self._system(path)
        if path.toUri().getScheme() in _OBJECT_STORES:
            self._create(system, path, content)
            return
        temporary = self._path(f"{uri}.temporary")
        self._create(system, temporary, content)
        # A rename replaces an existing file on a local file system, but not on HDFS.
        if not system.rename(temporary, path):
            system.delete(path, False)
            if not system.rename(temporary, path):
                raise OSError(f"cannot rename {uri}.temporary to {uri}")

    def names(self, uri: str) -> dict[str, int]:
        """Return the size in bytes of each file directly in a folder, by file name.

        Names that begin with `.` or `_` are left out. The result is empty if the folder does not
        exist.
        """
        path = self._path(uri)
        try:
            with _missing_file(uri):
                found = self._system(path).listStatus(path)
        except FileNotFoundError:
            return {}
        return {
            status.getPath().getName(): int(status.getLen())
            for status in found
            if status.isFile() and not status.getPath().getName().startswith((".", "_"))
        }

    def tree(self, uri: str, ending: str, most: int) -> list[str]:
        """Return the URIs of files in a folder and its subfolders, at most `most` of them.

        Args:
            uri: the folder. The result is empty if it does not exist.
            ending: how the files' names end.
            most: the number of files after which the listing stops.
        """
        path = self._path(uri)
        found: list[str] = []
        try:
            with _missing_file(uri):
                listed = self._system(path).listFiles(path, True)
                while len(found) < most and listed.hasNext():
                    name = str(listed.next().getPath().toString())
                    if name.endswith(ending):
                        found.append(name)
        except FileNotFoundError:
            return []
        return sorted(found)

    def delete(self, uri: str) -> None:
        """Delete a file, or a folder with its content."""
        path = self._path(uri)
        self._system(path).delete(path, True)

    def temporary_folder(self, name: str) -> str:
        """Return the URI of a folder that all nodes share: in HDFS on a cluster, else in TMPDIR.

        The folder is not created. The caller chooses a unique `name`.
        """
        system = self._jvm.org.apache.hadoop.fs.FileSystem.get(self._configuration)
        if system.getUri().getScheme() == "file":
            return _local_uri(Path(tempfile.gettempdir()) / f"marquee-{name}")
        # hdfs:///tmp exists in every EMR release. Callers choose unique names.
        return f"{str(system.getUri()).rstrip('/')}/tmp/marquee-{name}"  # noqa: S108

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _system(self, path: Any) -> Any:
        return path.getFileSystem(self._configuration)

    def _whole(self, path: Any) -> bytes:
        """Return the content of a file by way of a local copy.

        The gateway to the JVM sends bytes as text, which takes 50 ms per megabyte.
        """
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "file"
            raw_disk = True  # do not write a checksum file
            self._system(path).copyToLocalFile(False, path, self._path(_local_uri(copy)), raw_disk)
            return copy.read_bytes()

    def _create(self, system: Any, path: Any, content: bytes) -> None:
        stream = system.create(path, True)
        stream.write(bytearray(content))
        # Not in a finally clause: closing after a failed write would store an incomplete object.
        stream.close()


def _local_uri(path: Path) -> str:
    """Return the URI of a local file as Hadoop reads it: nothing in it is percent-encoded."""
    return f"file://{path}"


def join(folder: str, name: str) -> str:
    """Return the URI of a name in a folder, whether or not the folder's URI ends with a slash."""
    return f"{folder.rstrip('/')}/{name}"


@contextmanager
def _missing_file(uri: str) -> Iterator[None]:
    """Raise FileNotFoundError for either of Java's two exceptions for a missing file."""
    try:
        yield
    except Exception as error:
        java = getattr(error, "java_exception", None)
        kind = java.getClass().getName() if java is not None else ""
        if kind in ("java.io.FileNotFoundException", "java.nio.file.NoSuchFileException"):
            raise FileNotFoundError(f"{uri} does not exist") from error
        raise
