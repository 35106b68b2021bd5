"""The EMR steps as they are requested."""

from typing import Any

import pytest

from marquee.contracts import ALS_RANKS
from marquee.requests.emr_step_requests import (
    StepLocations,
    StepRequest,
    prepare_step,
    similar_step,
    train_step,
)
from tests.unit.memory import World

WHERE = StepLocations("s3://scripts/1/", "ratings", "models", "results")


def option(step: StepRequest, name: str) -> str | None:
    arguments: list[str] = step["HadoopJarStep"]["Args"]
    return arguments[arguments.index(name) + 1] if name in arguments else None


@pytest.mark.parametrize("step", [prepare_step(WHERE, "d"), train_step(WHERE, "d", "m1")])
def test_prepare_writes_tags_where_train_reads_them(step: StepRequest) -> None:
    assert option(step, "--tags") == "s3://ratings/tags/dataset=d/"


def test_sizes_are_fitted_only_on_request() -> None:
    assert option(train_step(WHERE, "d", "m1", sizes=(8, 16)), "--sizes") == "8,16"
    assert option(train_step(WHERE, "d", "m1"), "--sizes") is None


def test_visitors_who_were_left_out_are_included_again_only_on_request() -> None:
    asked = train_step(WHERE, "d", "m1", all_visitors=True)
    assert "--all-visitors" in asked["HadoopJarStep"]["Args"]
    assert "--all-visitors" not in train_step(WHERE, "d", "m1")["HadoopJarStep"]["Args"]


def test_a_separate_step_finds_similar_movies() -> None:
    step = similar_step(WHERE, "m1")
    assert step["Name"] == "similar-m1"
    assert "s3://scripts/1/similar.py" in step["HadoopJarStep"]["Args"]
    assert option(step, "--model") == "s3://models/m1/"


def test_the_scheduled_training_fits_all_sizes_and_finds_similar_movies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    added: list[Any] = []
    monkeypatch.setattr(world.cluster, "add", added.extend)
    model_id = world.submitter.adder.train()
    train, similar = added
    assert option(train, "--sizes") == ",".join(map(str, ALS_RANKS))
    assert similar["Name"] == f"similar-{model_id}"
