"""The files that are uploaded to the site's bucket."""

import base64
import hashlib
import json
import posixpath
import re
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from operations import site as publishing
from operations.deployment import Deployment
from operations.site import (
    CONFIGURATION,
    RELEASES,
    WORKER,
    cache_control,
    content_type,
    pages,
    publish_site,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("scripts/main.js", "text/javascript; charset=utf-8"),
        ("marquee.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("config.json", "application/json; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("icons/192.png", "image/png"),
        ("photo.webp", "image/webp"),
        ("unknown.zzz", "application/octet-stream"),
    ],
)
def test_each_file_is_served_with_its_content_type(name: str, kind: str) -> None:
    assert content_type(name) == kind


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "scripts" / "main.js").write_text("")
    (tmp_path / "README.md").write_text("for contributors")
    (tmp_path / CONFIGURATION).write_text('{"apiUrl": "http://localhost:1"}')
    return tmp_path


def test_scripts_are_in_the_folder_of_their_release_and_the_page_refers_to_it(site: Path) -> None:
    (site / "index.html").write_text('<script src="scripts/main.js"></script><a href="#rate">')
    (site / "404.html").write_text('<script src="/scripts/main.js"></script>')

    published = pages("https://api/v1", site)

    [script] = [key for key in published if key.endswith("/scripts/main.js")]
    assert script.startswith(RELEASES)
    assert "scripts/main.js" not in published
    page = f'<script src="{script}"></script><a href="#rate">'
    assert published["index.html"].decode() == page
    assert published["404.html"].decode() == f'<script src="/{script}"></script>'


def test_a_changed_script_is_another_release_and_the_former_script_the_former_one(
    site: Path,
) -> None:
    def release() -> str:
        return next(key for key in pages("https://api/v1", site) if key.startswith(RELEASES))

    former = release()
    (site / "scripts" / "main.js").write_text("changed")
    assert release() != former
    (site / "scripts" / "main.js").write_text("")
    assert release() == former


def test_every_link_of_the_real_page_is_published() -> None:
    published = pages("https://api.example/v1")
    for page in ("index.html", "404.html"):
        links = re.findall(r'(?:href|src)="([^"#:]+)"', published[page].decode())
        files = {link.removeprefix("/") for link in links} - {""}
        assert files
        assert files <= published.keys()


def test_every_static_import_of_the_first_view_is_preloaded() -> None:
    published = {
        key.partition("/scripts/")[2]: body.decode()
        for key, body in pages("https://api.example/v1").items()
        if "/scripts/" in key
    }
    needed, unread = set[str](), ["main.js"]
    while unread:
        name = unread.pop()
        needed.add(name)
        for link in re.findall(r'from "(\.[^"]+)";', published[name]):
            module = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
            if module not in needed:
                unread.append(module)
    page = (publishing.FOLDER / "index.html").read_text()
    preloaded = set(re.findall(r'modulepreload" href="scripts/([^"]+)"', page))
    assert preloaded == needed - {"main.js"}


def kept_by_the_worker(published: dict[str, bytes]) -> dict[str, str]:
    """Return the sums that the published service worker names, by file."""
    found = re.search(r"const SHELL = (\{.*\});", published[WORKER].decode())
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_worker_keeps_every_file_that_the_page_may_load() -> None:
    published = pages("https://api.example/v1")
    not_kept = {"404.html", "card.png", "manifest.webmanifest", WORKER, "service_worker_off.js"}
    icons = {key for key in published if key.startswith("icons/")}

    kept = kept_by_the_worker(published)

    assert icons
    assert set(kept) == set(published) - not_kept - icons
    for name, integrity in kept.items():
        digest = base64.b64encode(hashlib.sha256(published[name]).digest()).decode()
        assert integrity == f"sha256-{digest}"


@pytest.mark.parametrize("changed", ["scripts/main.js", "index.html", "facts"])
def test_the_worker_differs_whenever_a_file_that_it_keeps_differs(site: Path, changed: str) -> None:
    (site / WORKER).write_bytes((publishing.FOLDER / WORKER).read_bytes())

    def worker(**facts: int) -> bytes:
        return pages("https://api/v1", site, facts=facts)[WORKER]

    former = worker()
    assert worker() == former
    assert b"__" not in former
    if changed == "facts":
        assert worker(textsADay=3) != former
    else:
        (site / changed).write_text("changed")
        assert worker() != former


def test_what_others_refer_to_is_uploaded_first() -> None:
    keys = list(pages("https://api.example/v1"))
    releases = [key for key in keys if key.startswith(RELEASES)]
    assert keys[: len(releases)] == releases
    assert keys[-2:] == ["index.html", WORKER]


def test_only_the_files_of_a_release_may_be_kept_without_asking_again() -> None:
    assert "immutable" in cache_control(f"{RELEASES}0123456789abcdef/marquee.css")
    for name in ("index.html", WORKER, CONFIGURATION, "manifest.webmanifest", "icon.svg"):
        assert cache_control(name) == "no-cache"


def test_the_worker_that_removes_itself_is_published_for_the_operator_to_read() -> None:
    assert "service_worker_off.js" in pages("https://api.example/v1")


def test_files_for_contributors_are_not_published(site: Path) -> None:
    assert "README.md" not in pages("https://api/v1", site)


def test_the_configuration_names_the_api_of_this_deployment(site: Path) -> None:
    assert json.loads(pages("https://api/v1", site)[CONFIGURATION]) == {"apiUrl": "https://api/v1"}


def test_the_policy_of_the_page_allows_the_api_of_this_deployment(site: Path) -> None:
    (site / "index.html").write_text("connect-src 'self' __API_ORIGIN__;")

    page = pages("http://localhost:4566/_aws/execute-api/abc/v1", site)["index.html"]

    assert page == b"connect-src 'self' http://localhost:4566;"


def test_the_index_page_names_the_api_in_its_policy() -> None:
    page = pages("https://api.example/v1")["index.html"]

    assert b"connect-src 'self' https://api.example;" in page


def test_the_configuration_names_the_data_sets_with_posters(site: Path) -> None:
    published = pages("https://api/v1", site, posters=["films"])
    assert json.loads(published[CONFIGURATION])["posters"] == ["films"]


def test_the_configuration_names_the_logo_of_tmdb_where_its_posters_are_shown(site: Path) -> None:
    assert "tmdbLogo" not in json.loads(pages("", site, posters=["films"])[CONFIGURATION])
    (site / "tmdb.svg").write_text("<svg/>")
    assert "tmdbLogo" not in json.loads(pages("", site)[CONFIGURATION])
    with_posters = json.loads(pages("", site, posters=["films"])[CONFIGURATION])
    assert with_posters["tmdbLogo"] == "tmdb.svg"


def test_the_configuration_has_the_facts_about_the_deployment(site: Path) -> None:
    facts = {"operator": {"name": "</script> & Sons"}, "retention": {"visitorDays": 365}}
    published = json.loads(pages("https://api/v1", site, facts=facts)[CONFIGURATION])
    assert published == {"apiUrl": "https://api/v1", **facts}


@pytest.fixture
def prod(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Return a deployment with just what publishing asks of one."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(publishing, "api_url", lambda _: "https://api.example/v1")
    monkeypatch.setattr(publishing, "site_facts", lambda _: {"textsADay": 3})
    monkeypatch.setattr(Deployment, "parameter", lambda _, name: name)
    return Deployment("prod")


def test_the_former_release_stays_for_open_pages_until_another_one_follows(
    monkeypatch: pytest.MonkeyPatch, prod: Deployment
) -> None:
    def publish(script: str, facts: int = 1) -> set[str]:
        """Publish a site with this script; return the scripts in the bucket."""
        monkeypatch.setattr(publishing, "site_facts", lambda _: {"textsADay": facts})
        monkeypatch.setattr(
            publishing,
            "_files",
            lambda *_: {"index.html": b'"main.js"', "main.js": script.encode()},
        )
        publish_site(prod)
        listed = s3.list_objects_v2(Bucket="site-bucket", Prefix=RELEASES)["Contents"]
        bodies = (s3.get_object(Bucket="site-bucket", Key=each["Key"])["Body"] for each in listed)
        return {body.read().decode() for body in bodies}

    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="site-bucket")
        assert publish("first") == {"first"}
        assert publish("second") == {"first", "second"}
        assert publish("second", facts=2) == {"first", "second"}
        assert publish("third") == {"second", "third"}
        assert publish("second") == {"second", "third"}


def test_publishing_keeps_the_posters_and_names_their_data_sets(prod: Deployment) -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="site-bucket")
        for key in ("posters/films/1.jpg", "old.html"):
            s3.put_object(Bucket="site-bucket", Key=key, Body=b"")
        publish_site(prod)
        keys = {item["Key"] for item in s3.list_objects_v2(Bucket="site-bucket")["Contents"]}
        configuration = s3.get_object(Bucket="site-bucket", Key=CONFIGURATION)["Body"].read()
    assert "posters/films/1.jpg" in keys
    assert "old.html" not in keys
    assert json.loads(configuration)["posters"] == ["films"]
    assert json.loads(configuration)["textsADay"] == 3
