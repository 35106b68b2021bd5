"""The versions of data sets in the ratings bucket: what is there, and what may be deleted.

Each import has a version of its own. The active one and the former one are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from marquee.contracts import CurrentModel, DataVersion
from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model
from operations.objects import delete_below, folders, has_objects
from operations.uploads import abort_upload, unfinished_keys

EVALUATION = "evaluation"  # the version that `make evaluate` prepares; never active
_KINDS = ("raw", "ratings", "movies", "tags")  # all but the reports


def data_versions(deployment: Deployment) -> list[DataVersion]:
    """Return all versions that have objects, but those of `make evaluate`."""
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    return [
        DataVersion(dataset, version)
        for dataset in folders(s3, bucket, "data/")
        for version in folders(s3, bucket, f"data/{dataset}/")
        if version != EVALUATION
    ]


def is_prepared(deployment: Deployment, data: DataVersion) -> bool:
    """Return whether the prepared ratings and movies of a version are there."""
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    return all(has_objects(s3, bucket, data.prefix(kind)) for kind in ("ratings", "movies"))


def raw_file_of(key: str) -> tuple[DataVersion, str]:
    """Return the version and the name of an uploaded file, by its key; without a name if none."""
    _, dataset, version, kind, name = [*key.split("/", 4), "", "", "", ""][:5]
    return DataVersion(dataset, version), name if kind == "raw" else ""


def delete_unused(deployment: Deployment) -> list[DataVersion]:
    """Delete the versions that were made before the active one, except the former one.

    Uploads to such versions that have not ended are aborted. Newer versions stay: they belong to an
    import that is not finished, or to one that a rollback left. They are deleted when a still newer
    version is active. Data of releases without versions is never deleted.

    Returns:
        The deleted versions.
    """
    active = current_model(deployment)
    if active is None or not active.data_version:
        return []
    kept = _kept_data(active)
    unused = [
        each
        for each in data_versions(deployment)
        if each not in kept and each.version < active.data_version
    ]
    s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
    for each in unused:
        # Before the folder: by the folder, a later call finds what this one left.
        s3.delete_object(Bucket=bucket, Key=each.ids_key)
        delete_below(s3, bucket, each.folder)
        s3.delete_object(Bucket=deployment.parameter("models-bucket"), Key=each.newest_key)
    for key, upload_id in unfinished_keys(s3, bucket, "data/"):
        data, name = raw_file_of(key)
        if name and data.version != EVALUATION and data.version < active.data_version:
            abort_upload(s3, bucket, key, upload_id)
    return unused


@contextmanager
def discarded_unless_used(deployment: Deployment, data: DataVersion) -> Iterator[None]:
    """If the context ends by an OperationError, delete a version's data, but keep its reports.

    Other exceptions leave it, because a step may still be running, or the upload can go on. It is
    deleted, as are the reports, when a newer version becomes active.
    """
    try:
        yield
    except OperationError as error:
        if error.status == 1 and data not in _kept_data(current_model(deployment)):
            s3, bucket = boto3.client("s3"), deployment.parameter("ratings-bucket")
            s3.delete_object(Bucket=bucket, Key=data.ids_key)
            for key, upload_id in unfinished_keys(s3, bucket, data.prefix("raw")):
                abort_upload(s3, bucket, key, upload_id)
            for kind in _KINDS:
                delete_below(s3, bucket, data.prefix(kind))
            out.print("The active ratings and their model are as before; the new ones are deleted.")
        raise


def _kept_data(active: CurrentModel | None) -> set[DataVersion]:
    """Return the data of the active pair and of the former one."""
    pairs = (active, active.former if active else None)
    return {pair.data for pair in pairs if pair is not None}
