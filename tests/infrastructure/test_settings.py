"""The functions' settings and the SAM template have the same names and the same defaults."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from marquee.aws.settings import Settings
from operations.permissions.code import calls_of

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "sam" / "template.yaml"
FUNCTIONS = ROOT / "functions"
NUMBERS = [
    "BusyDelaySeconds",
    "VisitorDays",
    "TextsADay",
    "TextsADayInAll",
    "PhoneWorkTries",
    "ChangesAnHour",
    "NetworkFormsAnHour",
    "NetworkPhonesAnHour",
    "NetworkChangesAnHour",
    "SmallRatings",
    "ModelMaxAgeHours",
    "ModelMaxNewShare",
    "TrainingIntervalSeconds",
    "ModelRefreshSeconds",
    "ReceivedPatienceSeconds",
    "SubmittedPatienceSeconds",
    "RecommendedPatienceSeconds",
    "GiveUpHours",
    "StepAttempts",
    "TextClaimLeaseSeconds",
]

FOR_LIBRARIES = {"OPENBLAS_NUM_THREADS"}  # read by numpy, not by the functions


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


def snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def test_template_and_settings_have_the_same_maximum_of_texts_a_day(
    template: dict[str, Any],
) -> None:
    most = template["Parameters"]["TextsADayInAll"]["MaxValue"]
    field = Settings.model_fields["texts_a_day_in_all"]
    assert [each.le for each in field.metadata if hasattr(each, "le")] == [most]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_setting_has_one_default(template: dict[str, Any], name: str) -> None:
    default = Settings.model_fields[snake_case(name)].default
    assert float(template["Parameters"][name]["Default"]) == float(default)


def test_the_countries_have_one_default_and_one_pattern(template: dict[str, Any]) -> None:
    field, parameter = Settings.model_fields["phone_countries"], template["Parameters"]
    assert parameter["PhoneCountries"]["Default"] == field.default
    (pattern,) = [each.pattern for each in field.metadata if hasattr(each, "pattern")]
    assert pattern == f"^{parameter['PhoneCountries']['AllowedPattern']}$"


def test_every_variable_of_the_template_is_a_setting(template: dict[str, Any]) -> None:
    known = {name.upper() for name in Settings.model_fields} | FOR_LIBRARIES
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        given = set(resource["Properties"]["Environment"]["Variables"])
        assert given <= known


@pytest.mark.parametrize("folder", sorted(each.parent.name for each in FUNCTIONS.glob("*/app.py")))
def test_a_function_gets_every_name_with_which_its_code_calls_aws(
    template: dict[str, Any], folder: str
) -> None:
    """A missing variable makes an empty name, which fails only when AWS is called."""
    properties = template["Resources"][f"{folder.title().replace('_', '')}Function"]["Properties"]
    values = " ".join(str(value) for call in calls_of(folder) for _, value in call.parameters)
    used = {name.upper() for name in re.findall(r"\{(\w+)\}", values)}
    assert used
    assert used - set(properties["Environment"]["Variables"]) == set()


def test_the_api_has_one_stage(template: dict[str, Any]) -> None:
    """Without this property SAM deploys a second stage, named Stage, that is not throttled."""
    assert str(template["Resources"]["Api"]["Properties"]["OpenApiVersion"]) == "3.0.1"


def test_undelivered_events_are_kept(template: dict[str, Any]) -> None:
    events = template["Resources"]["ReconcileFunction"]["Properties"]["Events"]
    assert len(events) == 3
    for event in events.values():
        arn = event["Properties"]["DeadLetterConfig"]["Arn"]
        assert "reconcile-dead-letters-arn" in str(arn)
