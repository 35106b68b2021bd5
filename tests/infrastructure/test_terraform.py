"""Terraform's own checks, without AWS: formatting, validation and the tests with a mock AWS."""

import re
from pathlib import Path

import pytest

from tests.infrastructure.conftest import RunTerraform

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"


def test_every_file_is_formatted_as_terraform_formats(terraform: RunTerraform) -> None:
    done = terraform("fmt", "-check", "-recursive", "-no-color")
    assert done.returncode == 0, f"Run `terraform fmt -recursive terraform`:\n{done.stdout}"


def test_the_configuration_is_valid(initialised_terraform: RunTerraform) -> None:
    done = initialised_terraform("validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_terraforms_own_tests_pass(initialised_terraform: RunTerraform) -> None:
    done = initialised_terraform("test", "-no-color")
    files = list((TERRAFORM / "tests").glob("*.tftest.hcl"))
    runs = sum(len(re.findall(r'^run "', file.read_text(), re.MULTILINE)) for file in files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Success! {runs} passed, 0 failed." in done.stdout


@pytest.mark.parametrize("file", ["local.tfvars", "example.tfvars"])
def test_a_variables_file_is_accepted_and_names_no_unknown_variable(
    initialised_terraform: RunTerraform, file: str
) -> None:
    folder = "-test-directory=tests/variables_files"
    done = initialised_terraform("test", "-no-color", folder, f"-var-file={file}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "undeclared" not in done.stdout + done.stderr


def test_a_laptop_differs_from_aws_only_in_its_variables_file() -> None:
    code = [file.read_text() for file in TERRAFORM.glob("*.tf")]
    asks = re.compile(r'var\.environment\s*[!=]=|[!=]=\s*var\.environment|localhost|"local"')
    found = [line for text in code for line in text.splitlines() if asks.search(line)]
    assert [
        line for line in found if "description" not in line and "error_message" not in line
    ] == []


def counted_by_the_functions() -> set[tuple[str, str]]:
    """Return (metric, function) of every `add_metric` call in the functions."""
    counted = set()
    for folder in (ROOT / "functions").iterdir():
        code = "".join(file.read_text() for file in folder.rglob("*.py"))
        metrics = re.findall(r'add_metric\(\s*(?:name=)?"(\w+)"', code)
        counted |= {(metric, folder.name.replace("_", "-")) for metric in metrics}
    return counted


def test_every_metric_that_an_alarm_reads_is_counted_by_the_functions_it_names() -> None:
    text = (TERRAFORM / "alarms.tf").read_text()
    alarms = re.findall(r'metric\s*=\s*"(\w+)"\s*services\s*=\s*\[([^\]]*)\]', text)
    read = {(metric, name) for metric, names in alarms for name in re.findall(r'"([^"]+)"', names)}
    assert len(alarms) == text.count("services = [") > 0
    assert read - counted_by_the_functions() == set()


def test_the_dashboard_shows_every_metric_that_a_function_counts() -> None:
    dashboard = (TERRAFORM / "dashboard.tf").read_text()
    counted = {metric for metric, _ in counted_by_the_functions()}
    assert {metric for metric in counted if f'"{metric}"' not in dashboard} == set()
