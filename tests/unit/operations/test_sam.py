"""The parameters of the functions' template."""

from pathlib import Path

import pytest

from operations import releases, sam, stack
from operations.environment import Environment
from operations.errors import OperationError
from operations.sam import parameters, release

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


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "IngestFunction" / "__pycache__").mkdir(parents=True)
    (tmp_path / "IngestFunction" / "app.py").write_text("one")
    (tmp_path / "IngestFunction" / "__pycache__" / "app.pyc").write_text("one")
    (tmp_path / "template.yaml").write_text("Resources: {}")
    return tmp_path


def test_a_release_is_named_by_what_it_is_made_of(built: Path) -> None:
    before = release(built, {"VisitorDays": "30"})

    (built / "IngestFunction" / "__pycache__" / "app.pyc").write_text("compiled anew")
    assert release(built, {"VisitorDays": "30"}) == before
    assert release(built, {"VisitorDays": "31"}) != before
    (built / "IngestFunction" / "app.py").write_text("two")
    assert release(built, {"VisitorDays": "30"}) != before


class Deployed:
    """Fakes of `sam deploy` and of the actions before and after it, which record their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, built: Path, tags: dict[str, str]) -> None:
        self.happened: list[str] = []
        self.command: tuple[str, ...] = ()
        self.fails = False
        monkeypatch.setattr(sam, "build_folder", lambda _: built)
        monkeypatch.setattr(sam, "_run", self.run)
        monkeypatch.setattr(stack, "make_deployable", lambda _: self.note("stack"))
        monkeypatch.setattr(releases, "in_use", lambda _: {"ingest": 1})
        for name in ("forget_unfinished", "go_forward", "go_back", "prune"):
            monkeypatch.setattr(releases, name, lambda *_, name=name: self.note(name))
        outputs = type("", (), {"outputs": lambda _self: {"tags": tags}})
        monkeypatch.setattr(sam, "Terraform", lambda _: outputs())

    def note(self, name: str) -> None:
        self.happened.append(name)

    def run(self, _environment: Environment, *command: str, **_: object) -> None:
        self.note("sam deploy")
        self.command = command
        if self.fails:
            raise OperationError("sam deploy failed")


def staging() -> Environment:
    environment = Environment("staging")
    environment.__dict__["parameters"] = {"artifacts-bucket": "artifacts"}
    return environment


def test_the_stack_gets_the_tags_of_everything_else(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {"project": "marquee", "owner": "two words"})

    sam.deploy(staging(), SCRIPTS)

    at = deployed.command.index("--tags")
    assert deployed.command[at + 1 : at + 3] == ('project="marquee"', 'owner="two words"')


def test_an_environment_without_tags_deploys_without(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})

    sam.deploy(staging(), SCRIPTS)

    assert "--tags" not in deployed.command


def test_the_way_is_cleared_before_and_the_release_comes_into_use_after(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})

    sam.deploy(staging(), SCRIPTS)

    assert deployed.happened == ["stack", "forget_unfinished", "sam deploy", "go_forward", "prune"]
    assert any(word.startswith('Release="') for word in deployed.command)


def test_a_deployment_that_fails_puts_the_aliases_back(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})
    deployed.fails = True

    with pytest.raises(OperationError):
        sam.deploy(staging(), SCRIPTS)
    assert deployed.happened == ["stack", "forget_unfinished", "sam deploy", "go_back"]
