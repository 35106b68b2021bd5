"""The evaluate command: imports, refusals and its output."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from marquee.contracts import CurrentModel, DataVersion
from marquee.requests.emr_step_requests import StepLocations, StepRequest, evaluate_step
from operations import __main__ as command_line
from operations import evaluation_chart
from operations.console import Phases, out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.evaluate import evaluate_models
from operations.evaluation_tables import show_report

WHERE = StepLocations("s3://scripts/", "ratings", "models", "results")
DATA = DataVersion("films", "evaluation")
FIGURES = {
    **{"rmse": 0.9021, "mae": 0.71, "rmse_by_user": 0.891, "mae_by_user": 0.737},
    **{"ndcg@10": 0.364, "precision@10": 0.27, "recall@10": 0.26, "hit_rate@10": 0.85},
    **{"rank_agreement": 0.71, "rank_agreement_ties_half": None},
    **{"coverage": 0.27, "median_popularity": 197.2},
    "margin": {"rmse": 0.015, "ndcg@10": 0.012},
}
ANSWERS = {
    "answers": 5,
    "rmse": {"popular": 0.97, "questionnaire": 0.96, "bias_only": 0.99},
    "margin": {"popular": 0.1, "questionnaire": 0.1, "bias_only": 0.1},
    "above_bias_only": {
        "popular": {"rmse": 0.012, "margin": 0.02},
        "questionnaire": {"rmse": -0.03, "margin": 0.01},
    },
    "ndcg@10": {"ranking": {"popular": 0.41, "questionnaire": 0.44, "known": None}},
    "ndcg@10_margin": {"ranking": {"popular": 0.02, "questionnaire": 0.03, "known": None}},
    "mean_shown": {"popular": 87.3, "questionnaire": None},
}
REPORT: dict[str, Any] = {
    "dataset": "films",
    "ratings": 1_000,
    "users": 50,
    "split": {
        "name": "random",
        "seed": 3,
        "rule": "held out where …",
        "folds": [{"name": "random", "held_out": 200}],
    },
    "models": {"ranking": FIGURES, "tags": {"error": "the data set has no tags"}},
    "new_visitors": {"people": 40, "answers": [ANSWERS]},
}


class Cluster:
    """A fake EMR, where the prepare step writes counts and the evaluate step a report."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.steps: list[StepRequest] = []

    def run(self, deployment: Deployment, step: StepRequest, progress: Any = None) -> None:
        self.steps.append(step)
        counted = {"ratings": 1, "users": 1, "rows": 1, "movies_rated": 1, "duplicates": 0}
        report = {**counted, "bad_rows": {}, "examples": [], "dataset": "films"}
        name, body = ("prepare", report) if "prepare" in step["Name"] else ("evaluation", REPORT)
        key = f"{DATA.prefix('reports')}{name}.json"
        self.s3.put_object(Bucket="ratings", Key=key, Body=json.dumps(body))

    @property
    def names(self) -> list[str]:
        return [step["Name"] for step in self.steps]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    made = Deployment("staging")
    made.__dict__["parameters"] = {"ratings-bucket": "ratings", "models-bucket": "models"}
    with mock_aws():
        for bucket in ("ratings", "models"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield made


@pytest.fixture
def cluster(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    stand_in = Cluster(boto3.client("s3"))
    for module in ("evaluate", "import_ratings"):
        monkeypatch.setattr(f"operations.{module}.run_step", stand_in.run)
        monkeypatch.setattr(f"operations.{module}.locations", lambda _: WHERE)
    return stand_in


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "u.data").write_text("1\t2\t3\t4\n")
    (folder / "u.item").write_text("2|Film (1995)|01-Jan-1995||http://x|0|1\n")
    (folder / "u.genre").write_text("unknown|0\nComedy|1\n")
    return folder


def active(dataset: str) -> DataVersion:
    current = CurrentModel("m-1", dataset, "2026-11-21T20:00:00Z", 1, 1, data_version="v1")
    boto3.client("s3").put_object(Bucket="models", Key="current.json", Body=current.to_json())
    return current.data


def raw_files() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="ratings", Prefix=DATA.prefix("raw"))
    return [item["Key"] for item in listed.get("Contents", [])]


def test_a_new_folder_is_prepared_and_evaluated_without_training(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    with Phases() as phases:
        assert evaluate_models(deployment, phases, films) == REPORT

    assert cluster.names == ["prepare-films", "evaluate-films"]


def test_a_folder_prepared_before_is_not_prepared_again(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    with Phases() as phases:
        evaluate_models(deployment, phases, films)
        evaluate_models(deployment, phases, films)

    assert cluster.names == ["prepare-films", "evaluate-films", "evaluate-films"]


def test_a_folder_that_changed_is_prepared_again(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    with Phases() as phases:
        evaluate_models(deployment, phases, films)
        (films / "u.data").write_text("1\t2\t5\t4\n")
        evaluate_models(deployment, phases, films)

    assert cluster.names.count("prepare-films") == 2


def test_official_tests_are_uploaded_with_the_ratings_and_passed_to_the_step(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    (films / "u1.test").write_text("1\t2\t3\t4\n")

    with Phases() as phases:
        evaluate_models(deployment, phases, films)

    assert "data/films/evaluation/raw/u1.test" in raw_files()
    arguments = cluster.steps[-1]["HadoopJarStep"]["Args"]
    assert arguments[arguments.index("--raw") + 1] == "s3://ratings/data/films/evaluation/raw/"


def test_evaluating_never_touches_the_active_ratings(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    data = active("films")
    kinds = ("raw", "ratings", "movies", "tags", "reports")
    mine = {f"{data.prefix(kind)}x" for kind in kinds}
    for key in mine:
        cluster.s3.put_object(Bucket="ratings", Key=key, Body=b"mine")

    with Phases() as phases:
        evaluate_models(deployment, phases, films)

    listed = cluster.s3.list_objects_v2(Bucket="ratings")["Contents"]
    written = {item["Key"] for item in listed} - mine
    assert all(key.startswith("data/films/evaluation/") for key in written)
    kept = [cluster.s3.get_object(Bucket="ratings", Key=key)["Body"].read() for key in mine]
    assert kept == [b"mine"] * len(kinds)


def test_an_unknown_model_name_is_rejected_before_anything_is_uploaded(
    deployment: Deployment, cluster: Cluster, films: Path
) -> None:
    with (
        Phases() as phases,
        pytest.raises(OperationError, match="no model 'rankin': use one or more of"),
    ):
        evaluate_models(deployment, phases, films, models="rankin")

    assert (cluster.steps, raw_files()) == ([], [])


def test_the_step_gets_the_options_of_the_command() -> None:
    step = evaluate_step(WHERE, DATA, models=["old", "rating"], split="random", seed=7)

    arguments = " ".join(step["HadoopJarStep"]["Args"])
    assert arguments.endswith(
        "--report s3://ratings/data/films/evaluation/reports/ --models old,rating --split random"
        " --seed 7"
    )
    assert "--raw" not in arguments


def evaluated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *more: str) -> int:
    """Run the command with the evaluation replaced by a fixed report; return the exit status."""

    def busy(deployment: Deployment, phases: Phases, *_: Any, **__: Any) -> dict[str, Any]:
        with phases.phase("evaluate"):
            out.print("films: MovieLens")
        return REPORT

    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path))
    monkeypatch.setattr(command_line, "evaluate_models", busy)
    return command_line.main(["--env", "local", "evaluate", "films", *more])


def test_json_output_is_one_document_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(monkeypatch, tmp_path, "--json") == 0

    said = capsys.readouterr()
    assert json.loads(said.out) == REPORT
    assert "films: MovieLens" in said.err


def test_the_console_prints_to_stdout_again_after_json_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(monkeypatch, tmp_path, "--json")
    capsys.readouterr()
    out.print("hello")

    assert capsys.readouterr().out == "hello\n"


def test_tables_are_printed_without_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(monkeypatch, tmp_path)

    assert "nDCG@10" in capsys.readouterr().out


def test_a_table_shows_figures_with_their_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(REPORT)

    said = capsys.readouterr().out
    assert "0.902±.015" in said
    assert "0.364±.012" in said


def test_no_figure_is_cut_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(out, "_width", 40)
    show_report(REPORT)

    said = capsys.readouterr().out
    assert "…" not in said.replace("held out where …", "")
    assert "0.902±.015" in said


def test_a_model_that_could_not_be_measured_is_described_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_report(REPORT)

    assert "tags: the data set has no tags" in capsys.readouterr().out


def test_new_visitors_are_compared_with_a_guess_by_bias_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_report(REPORT)

    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("5 "))
    shown = "5 0.970 +0.012±.020 0.960 -0.030±.010 0.990±.100 87.3 -"
    assert " ".join(row.split()) == shown


def test_the_picks_for_new_visitors_have_a_row_for_each_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_report(REPORT)

    *_, row = (line for line in capsys.readouterr().out.splitlines() if line.startswith("ranking "))
    assert row.split() == ["ranking", "0.410±.020", "0.440±.030", "-"]


def test_too_few_new_users_are_described_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_report({**REPORT, "new_visitors": {"people": 0, "answers": []}})

    assert "too few users" in capsys.readouterr().out


def test_the_curve_is_drawn_as_png_and_svg(tmp_path: Path) -> None:
    evaluation_chart.draw_chart(REPORT, tmp_path)

    assert (tmp_path / "evaluation-films.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "evaluation-films.svg").read_text()


def test_without_matplotlib_one_sentence_replaces_the_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    assert "matplotlib is not installed" in evaluation_chart.draw_chart(REPORT, tmp_path)


def test_without_new_users_there_is_no_chart(tmp_path: Path) -> None:
    nobody = {**REPORT, "new_visitors": {"people": 0, "answers": []}}

    assert evaluation_chart.draw_chart(nobody, tmp_path).startswith("No chart")
