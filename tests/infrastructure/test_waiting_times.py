"""Times that depend on each other and stand in two files: SAM's template, Terraform's variables."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
# What AWS asks for, so that Lambda can repeat a throttled batch before SQS hands it out again.
TIMES_THE_TIMEOUT = 6
WORKERS = {
    "visitors": "SubmitStepFunction",
    "results": "QueueResultsFunction",
    "texts": "SendTextFunction",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(ROOT / "sam" / "template.yaml"))
    return loaded


def timeout(template: dict[str, Any], queue: str) -> int:
    """Return the seconds that a queue's function may run."""
    return int(template["Resources"][WORKERS[queue]]["Properties"]["Timeout"])


def defaults_on_aws() -> dict[str, int]:
    """Return each queue's visibility in seconds, unless a variables file says otherwise."""
    text = (TERRAFORM / "variables.tf").read_text()
    block = text[text.index('variable "queue_visibility_seconds"') :]
    found = re.findall(r"(\w+)\s*=\s*optional\(number, (\d+)\)", block[: block.index("default  =")])
    return {queue: int(seconds) for queue, seconds in found}


def chosen_locally() -> dict[str, int]:
    """Return each queue's visibility in seconds on a laptop."""
    text = (TERRAFORM / "local.tfvars").read_text()
    block = text[text.index("queue_visibility_seconds") :]
    found = re.findall(r"(\w+)\s*=\s*(\d+)", block[: block.index("}")])
    return {queue: int(seconds) for queue, seconds in found}


def receives() -> int:
    """Return how often a message is handed out before it becomes a dead letter."""
    text = (TERRAFORM / "variables.tf").read_text()
    block = text[text.index('variable "max_receive_count"') :]
    found = re.search(r"default\s*=\s*(\d+)", block)
    assert found
    return int(found[1])


def test_both_files_name_the_queues_that_have_a_function() -> None:
    assert set(defaults_on_aws()) == set(chosen_locally()) == set(WORKERS)


@pytest.mark.parametrize("queue", ["results", "texts"])
def test_a_message_stays_hidden_for_six_times_its_functions_timeout(
    template: dict[str, Any], queue: str
) -> None:
    assert defaults_on_aws()[queue] >= TIMES_THE_TIMEOUT * timeout(template, queue)


@pytest.mark.parametrize("bound", ["Default", "MaxValue"])
def test_a_visitors_message_stays_hidden_for_the_batching_window_as_well(
    template: dict[str, Any], bound: str
) -> None:
    window = int(template["Parameters"]["BatchingWindowSeconds"][bound])
    hidden = defaults_on_aws()["visitors"]
    assert hidden >= TIMES_THE_TIMEOUT * timeout(template, "visitors") + window


def test_all_deliveries_of_a_visitors_message_on_a_laptop_outlast_a_run_that_died(
    template: dict[str, Any],
) -> None:
    assert receives() * chosen_locally()["visitors"] > timeout(template, "visitors")


def test_a_function_is_called_slow_by_the_time_after_which_lambda_stops_it(
    template: dict[str, Any],
) -> None:
    text = (TERRAFORM / "alarms.tf").read_text()
    block = text[text.index("function_timeout_seconds = {") :]
    found = re.findall(r"([\w-]+) = (\d+)", block[: block.index("}")])
    assert {name: int(seconds) for name, seconds in found} == {
        str(each["Properties"]["FunctionName"]["Fn::Sub"]).removeprefix(
            "marquee-${Environment}-"
        ): each["Properties"]["Timeout"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    }


def test_the_alarm_of_the_api_reads_the_name_and_the_stage_that_the_template_gives(
    template: dict[str, Any],
) -> None:
    """API Gateway counts under these two; a metric of another name never raises an alarm."""
    api = template["Resources"]["Api"]["Properties"]
    assert api["Name"] == {"Fn::Sub": "marquee-${Environment}"}
    alarms = (TERRAFORM / "alarms.tf").read_text()
    assert f'{{ ApiName = local.name, Stage = "{api["StageName"]}" }}' in alarms
