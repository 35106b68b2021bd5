"""Every alarm has its section of docs/runbook.md, and its description ends with what that says."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from tests.infrastructure.conftest import LONGEST_ENVIRONMENT
from tests.infrastructure.plans import Plan

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
SECTION = re.compile(r"^## (?P<name>\S+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
END = re.compile(r" First: (?P<first>.+)\. Runbook: docs/runbook\.md#(?P<section>[a-z-]+)$")
PARTS = ("Alarms", "First", "Means", "See", "Mend", "Verify")
PREFIX = f"marquee-{LONGEST_ENVIRONMENT}-"


@dataclass(frozen=True)
class Section:
    """A section of the runbook: its parts by name, and the alarms that it names."""

    parts: dict[str, str]

    @property
    def alarms(self) -> set[str]:
        return set(re.findall(r"`([a-z-]+)`", self.parts["Alarms"].partition(". ")[0]))


def sections() -> dict[str, Section]:
    found = {}
    for section in SECTION.finditer(RUNBOOK.read_text()):
        parts = re.split(r"^\*\*([A-Z][a-z]+):\*\* ", section["body"], flags=re.MULTILINE)[1:]
        pairs = zip(parts[::2], parts[1::2], strict=True)
        found[section["name"]] = Section({name: text.strip() for name, text in pairs})
    return found


def first_of(description: str) -> str:
    """Return what a description says to do first, as the runbook words it for any deployment."""
    end = END.search(description)
    assert end, description
    words = end["first"].replace("`", "").replace(f"ENV={LONGEST_ENVIRONMENT}", "ENV=prod")
    return re.sub(r"FUNCTION=[a-z-]+", "FUNCTION=NAME", words)


@pytest.fixture(scope="module")
def described(plan: Plan) -> dict[str, str]:
    """Return the description of each alarm that Terraform plans, by its name without the prefix."""
    return {
        alarm["alarm_name"].removeprefix(PREFIX): alarm["alarm_description"]
        for kind in ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")
        for alarm in plan.of_type(kind).values()
    }


def test_every_section_says_what_it_means_and_how_to_see_mend_and_verify() -> None:
    found = sections()
    assert found
    assert {name: list(each.parts) for name, each in found.items()} == {
        name: list(PARTS) for name in found
    }
    assert [name for name, each in found.items() if not all(each.parts.values())] == []


def test_each_alarm_names_the_section_that_names_it(described: dict[str, str]) -> None:
    named = {alarm: name for name, section in sections().items() for alarm in section.alarms}
    assert len(named) == sum(len(section.alarms) for section in sections().values())
    ends = {alarm: END.search(text) for alarm, text in described.items()}
    assert {alarm: end and end["section"] for alarm, end in ends.items()} == named


def test_each_alarm_says_first_what_its_section_says_first(described: dict[str, str]) -> None:
    found = sections()
    different = {
        alarm: first_of(text)
        for alarm, text in described.items()
        if (end := END.search(text))
        and first_of(text) + "." != found[end["section"]].parts["First"].replace("`", "")
    }
    assert different == {}


def test_the_functions_stack_has_no_alarm_beside_those() -> None:
    template: dict[str, Any] = cfn_yaml.load(str(ROOT / "sam" / "template.yaml"))
    kinds = {str(resource["Type"]) for resource in template["Resources"].values()}
    assert [kind for kind in kinds if kind.startswith("AWS::CloudWatch::")] == []


def test_the_notices_of_eventbridge_name_a_section_too(plan: Plan) -> None:
    target = plan.one("aws_cloudwatch_event_target.step_failed")
    said = target["input_transformer"][0]["input_template"]
    assert "Runbook: docs/runbook.md#steps-failed" in said
    assert "EMR Cluster State Change" in sections()["cluster-gone"].parts["Alarms"]


def test_every_command_of_the_runbook_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"`[^`]+`", RUNBOOK.read_text())
    used = {name for span in code for name in re.findall(r"\bmake (?:-s )?([a-z-]+)", span)}
    assert used
    assert used - targets == set()
