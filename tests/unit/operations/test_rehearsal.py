"""The rehearsal's order, what it does after a failure, and its report."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path

import pytest

from operations.deployment import Deployment
from operations.errors import OperationError
from operations.inventory import Inventory
from operations.rehearsal import run
from operations.rehearsal.changed_function import changed_sources
from operations.rehearsal.report import PASSED, CostEstimate, RehearsalReport, StageResult
from operations.rehearsal.run import local_aws_for_rehearsal, rehearse
from operations.rehearsal.snapshot import differences
from operations.rehearsal.stages import TAKE_DOWN, Rehearsal, Stage

STAGING = Deployment("staging")
# Data of every kind that must not leave the machine; the phone number is reserved for fiction.
PRIVATE = (
    "arn:aws:iam::123456789012:user/ada AKIAIOSFODNN7EXAMPLE ada@example.org +12025550143"
    " Bearer 0123456789abcdef"
)
FORBIDDEN = re.compile(r"123456789012|AKIA|ada|2025550143|0123456789abcdef")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fake a deployment that is empty before the first stage; return the file of the report."""
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    looks = chain([Inventory()], repeat(Inventory({"stacks": ["marquee-staging"]})))
    monkeypatch.setattr(run, "inventory", lambda _: next(looks))
    return tmp_path / "report.md"


class Recorder:
    """Stages that record their order."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def stage(self, name: str, act: Callable[[], str] = lambda: "well") -> Stage:
        def noted(_: Rehearsal) -> str:
            self.ran.append(name)
            return act()

        return Stage(name, noted)

    def take_down(self) -> list[Stage]:
        return [self.stage(stage.name) for stage in TAKE_DOWN]


def failing(words: str = "it broke") -> Callable[[], str]:
    def act() -> str:
        raise OperationError(words)

    return act


def test_a_rehearsal_that_passes_destroys_everything_and_reports_it(page: Path) -> None:
    stages = Recorder()

    report = rehearse(
        STAGING, file=page, stages=[stages.stage("deploy")], take_down=stages.take_down()
    )

    assert report.passed
    assert stages.ran == ["deploy", "destroy", "nothing is left"]
    kept = json.loads(page.with_suffix(".json").read_text())
    assert [stage["outcome"] for stage in kept["stages"]] == ["passed"] * 3
    assert kept["clean_up"] == ""
    assert "passed" in page.read_text().splitlines()[0]


def test_a_failing_stage_skips_the_rest_and_destroys_what_was_made(
    page: Path,
) -> None:
    stages = Recorder()

    with pytest.raises(OperationError, match="failed at 'import': it broke"):
        rehearse(
            STAGING,
            file=page,
            stages=[
                stages.stage("deploy"),
                stages.stage("import", failing()),
                stages.stage("form"),
            ],
            take_down=stages.take_down(),
        )

    assert stages.ran == ["deploy", "import", "destroy", "nothing is left"]
    kept = json.loads(page.with_suffix(".json").read_text())
    assert [(stage["name"], stage["outcome"]) for stage in kept["stages"]] == [
        ("deploy", "passed"),
        ("import", "failed"),
        ("form", "skipped"),
        ("destroy", "passed"),
        ("nothing is left", "passed"),
    ]
    assert kept["failure"]["stage"] == "import"
    assert kept["clean_up"] == ""


def test_a_failure_with_keep_leaves_everything_and_says_how_to_clean_up(
    page: Path,
) -> None:
    stages = Recorder()

    with pytest.raises(OperationError, match="make destroy ENV=staging"):
        rehearse(
            STAGING,
            file=page,
            keep=True,
            stages=[stages.stage("deploy", failing())],
            take_down=stages.take_down(),
        )

    assert stages.ran == ["deploy"]
    assert "make destroy ENV=staging" in page.read_text()


def test_a_failure_before_anything_was_made_destroys_nothing(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "inventory", lambda _: Inventory())
    stages = Recorder()

    with pytest.raises(OperationError, match="quota") as raised:
        rehearse(
            STAGING,
            file=page,
            stages=[stages.stage("deploy", failing("the quota is 5"))],
            take_down=stages.take_down(),
        )

    assert stages.ran == ["deploy"]
    assert "make destroy" not in str(raised.value)
    assert "Nothing had been created" in page.read_text()


def test_a_failing_destruction_does_not_hide_the_first_failure(page: Path) -> None:
    stages = Recorder()

    with pytest.raises(OperationError, match=r"failed at 'deploy': first.*make destroy"):
        rehearse(
            STAGING,
            file=page,
            stages=[stages.stage("deploy", failing("first"))],
            take_down=[stages.stage("destroy", failing("second"))],
        )


def test_an_unexpected_error_destroys_everything_too(
    page: Path,
) -> None:
    stages = Recorder()

    def act() -> str:
        raise KeyError("cluster-id")

    with pytest.raises(OperationError, match="KeyError: 'cluster-id'"):
        rehearse(
            STAGING,
            file=page,
            stages=[stages.stage("deploy", act)],
            take_down=stages.take_down(),
        )

    assert stages.ran == ["deploy", "destroy", "nothing is left"]


def test_ctrl_c_stops_everything_and_the_report_names_what_is_left(
    page: Path,
) -> None:
    stages = Recorder()

    def act() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(
            STAGING,
            file=page,
            stages=[stages.stage("deploy", act)],
            take_down=stages.take_down(),
        )

    assert stages.ran == ["deploy"]
    assert "| deploy | stopped |" in page.read_text()
    assert "make destroy ENV=staging" in page.read_text()


def test_the_report_of_a_failure_ends_with_its_log_and_holds_nothing_private(
    page: Path,
) -> None:
    def act() -> str:
        log = STAGING.state / "logs" / "terraform-apply.log"
        log.parent.mkdir(parents=True)
        log.with_name("terraform-output.log").write_text("a sensitive output")
        log.write_text(f"old\n{'line\n' * 100}Error: the quota is 5\n{PRIVATE}\n")
        raise OperationError(f"terraform apply failed: {PRIVATE}")

    stages = Recorder()

    with pytest.raises(OperationError) as raised:
        rehearse(
            STAGING,
            file=page,
            stages=[stages.stage("deploy", act)],
            take_down=stages.take_down(),
        )

    written = page.read_text()
    assert "Error: the quota is 5" in written
    assert "    old" not in written
    assert "sensitive" not in written
    for shown in (written, page.with_suffix(".json").read_text(), str(raised.value)):
        assert not FORBIDDEN.search(shown)


def test_the_digits_of_a_number_in_the_report_do_not_look_like_an_account() -> None:
    report = RehearsalReport("staging", "eu-west-1", is_local=False, started=datetime.now(UTC))
    report.stages.append(StageResult("deploy", PASSED, 0.593439829001))
    report.estimate = CostEstimate(
        *(0.593439829001, 12.593439829001, 0.0833), "eu-west-1", "2026-11-01", 505.593439829001
    )

    written = json.dumps(report.as_json())

    assert "0.5934" in written
    assert "505.5934" in written
    assert not FORBIDDEN.search(written)


def test_a_rehearsal_does_nothing_where_there_are_visitors_and_names_what_it_found(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"buckets": ["marquee-staging-1-ratings"], "clusters": ["j-1"]}
    monkeypatch.setattr(run, "inventory", lambda _: Inventory(found))
    monkeypatch.setattr(run, "visitors_with_ratings", lambda _: {"01abc", "01def"})
    stages = Recorder()

    with pytest.raises(
        OperationError, match=r"staging-1-ratings; clusters: j-1; the ratings of 2 visitors"
    ):
        rehearse(STAGING, file=page, stages=[stages.stage("deploy")], take_down=stages.take_down())

    assert stages.ran == []
    assert not page.exists()


def test_a_rehearsal_does_nothing_where_it_cannot_see_whether_there_is_data(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "inventory", lambda _: Inventory({}, {"tables": "AccessDenied"}))
    stages = Recorder()

    with pytest.raises(OperationError, match="may not list tables: AccessDenied"):
        rehearse(STAGING, file=page, stages=[stages.stage("deploy")], take_down=stages.take_down())

    assert stages.ran == []


def test_visitors_of_others_prevent_the_rehearsal_from_destroying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "operations.rehearsal.stages.visitors_with_ratings", lambda _: {"01own", "01other"}
    )

    with pytest.raises(OperationError, match=r"Nothing was destroyed: 1 visitors? are not"):
        TAKE_DOWN[0].run(Rehearsal(STAGING, visitors={"01own"}))


def test_the_changed_function_is_a_copy_whose_answers_contain_the_mark(tmp_path: Path) -> None:
    template = changed_sources(tmp_path, "second")

    source = (template.parents[1] / "functions" / "ingest" / "app.py").read_text()
    body = source[source.index("_handler_of_the_work_tree") :]
    module: dict[str, object] = {
        "Any": object,
        "LambdaContext": object,
        "handler": lambda _event, _context: {"statusCode": 200, "multiValueHeaders": {"A": ["b"]}},
    }
    exec(compile(body, "app.py", "exec"), module)  # noqa: S102  what Lambda would run
    handler = module["handler"]
    assert callable(handler)
    assert handler({}, None) == {
        "statusCode": 200,
        "multiValueHeaders": {"A": ["b"], "X-Marquee-Rehearsal": ["second"]},
    }


def test_differences_between_two_observations_are_named() -> None:
    before = {"the stack": "1", "the page a": "x", "the page b": "x"}

    assert differences(before, {"the stack": "2", "the page a": "x", "the page c": "x"}) == [
        "the page b",
        "the page c",
        "the stack",
    ]


@pytest.fixture
def local_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that records actions on the local AWS, which does not run at first."""
    calls: list[str] = []
    monkeypatch.setattr(run, "local_aws_runs", lambda _: False)
    monkeypatch.setattr(run, "start_local_aws", lambda *_: calls.append("start"))
    monkeypatch.setattr(run, "stop_deployment", lambda _: calls.append("stop"))
    return calls


@pytest.mark.parametrize(("keep", "done"), [(False, ["start", "stop"]), (True, ["start"])])
def test_a_failed_local_rehearsal_leaves_the_local_aws_running_only_with_keep(
    local_calls: list[str], keep: bool, done: list[str]
) -> None:
    with pytest.raises(OperationError), local_aws_for_rehearsal(Deployment("local"), keep=keep):
        raise OperationError("it broke")

    assert local_calls == done


def test_a_local_aws_that_already_runs_is_left_running(
    local_calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "local_aws_runs", lambda _: True)

    with local_aws_for_rehearsal(Deployment("local"), keep=False):
        pass

    assert local_calls == []


def test_a_rehearsal_on_aws_starts_no_local_aws(local_calls: list[str]) -> None:
    with local_aws_for_rehearsal(STAGING, keep=False):
        pass

    assert local_calls == []
