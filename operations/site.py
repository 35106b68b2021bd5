"""Publish the website: its files and config.json, which tells the page about the deployment.

Scripts and styles are published in `releases/<id>`, a folder named by their contents. So a page
never mixes the files of two releases, and browsers may keep them (docs/decisions/0030-offline.md).
"""

import base64
import hashlib
import itertools
import json
import mimetypes
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import boto3
from mypy_boto3_s3 import S3Client

from operations import ROOT
from operations.addresses import api_url
from operations.deployment import Deployment
from operations.fingerprints import files_under
from operations.site_facts import site_facts

FOLDER = ROOT / "site"
CONFIGURATION = "config.json"
POSTERS = "posters/"  # <dataset>/<movie_id>.jpg; stored by operations.posters, not published here
TMDB_LOGO = "tmdb.svg"  # the operator's copy; TMDB's terms demand it where its posters are shown
RELEASES = "releases/"
_RELEASE = re.compile(rf"{RELEASES}([0-9a-f]+)/")
_VERSIONED = {".js", ".css"}
WORKER = "service_worker.js"
WORKER_OFF = "service_worker_off.js"
PAGE = "index.html"
# The service worker keeps every file but these: the browser keeps the icons of an installed site,
# and only chats show the card of a shared list.
NOT_KEPT = frozenset({WORKER, WORKER_OFF, "404.html", "manifest.webmanifest", "card.png"})
ICONS = "icons/"
# Placeholders in the service worker.
_VERSION = b"__VERSION__"
_SHELL = b'{ __SHELL__: "" }'
# The folder of a release is named by its contents, so its files never change. Browsers must
# revalidate their copies of all other files each time.
FOR_EVER = "public, max-age=31536000, immutable"
CACHE_CONTROL = "no-cache"
# Some machines' MIME tables lack these types.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
}


def content_type(name: str) -> str:
    """Return the Content-Type for a file; texts are UTF-8."""
    suffix = Path(name).suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in {"application/json", "image/svg+xml"}
    return f"{kind}; charset=utf-8" if is_text else kind


# Placeholder for the API in the content security policy of index.html, which precedes any script.
API_ORIGIN = b"__API_ORIGIN__"


def pages(
    api: str,
    folder: Path = FOLDER,
    posters: Sequence[str] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return the content of the site's objects, by key, in the order in which to upload them.

    A page that is opened in between is whole: the files that others refer to come first.

    Args:
        api: the API's URL.
        folder: the folder of the site's files.
        posters: the data sets with posters in the bucket.
        facts: what the pages say about the deployment, as `site_facts` returns it.
    """
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(api)).encode()
    files = {name: body.replace(API_ORIGIN, origin) for name, body in _files(folder).items()}
    configuration = {"apiUrl": api, **facts}
    if posters:
        configuration["posters"] = list(posters)
        if TMDB_LOGO in files:
            configuration["tmdbLogo"] = TMDB_LOGO
    published = _in_release({**files, CONFIGURATION: json.dumps(configuration).encode()})
    if WORKER in published:
        published[WORKER] = _worker(published)
    return dict(sorted(published.items(), key=lambda item: _place(item[0])))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in files_under(folder)
        if file.suffix != ".md" and not file.name.startswith(".")
    }


def _in_release(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Move scripts and styles to the folder of their release, and let the pages refer to it."""
    versioned = {
        name: body
        for name, body in files.items()
        if Path(name).suffix in _VERSIONED and name not in NOT_KEPT
    }
    prefix = f"{RELEASES}{_digest(versioned)}/"
    moved = {prefix + name: body for name, body in versioned.items()}
    others = {name: body for name, body in files.items() if name not in versioned}
    for name, body in others.items():
        if name.endswith(".html"):
            page = body
            for root, each in itertools.product(("", "/"), versioned):
                link, release = f'"{root}{each}"', f'"{root}{prefix}{each}"'
                page = page.replace(link.encode(), release.encode())
            others[name] = page
    return moved | others


def _worker(published: Mapping[str, bytes]) -> bytes:
    """Return the service worker with the list of the files that it keeps."""
    shell = {
        name: body
        for name, body in sorted(published.items())
        if name not in NOT_KEPT and not name.startswith(ICONS)
    }
    sums = {name: _integrity(body) for name, body in shell.items()}
    return (
        published[WORKER]
        .replace(_VERSION, _digest(shell).encode())
        .replace(_SHELL, json.dumps(sums).encode())
    )


def _digest(files: Mapping[str, bytes]) -> str:
    """Return 16 hexadecimal digits of SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()[:16]


def _integrity(body: bytes) -> str:
    """Return a file's sum as Subresource Integrity writes it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}"


def _place(key: str) -> tuple[bool, bool, bool]:
    """Return the sort key by which objects are uploaded."""
    return (key == WORKER, key == PAGE, not key.startswith(RELEASES))


def publish_site(deployment: Deployment) -> int:
    """Upload changed files and delete removed ones; return the number of both together.

    The files of the release that was published before stay, because open pages still load from it.
    """
    s3, bucket = boto3.client("s3"), deployment.parameter("site-bucket")
    wanted = pages(
        api_url(deployment),
        posters=_datasets_with_posters(s3, bucket),
        facts=site_facts(deployment),
    )
    there = dict(_etags(s3, bucket))
    changed = [key for key, body in wanted.items() if there.get(key) != _etag(body)]
    kept = _former_releases(s3, bucket, wanted) if PAGE in there else ()
    gone = [key for key in there if key not in wanted and not key.startswith(tuple(kept))]
    for key in changed:
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=wanted[key],
            ContentType=content_type(key),
            CacheControl=cache_control(key),
        )
    for key in gone:
        s3.delete_object(Bucket=bucket, Key=key)
    return len(changed) + len(gone)


def cache_control(key: str) -> str:
    """Return the Cache-Control header of an object of the site."""
    return FOR_EVER if key.startswith(RELEASES) else CACHE_CONTROL


def _former_releases(s3: S3Client, bucket: str, wanted: Mapping[str, bytes]) -> list[str]:
    """Return the folder of the release that pages may still have open.

    It is the published one; if that is published again with other facts, every older one stays.
    """
    published = _RELEASE.search(s3.get_object(Bucket=bucket, Key=PAGE)["Body"].read().decode())
    if published is None:
        return []
    folder = published[0]
    return [RELEASES] if any(key.startswith(folder) for key in wanted) else [folder]


def invalidate(distribution: str) -> None:
    """Invalidate all cached copies in a CloudFront distribution."""
    boto3.client("cloudfront").create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            "CallerReference": str(uuid.uuid4()),
        },
    )


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _etags(s3: S3Client, bucket: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            if not item["Key"].startswith(POSTERS):
                yield item["Key"], item["ETag"]


def _datasets_with_posters(s3: S3Client, bucket: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=POSTERS, Delimiter="/"
    )
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    return sorted(folder.removeprefix(POSTERS).rstrip("/") for folder in folders)
