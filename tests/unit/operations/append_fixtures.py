"""Fixtures of the tests that add ratings: a deployment on moto, and a fake cluster."""

import functools
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from operations.console import Phases
from operations.deployment import Deployment
from tests.unit.operations.fake_cluster import WHERE, Cluster


@pytest.fixture
def deployment(mocked_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    # Making a client takes longer than these tests' calls.
    monkeypatch.setattr("boto3.client", functools.cache(boto3.client))
    monkeypatch.setattr("operations.import_ratings.load_titles", lambda *_: 20)
    monkeypatch.setattr("operations.rollback_data.load_titles", lambda *_: 20)
    made = Deployment("staging")
    made.__dict__["parameters"] = {"ratings-bucket": "ratings", "models-bucket": "models"}
    for bucket in ("ratings", "models"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    return made


@pytest.fixture
def phases() -> Iterator[Phases]:
    with Phases() as made:
        yield made


@pytest.fixture(autouse=True)
def cluster(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    fake = Cluster()
    for module in ("import_ratings", "train"):
        monkeypatch.setattr(f"operations.{module}.run_step", fake.run)
        monkeypatch.setattr(f"operations.{module}.locations", lambda _: WHERE)
    return fake
