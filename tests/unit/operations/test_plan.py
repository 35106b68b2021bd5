"""Planning: what must exist on this machine before Terraform runs."""

from pathlib import Path
from typing import Any

import pytest

from operations import __main__ as command_line
from operations import deploy, terraform
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.terraform import CLUSTER, Plan, Terraform


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return a list that records what planning does, in order; replace the actions by fakes."""
    happened: list[str] = []

    def fetch(deployment: Deployment) -> Path:
        happened.append(f"wheels for {deployment.name}")
        return tmp_path

    def check(deployment: Deployment, _: Phases, *, making: bool) -> None:
        happened.append(f"preflight of {deployment.name}, {making=}")

    def plan(_: Terraform, *, with_text: bool = False) -> Plan:
        happened.append("plan")
        return Plan({}, "No changes.\n" if with_text else "")

    monkeypatch.setattr(deploy, "fetch_wheels", fetch)
    monkeypatch.setattr(command_line, "pass_preflight", check)
    monkeypatch.setattr(deploy, "pass_preflight", check)
    monkeypatch.setattr(command_line, "require", lambda *_: None)
    monkeypatch.setattr(Terraform, "init", lambda _: None)
    monkeypatch.setattr(Terraform, "plan", plan)
    return happened


def planned(deployment: Deployment, *options: str) -> None:
    chosen = command_line.parser().parse_args(["plan", *options])
    command_line.COMMANDS["plan"].run(deployment, chosen)


def test_a_plan_on_aws_fetches_the_wheels_first_to_keep_the_uploaded_ones(
    done: list[str],
) -> None:
    planned(Deployment("staging"))

    assert done == ["preflight of staging, making=False", "wheels for staging", "plan"]


def test_a_plan_on_a_laptop_fetches_nothing(done: list[str]) -> None:
    planned(Deployment("local"))

    assert done == ["preflight of local, making=False", "plan"]


def test_a_plan_is_printed_as_terraform_shows_it_to_people(
    done: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    planned(Deployment("local"))

    assert capsys.readouterr().out.endswith("No changes.\n")


def test_a_plan_can_be_made_to_fail_where_anything_would_change(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terraform, "plan", lambda *_, **__: changing(["create"]))

    with pytest.raises(OperationError, match=rf"change 1 place:\n  {CLUSTER} is missing"):
        planned(Deployment("local"), "--expect-none")


def test_a_plan_without_changes_passes_where_none_is_expected(done: list[str]) -> None:
    planned(Deployment("local"), "--expect-none")

    assert done[-1] == "plan"


def test_a_deployment_that_the_preflight_stops_creates_nothing(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise OperationError("EMR release: missing")

    monkeypatch.setattr(deploy, "pass_preflight", stop)
    monkeypatch.setattr(deploy, "require", lambda *_: None)

    with pytest.raises(OperationError, match="EMR release"):
        deploy.deploy(Deployment("staging"))

    assert done == []


def changing(actions: list[str], *, reason: str | None = None, **change: Any) -> Plan:
    resource = {"address": CLUSTER, "change": {"actions": actions, **change}}
    return Plan({"resource_changes": [resource | ({"action_reason": reason} if reason else {})]})


@pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
def test_a_deployment_that_would_replace_the_cluster_is_rejected_and_names_renew(
    actions: list[str],
) -> None:
    plan = changing(actions, replace_paths=[["release_label"], ["ec2_attributes", 0, "subnet_id"]])

    with pytest.raises(
        OperationError,
        match=r"replaces the cluster \(ec2_attributes, release_label\).*make renew ENV=staging",
    ):
        deploy.refuse_to_replace_cluster(Deployment("staging"), plan)


@pytest.mark.parametrize(
    "plan",
    [
        changing(["create"]),
        changing(["update"]),
        changing(["no-op"]),
        # The cluster's creation failed, so no step can run on it.
        changing(["delete", "create"], reason="replace_because_tainted"),
        Plan({}),
    ],
)
def test_every_other_deployment_continues(plan: Plan) -> None:
    deploy.refuse_to_replace_cluster(Deployment("staging"), plan)


def test_a_plan_that_replaces_the_cluster_names_renew(
    done: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replaced = changing(["delete", "create"], replace_paths=[["release_label"]])
    monkeypatch.setattr(Terraform, "plan", lambda *_, **__: replaced)

    planned(Deployment("staging"))

    assert "make renew ENV=staging" in capsys.readouterr().out


def test_no_log_keeps_the_values_of_a_plan_or_of_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(command: list[str], *, log: Path, **_: Any) -> str:
        printed = '{"values": {}}' if command[1] == "show" else '{"@message": "Plan: 0 to add"}'
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(printed)
        return printed

    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path))
    monkeypatch.setattr(terraform, "run_command", run)
    monkeypatch.setattr(Terraform, "_inputs", lambda _: [])
    here = Terraform(Deployment("local"))

    here.plan(with_text=True)
    here.cluster_id()

    assert [log.name for log in (tmp_path / "logs").iterdir()] == ["terraform-plan.log"]
