"""What the functions' template is told."""

from pathlib import Path

import pytest

from operations.environment import Environment
from operations.errors import OperationError
from operations.sam import parameters

SCRIPTS = "s3://artifacts/steps/0123/"


def test_without_a_file_of_its_own_an_environment_has_the_templates_defaults(
    tmp_path: Path,
) -> None:
    given = parameters(Environment("staging"), SCRIPTS, tmp_path / "missing.toml")

    assert given == {"Environment": "staging", "StepsPrefix": SCRIPTS}


def test_numbers_and_texts_of_the_file_are_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "staging.toml"
    file.write_text('VisitorDays = 30\nSweepSchedule = "rate(1 hour)"\n')

    given = parameters(Environment("staging"), SCRIPTS, file)

    assert (given["VisitorDays"], given["SweepSchedule"]) == ("30", "rate(1 hour)")


def test_the_file_cannot_move_the_deployment_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "staging.toml"
    file.write_text('Environment = "production"\n')

    assert parameters(Environment("staging"), SCRIPTS, file)["Environment"] == "staging"


@pytest.mark.parametrize("text", ["VisitorDays = ", "VisitorDays = [1, 2]"])
def test_a_file_that_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "staging.toml"
    file.write_text(text)

    with pytest.raises(OperationError, match=r"staging\.toml"):
        parameters(Environment("staging"), SCRIPTS, file)
