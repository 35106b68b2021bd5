"""Whole small files by URI, through Hadoop's FileSystem in the driver's JVM.

Travels to EMR. The steps read and write models and reports with it wherever Spark itself can:
`s3://` on EMR, the local AWS's mirror of it, `hdfs://`, `file:`. It reaches the JVM through the
session it is given and imports no pyspark, so that the package needs none where there is no Spark.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Stores in which an object appears whole when it is closed, and in which a rename is a copy.
_OBJECT_STORES = frozenset({"s3", "s3a", "s3n"})


class Files:
    """Reads, writes and lists files through the session's Hadoop configuration."""

    def __init__(self, spark: Any) -> None:
        """`spark` is the step's SparkSession."""
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()

    def exists(self, uri: str) -> bool:
        path = self._path(uri)
        return bool(self._system(path).exists(path))

    def read(self, uri: str, limit: int | None = None) -> bytes:
        """The file's content, or its first `limit` bytes. Raises FileNotFoundError."""
        path = self._path(uri)
        with _missing_file(uri):
            if limit is None:
                return self._whole(path)
            stream = self._system(path).open(path)
        try:
            return bytes(stream.readNBytes(limit))
        finally:
            stream.close()

    def write(self, uri: str, content: bytes) -> None:
        """Write the file so that a reader sees the former content or the whole new one."""
        path = self._path(uri)
        system = self._system(path)
        if path.toUri().getScheme() in _OBJECT_STORES:
            self._create(system, path, content)
            return
        temporary = self._path(f"{uri}.temporary")
        self._create(system, temporary, content)
        # A local file system's rename replaces; HDFS refuses to, hence the second try.
        if not system.rename(temporary, path):
            system.delete(path, False)
            if not system.rename(temporary, path):
                raise OSError(f"cannot rename {uri}.temporary to {uri}")

    def names(self, uri: str) -> dict[str, int]:
        """Size in bytes of each file directly under a folder, by name; empty without the folder."""
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

    def delete(self, uri: str) -> None:
        """Delete a file, or a folder with all that it holds."""
        path = self._path(uri)
        self._system(path).delete(path, True)

    def temporary_folder(self, name: str) -> str:
        """URI of a folder that all nodes share: in HDFS on a cluster, else in TMPDIR."""
        system = self._jvm.org.apache.hadoop.fs.FileSystem.get(self._configuration)
        if system.getUri().getScheme() == "file":
            return (Path(tempfile.gettempdir()) / f"marquee-{name}").as_uri()
        # Every EMR release makes hdfs:///tmp for this; the name is the caller's and unique.
        return f"{str(system.getUri()).rstrip('/')}/tmp/marquee-{name}"  # noqa: S108

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _system(self, path: Any) -> Any:
        return path.getFileSystem(self._configuration)

    def _whole(self, path: Any) -> bytes:
        """By way of the disk: the gateway to the JVM sends bytes as text, 50 ms a megabyte."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "file"
            raw_disk = True  # no checksum file beside it
            self._system(path).copyToLocalFile(False, path, self._path(copy.as_uri()), raw_disk)
            return copy.read_bytes()

    def _create(self, system: Any, path: Any, content: bytes) -> None:
        stream = system.create(path, True)
        stream.write(bytearray(content))
        # Not in a finally: closing after a failed write would publish half an object.
        stream.close()


def join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


@contextmanager
def _missing_file(uri: str) -> Iterator[None]:
    """Turn Java's two exceptions for a missing file into Python's."""
    try:
        yield
    except Exception as error:
        java = getattr(error, "java_exception", None)
        kind = java.getClass().getName() if java is not None else ""
        if kind in ("java.io.FileNotFoundException", "java.nio.file.NoSuchFileException"):
            raise FileNotFoundError(f"{uri} does not exist") from error
        raise
