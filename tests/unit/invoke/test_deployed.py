"""The settings that a local invocation takes from the deployed function."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from operations.deployment import Deployment
from operations.errors import OperationError
from operations.invoke import deployed
from operations.invoke.deployed import DeployedFunction, container_variables, function_from
from tests.deployment import ROOT

CONFIGURATION = {
    "Runtime": "python3.13",
    "Architectures": ["arm64"],
    "Environment": {"Variables": {"VISITORS_TABLE": "marquee-local-visitors"}},
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_every_function_of_the_template_is_known_by_its_folder() -> None:
    folders = {file.parent.name for file in (ROOT / "functions").glob("*/app.py")}

    assert set(deployed.FUNCTIONS) == folders
    assert deployed.logical_id("submit_step") == "SubmitStepFunction"


def test_the_deployed_variables_and_architecture_are_used() -> None:
    assert function_from("ingest", CONFIGURATION) == DeployedFunction(
        "IngestFunction", {"VISITORS_TABLE": "marquee-local-visitors"}, "arm64"
    )


def test_a_function_of_another_runtime_is_rejected() -> None:
    with pytest.raises(OperationError, match=r"ingest is deployed for python3\.12"):
        function_from("ingest", {**CONFIGURATION, "Runtime": "python3.12"})


def test_a_function_that_is_not_deployed_is_named_with_the_fix(aws: None) -> None:
    sentence = "has no function marquee-local-submit-step: run 'make local' first"
    with pytest.raises(OperationError, match=sentence):
        deployed.find_function(Deployment("local"), "submit_step")


def test_the_error_without_a_local_aws_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in Deployment("local").variables().items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)

    with pytest.raises(OperationError, match=r"does not answer .*: start it with 'make local'"):
        deployed.find_function(Deployment("local"), "ingest")


def test_the_container_calls_the_local_aws_and_no_real_account() -> None:
    function = DeployedFunction("IngestFunction", {"SITE_URL": "http://localhost/"}, "x86_64")

    assert container_variables(function, "http://host.docker.internal:1234") == {
        "SITE_URL": "http://localhost/",
        "AWS_ENDPOINT_URL": "http://host.docker.internal:1234",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
