"""Publish the EMR step scripts and the part of the shared package that they import.

They are stored under a prefix that contains a hash of their content. A running step therefore never
sees them change, and an unchanged set is never uploaded twice.
"""

import ast
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import boto3

from operations import ROOT
from operations.environment import Environment
from operations.errors import OperationError

# Top-level modules on an EMR node: Python's, Spark's, those of requirements/emr.in, and ours.
_ON_EMR = {*sys.stdlib_module_names, "pyspark", "py4j", "numpy", "marquee"}
_SCRIPTS = ROOT / "emr_steps"
_PACKAGE = ROOT / "layer" / "marquee"
_LEARNING = _SCRIPTS / "learning"
# Zip entries need a time; a fixed one makes the content hash reproducible.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def imports_of(source: str) -> set[str]:
    """Return the dotted name of every module that a source text may import, anywhere in it.

    `from a import b` gives both `a` and `a.b`.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def travelling_modules(sources: Mapping[str, str]) -> list[str]:
    """Return the modules that import, directly and indirectly, only what an EMR node has.

    Args:
        sources: the modules' texts, by module name (`marquee.contracts`).
    """
    imported = {name: imports_of(text) for name, text in sources.items()}
    stay = {
        name
        for name, modules in imported.items()
        if any(module.split(".")[0] not in _ON_EMR for module in modules)
    }
    while more := {
        name for name, modules in imported.items() if name not in stay and modules & stay
    }:
        stay |= more
    return sorted(set(sources) - stay)


def marquee_zip(package: Path = _PACKAGE, learning: Path = _LEARNING) -> bytes:
    """Return the zip file for `--py-files`; the same sources give the same bytes.

    It contains the modules of the shared package that work on EMR (see `travelling_modules`), and
    the whole package that the steps share.
    """
    files = {f"marquee.{file.stem}": file for file in package.glob("*.py")}
    initial = files.pop("marquee.__init__")
    chosen = travelling_modules({name: file.read_text() for name, file in files.items()})
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in [initial, *(files[name] for name in chosen), *sorted(learning.glob("*.py"))]:
            name = f"{file.parent.name}/{file.name}"
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), file.read_bytes())
    return kept.getvalue()


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


def scripts_prefix(environment: Environment, files: Mapping[str, bytes] | None = None) -> str:
    """Return the `s3://…/` prefix of these files; without files, of the work tree's."""
    digest = content_hash(published_files() if files is None else files)
    return f"s3://{environment.parameter('artifacts-bucket')}/steps/{digest}/"


def publish_scripts(environment: Environment) -> str:
    """Upload the files that are missing in S3; return their `s3://…/` prefix."""
    files = published_files()
    prefix = scripts_prefix(environment, files)
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    there = _keys(s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", []))
    for name, content in files.items():
        if f"{key}{name}" not in there:
            s3.put_object(Bucket=bucket, Key=f"{key}{name}", Body=content)
    return prefix


def _keys(contents: Iterable[Mapping[str, object]]) -> set[str]:
    return {str(item["Key"]) for item in contents}
