"""The SAM template is valid, passes the linter and has the settings that the design requires."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from operations import releases, sam
from operations.deployment import Deployment
from tests.deployment import RunningDeployment

ROOT = Path(__file__).parents[2]
UNCHECKED = 1  # flags of a .pyc: hash-based, not checked against its source (PEP 552)
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


def default(template: dict[str, Any], reference: dict[str, str]) -> float:
    """Return the default of the parameter that a reference names."""
    return float(template["Parameters"][reference["Ref"]]["Default"])


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


def test_visitors_are_collected_into_batches(template: dict[str, Any]) -> None:
    event = properties(template, "SubmitStepFunction")["Events"]["Visitors"]["Properties"]
    assert event["BatchSize"] == 1000
    assert "MaximumBatchingWindowInSeconds" in event


def test_the_api_is_throttled_and_logs_no_bodies(template: dict[str, Any]) -> None:
    settings = {
        (each["HttpMethod"], each["ResourcePath"]): each
        for each in properties(template, "Api")["MethodSettings"]
    }
    every, forms = settings["*", "/*"], settings["POST", "/visitors"]
    assert 0 < default(template, forms["ThrottlingRateLimit"]) <= 10
    assert default(template, forms["ThrottlingBurstLimit"]) <= 40
    assert 0 < default(template, every["ThrottlingRateLimit"]) <= 100
    assert default(template, every["ThrottlingBurstLimit"]) <= 200
    assert not any(each["DataTraceEnabled"] for each in settings.values())


def test_the_calls_with_their_own_throttling_exist(template: dict[str, Any]) -> None:
    """API Gateway ignores the settings of a method that the API does not have."""
    events = [
        each["Properties"] for each in properties(template, "IngestFunction")["Events"].values()
    ]
    calls = {(each["Method"], each["Path"]) for each in events}
    assert ("POST", "/visitors") in calls
    assert ("ANY", "/visitors") in calls  # preflights, and methods that the function refuses


def test_a_throttled_call_says_when_to_try_again(template: dict[str, Any]) -> None:
    refusal = properties(template, "Api")["GatewayResponses"]["THROTTLED"]
    assert int(refusal["ResponseParameters"]["Headers"]["Retry-After"].strip("'")) >= 1
    (error,) = json.loads(refusal["ResponseTemplates"]["application/json"])["errors"]
    assert error["message"]


def test_a_call_that_the_waf_blocks_says_when_to_try_again(template: dict[str, Any]) -> None:
    refusal = properties(template, "Api")["GatewayResponses"]["WAF_FILTERED"]
    headers = refusal["ResponseParameters"]["Headers"]
    assert refusal["StatusCode"] == "429"
    assert headers["Access-Control-Allow-Origin"] == "'*'"  # lets the page read the answer
    assert int(headers["Retry-After"].strip("'")) == 300
    (error,) = json.loads(refusal["ResponseTemplates"]["application/json"])["errors"]
    assert error["message"]


def test_the_waf_protects_the_stage_where_terraform_made_one(
    template: dict[str, Any],
) -> None:
    assert template["Parameters"]["WebAclArn"]["Default"] == ""
    assert template["Resources"]["WebAclAssociation"]["Condition"] == "HasWebAcl"
    found = properties(template, "WebAclAssociation")
    assert found["WebACLArn"] == {"Ref": "WebAclArn"}
    assert found["ResourceArn"]["Fn::Sub"].endswith("/restapis/${Api}/stages/${Api.Stage}")


@pytest.mark.parametrize(
    ("published", "expected"),
    [({}, ""), ({"web-acl-arn": "arn:aws:wafv2:::x"}, "arn:aws:wafv2:::x")],
)
def test_the_template_gets_the_waf_that_terraform_published(
    published: dict[str, str], expected: str
) -> None:
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = published
    assert sam.resolved_values(deployment)["WebAclArn"] == expected


def test_texts_a_day_have_a_cap_and_a_phone_costs_work(template: dict[str, Any]) -> None:
    parameters = template["Parameters"]
    assert parameters["TextsADayInAll"]["Default"] <= 200
    assert parameters["PhoneWorkTries"]["Default"] >= 200
    sent_by = properties(template, FUNCTIONS["send_text"])["Environment"]["Variables"]
    assert sent_by["TEXTS_A_DAY_IN_ALL"] == {"Ref": "TextsADayInAll"}
    asked_by = properties(template, FUNCTIONS["ingest"])["Environment"]["Variables"]
    assert asked_by["PHONE_WORK_TRIES"] == {"Ref": "PhoneWorkTries"}


def test_neither_events_nor_answers_are_logged_or_traced(template: dict[str, Any]) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_LOGGER_LOG_EVENT"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"


def test_the_claim_of_a_text_outlives_the_function_that_made_it(template: dict[str, Any]) -> None:
    lease = template["Parameters"]["TextClaimLeaseSeconds"]
    assert lease["MinValue"] > properties(template, "SendTextFunction")["Timeout"]


def test_reconcile_has_dead_letters_and_receives_failed_steps_and_schedules(
    template: dict[str, Any],
) -> None:
    found = properties(template, "ReconcileFunction")
    assert found["DeadLetterQueue"]["Type"] == "SQS"
    assert {event["Type"] for event in found["Events"].values()} == {"EventBridgeRule", "Schedule"}


def test_undelivered_events_go_to_the_dead_letters_of_reconcile(
    template: dict[str, Any],
) -> None:
    events = properties(template, "ReconcileFunction")["Events"].values()
    letters = [str(event["Properties"]["DeadLetterConfig"]["Arn"]) for event in events]
    assert all("reconcile-dead-letters-arn" in arn for arn in letters)


def test_events_and_the_api_call_an_alias_that_each_release_moves(template: dict[str, Any]) -> None:
    every = template["Globals"]["Function"]
    assert every["AutoPublishAlias"] == releases.ALIAS
    # The release is also a variable, because Lambda publishes no version of an unchanged function.
    assert every["Environment"]["Variables"]["RELEASE"] == {"Ref": "Release"}
    for resource in FUNCTIONS.values():
        assert properties(template, resource)["AutoPublishCodeSha256"] == {"Ref": "Release"}


# The types to which CloudFormation copies a stack's tags: those whose reference has `Tags`.
TAGGED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
}
# The other types, each with the reason; none of them costs anything by itself.
UNTAGGED = {
    "AWS::ApiGateway::Deployment": "a snapshot of the API, which is tagged",
    "AWS::Lambda::Alias": "Lambda tags functions, not their aliases (TagResource)",
    "AWS::Lambda::EventInvokeConfig": "a setting of a function, which is tagged",
    "AWS::Lambda::LayerVersion": "Lambda takes no tags of layers (TagResource)",
    "AWS::Lambda::Permission": "a statement in a function's policy",
    "AWS::Lambda::Version": "Lambda tags functions, not their versions (TagResource)",
}


def test_everything_in_the_stack_is_tagged_or_cannot_be(deployment: RunningDeployment) -> None:
    listed = deployment.client("cloudformation").describe_stack_resources(
        StackName=f"marquee-{deployment.environment}"
    )["StackResources"]
    types = {each["ResourceType"] for each in listed}
    assert types - TAGGED == set(UNTAGGED)


def test_numpy_starts_no_threads_in_the_function_of_the_api(template: dict[str, Any]) -> None:
    variables = properties(template, FUNCTIONS["ingest"])["Environment"]["Variables"]
    assert variables["OPENBLAS_NUM_THREADS"] == "1"


def test_no_environment_variable_holds_a_secret(template: dict[str, Any]) -> None:
    for resource in FUNCTIONS.values():
        variables = properties(template, resource)["Environment"]["Variables"]
        assert not [name for name in variables if name in ("TOKEN_SECRET", "SECRET")]
        if "TOKEN_SECRET_NAME" in variables:
            assert "resolve" not in str(variables["TOKEN_SECRET_NAME"])


def test_built_modules_have_bytecode_that_lambda_uses_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path))
    deployment = Deployment("local")
    for part in (sam.LAYER, "IngestFunction"):
        folder = sam.build_folder(deployment) / part
        folder.mkdir(parents=True)
        (folder / "module.py").write_text("def handler(): ...")
    sam.compile_modules(deployment)
    for part, where in ((sam.LAYER, "/opt"), ("IngestFunction", "/var/task")):
        (compiled,) = (sam.build_folder(deployment) / part).rglob("*.cpython-313.pyc")
        content = compiled.read_bytes()
        assert int.from_bytes(content[4:8], "little") == UNCHECKED
        assert f"{where}/module.py".encode() in content
