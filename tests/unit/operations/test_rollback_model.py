"""Publishing a former model again, under moto."""

import functools
from dataclasses import replace

import boto3
import pytest

from marquee.recommender.model_folder import RANKING, to_files
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model, see_pair, switch_to
from operations.rollback_model import rollback_model
from tests.unit.aws import model_of_dataset

STAGING = Deployment("staging")
BUCKET = "marquee-staging-models"
OLDEST, MIDDLE, NEWEST = (f"2026112{day}t200000z-0a1b2c" for day in (1, 2, 3))


@pytest.fixture(autouse=True)
def account(mocked_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Making a client takes longer than these tests' calls.
    monkeypatch.setattr("boto3.client", functools.cache(boto3.client))
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    boto3.client("ssm").put_parameter(
        Name="/marquee/staging/models-bucket", Value=BUCKET, Type="String"
    )


def keep(model_id: str, dataset: str = "embedded", version: str = "v1") -> None:
    model = replace(model_of_dataset(dataset), model_id=model_id, data_version=version)
    for name, content in to_files(model).items():
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{model_id}/{name}", Body=content)


def roll_back(model_id: str | None = None) -> None:
    with Phases() as phases:
        rollback_model(STAGING, phases, model_id)


def active_model() -> str:
    current = current_model(STAGING)
    assert current is not None
    return current.model_id


@pytest.fixture
def three() -> None:
    for model_id in (OLDEST, MIDDLE, NEWEST):
        keep(model_id)
    switch_to(STAGING, NEWEST, see_pair(STAGING))


@pytest.mark.usefixtures("three")
def test_without_a_name_the_previous_model_is_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    roll_back()

    assert active_model() == MIDDLE
    said = capsys.readouterr().out
    assert f"Active now: {MIDDLE}" in said
    assert f"Before: {NEWEST}" in said
    assert "(active)" in said
    assert OLDEST in said


@pytest.mark.usefixtures("three")
def test_any_whole_model_can_be_named_even_a_newer_one() -> None:
    roll_back(OLDEST)
    assert active_model() == OLDEST

    roll_back(NEWEST)
    assert active_model() == NEWEST


@pytest.mark.usefixtures("three")
def test_a_damaged_model_is_skipped_and_rejected_by_name() -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{MIDDLE}/{RANKING}", Body=b"other bytes")

    with pytest.raises(OperationError, match=f"Model {MIDDLE} cannot be used: {RANKING}.*damaged"):
        roll_back(MIDDLE)
    assert active_model() == NEWEST
    roll_back()
    assert active_model() == OLDEST


@pytest.mark.usefixtures("three")
def test_a_half_written_model_is_rejected() -> None:
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"{MIDDLE}/manifest.json")

    with pytest.raises(OperationError, match="half-written"):
        roll_back(MIDDLE)
    assert active_model() == NEWEST


@pytest.mark.usefixtures("three")
def test_a_model_of_another_data_set_is_skipped_and_rejected_by_name() -> None:
    keep(MIDDLE, dataset="netflix")

    with pytest.raises(OperationError, match=r"'netflix'.*active data set is 'embedded'"):
        roll_back(MIDDLE)
    roll_back()
    assert active_model() == OLDEST


@pytest.mark.usefixtures("three")
def test_a_model_of_other_ratings_of_the_same_name_is_skipped_and_rejected_by_name() -> None:
    keep(MIDDLE, version="v0")

    with pytest.raises(OperationError, match=r"other ratings of 'embedded'.*make rollback-data"):
        roll_back(MIDDLE)
    assert active_model() == NEWEST
    roll_back()
    assert active_model() == OLDEST


@pytest.mark.usefixtures("three")
def test_a_model_that_is_rolled_back_leaves_the_active_data() -> None:
    before = see_pair(STAGING)

    roll_back()

    after = see_pair(STAGING)
    assert after.etag == before.etag
    assert before.active is not None
    assert after.active is not None
    assert after.active.data == before.active.data


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("model_id", "words"),
    [("nothing", "no such model is kept"), (NEWEST, "already the active model")],
)
def test_an_invalid_model_name_is_rejected(model_id: str, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        roll_back(model_id)


def test_without_an_older_model_nothing_is_changed() -> None:
    keep(NEWEST)
    switch_to(STAGING, NEWEST, see_pair(STAGING))

    with pytest.raises(
        OperationError, match=r"no complete model of the active ratings \('embedded'\) is older"
    ):
        roll_back()
    assert active_model() == NEWEST


def test_before_the_first_model_the_error_says_what_to_do() -> None:
    with pytest.raises(OperationError, match="make import"):
        roll_back()
