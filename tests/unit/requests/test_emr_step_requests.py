"""The EMR steps as they are requested."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marquee.contracts import ALS_RANKS, CurrentModel, DataVersion
from marquee.requests.emr_step_requests import (
    StepLocations,
    StepRequest,
    new_data_version,
    prepare_step,
    similar_step,
    train_step,
)
from tests.unit.memory import World

WHERE = StepLocations("s3://scripts/1/", "ratings", "models", "results")
DATA = DataVersion("d", "v1")


def option(step: StepRequest, name: str) -> str | None:
    arguments: list[str] = step["HadoopJarStep"]["Args"]
    return arguments[arguments.index(name) + 1] if name in arguments else None


@pytest.mark.parametrize("step", [prepare_step(WHERE, DATA), train_step(WHERE, DATA, "m1")])
def test_prepare_writes_where_train_reads(step: StepRequest) -> None:
    for kind in ("ratings", "movies", "tags"):
        assert option(step, f"--{kind}") == f"s3://ratings/data/d/v1/{kind}/"


def test_a_training_names_its_model_for_its_own_data_only() -> None:
    step = train_step(WHERE, DATA, "m1")
    assert option(step, "--data-version") == "v1"
    assert option(step, "--newest") == "s3://models/newest.d.v1.json"
    assert "s3://models/current.json" not in step["HadoopJarStep"]["Args"]


def test_data_of_a_release_without_versions_is_trained_on_where_it_is() -> None:
    step = train_step(WHERE, DataVersion("d"), "m1")
    for kind in ("ratings", "movies", "tags"):
        assert option(step, f"--{kind}") == f"s3://ratings/{kind}/dataset=d/"
    assert option(step, "--data-version") is None
    assert option(step, "--newest") == "s3://models/newest.d.json"


def test_a_model_is_compared_with_an_active_one_of_the_same_name_only() -> None:
    active = CurrentModel("m0", "d", "2026-11-21T20:00:00Z", 1, 1, data_version="v0")
    same = train_step(WHERE, DATA, "m1", active=active)
    other = train_step(WHERE, DataVersion("other", "v1"), "m1", active=active)
    assert option(same, "--in-use") == "s3://models/m0/"
    assert option(other, "--in-use") is None


def test_a_training_without_a_comparison_is_accepted_only_on_request() -> None:
    assert "--force" in train_step(WHERE, DATA, "m1", force=True)["HadoopJarStep"]["Args"]
    assert "--force" not in train_step(WHERE, DATA, "m1")["HadoopJarStep"]["Args"]


def test_versions_of_data_sort_by_time() -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    first, later = (new_data_version("d", moment + timedelta(hours=n)) for n in (0, 1))
    assert first.version < later.version


def test_sizes_are_fitted_only_on_request() -> None:
    assert option(train_step(WHERE, DATA, "m1", sizes=(8, 16)), "--sizes") == "8,16"
    assert option(train_step(WHERE, DATA, "m1"), "--sizes") is None


def test_visitors_who_were_left_out_are_included_again_only_on_request() -> None:
    asked = train_step(WHERE, DATA, "m1", all_visitors=True)
    assert "--all-visitors" in asked["HadoopJarStep"]["Args"]
    assert "--all-visitors" not in train_step(WHERE, DATA, "m1")["HadoopJarStep"]["Args"]


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


def test_later_trainings_use_the_active_data(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    added: list[Any] = []
    monkeypatch.setattr(world.cluster, "add", added.extend)
    assert world.models.model is not None
    world.models.model = replace(world.models.model, data_version="v7")
    world.submitter.adder.train()
    assert option(added[0], "--data-version") == "v7"
    assert option(added[0], "--ratings") == "s3://ratings/data/embedded/v7/ratings/"
