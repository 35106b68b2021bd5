"""Publish the website: its files and config.json, which tells the page about the deployment."""

import hashlib
import json
import mimetypes
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
# File names carry no version, so browsers must revalidate their copies each time.
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
    """Return the content of the site's objects, by key.

    Args:
        api: the API's URL.
        folder: the folder of the site's files.
        posters: the data sets with posters in the bucket.
        facts: what the pages say about the deployment, as `site_facts` returns it.
    """
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(api)).encode()
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes().replace(API_ORIGIN, origin)
        for file in files_under(folder)
        if file.suffix != ".md" and not file.name.startswith(".")
    }
    configuration = {"apiUrl": api, **facts}
    if posters:
        configuration["posters"] = list(posters)
        if TMDB_LOGO in files:
            configuration["tmdbLogo"] = TMDB_LOGO
    return {**files, CONFIGURATION: json.dumps(configuration).encode()}


def publish_site(deployment: Deployment) -> int:
    """Upload changed files and delete removed ones; return the number of both together."""
    s3, bucket = boto3.client("s3"), deployment.parameter("site-bucket")
    wanted = pages(
        api_url(deployment),
        posters=_datasets_with_posters(s3, bucket),
        facts=site_facts(deployment),
    )
    there = dict(_etags(s3, bucket))
    changed = [key for key, body in wanted.items() if there.get(key) != _etag(body)]
    gone = [key for key in there if key not in wanted]
    for key in changed:
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=wanted[key],
            ContentType=content_type(key),
            CacheControl=CACHE_CONTROL,
        )
    for key in gone:
        s3.delete_object(Bucket=bucket, Key=key)
    return len(changed) + len(gone)


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
