"""Add ratings to the active data set, and take deleted ones away (`make import … APPEND=1`)."""

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from marquee.contracts import CurrentModel, DataVersion
from marquee.datasets import DatasetError
from operations.console import Phases, out
from operations.dataset.append import append_files
from operations.dataset.guards import objections_to_append
from operations.dataset.ids import KeptReading
from operations.dataset.known import read_known
from operations.dataset.report import AppendCounts, DatasetReport
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.export_ratings import download_files
from operations.import_ratings import (
    Found,
    accept,
    dataset_name,
    import_folder,
    prepare_version,
    read_ratings_of,
    show_report_of,
    train_and_switch,
)
from operations.models import SeenPair, describe_pair, see_pair
from operations.objects import read_if_there
from operations.train import TrainedModel


def append_ratings(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    *,
    name: str | None = None,
    scale: str | None = None,
    force: bool = False,
    on_read: Callable[[DatasetReport], object] = lambda _: None,
) -> TrainedModel | None:
    """Add the ratings that a path names to the active data set, train, and switch to the result.

    The result is a new version of the data set. Until the last write, visitors are served with the
    former version and its model, which are then kept. Ratings that are there already are added
    once: if nothing would change, no version is made.

    Args:
        deployment: the deployment.
        phases: the phases of the command.
        path: a folder, archive or file of ratings; a folder may have a file of deletions.
        name: the active data set's name; by default derived from the path.
        scale: the name of the ratings' scale; by default it is recognised.
        force: whether to go on although the ratings seem to be read wrongly or too few.
        on_read: called with the report of what was read, before anything is refused because of it.

    Returns:
        The model, or None if nothing changes.

    Raises:
        OperationError: if there is no data set to add to, it has another name, the ratings cannot
            be added, or the model is worse than the active one. The active pair is unchanged then.
    """
    seen = see_pair(deployment)
    active = _to_add_to(deployment, seen, dataset_name(path, name))
    with _joined(deployment, phases, path, active, scale=scale) as joined:
        on_read(joined.found.report)
        _accept(joined, scale, force=force)
        if not joined.changes:
            out.print("Nothing was imported: the active data set has all of this already.")
            return None
        data = prepare_version(deployment, phases, joined.found, force=force)
    return train_and_switch(deployment, phases, data, seen, force=force)


def check_append(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    *,
    name: str | None = None,
    scale: str | None = None,
    force: bool = False,
) -> DatasetReport:
    """Print what would be added, changed and deleted; upload and change nothing.

    Raises:
        OperationError: if the ratings cannot be added, or only with `force`.
    """
    active = _to_add_to(deployment, see_pair(deployment), dataset_name(path, name))
    with _joined(deployment, phases, path, active, scale=scale) as joined:
        _accept(joined, scale, force=force)
        if joined.changes:
            out.print("Nothing was uploaded. Without CHECK=1, this is added to the data set.")
        else:
            out.print("Nothing was uploaded: the active data set has all of this already.")
    return joined.found.report


@dataclass(frozen=True)
class _Joined:
    """The active data set with what is added, as canonical files.

    Attributes:
        found: the files, and the report of what was read.
        reading: what is kept of the active data set.
        changes: whether the files differ from the active ones.
    """

    found: Found
    reading: KeptReading
    changes: bool


def _accept(joined: _Joined, scale: str | None, *, force: bool) -> None:
    scales = joined.reading.scales
    reasons = objections_to_append(joined.found.report, scales, scale_is_named=scale is not None)
    accept(reasons, force=force)


@contextmanager
def _joined(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    active: CurrentModel,
    *,
    scale: str | None,
) -> Iterator[_Joined]:
    """Join the active data set and what a path names, and print what changes.

    The files are deleted when the context ends.
    """
    with (
        import_folder(deployment) as work,
        TemporaryDirectory(prefix="active-", dir=work) as before,
        TemporaryDirectory(prefix="new-", dir=work) as new,
        TemporaryDirectory(prefix="canonical-", dir=work) as joined,
    ):
        with _enough_space(work):
            digests = download_files(deployment, phases, active, Path(before))
            reading = _kept_reading(deployment, active.data)
            known = read_known(Path(before), reading)
            report = read_ratings_of(phases, path, Path(new), work, onto=known, scale=scale)
            counts = report.append or AppendCounts()
            counts.before = f"{active.dataset}, version {active.data_version}"
            with phases.phase("add them") as phase:
                append_files(Path(before), Path(new), Path(joined), counts)
                phase.result = f"{counts.ratings:,} ratings then"
        found = Found(active.dataset, path, Path(joined), report)
        show_report_of(active.dataset, path, report)
        yield _Joined(found, reading, changes=found.digests() != digests)


@contextmanager
def _enough_space(work: Path) -> Iterator[None]:
    """Turn a full disk into an error that says how much space is needed."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OperationError(
            f"Nothing was imported: the disk of {work} is full: it needs space for the active"
            " ratings twice and for the new ones."
        ) from error


def _to_add_to(deployment: Deployment, seen: SeenPair, name: str) -> CurrentModel:
    """Return the active pair that a data set of this name can be added to.

    Raises:
        OperationError: if there is none, it has another name, or an older release imported it.
    """
    active = seen.active
    if active is None:
        raise OperationError(
            f"Deployment {deployment.name!r} has no active ratings to add to: import these first,"
            " without APPEND=1."
        )
    if active.dataset != name:
        raise OperationError(
            f"DATA is the data set {name!r}, but the active one is {active.dataset!r}: to add to"
            f" it, set NAME={active.dataset}; to replace it, leave out APPEND=1."
        )
    if not active.data_version:
        raise OperationError(
            f"{describe_pair(active)}, was imported by an older release, which did not keep its"
            " canonical files: import all ratings anew, without APPEND=1; later ones can then be"
            " added."
        )
    return active


def _kept_reading(deployment: Deployment, data: DataVersion) -> KeptReading:
    """Return the integers of a version's ids.

    Versions of older releases have no record of them. Where their report says that ids stay as they
    are, none is needed.
    """
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    try:
        kept = read_if_there(s3, bucket, data.ids_key)
        if kept is not None:
            return KeptReading.from_json(kept)
    except DatasetError as error:
        raise OperationError(f"s3://{bucket}/{data.ids_key} cannot be used: {error}") from error
    report = json.loads(read_if_there(s3, bucket, f"{data.prefix('reports')}import.json") or b"{}")
    if report.get("ids", [""]):
        raise OperationError(
            f"The active data set {data.dataset!r} was imported by an older release, which did not"
            " keep the integers that its ids were mapped to: import all ratings anew, without"
            " APPEND=1; later ones can then be added."
        )
    return KeptReading.of_whole_numbers((report["scale"],))
