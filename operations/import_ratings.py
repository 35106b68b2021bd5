"""Import ratings: read, upload, clean and train, then make ratings and model active together."""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import boto3

from marquee.aws.movies_table import MovieItem, MoviesTable
from marquee.contracts import DataVersion
from marquee.datasets import DatasetError
from marquee.requests.emr_step_requests import new_data_version, prepare_step
from operations.console import Phases, RunningPhase, out
from operations.data_versions import (
    EVALUATION,
    delete_unused,
    discarded_unless_used,
    raw_file_of,
)
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.guards import FORCE, objections, too_many_lost
from operations.dataset.known import KnownDataSet
from operations.dataset.output import IDS
from operations.dataset.recognise import sources_of
from operations.dataset.report import DatasetReport
from operations.deployment import Deployment
from operations.errors import OperationError, RatingsRefused
from operations.models import SeenPair, current_model, model_json, see_pair, switch_to
from operations.objects import keys, read_if_there
from operations.running_steps import locations, run_step
from operations.train import TrainedModel, find_similar, train
from operations.uploads import (
    FileDigests,
    UploadedBytes,
    digests_of,
    unfinished_uploads,
    upload_files,
)

_ARCHIVE_NAME = re.compile(r"(.+?)\.(?:zip|tar|tgz|tar\.gz)")
_TITLE_WRITERS = 8
_EXAMPLES_SHOWN = 10
_MEBIBYTE = 1024 * 1024


def dataset_name(path: Path, name: str | None) -> str:
    """Return the given name of the data set, or one derived from the folder's or archive's name.

    Raises:
        OperationError: if the given name is not 1 to 40 lower-case letters, digits and hyphens.
    """
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise OperationError(
            f"NAME is {name!r}: use up to 40 lower-case letters, digits and hyphens."
        )
    resolved = path.resolve()
    archive = _ARCHIVE_NAME.fullmatch(resolved.name.lower())
    if archive and not resolved.is_dir():
        named_after = archive[1]
    else:
        named_after = (resolved if resolved.is_dir() else resolved.parent).name
    made = re.sub(r"[^a-z0-9]+", "-", named_after.lower()).strip("-")[:40].strip("-")
    return name or made or "ratings"


@dataclass(frozen=True)
class Found:
    """The ratings that DATA names, as canonical files in a temporary folder.

    Attributes:
        name: the name of the data set.
        source: the folder, archive or file that DATA names.
        folder: the folder of the canonical files.
        report: what was read, mapped and left out.
    """

    name: str
    source: Path
    folder: Path
    report: DatasetReport

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files to upload: inputs of the prepare step, and official test sets."""
        return tuple(sorted(path.name for path in self.folder.iterdir() if path.name != IDS))

    @property
    def ids(self) -> bytes:
        """The integers of ids, and what else is kept for ratings that are added later."""
        return (self.folder / IDS).read_bytes()

    @functools.cached_property
    def to_upload(self) -> Mapping[str, FileDigests]:
        """The files to upload with the digests of their parts, by file name."""
        return {name: digests_of(self.folder / name) for name in self.files}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file in hexadecimal, by file name."""
        return {name: file.sha256 for name, file in self.to_upload.items()}


@contextmanager
def read_into_canonical_files(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    name: str | None = None,
    scale: str | None = None,
) -> Iterator[Found]:
    """Read the ratings that a path names into canonical files, and print what was found.

    The files are deleted when the context ends.

    Raises:
        OperationError: if the ratings cannot be imported, or the name is invalid.
    """
    with (
        import_folder(deployment) as work,
        TemporaryDirectory(prefix="canonical-", dir=work) as made,
    ):
        folder = Path(made)
        chosen_name = dataset_name(path, name)
        report = read_ratings_of(phases, path, folder, work, scale=scale)
        show_report_of(chosen_name, path, report)
        yield Found(chosen_name, path, folder, report)


def check_ratings(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    *,
    name: str | None = None,
    scale: str | None = None,
    force: bool = False,
) -> DatasetReport:
    """Print what importing a path would read, map and leave out; upload and change nothing.

    Raises:
        OperationError: if the ratings cannot be imported, or only with `force`, or if the name is
            invalid.
    """
    chosen_name = dataset_name(path, name)
    with import_folder(deployment) as work:
        report = read_ratings_of(phases, path, None, work, scale=scale)
    show_report_of(chosen_name, path, report)
    accept(objections(report), force=force)
    out.print("Nothing was uploaded. Without CHECK=1, this data set is imported.")
    return report


def accept(reasons: Sequence[str], *, force: bool) -> None:
    """Print the reasons not to make a data set active and go on; without `force`, raise them.

    Raises:
        OperationError: if there are reasons and `force` is not set.
    """
    if reasons and not force:
        raise RatingsRefused(f"Nothing was imported: {'; '.join(reasons)}. {FORCE}.")
    for reason in reasons:
        out.print(f"  FORCE=1, although {reason}", markup=False)


def show_report_of(name: str, path: Path, report: DatasetReport) -> None:
    """Print what was read from a path for a data set."""
    out.print(f"{name}: {path}", markup=False)
    for line in report.lines():
        out.print(line, markup=False)


def read_ratings_of(
    phases: Phases,
    path: Path,
    into: Path | None,
    work: Path,
    *,
    onto: KnownDataSet | None = None,
    scale: str | None = None,
) -> DatasetReport:
    """Read what a path names into canonical files.

    Args:
        phases: the phases of the command.
        path: a folder, archive or file.
        into: the folder to write into; None to write nothing.
        work: the folder for temporary files.
        onto: the data set that the ratings are to be added to, if they are.
        scale: the name of their scale, if it is not to be recognised.

    Raises:
        OperationError: if the ratings cannot be imported.
    """
    with phases.phase("read the ratings") as phase:
        try:
            with Archives(work) as archives:
                sources = sources_of(path, archives, to_add=onto is not None)
                report = read_data_set(
                    sources,
                    into,
                    lambda rows: phase.detail(f"{rows:,} rows"),
                    onto=onto,
                    scale=scale,
                    work=work,
                )
        except DatasetError as error:
            raise RatingsRefused(f"Nothing was imported: {error}") from error
        phase.result = f"{report.ratings:,} ratings of {report.rows:,} rows"
    return report


@contextmanager
def import_folder(deployment: Deployment) -> Iterator[Path]:
    """Make the folder for temporary files, which can become as large as the ratings.

    It is deleted when the context ends, unless another import is using it.
    """
    folder = deployment.state / "import"
    for each in (deployment.state, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()
            deployment.state.rmdir()


def import_ratings(
    deployment: Deployment,
    phases: Phases,
    path: Path,
    *,
    name: str | None = None,
    scale: str | None = None,
    force: bool = False,
) -> TrainedModel:
    """Import the ratings that a path names under a data set's name, train on them and use both.

    The ratings are prepared into a place of their own. Until the last write, which names them and
    their model together, visitors are served with the former pair, which is then kept.

    Args:
        deployment: the deployment.
        phases: the phases of the command.
        path: a folder, archive or file of ratings.
        name: the data set's name; by default derived from the path.
        scale: the name of the ratings' scale; by default it is recognised.
        force: whether to go on although the ratings seem to be read wrongly or too few.

    Raises:
        OperationError: if the ratings cannot be imported, or the model is worse than the active one
            of the same name. The active pair is unchanged then.
    """
    seen = see_pair(deployment)
    with read_into_canonical_files(deployment, phases, path, name, scale) as found:
        accept(objections(found.report), force=force)
        data = prepare_version(deployment, phases, found, force=force)
    return train_and_switch(deployment, phases, data, seen, force=force)


def prepare_version(
    deployment: Deployment, phases: Phases, found: Found, *, force: bool
) -> DataVersion:
    """Upload and prepare canonical files as a new version of their data set; return the version.

    Raises:
        OperationError: if too many rows are lost, or the step fails. The version is deleted then.
    """
    data = _unfinished_version(deployment, found)
    if data is None:
        data = new_data_version(found.name, datetime.now(UTC))
    else:
        out.print(f"  going on with the interrupted upload of version {data.version}", markup=False)
    with discarded_unless_used(deployment, data):
        report = prepare_data_set(deployment, phases, found, data)
        boto3.client("s3").put_object(
            Bucket=deployment.parameter("ratings-bucket"), Key=data.ids_key, Body=found.ids
        )
        reasons = report["bad_rows"].items()
        bad = {why: count for why, count in reasons if not why.startswith("tag: ")}
        lost = too_many_lost(report["rows"], bad)
        accept([lost] if lost else [], force=force)
    return data


def _unfinished_version(deployment: Deployment, found: Found) -> DataVersion | None:
    """Return the newest version of which an earlier import has uploaded a part of these files.

    A step begins only when all files of its version are there, so none has begun on this one.
    """
    active = current_model(deployment)
    bucket = deployment.parameter("ratings-bucket")
    versions = set()
    for upload in unfinished_uploads(boto3.client("s3"), bucket, f"data/{found.name}/"):
        data, name = raw_file_of(upload.key)
        file = found.to_upload.get(name)
        is_newer = active is None or data.version > active.data_version
        if file and data.version != EVALUATION and is_newer and upload.usable(file):
            versions.add(data.version)
    return DataVersion(found.name, max(versions)) if versions else None


def train_and_switch(
    deployment: Deployment, phases: Phases, data: DataVersion, seen: SeenPair, *, force: bool
) -> TrainedModel:
    """Train on a prepared version, and make it and its model the active pair instead of `seen`.

    Raises:
        OperationError: if the model is worse than the active one of the same name, or another pair
            has become active since `seen` was read. The version is deleted then.
    """
    with discarded_unless_used(deployment, data):
        model = train(deployment, phases, data, force=force)
        with phases.phase("load the titles") as phase:
            phase.result = f"{load_titles(deployment, model, phase):,} titles"
        switch_to(deployment, model.model_id, seen)
    if seen.active is not None:
        out.print(
            f"Active now: {data.dataset}, version {data.version}. 'make rollback-data' brings back"
            f" the former ratings ({seen.active.dataset}) and their model.",
            markup=False,
        )
    find_similar(deployment, phases, model.model_id)
    delete_unused(deployment)
    return model


def prepare_data_set(
    deployment: Deployment, phases: Phases, found: Found, data: DataVersion
) -> dict[str, Any]:
    """Upload and clean the files into the place of a data version; return the step's report.

    Prints what was left out, and records the version's origin, which is written last.
    """
    where = locations(deployment)
    # If this run fails halfway, the old record must not describe the partly replaced files.
    _forget_origin(deployment, data)
    with phases.phase("upload") as phase:
        upload(deployment, found, data, phase)
    with phases.phase("prepare") as phase:
        run_step(deployment, prepare_step(where, data), phase.detail)
        report = _report(deployment, data)
        phase.result = f"{report['ratings']:,} ratings by {report['users']:,} users"
    for line in report_lines(report, data):
        out.print(line, markup=False)
    _keep_report(deployment, found, data)
    _note_origin(deployment, data, Origin(found.digests(), where.scripts))
    return report


@dataclass(frozen=True)
class Origin:
    """The origin of a prepared data set: SHA-256 by file name, and the location of the scripts."""

    files: Mapping[str, str]
    scripts: str


def origin_of(deployment: Deployment, data: DataVersion) -> Origin | None:
    """Return the origin of a prepared data version, or None if none was recorded."""
    bucket = deployment.parameter("ratings-bucket")
    kept = read_if_there(boto3.client("s3"), bucket, _origin_key(data))
    return None if kept is None else Origin(**json.loads(kept))


def _note_origin(deployment: Deployment, data: DataVersion, origin: Origin) -> None:
    boto3.client("s3").put_object(
        Bucket=deployment.parameter("ratings-bucket"),
        Key=_origin_key(data),
        Body=json.dumps(asdict(origin), indent=1).encode(),
    )


def _keep_report(deployment: Deployment, found: Found, data: DataVersion) -> None:
    """Keep how ids and the scale were mapped, and what was left out, next to the data set."""
    boto3.client("s3").put_object(
        Bucket=deployment.parameter("ratings-bucket"),
        Key=f"{data.prefix('reports')}import.json",
        Body=found.report.to_json(),
    )


def _forget_origin(deployment: Deployment, data: DataVersion) -> None:
    bucket = deployment.parameter("ratings-bucket")
    boto3.client("s3").delete_object(Bucket=bucket, Key=_origin_key(data))


def _origin_key(data: DataVersion) -> str:
    return f"{data.prefix('reports')}origin.json"


def upload(
    deployment: Deployment, found: Found, data: DataVersion, phase: RunningPhase
) -> UploadedBytes:
    """Upload the files, then delete other files that an earlier run left in the same place.

    Raises:
        UnfinishedUpload: if it stops before its end; it can be continued.
        OperationError: if S3 received other content than was read.
    """
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    prefix = data.prefix("raw")
    files = found.to_upload
    count = upload_files(s3, bucket, prefix, files, phase.bar)
    for stale in keys(s3, bucket, prefix) - {f"{prefix}{name}" for name in files}:
        s3.delete_object(Bucket=bucket, Key=stale)
    phase.result = f"{len(files)} files, {(count.sent + count.kept) / _MEBIBYTE:.1f} MiB"
    if count.kept:
        phase.result += f", of which {count.kept / _MEBIBYTE:.1f} MiB had arrived before"
    return count


def _report(deployment: Deployment, data: DataVersion) -> dict[str, Any]:
    kept = boto3.client("s3").get_object(
        Bucket=deployment.parameter("ratings-bucket"),
        Key=f"{data.prefix('reports')}prepare.json",
    )
    return dict(json.loads(kept["Body"].read()))


def report_lines(report: Mapping[str, Any], data: DataVersion) -> list[str]:
    """Return lines that summarise the rows read and left out, with up to 10 examples."""
    lines = [
        f"  {report['rows']:,} rows read: {report['ratings']:,} ratings by {report['users']:,}"
        f" users of {report['movies_rated']:,} movies"
    ]
    if report["duplicates"]:
        lines.append(f"  {report['duplicates']:,} older ratings of a movie by the same user")
    lines += [f"  {count:,} left out: {reason}" for reason, count in report["bad_rows"].items()]
    examples: Sequence[Mapping[str, Any]] = report["examples"]
    lines += [
        f"    {each['file']} line {each['line']}: {each['reason']}: {each['text']}"
        for each in examples[:_EXAMPLES_SHOWN]
    ]
    if len(examples) > _EXAMPLES_SHOWN:
        lines.append(f"    … more in {data.prefix('reports')}prepare.json")
    return lines


def load_titles(deployment: Deployment, model: TrainedModel, phase: RunningPhase) -> int:
    """Write the titles of a model's movies to the movies table; return how many."""
    listed = model_json(deployment, model.model_id, "movies.json")
    movies = [
        MovieItem(movie_id=movie_id, title=title, year=year, genres=genres)
        for movie_id, title, year, genres, *_ in listed
    ]
    table = deployment.parameter("movies-table")
    written, lock = 0, Lock()

    def counted(movie: MovieItem) -> MovieItem:
        nonlocal written
        with lock:
            written += 1
            phase.bar(written, len(movies))
        return movie

    with ThreadPoolExecutor(_TITLE_WRITERS) as pool:
        shares = [movies[start::_TITLE_WRITERS] for start in range(_TITLE_WRITERS)]
        writing = [
            pool.submit(_write_titles, table, model.dataset, share, counted) for share in shares
        ]
        return sum(each.result() for each in writing)


def _write_titles(
    table: str, dataset: str, movies: Sequence[MovieItem], counted: Callable[[MovieItem], MovieItem]
) -> int:
    # Each thread needs its own resource: boto3 resources are not thread-safe.
    session = boto3.Session()
    return MoviesTable(session.resource("dynamodb"), table).put(dataset, map(counted, movies))
