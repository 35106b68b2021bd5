"""Add the drops: folders of ratings that another system puts below `incoming/` (`make drops`)."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import timestamp
from operations.append_ratings import append_ratings
from operations.console import Phases, out
from operations.dataset.report import DatasetReport
from operations.deployment import Deployment
from operations.errors import OperationError, RatingsRefused
from operations.export_ratings import digest_of
from operations.import_ratings import import_folder
from operations.models import current_model
from operations.objects import CHANGED, read_if_there
from operations.running_steps import InterruptedStep, StepFailed
from operations.train import TrainedModel

INCOMING, REPORTS = "incoming/", "reports/drops/"
# Spark and Hadoop write an object of this name when all files of their output are complete.
CLOSED = "_SUCCESS"
MOST_FILES, MOST_BYTES = 1000, 10 * 1024**3
ADDED, UNCHANGED, REFUSED, WAITING = "added", "unchanged", "refused", "waiting"
_GIBIBYTE = 1024**3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,99}")


@dataclass(frozen=True, slots=True)
class Drop:
    """A folder of ratings in the bucket that its marker closed.

    Attributes:
        name: the folder's name.
        closed_at: when the marker was written.
        etags: the ETag of each object but the marker, by the name below the folder.
        size: the size of these objects in bytes.
    """

    name: str
    closed_at: datetime
    etags: Mapping[str, str]
    size: int

    @property
    def folder(self) -> str:
        """The prefix of the drop's keys."""
        return f"{INCOMING}{self.name}/"

    @property
    def report_key(self) -> str:
        """The key of the drop's report."""
        return f"{REPORTS}{self.name}.json"

    @property
    def digest(self) -> str:
        """The same for the same files; other content has another ETag."""
        return digest_of(self.etags)


@dataclass(slots=True)
class DropReport:
    """What became of a drop.

    Attributes:
        drop: the drop's name.
        digest: the digest of its files.
        closed_at: when its marker was written.
        ended_at: when this report was written.
        outcome: `added`, `unchanged`, `refused` or `waiting`.
        reason: why it was refused or must wait, else empty.
        dataset: the data set that was active before.
        data_version: the version that is active now, if the drop was added.
        model: the new model's id and measures, if the drop was added.
        read: what was read and would change, with the rows that were left out.
    """

    drop: str
    digest: str
    closed_at: str
    ended_at: str = ""
    outcome: str = WAITING
    reason: str = ""
    dataset: str = ""
    data_version: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    read: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.drop} {self.outcome} at {self.ended_at}" + (
            f": {self.reason}" if self.reason else ""
        )


def add_drops(deployment: Deployment, phases: Phases) -> list[DropReport]:
    """Add the drops that are new to the active data set, in the order in which they were closed.

    A drop is added as by `make import … APPEND=1`, and a report says what became of it. Drops with
    a report are skipped, unless their files changed or they had to wait. What is refused changes
    nothing and does not keep later drops from being added.

    Returns:
        The reports of the drops that were added or refused, or were there already.

    Raises:
        OperationError: if drops were refused, or one must wait. A drop waits if it was not its
            fault, as when there is no cluster; the later ones then wait with it.
    """
    done: list[DropReport] = []
    for drop in closed_drops(deployment):
        earlier, etag = _kept_report(deployment, drop)
        if earlier and earlier.digest == drop.digest and earlier.outcome != WAITING:
            continue
        report = DropReport(drop.name, drop.digest, timestamp(drop.closed_at))
        try:
            _add(deployment, phases, drop, report)
        except InterruptedStep:
            raise  # the drop has no report, so the next run looks at it again
        except RatingsRefused as error:
            report.outcome, report.reason = REFUSED, str(error)
        except StepFailed as error:
            _note_failed_step(deployment, report, error)
        except OperationError as error:
            report.reason = str(error)
            _keep_report(deployment, drop, report, etag)
            raise OperationError(
                f"The drop {drop.name} waits for the next time: {error}"
            ) from error
        _keep_report(deployment, drop, report, etag)
        out.print(str(report), markup=False)
        done.append(report)
    if refused := [each.drop for each in done if each.outcome == REFUSED]:
        raise OperationError(
            f"{len(refused)} of {len(done)} drops {'was' if len(refused) == 1 else 'were'} refused:"
            f" {', '.join(refused)}. Their reports, below {REPORTS} in the ratings bucket, say why;"
            " the active ratings are as before them."
        )
    if not done:
        out.print(f"There is no new drop below {INCOMING} in the ratings bucket.")
    return done


def closed_drops(deployment: Deployment) -> list[Drop]:
    """Return the drops that have their marker, in the order in which the markers were written."""
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    bucket = deployment.parameter("ratings-bucket")
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for page in pages.paginate(Bucket=bucket, Prefix=INCOMING):
        for item in page.get("Contents", []):
            folder, slash, name = item["Key"].removeprefix(INCOMING).partition("/")
            if slash and name:  # consoles make an empty object named as the folder
                found.setdefault(folder, {})[name] = item
    drops = []
    for folder, items in found.items():
        marker = items.pop(CLOSED, None)
        if marker is None:
            continue
        if not _NAME.fullmatch(folder):
            out.print(
                f"Skipped the drop {folder!r}: use up to 100 letters, digits, '.', '_', '=' and '-'"
                " for a drop's name.",
                markup=False,
            )
            continue
        etags = {name: item["ETag"] for name, item in items.items()}
        size = sum(item["Size"] for item in items.values())
        drops.append(Drop(folder, marker["LastModified"], etags, size))
    return sorted(drops, key=lambda drop: (drop.closed_at, drop.name))


def last_drop(deployment: Deployment) -> DropReport | None:
    """Return the newest report of a drop, or None if there is none."""
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=REPORTS)
    items = [item for page in pages for item in page.get("Contents", [])]
    if not items:
        return None
    newest = max(items, key=lambda item: (item["LastModified"], item["Key"]))
    kept = read_if_there(s3, bucket, newest["Key"])
    return None if kept is None else _parse_report(newest["Key"], kept)


def _add(deployment: Deployment, phases: Phases, drop: Drop, report: DropReport) -> None:
    """Add a drop to the active data set, and enter into its report what was done.

    Raises:
        RatingsRefused: if the drop cannot be added.
        OperationError: if it cannot be added now.
    """
    active = current_model(deployment)
    if active is None:
        raise OperationError(
            f"Deployment {deployment.name!r} has no active ratings to add to: import some with"
            " 'make import DATA=…'."
        )
    report.dataset = active.dataset
    _expect_usable(drop)

    def note(read: DatasetReport) -> None:
        report.read = read.to_dict()

    with (
        import_folder(deployment) as work,
        TemporaryDirectory(prefix="drop-", dir=work) as folder,
    ):
        with phases.phase(f"download the drop {drop.name}") as phase:
            _download(deployment, drop, Path(folder))
            phase.result = f"{len(drop.etags)} files, {drop.size / 1024**2:.1f} MiB"
        model = append_ratings(deployment, phases, Path(folder), name=active.dataset, on_read=note)
    if model is None:
        report.outcome = UNCHANGED
        return
    report.outcome, report.model = ADDED, _measures(model)
    report.data_version = _version_of(deployment, model)


def _note_failed_step(deployment: Deployment, report: DropReport, error: StepFailed) -> None:
    """Enter a failed step into a report: it refuses the drop, unless the drop is active already."""
    kind, _, model_id = error.step_name.partition("-")
    report.outcome, report.reason = REFUSED, str(error)
    if kind == "similar":  # runs after the switch; the next training makes up for it
        report.outcome, report.model = ADDED, {"model_id": model_id}
        now = current_model(deployment)
        report.data_version = now.data_version if now is not None else ""


def _expect_usable(drop: Drop) -> None:
    if not drop.etags:
        raise RatingsRefused(
            f"the drop has no files but {CLOSED}: put the ratings into {drop.folder} before it"
        )
    if len(drop.etags) > MOST_FILES or drop.size > MOST_BYTES:
        raise RatingsRefused(
            f"the drop has {len(drop.etags):,} files and {drop.size / _GIBIBYTE:,.1f} GiB, and at"
            f" most {MOST_FILES:,} files and {MOST_BYTES // _GIBIBYTE} GiB are added at once:"
            " divide it into several drops"
        )
    unusable = [name for name in sorted(drop.etags) if "/" in name or "\\" in name or "\0" in name]
    if unusable or {".", ".."} & drop.etags.keys():
        named = (unusable or ["."])[0]
        raise RatingsRefused(
            f"the drop has the object {named!r}: put all files directly into {drop.folder}, under"
            " plain names"
        )


def _download(deployment: Deployment, drop: Drop, into: Path) -> None:
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    for name, etag in drop.etags.items():
        key = f"{drop.folder}{name}"
        try:
            # On condition that it is what was listed, so that the digest is that of these files.
            answer = s3.get_object(Bucket=bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {*CHANGED, "NoSuchKey", "404"}:
                raise
            raise OperationError(f"{key} was changed while it was read") from error
        with (into / name).open("xb") as file:
            for chunk in answer["Body"].iter_chunks(1024**2):
                file.write(chunk)


def _measures(model: TrainedModel) -> dict[str, Any]:
    return {
        "model_id": model.model_id,
        "test_rmse": model.test_rmse,
        "ndcg@10": model.ndcg,
        "popularity_ndcg@10": model.popularity_ndcg,
        "visitors_left_out": model.left_out,
    }


def _version_of(deployment: Deployment, model: TrainedModel) -> str:
    now = current_model(deployment)
    return now.data_version if now is not None and now.dataset == model.dataset else ""


def _kept_report(deployment: Deployment, drop: Drop) -> tuple[DropReport | None, str | None]:
    """Return the report of a drop's name and its ETag, or None for each if there is none."""
    s3 = boto3.client("s3")
    try:
        kept = s3.get_object(Bucket=deployment.parameter("ratings-bucket"), Key=drop.report_key)
    except s3.exceptions.NoSuchKey:
        return None, None
    return _parse_report(drop.report_key, kept["Body"].read()), kept["ETag"]


def _parse_report(key: str, content: bytes) -> DropReport:
    try:
        return DropReport(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise OperationError(
            f"{key} in the ratings bucket cannot be read as the report of a drop ({error}): delete"
            " the object, and its drop is looked at again."
        ) from error


def _keep_report(deployment: Deployment, drop: Drop, report: DropReport, etag: str | None) -> None:
    """Write a drop's report, unless another command has written one since `etag` was read.

    That command was the first to switch, so its report has what the drop changed.
    """
    report.ended_at = timestamp(datetime.now(UTC))
    condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    try:
        boto3.client("s3").put_object(
            Bucket=deployment.parameter("ratings-bucket"),
            Key=drop.report_key,
            Body=json.dumps(asdict(report), ensure_ascii=False, indent=1).encode(),
            ContentType="application/json",
            **condition,  # type: ignore[arg-type]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in CHANGED:
            raise
        out.print(f"Another command has written {drop.report_key} in the meantime.")
