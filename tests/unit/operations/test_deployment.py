"""Choosing the deployment that a command acts on."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from local_aws import launcher
from operations import deployment as module
from operations.deployment import Deployment, choose_deployment, region_of
from operations.errors import OperationError


@pytest.fixture(autouse=True)
def own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the environment variables, which `choose_deployment` changes, after each test."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for name in ("ENV", "PORT", "AWS_REGION", "AWS_DEFAULT_REGION", "MARQUEE_STATE"):
        os.environ.pop(name, None)


@pytest.mark.parametrize("name", ["", "A", "1st", "a_b", "x" * 17, "with space", "trailing-"])
def test_a_name_that_aws_would_reject_fails_with_the_rule(name: str) -> None:
    with pytest.raises(OperationError, match=r"ENV is .*lower-case letters"):
        Deployment(name)


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1"])
def test_an_invalid_port_fails_with_the_rule(port: str) -> None:
    os.environ["PORT"] = port

    with pytest.raises(OperationError, match=r"PORT is .*1 to 65535"):
        choose_deployment()


def test_the_local_deployment_is_the_default() -> None:
    assert choose_deployment().is_local


def test_a_local_command_cannot_use_the_aws_credentials_of_the_shell() -> None:
    os.environ |= {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_ACCESS_KEY_ID": "real"}

    choose_deployment("local")

    kept = {name: os.environ.get(name) for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN")}
    assert kept == {"AWS_PROFILE": None, "AWS_SESSION_TOKEN": None}


def test_a_port_sets_the_endpoint_of_the_local_deployment() -> None:
    choose_deployment("local", 4570)

    assert os.environ["AWS_ENDPOINT_URL"] == "http://localhost:4570"


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Return the state folder of a local AWS on port 4570 that was started and has died."""
    os.environ["MARQUEE_STATE"] = str(tmp_path)
    record = launcher.RunningLocalAws(pid=2**22 + 1, port=4570, endpoint="http://localhost:4570")
    (tmp_path / launcher.RECORD).write_text(json.dumps(asdict(record)))
    return tmp_path


def test_a_forgotten_port_is_that_of_the_running_local_aws(
    started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "is_ours", lambda _: True)
    assert choose_deployment().port == 4570


def test_the_port_of_a_local_aws_that_died_is_not_used(started: Path) -> None:
    assert choose_deployment().port == module.DEFAULT_PORT


def test_a_local_aws_that_died_is_described_with_what_is_lost(started: Path) -> None:
    assert "what it held in memory" in choose_deployment().silence


def test_a_local_aws_that_was_never_started_can_be_started(tmp_path: Path) -> None:
    os.environ["MARQUEE_STATE"] = str(tmp_path)
    assert choose_deployment().silence.endswith("start it with 'make local'.")


def test_a_local_command_acts_as_the_root_user_or_with_the_key_chosen_for_it() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real"}
    assert choose_deployment("local").variables()["AWS_ACCESS_KEY_ID"] == "test"

    os.environ |= {
        "MARQUEE_LOCAL_ACCESS_KEY_ID": "deployer",
        "MARQUEE_LOCAL_SECRET_ACCESS_KEY": "its-secret",
    }
    choose_deployment("local")

    assert os.environ["AWS_ACCESS_KEY_ID"] == "deployer"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "its-secret"


def test_an_aws_deployment_keeps_the_credentials_of_the_shell() -> None:
    os.environ["AWS_PROFILE"] = "work"

    choose_deployment("staging")

    assert os.environ["AWS_PROFILE"] == "work"


def test_an_aws_deployment_has_no_endpoint_of_its_own() -> None:
    assert Deployment("staging").endpoint is None


def test_the_region_of_the_variables_file_overrides_that_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "staging.tfvars").write_text(
        '# region = "us-west-1"\nregion      = "eu-west-1"\n'
    )
    monkeypatch.setattr(module, "ROOT", tmp_path)
    os.environ["AWS_REGION"] = "us-east-2"

    assert region_of("staging") == "eu-west-1"


def test_a_second_local_deployment_keeps_its_state_in_the_named_folder(tmp_path: Path) -> None:
    os.environ["MARQUEE_STATE"] = str(tmp_path)

    assert Deployment("local").state == tmp_path


def digest_of(**parameters: str) -> str:
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = parameters
    return deployment.parameters_digest


def test_a_new_cluster_changes_the_digest_of_the_parameters() -> None:
    assert digest_of(cluster="j-1") != digest_of(cluster="j-2")


def test_creating_the_secret_does_not_change_the_digest_of_the_parameters() -> None:
    before = {"cluster-id": "j-1"}
    assert digest_of(**before) == digest_of(**before, **{"token-secret": "AQICAH…"})


def test_what_only_the_sites_pages_show_does_not_change_the_digest_of_the_parameters() -> None:
    before = {"cluster-id": "j-1", "operator": "{}", "retention": "{}"}
    after = before | {"operator": '{"name":"Example"}', "retention": '{"log_days":90}'}
    assert digest_of(**before) == digest_of(**after)


def test_the_order_of_parameters_does_not_change_their_digest() -> None:
    assert digest_of(a="1", b="2") == digest_of(b="2", a="1")
