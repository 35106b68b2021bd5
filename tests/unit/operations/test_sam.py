"""The parameters of the functions' template."""

from pathlib import Path

import pytest

from operations import releases, sam, stack
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.sam import parameters, release_name

SCRIPTS = "s3://artifacts/steps/0123/"


def test_a_deployment_without_a_variables_file_has_the_defaults_of_the_template(
    tmp_path: Path,
) -> None:
    given = parameters(Deployment("staging"), SCRIPTS, tmp_path / "missing.toml")

    assert given == {"Environment": "staging", "StepsPrefix": SCRIPTS}


def test_numbers_and_strings_of_the_file_are_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "staging.toml"
    file.write_text('VisitorDays = 30\nSweepSchedule = "rate(1 hour)"\n')

    given = parameters(Deployment("staging"), SCRIPTS, file)

    assert (given["VisitorDays"], given["SweepSchedule"]) == ("30", "rate(1 hour)")


def test_the_file_cannot_change_the_name_of_the_deployment(tmp_path: Path) -> None:
    file = tmp_path / "staging.toml"
    file.write_text('Environment = "production"\n')

    assert parameters(Deployment("staging"), SCRIPTS, file)["Environment"] == "staging"


@pytest.mark.parametrize("text", ["VisitorDays = ", "VisitorDays = [1, 2]"])
def test_an_invalid_file_is_rejected_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "staging.toml"
    file.write_text(text)

    with pytest.raises(OperationError, match=r"staging\.toml"):
        parameters(Deployment("staging"), SCRIPTS, file)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "IngestFunction" / "__pycache__").mkdir(parents=True)
    (tmp_path / "IngestFunction" / "app.py").write_text("one")
    (tmp_path / "IngestFunction" / "__pycache__" / "app.pyc").write_text("one")
    (tmp_path / "template.yaml").write_text("Resources: {}")
    return tmp_path


def test_the_name_of_a_release_depends_on_its_sources_and_parameters(built: Path) -> None:
    before = release_name(built, {"VisitorDays": "30"})

    (built / "IngestFunction" / "__pycache__" / "app.pyc").write_text("compiled anew")
    assert release_name(built, {"VisitorDays": "30"}) == before
    assert release_name(built, {"VisitorDays": "31"}) != before
    (built / "IngestFunction" / "app.py").write_text("two")
    assert release_name(built, {"VisitorDays": "30"}) != before


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
        for name in ("forget_unfinished", "advance_aliases", "restore_aliases", "prune"):
            monkeypatch.setattr(releases, name, lambda *_, name=name: self.note(name))
        outputs = type("", (), {"outputs": lambda _self: {"tags": tags}})
        monkeypatch.setattr(sam, "Terraform", lambda _: outputs())

    def note(self, name: str) -> None:
        self.happened.append(name)

    def run(self, _environment: Deployment, *command: str, **_: object) -> None:
        self.note("sam deploy")
        self.command = command
        if self.fails:
            raise OperationError("sam deploy failed")


def staging() -> Deployment:
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = {"artifacts-bucket": "artifacts"}
    return deployment


def test_the_stack_gets_the_tags_of_the_deployment(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {"project": "marquee", "owner": "two words"})

    sam.deploy_stack(staging(), SCRIPTS)

    at = deployed.command.index("--tags")
    assert deployed.command[at + 1 : at + 3] == ('project="marquee"', 'owner="two words"')


def test_a_deployment_without_tags_passes_none(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})

    sam.deploy_stack(staging(), SCRIPTS)

    assert "--tags" not in deployed.command


def test_sam_deploy_runs_after_the_cleanup_and_before_the_aliases_move(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})

    sam.deploy_stack(staging(), SCRIPTS)

    assert deployed.happened == [
        "stack",
        "forget_unfinished",
        "sam deploy",
        "advance_aliases",
        "prune",
    ]
    assert any(word.startswith('Release="') for word in deployed.command)


def test_a_failed_deployment_restores_the_aliases(
    monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    deployed = Deployed(monkeypatch, built, {})
    deployed.fails = True

    with pytest.raises(OperationError):
        sam.deploy_stack(staging(), SCRIPTS)
    assert deployed.happened == ["stack", "forget_unfinished", "sam deploy", "restore_aliases"]
