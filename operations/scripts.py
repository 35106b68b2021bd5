"""Publish the EMR step scripts and the part of the shared package that runs on EMR.

They are stored under a prefix that contains a hash of their content. A running step therefore never
sees them change, and an unchanged set is never uploaded twice.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import boto3

from operations import ROOT
from operations.deployment import Deployment
from operations.errors import OperationError

_SCRIPTS = ROOT / "emr_steps"
_PACKAGE = ROOT / "layer" / "marquee"
# What EMR gets of the shared package. tests/unit/test_import_rules.py checks that these parts need
# no library that a node lacks.
_SHARED = ("__init__.py", "contracts.py", "datasets.py", "recommender/*.py")
# Zip entries need a time; a fixed one makes the content hash reproducible.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def marquee_zip(package: Path = _PACKAGE, learning: Path = _SCRIPTS / "learning") -> bytes:
    """Return the zip file for `--py-files`; the same sources give the same bytes.

    It contains the parts of the shared package that run on EMR, and the package that only the
    steps use.
    """
    shared = [file for pattern in _SHARED for file in sorted(package.glob(pattern))]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in [*shared, *sorted(learning.glob("*.py"))]:
            root = package if file in shared else learning
            name = str(file.relative_to(root.parent))
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), file.read_bytes())
    return zipped.getvalue()


def published_files() -> dict[str, bytes]:
    """Return the contents of the files to publish, by name."""
    scripts = {file.name: file.read_bytes() for file in sorted(_SCRIPTS.glob("*.py"))}
    if not scripts:
        raise OperationError("emr_steps/ contains no step script: restore it from the repository.")
    return {**scripts, "marquee.zip": marquee_zip()}


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def scripts_prefix(deployment: Deployment, files: Mapping[str, bytes] | None = None) -> str:
    """Return the `s3://…/` prefix of these files; without files, of the work tree's."""
    digest = content_hash(published_files() if files is None else files)
    return f"s3://{deployment.parameter('artifacts-bucket')}/steps/{digest}/"


def publish_scripts(deployment: Deployment) -> str:
    """Upload the files that are missing in S3; return their `s3://…/` prefix."""
    files = published_files()
    prefix = scripts_prefix(deployment, files)
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    there = _keys(s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", []))
    for name, content in files.items():
        if f"{key}{name}" not in there:
            s3.put_object(Bucket=bucket, Key=f"{key}{name}", Body=content)
    return prefix


def _keys(contents: Iterable[Mapping[str, object]]) -> set[str]:
    return {str(item["Key"]) for item in contents}
