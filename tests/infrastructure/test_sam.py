"""The SAM template: valid, linted, and as careful as the design asks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "sam" / "template.yaml"
FUNCTIONS = {
    "ingest": "IngestFunction",
    "submit_step": "SubmitStepFunction",
    "queue_results": "QueueResultsFunction",
    "send_text": "SendTextFunction",
    "reconcile": "ReconcileFunction",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))
    return loaded


def properties(template: dict[str, Any], resource: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][resource]["Properties"]
    return found


def test_sam_validates_and_lints_the_template() -> None:
    sam = ROOT / ".venvs" / "sam" / "bin" / "sam"
    assert sam.exists(), "there is no SAM CLI; make it with: make environment-sam"
    done = subprocess.run(
        [sam, "validate", "--lint", "--template-file", TEMPLATE, "--region", "us-east-1"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SAM_CLI_TELEMETRY": "0", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_cfn_lint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_function_folder_is_a_function_with_an_event_and_a_role(
    template: dict[str, Any],
) -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == set(FUNCTIONS)
    for folder, resource in FUNCTIONS.items():
        found = properties(template, resource)
        assert found["CodeUri"] == f"../functions/{folder}"
        assert f"{folder.replace('_', '-')}-role-arn" in str(found["Role"])
        assert json.loads((ROOT / "events" / f"{folder}.json").read_text())


@pytest.mark.parametrize(
    "resource", ["SubmitStepFunction", "QueueResultsFunction", "SendTextFunction"]
)
def test_queues_report_partial_failures_and_bound_their_concurrency(
    template: dict[str, Any], resource: str
) -> None:
    (event,) = properties(template, resource)["Events"].values()
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["Properties"]["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_visitors_are_gathered_into_batches(template: dict[str, Any]) -> None:
    event = properties(template, "SubmitStepFunction")["Events"]["Visitors"]["Properties"]
    assert event["BatchSize"] == 1000
    assert "MaximumBatchingWindowInSeconds" in event


def test_the_api_is_throttled_and_logs_no_bodies(template: dict[str, Any]) -> None:
    (settings,) = properties(template, "Api")["MethodSettings"]
    assert 0 < settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"] <= 100
    assert settings["DataTraceEnabled"] is False


def test_neither_events_nor_answers_are_logged_or_traced(template: dict[str, Any]) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_LOGGER_LOG_EVENT"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"


def test_a_texts_claim_outlives_the_function_that_made_it(template: dict[str, Any]) -> None:
    lease = template["Parameters"]["TextClaimLeaseSeconds"]
    assert lease["MinValue"] > properties(template, "SendTextFunction")["Timeout"]


def test_reconcile_has_dead_letters_and_hears_failed_steps_and_schedules(
    template: dict[str, Any],
) -> None:
    found = properties(template, "ReconcileFunction")
    assert found["DeadLetterQueue"]["Type"] == "SQS"
    assert {event["Type"] for event in found["Events"].values()} == {"EventBridgeRule", "Schedule"}


def test_what_eventbridge_cannot_deliver_goes_where_terraform_lets_its_rules_send(
    template: dict[str, Any],
) -> None:
    events = properties(template, "ReconcileFunction")["Events"].values()
    letters = [str(event["Properties"]["DeadLetterConfig"]["Arn"]) for event in events]
    assert all("reconcile-dead-letters-arn" in arn for arn in letters)
    # SAM names a rule after the function's logical id, which this policy begins with.
    queues = (ROOT / "terraform" / "queues.tf").read_text()
    assert '"rule/${local.name}-ReconcileFunction*"' in queues


def test_no_secret_stands_in_the_environment(template: dict[str, Any]) -> None:
    for resource in FUNCTIONS.values():
        variables = properties(template, resource)["Environment"]["Variables"]
        assert not [name for name in variables if name in ("TOKEN_SECRET", "SECRET")]
        if "TOKEN_SECRET_NAME" in variables:
            assert "resolve" not in str(variables["TOKEN_SECRET_NAME"])
