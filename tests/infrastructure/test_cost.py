"""The cost with the default variables: every resource has a price, and the documents quote it."""

import re
from pathlib import Path

import pytest

from operations.cost.bill import PRICED, price
from operations.cost.billed_deployment import MONTH_HOURS
from operations.cost.page import quoted, table
from operations.cost.prices import load_prices
from operations.cost.report import counted
from operations.deployment import LOCAL, Deployment
from operations.errors import OperationError
from operations.planned import EXAMPLE, Resource, plan_offline

ROOT = Path(__file__).parents[2]
DECLARED = re.compile(r'^resource "(\w+)"', re.MULTILINE)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_STATE", str(tmp_path_factory.mktemp("cost")))
        return plan_offline(Deployment(LOCAL), EXAMPLE)


def test_everything_that_the_default_variables_create_has_a_price(planned: list[Resource]) -> None:
    assert price(counted(Deployment(LOCAL), planned)).unpriced == ()


def test_every_resource_type_of_terraform_is_priced_or_free_with_a_reason() -> None:
    files = (ROOT / "terraform").glob("*.tf")
    declared = {kind for file in files for kind in DECLARED.findall(file.read_text())}

    unknown = declared - PRICED - load_prices().free.keys()

    assert unknown == set(), "price them in operations/cost/bill.py or operations/prices/"


def test_the_documents_quote_what_make_cost_prints(planned: list[Resource]) -> None:
    assert quoted() == table(planned), "run `make cost-page`"


def test_the_readme_names_the_same_total(planned: list[Resource]) -> None:
    total = price(counted(Deployment(LOCAL), planned)).idle

    said = re.search(r"About (\d+) dollars a month", (ROOT / "README.md").read_text())

    assert said
    assert abs(int(said[1]) - total) <= 10, f"README.md: about {total:.0f} dollars a month"


def test_the_page_on_rehearsals_names_what_an_hour_costs(planned: list[Resource]) -> None:
    hour = price(counted(Deployment(LOCAL), planned)).idle / MONTH_HOURS

    said = re.search(
        r"About ([\d.]+) dollars an hour", (ROOT / "docs" / "rehearsal.md").read_text()
    )

    assert said
    assert abs(float(said[1]) - hour) <= 0.02, f"docs/rehearsal.md: about {hour:.2f} dollars"


def test_a_variable_that_terraform_rejects_is_named_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    wrong = tmp_path / "wrong.tfvars"
    wrong.write_text("core_instance_count = -1\n")

    with pytest.raises(OperationError, match="core_instance_count is -1: it must be a whole"):
        plan_offline(Deployment(LOCAL), wrong)
