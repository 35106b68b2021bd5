"""Each function's settings model and the SAM template name the same settings."""

import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from pydantic import ValidationError

from marquee.aws import settings
from operations.permissions.code import calls_of
from operations.sam_template import load_template

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "sam" / "template.yaml"
FUNCTIONS = ROOT / "functions"
MODELS: dict[str, type[settings.Settings]] = {
    "ingest": settings.IngestSettings,
    "submit_step": settings.SubmitStepSettings,
    "queue_results": settings.QueueResultsSettings,
    "send_text": settings.SendTextSettings,
    "reconcile": settings.ReconcileSettings,
}
FOR_LIBRARIES = {"OPENBLAS_NUM_THREADS"}  # read by numpy, not by the functions


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


def test_template_and_settings_have_the_same_maximum_of_texts_a_day(
    template: dict[str, Any],
) -> None:
    most = template["Parameters"]["TextsADayInAll"]["MaxValue"]
    field = settings.SendTextSettings.model_fields["texts_a_day_in_all"]
    assert [each.le for each in field.metadata if hasattr(each, "le")] == [most]


def test_the_countries_have_one_pattern(template: dict[str, Any]) -> None:
    field = settings.IngestSettings.model_fields["phone_countries"]
    (pattern,) = [each.pattern for each in field.metadata if hasattr(each, "pattern")]
    assert pattern == f"^{template['Parameters']['PhoneCountries']['AllowedPattern']}$"


def test_every_function_has_a_settings_model() -> None:
    assert set(MODELS) == {each.parent.name for each in FUNCTIONS.glob("*/app.py")}


@pytest.mark.parametrize("function", MODELS)
def test_a_function_gets_exactly_the_settings_that_its_model_names(function: str) -> None:
    given = set(load_template({}).variables(function)) - FOR_LIBRARIES
    assert given | {"ENVIRONMENT"} == {name.upper() for name in MODELS[function].model_fields}


@pytest.mark.parametrize("function", MODELS)
def test_the_defaults_of_the_template_are_valid_settings(function: str) -> None:
    names = dict.fromkeys(MODELS[function].model_fields, "none")
    defaults = load_template({}).settings(function)
    MODELS[function].model_validate(names | {name.lower(): defaults[name] for name in defaults})


@pytest.mark.parametrize("function", MODELS)
def test_no_setting_has_a_default_in_the_code(function: str) -> None:
    """A default here and another in the template would differ one day."""
    fields = MODELS[function].model_fields
    assert [name for name, field in fields.items() if not field.is_required()] == []


def test_missing_settings_are_all_named() -> None:
    with pytest.raises(ValidationError) as caught:
        settings.SendTextSettings.from_environment({"ENVIRONMENT": "test", "TEXTS_A_DAY": "0"})
    named = {str(error["loc"][0]) for error in caught.value.errors()}
    assert named == set(settings.SendTextSettings.model_fields) - {"environment"}


@pytest.mark.parametrize("folder", sorted(each.parent.name for each in FUNCTIONS.glob("*/app.py")))
def test_a_function_gets_every_name_with_which_its_code_calls_aws(
    template: dict[str, Any], folder: str
) -> None:
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
