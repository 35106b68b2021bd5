"""The GitHub Actions workflows: their commands exist and their permissions are minimal."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples" / "github-actions").glob("*.yml"))
CHECKS = ROOT / ".github" / "workflows" / "check.yml"
WORKFLOWS = [*EXAMPLES, CHECKS]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def read(example: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(example.read_text())
    return loaded


def jobs(example: Path) -> list[dict[str, Any]]:
    return list(read(example)["jobs"].values())


def steps(example: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(example) for step in job["steps"]]


def test_there_are_examples_for_deploying_and_for_drift() -> None:
    assert [example.name for example in EXAMPLES] == ["deploy.yml", "drift.yml"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_target_that_an_example_runs_exists(example: Path) -> None:
    runs = [step["run"] for step in steps(example) if "run" in step]
    called = [target for run in runs for target in re.findall(r"make ([a-z-]+)", run)]

    assert called, "it runs nothing"
    assert [target for target in called if target not in TARGETS] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_job_may_only_read_the_repository_and_request_a_token(example: Path) -> None:
    assert read(example)["permissions"] == {}
    for job in jobs(example):
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert job["environment"], "without one any branch gets the role"
        assert job["timeout-minutes"]


@pytest.mark.parametrize("example", WORKFLOWS, ids=lambda example: example.name)
def test_actions_are_pinned_by_commit_and_name_their_version(example: Path) -> None:
    used = [line.strip() for line in example.read_text().splitlines() if " uses: " in f" {line}"]

    assert used
    for line in used:
        assert re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_credentials_come_from_a_role_and_not_from_a_stored_key(example: Path) -> None:
    [login] = [
        step["with"]
        for step in steps(example)
        if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@")
    ]

    assert login["role-to-assume"].startswith("${{ vars.")
    assert not [name for name in login if "access-key" in name or "secret" in name]
    assert "secrets." not in example.read_text()


@pytest.mark.parametrize("example", WORKFLOWS, ids=lambda example: example.name)
def test_no_input_is_inserted_into_a_command(example: Path) -> None:
    assert [step["run"] for step in steps(example) if "${{" in step.get("run", "")] == []


def test_only_the_drift_example_runs_on_a_schedule() -> None:
    # YAML 1.1 parses the key `on` as true.
    triggers = {example.name: set(read(example)[True]) for example in EXAMPLES}  # type: ignore[index]

    assert triggers == {
        "deploy.yml": {"workflow_dispatch"},
        "drift.yml": {"schedule", "workflow_dispatch"},
    }


def test_the_checks_run_targets_that_exist_and_may_only_read() -> None:
    assert read(CHECKS)["permissions"] == {}
    [job] = jobs(CHECKS)
    assert job["permissions"] == {"contents": "read"}
    tiers = job["strategy"]["matrix"]["include"]
    assert {target for tier in tiers for target in tier["targets"].split()} <= TARGETS


def test_the_checks_run_every_kind_of_test() -> None:
    [job] = jobs(CHECKS)
    tiers = job["strategy"]["matrix"]["include"]
    ran = {target for tier in tiers for target in tier["targets"].split()}
    kinds = {target for target in TARGETS if target.startswith("test-")}
    assert kinds - ran == {"test-domain"}  # a part of test-unit
