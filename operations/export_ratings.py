"""Download the active ratings and movies as MovieLens csv (`make export`)."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import boto3

from marquee.contracts import CurrentModel
from operations.console import Phases, RunningPhase, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import origin_of
from operations.models import current_model, describe_pair
from operations.objects import keys

_CHUNK = 1024 * 1024  # bytes


def export_ratings(deployment: Deployment, phases: Phases, into: Path) -> dict[str, str]:
    """Write the files that the active ratings were imported from into a folder, and check them.

    They are the canonical files, so importing them again gives the same files. Visitors' ratings
    are not among them.

    Returns:
        The SHA-256 of each file in hexadecimal, by file name.

    Raises:
        OperationError: if no ratings are active, the folder holds something, or a file differs from
            the one that was imported.
    """
    active = current_model(deployment)
    if active is None:
        raise OperationError("There are no active ratings: import some with 'make import DATA=…'.")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise OperationError(f"INTO is {into}, which is not an empty folder: name a new one.")
    digests = download_files(deployment, phases, active, into)
    for name, digest in digests.items():
        out.print(f"  {digest}  {into / name}", markup=False, soft_wrap=True)
    out.print(f"  {digest_of(digests)}  all files together", markup=False, soft_wrap=True)
    return digests


def download_files(
    deployment: Deployment, phases: Phases, active: CurrentModel, into: Path
) -> dict[str, str]:
    """Write the canonical files of the active ratings into a folder, which is made, and check them.

    Returns:
        The SHA-256 of each file in hexadecimal, by file name.

    Raises:
        OperationError: if there are none, or one differs from the file that was imported.
    """
    bucket, prefix = deployment.parameter("ratings-bucket"), active.data.prefix("raw")
    found = sorted(keys(boto3.client("s3"), bucket, prefix))
    if not found:
        raise OperationError(
            f"The files of {describe_pair(active)} are not in s3://{bucket}/{prefix}: import"
            " them again."
        )
    into.mkdir(parents=True, exist_ok=True)
    with phases.phase("download the ratings") as phase:
        digests = {key.removeprefix(prefix): _download(bucket, key, into, phase) for key in found}
        phase.result = f"{len(digests)} files of {describe_pair(active)}"
    origin = origin_of(deployment, active.data)
    _compare(digests, origin.files if origin else {}, into)
    return digests


def digest_of(digests: Mapping[str, str]) -> str:
    """Return one SHA-256 for a set of files, given that of each: of lines `digest  name`."""
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _download(bucket: str, key: str, into: Path, phase: RunningPhase) -> str:
    """Write an object into a folder, under the last part of its key; return its SHA-256."""
    answer = boto3.client("s3").get_object(Bucket=bucket, Key=key)
    digest, done = hashlib.sha256(), 0
    with (into / key.rpartition("/")[2]).open("xb") as file:
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            phase.bar(done, answer["ContentLength"])
    return digest.hexdigest()


def _compare(digests: Mapping[str, str], imported: Mapping[str, str], into: Path) -> None:
    different = [name for name in sorted(imported) if digests.get(name) != imported[name]]
    if different:
        raise OperationError(
            f"{into / different[0]} differs from the file that was imported: it was changed in the"
            " bucket, or the download was cut off. Try again."
        )
