"""Read made-up ratings as `make import` does, and upload them to a local AWS with an interruption.

Reading runs in a process of its own, whose peak memory is measured. The upload goes to an emulator
that the benchmark starts for itself, with a bucket and nothing else. It is stopped when half of the
file has arrived, and run again. Whether all content is right is checked by the upload itself.
"""

import argparse
import io
import multiprocessing
import resource
import socket
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.synthetic import SHAPES, Shape, made_ratings, write_movielens
from local_aws import launcher
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.output import RATINGS
from operations.dataset.recognise import sources_of
from operations.deployment import LOCAL, Deployment
from operations.uploads import FileDigests, UnfinishedUpload, digests_of, upload_files

BUCKET, PREFIX = "benchmark-uploads", "raw/"
MEBIBYTE = 1024 * 1024

console = Console(width=110)


@dataclass(frozen=True, slots=True)
class ReadingCosts:
    """What reading a data set took: rows, seconds, processor seconds, MiB and passes."""

    rows: int
    seconds: float
    processor_seconds: float
    peak_mebibytes: float
    passes: float


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of ratings")
    parser.add_argument("--size", choices=SHAPES, help="users, movies and ratings of a data set")
    options = parser.parse_args()
    large = SHAPES["20m"]
    share = options.rows / large.ratings
    shape = SHAPES.get(options.size) or Shape(
        options.rows, max(10, round(large.users * share)), large.movies
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        isolated(write_made_up, folder / "made-up", shape)
        (folder / "canonical").mkdir()
        costs = isolated(read_once, folder / "made-up", folder / "canonical")
        file = digests_of(folder / "canonical" / RATINGS)
        report(costs, file, *interrupted_and_resumed(folder / "state", file))


def isolated(function: Any, *arguments: Any) -> Any:
    """Call a function in a new process, so that its memory is its own; return its result."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def write_made_up(folder: Path, shape: Shape) -> None:
    """Write made-up ratings of a shape."""
    write_movielens(made_ratings(shape), shape.movies, folder)


class CountedReads(io.FileIO):
    """A file that counts the bytes that are read from all such files."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does."""
        content = super().read(size) or b""
        CountedReads.total += len(content)
        return content


def read_once(source: Path, into: Path) -> ReadingCosts:
    """Read a data set as `make import` does, and return what it took."""
    begun = time.perf_counter()
    with Archives(into) as archives:
        sources = sources_of(source, archives)
        files = tuple(
            replace(each, file=replace(each.file, opened=partial(CountedReads, each.file.path)))
            for each in sources.ratings
            if each.file.path
        )
        found = read_data_set(replace(sources, ratings=files), into)
    size = sum(each.file.path.stat().st_size for each in sources.ratings if each.file.path)
    return ReadingCosts(
        found.rows,
        time.perf_counter() - begun,
        time.process_time(),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        CountedReads.total / size,
    )


def interrupted_and_resumed(state: Path, file: FileDigests) -> tuple[list[float], list[int]]:
    """Upload a file, stop half way, and upload it again.

    Returns:
        The seconds, and the bytes that were sent, of each of the two.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    deployment = Deployment(LOCAL, port=port)
    launcher.start(port, state)
    try:
        deployment.activate()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        seconds, sent = [0.0, 0.0], [0, 0]

        def half(done: int, total: int) -> None:
            if done > total / 2:
                raise KeyboardInterrupt

        for turn in (0, 1):

            def count(params: Any, turn: int = turn, **_: Any) -> None:
                sent[turn] += len(params["Body"])

            s3.meta.events.register("provide-client-params.s3.UploadPart", count, unique_id="count")
            begun = time.perf_counter()
            with suppress(UnfinishedUpload):
                progress = half if turn == 0 else lambda _done, _total: None
                upload_files(s3, BUCKET, PREFIX, {RATINGS: file}, progress)
            seconds[turn] = time.perf_counter() - begun
            s3.meta.events.unregister("provide-client-params.s3.UploadPart", unique_id="count")
        return seconds, sent
    finally:
        launcher.stop(state)


def report(costs: ReadingCosts, file: FileDigests, seconds: list[float], sent: list[int]) -> None:
    """Print what reading and uploading took."""
    table = Table(title=f"{costs.rows:,} rows of ratings, {machine()}", show_header=False)
    table.add_row("reading", f"{costs.seconds:.0f} s, {costs.processor_seconds:.0f} s of processor")
    table.add_row("rows in a second of processor", f"{costs.rows / costs.processor_seconds:,.0f}")
    table.add_row("peak memory of reading", f"{costs.peak_mebibytes:.0f} MiB")
    table.add_row("passes over the file of ratings", f"{costs.passes:.2f}")
    table.add_row("file to upload", f"{file.size / MEBIBYTE:.1f} MiB, {len(file.parts)} parts")
    for name, taken, count in zip(("stopped half way", "run again"), seconds, sent, strict=True):
        table.add_row(f"upload, {name}", f"{taken:.1f} s, {count / MEBIBYTE:.1f} MiB sent")
    table.add_row("sent in all, of the file's size", f"{sum(sent) / file.size:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
