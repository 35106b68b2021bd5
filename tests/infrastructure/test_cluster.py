"""The cluster as sent to EMR: EMR must return the same, or every plan replaces the cluster."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marquee.requests.emr_step_requests import StepLocations, recommend_step
from tests.infrastructure.plans import Plan

type Configuration = dict[str, Any]
CLUSTER = "aws_emr_cluster.this"
TERRAFORM = Path(__file__).resolve().parents[2] / "terraform"


@pytest.fixture(scope="module")
def configurations(plan: Plan) -> list[Configuration]:
    sent: list[Configuration] = json.loads(plan.one(CLUSTER)["configurations_json"])
    return sent


def at_every_level(configurations: list[Configuration]) -> Iterator[Configuration]:
    for each in configurations:
        yield each
        yield from at_every_level(each.get("Configurations", []))


def properties(configurations: list[Configuration], classification: str) -> dict[str, str]:
    (found,) = [each for each in configurations if each["Classification"] == classification]
    given: dict[str, str] = found["Properties"]
    return given


def test_no_list_of_configurations_is_empty(
    configurations: list[Configuration],
) -> None:
    every = list(at_every_level(configurations))
    assert [each["Classification"] for each in every if each.get("Configurations") == []] == []


def test_the_configurations_have_the_keys_that_emr_returns(
    configurations: list[Configuration],
) -> None:
    """EMR returns `Properties: {}` for a configuration with nested configurations, and only then.

    The provider compares EMR's answer with the request, as JSON. Its own acceptance test
    (TestAccEMRCluster_sJSON) runs against AWS with exactly this shape.
    """
    for each in at_every_level(configurations):
        assert set(each) - {"Configurations"} == {"Classification", "Properties"}
        assert each["Properties"] or each["Configurations"]
        assert all(isinstance(value, str) for value in each["Properties"].values())


def test_the_driver_gets_half_of_the_primary_node_that_it_runs_on(
    configurations: list[Configuration],
) -> None:
    """In client mode the driver is a process of the primary node, outside YARN's memory."""
    where = StepLocations("s3://a/steps/1/", "r", "m", "x")
    arguments = recommend_step(where, "0" * 32, "model")["HadoopJarStep"]["Args"]
    assert arguments[arguments.index("--deploy-mode") + 1] == "client"
    mock_memory_mib = 16384  # terraform/tests/mocks
    assert properties(configurations, "spark-defaults")["spark.driver.memory"] == (
        f"{mock_memory_mib // 2}m"
    )


def test_a_laptop_sizes_its_driver_by_itself() -> None:
    settings = (TERRAFORM / "local.tfvars").read_text()
    assert re.search(r"^driver_memory_share\s*= 0$", settings, re.MULTILINE)
    assert not re.search(r"spark\.driver\.memory", settings)


def test_old_event_logs_of_a_long_lived_cluster_are_deleted(
    configurations: list[Configuration],
) -> None:
    given = properties(configurations, "spark-defaults")
    cleaner = "spark.history.fs.cleaner"
    assert {name: given[f"{cleaner}.{name}"] for name in ("enabled", "interval", "maxAge")} == {
        "enabled": "true",
        "interval": "1d",
        "maxAge": "7d",
    }


def test_the_message_about_a_failed_step_is_one_readable_sentence(plan: Plan) -> None:
    """EventBridge inserts the event's values into the template; the result must be JSON."""
    (sent,) = plan.one("aws_cloudwatch_event_target.step_failed")["input_transformer"]
    filled = sent["input_template"]
    for name in sent["input_paths"]:
        filled = filled.replace(f"<{name}>", f"a-{name}")
    text = json.loads(filled)
    assert not re.search(r"[<>\"\n]", text)
    assert text.startswith("Step a-name (a-id) of marquee-")
    # The sentence must contain neither EMR's own message nor a visitor's id.
    assert set(sent["input_paths"].values()) == {
        "$.time",
        "$.detail.clusterId",
        "$.detail.stepId",
        "$.detail.name",
    }
