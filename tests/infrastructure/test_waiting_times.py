"""Times in the SAM template and in Terraform's variables that depend on each other."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
VARIABLES_FILES = sorted(TERRAFORM.glob("*.tfvars"))
# AWS requires this factor so that Lambda can retry a throttled batch before SQS redelivers it.
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
    """Return the timeout of a queue's function in seconds."""
    return int(template["Resources"][WORKERS[queue]]["Properties"]["Timeout"])


def visibility(variables_file: Path) -> dict[str, int]:
    """Return each queue's visibility timeout in seconds, for a file of Terraform variables."""
    declared = (TERRAFORM / "variables.tf").read_text()
    block = declared[declared.index('variable "queue_visibility_seconds"') :]
    defaults = re.findall(r"(\w+)\s*=\s*optional\(number, (\d+)\)", block)
    chosen: list[tuple[str, str]] = []
    if found := re.search(r"queue_visibility_seconds\s*=\s*{([^}]*)}", variables_file.read_text()):
        chosen = re.findall(r"(\w+)\s*=\s*(\d+)", found[1])
    return {queue: int(seconds) for queue, seconds in defaults + chosen if queue in WORKERS}


@pytest.mark.parametrize("file", VARIABLES_FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("queue", sorted(WORKERS))
@pytest.mark.parametrize("bound", ["Default", "MaxValue"])
def test_a_message_stays_hidden_for_six_times_its_functions_timeout_and_its_window(
    template: dict[str, Any], file: Path, queue: str, bound: str
) -> None:
    """Otherwise a slow batch is redelivered until it is a dead letter, also on a laptop."""
    window = 0
    if queue == "visitors":
        window = int(template["Parameters"]["BatchingWindowSeconds"][bound])
    assert visibility(file)[queue] >= TIMES_THE_TIMEOUT * timeout(template, queue) + window


def test_the_alarm_for_slow_functions_uses_the_timeouts_of_the_template(
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


def test_the_alarm_of_the_api_uses_the_name_and_the_stage_of_the_template(
    template: dict[str, Any],
) -> None:
    """API Gateway's metrics have these two dimensions; with others, no alarm is ever raised."""
    api = template["Resources"]["Api"]["Properties"]
    assert api["Name"] == {"Fn::Sub": "marquee-${Environment}"}
    alarms = (TERRAFORM / "alarms.tf").read_text()
    assert f'{{ ApiName = local.name, Stage = "{api["StageName"]}" }}' in alarms
