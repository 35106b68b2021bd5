"""What the site's pages say about a deployment comes from the settings that the code obeys."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from operations import ROOT, sam
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.sam_template import load_template
from operations.site_facts import operator_warning, site_facts

NOBODY = {"name": None, "contact": None, "privacy_url": None, "terms_url": None}
SOMEBODY = NOBODY | {"name": "Example Cinema", "contact": "help@example.com"}
RETENTION = {"batch_days": 3, "log_days": 30, "backup_days": 35, "failed_text_days": None}


def deployment(name: str = "prod", operator: dict[str, Any] = NOBODY) -> Deployment:
    """Return a deployment whose Terraform published these values."""
    published = {"operator": json.dumps(operator), "retention": json.dumps(RETENTION)}
    made = Deployment(name)
    made.__dict__["parameters"] = published
    return made


def test_an_operator_who_is_not_named_is_not_in_the_facts() -> None:
    assert site_facts(deployment())["operator"] == {}


def test_the_operator_is_as_terraform_published_them() -> None:
    named = SOMEBODY | {"privacy_url": "https://example.com/privacy"}
    assert site_facts(deployment(operator=named))["operator"] == {
        "name": "Example Cinema",
        "contact": "help@example.com",
        "privacyUrl": "https://example.com/privacy",
    }


def test_the_periods_are_those_of_terraform_and_of_the_template() -> None:
    template = load_template({}).parameters
    facts = site_facts(deployment())
    assert facts["retention"] == {
        "visitorDays": template["VisitorDays"],
        "listDays": template["ListDays"],
        "batchDays": 3,
        "logDays": 30,
        "backupDays": 35,
    }
    assert facts["textsADay"] == template["TextsADay"]


def test_a_period_of_the_deployments_own_parameters_is_stated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "prod.toml"
    file.write_text("VisitorDays = 30\nTextsADay = 1\n")
    monkeypatch.setattr(sam, "parameters_file", lambda _: file)
    facts = site_facts(deployment())
    assert facts["retention"]["visitorDays"] == 30
    assert facts["textsADay"] == 1


def test_a_deployment_of_an_older_release_is_to_be_deployed_first() -> None:
    older = Deployment("prod")
    older.__dict__["parameters"] = {}
    with pytest.raises(OperationError, match="run 'make deploy ENV=prod'"):
        site_facts(older)


@pytest.mark.parametrize(
    ("operator", "named"),
    [
        (NOBODY, "operator.name and operator.contact are not set"),
        (SOMEBODY | {"name": None}, "operator.name is not set"),
        (SOMEBODY | {"contact": None}, "operator.contact is not set"),
    ],
)
def test_a_deployment_that_does_not_say_who_runs_it_gets_a_warning_with_the_fix(
    operator: dict[str, Any], named: str
) -> None:
    warning = operator_warning(deployment(operator=operator))
    assert warning is not None
    assert named in warning
    assert "terraform/prod.tfvars" in warning
    assert "make deploy ENV=prod" in warning


def test_neither_a_named_operator_nor_a_laptop_gets_a_warning() -> None:
    assert operator_warning(deployment(operator=SOMEBODY)) is None
    assert operator_warning(deployment("local")) is None


def test_the_sites_scripts_state_no_period_of_their_own() -> None:
    texts = {file.name: file.read_text() for file in (ROOT / "site").rglob("*.[hj][ts]*")}
    assert "privacy.js" in texts
    number = r"(\d+|one|two|three|four|five|six|seven|thirty)"
    stated = re.compile(rf"\b{number} (days|weeks|months|years)\b", re.IGNORECASE)
    assert {name: stated.findall(text) for name, text in texts.items() if stated.search(text)} == {}


def test_the_tables_leave_the_period_of_their_backups_at_its_default() -> None:
    tables = (ROOT / "terraform" / "tables.tf").read_text()
    assert "point_in_time_recovery {" in tables
    assert "recovery_period_in_days" not in tables
