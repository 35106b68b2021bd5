"""What `make deploy` says at its end."""

import json
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from operations import deploy as deploying
from operations import sam
from operations.deploy import deploy
from operations.deployment import Deployment

NOBODY = {"name": None, "contact": None}
SOMEBODY = {"name": "Example [Cinema]", "contact": "help@example.com"}


@pytest.fixture
def nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every phase of a deployment succeed without doing anything."""
    for phase in (
        "require",
        "pass_preflight",
        "fetch_node_wheels",
        "deploy_functions",
        "print_addresses",
    ):
        monkeypatch.setattr(deploying, phase, lambda *_, **__: None)
    monkeypatch.setattr(sam, "build_template", lambda _: None)
    monkeypatch.setattr(deploying, "apply_terraform", lambda *_: 0)
    monkeypatch.setattr(deploying, "publish_site", lambda _: 0)
    monkeypatch.setattr(deploying, "Terraform", lambda _: SimpleNamespace(outputs=dict))


def said(capsys: pytest.CaptureFixture[str], name: str, operator: Mapping[str, str | None]) -> str:
    """Deploy, and return what was printed."""
    deployment = Deployment(name)
    deployment.__dict__["parameters"] = {"operator": json.dumps(dict(operator))}
    deploy(deployment)
    return capsys.readouterr().out


@pytest.mark.usefixtures("nothing_to_do")
def test_a_deployment_that_does_not_say_who_runs_it_ends_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = said(capsys, "prod", NOBODY)
    assert "warning The site does not fully say who runs it" in words
    assert 'operator = { name = "Example Cinema", contact = "help@example.com" }' in words


@pytest.mark.usefixtures("nothing_to_do")
@pytest.mark.parametrize(("name", "operator"), [("prod", SOMEBODY), ("local", NOBODY)])
def test_a_named_operator_and_a_laptop_get_no_warning(
    capsys: pytest.CaptureFixture[str], name: str, operator: Mapping[str, str | None]
) -> None:
    assert "who runs it" not in said(capsys, name, operator)
