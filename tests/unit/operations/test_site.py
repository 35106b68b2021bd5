"""The files that are uploaded to the site's bucket."""

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from operations import site as publishing
from operations.deployment import Deployment
from operations.site import CONFIGURATION, content_type, pages, publish_site


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("scripts/main.js", "text/javascript; charset=utf-8"),
        ("marquee.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("config.json", "application/json; charset=utf-8"),
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


def test_files_keep_their_folders(site: Path) -> None:
    assert "scripts/main.js" in pages("https://api/v1", site)


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


def test_publishing_keeps_the_posters_and_names_their_data_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(publishing, "api_url", lambda _: "https://api.example/v1")
    monkeypatch.setattr(publishing, "site_facts", lambda _: {"textsADay": 3})
    monkeypatch.setattr(Deployment, "parameter", lambda _, name: name)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="site-bucket")
        for key in ("posters/films/1.jpg", "old.html"):
            s3.put_object(Bucket="site-bucket", Key=key, Body=b"")
        publish_site(Deployment("prod"))
        keys = {item["Key"] for item in s3.list_objects_v2(Bucket="site-bucket")["Contents"]}
        configuration = s3.get_object(Bucket="site-bucket", Key=CONFIGURATION)["Body"].read()
    assert "posters/films/1.jpg" in keys
    assert "old.html" not in keys
    assert json.loads(configuration)["posters"] == ["films"]
    assert json.loads(configuration)["textsADay"] == 3
