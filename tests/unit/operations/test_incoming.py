"""Adding the drops that another system puts into the ratings bucket, under moto."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from marquee.contracts import CurrentModel
from operations import __main__ as command_line
from operations import incoming
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError, RatingsRefused
from operations.import_ratings import import_ratings
from operations.incoming import add_drops, last_drop
from operations.models import current_model
from operations.running_steps import InterruptedStep, StepFailed
from tests.unit.operations.append_fixtures import cluster, deployment, phases
from tests.unit.operations.fake_cluster import Cluster
from tests.unit.operations.fake_cluster import put as put_object

__all__ = ["cluster", "deployment", "phases"]  # fixtures

RATINGS = "userId,movieId,rating,timestamp\n"
NIGHT = {
    "ratings.csv": f"{RATINGS}0,0,5,1200000000\n99,3,2,1200000000\n",
    "deleted.csv": "userId,movieId\n1,1\n",
}


@pytest.fixture
def films(deployment: Deployment, phases: Phases, cluster: Cluster, tmp_path: Path) -> CurrentModel:
    """Import 300 ratings of 20 movies as the active data set, and return its pair."""
    rows = "".join(
        f"{user},{(user + step) % 20},{1 + step % 5},1100000000\n"
        for user in range(30)
        for step in range(10)
    )
    titles = "".join(f"{movie},Made Up {movie} (1990),Drama\n" for movie in range(20))
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "ratings.csv").write_text(RATINGS + rows)
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{titles}")
    import_ratings(deployment, phases, folder)
    cluster.steps.clear()
    return active(deployment)


def active(deployment: Deployment) -> CurrentModel:
    found = current_model(deployment)
    assert found is not None
    return found


def drop(name: str, files: Mapping[str, str], *, close: bool = True) -> None:
    for file, content in files.items():
        put_object(f"s3://ratings/incoming/{name}/{file}", content.encode())
    if close:
        put_object(f"s3://ratings/incoming/{name}/_SUCCESS", b"")


def report(name: str) -> dict[str, Any]:
    kept = boto3.client("s3").get_object(Bucket="ratings", Key=f"reports/drops/{name}.json")
    return dict(json.loads(kept["Body"].read()))


def test_a_drop_is_added_with_its_model_and_reported(
    deployment: Deployment, phases: Phases, films: CurrentModel
) -> None:
    drop("2026-11-29", NIGHT)

    add_drops(deployment, phases)

    now = active(deployment)
    assert now.former == films
    kept = report("2026-11-29")
    assert (kept["outcome"], kept["reason"], kept["dataset"]) == ("added", "", "films")
    assert (kept["data_version"], kept["model"]["model_id"]) == (now.data_version, now.model_id)
    counts = {name: kept["read"]["append"][name] for name in ("added", "changed", "deleted")}
    assert counts == {"added": 1, "changed": 1, "deleted": 1}


def test_a_drop_is_added_once_also_if_it_is_closed_again(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("night", NIGHT)
    add_drops(deployment, phases)
    once, steps = report("night"), len(cluster.steps)
    drop("night", NIGHT)

    assert add_drops(deployment, phases) == []

    assert (report("night"), len(cluster.steps)) == (once, steps)


def test_files_that_change_under_the_same_name_are_added(
    deployment: Deployment, phases: Phases, films: CurrentModel
) -> None:
    drop("night", NIGHT)
    add_drops(deployment, phases)
    drop("night", {"ratings.csv": f"{RATINGS}98,3,2,1200000000\n"})

    [again] = add_drops(deployment, phases)

    assert (again.outcome, again.read["append"]["added"]) == ("added", 1)


def test_the_same_ratings_under_another_name_change_nothing(
    deployment: Deployment, phases: Phases, films: CurrentModel
) -> None:
    drop("a", NIGHT)
    add_drops(deployment, phases)
    pair = active(deployment)
    drop("b", NIGHT)

    [second] = add_drops(deployment, phases)

    assert (second.outcome, active(deployment)) == ("unchanged", pair)


def test_a_drop_without_its_marker_is_left_alone(
    deployment: Deployment, phases: Phases, films: CurrentModel
) -> None:
    drop("half", NIGHT, close=False)
    put_object("s3://ratings/incoming/", b"")

    assert add_drops(deployment, phases) == []
    assert active(deployment) == films


def test_drops_are_added_in_the_order_in_which_they_were_closed(
    deployment: Deployment, phases: Phases, films: CurrentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    undated = "userId,movieId,rating\n0,0,{}\n"
    drop("a-second", {"ratings.csv": undated.format(4)})
    drop("z-first", {"ratings.csv": undated.format(3)})
    found = {each.name: each for each in incoming.closed_drops(deployment)}
    first, second = found["z-first"], found["a-second"]
    at = sorted([first.closed_at, second.closed_at])[0]
    closed = {first.name: at.replace(year=2025), second.name: at}
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    original = pages.paginate

    class Aged:
        def paginate(self, **asked: Any) -> Iterator[Any]:
            for page in original(**asked):
                for item in page.get("Contents", []):
                    parts = item["Key"].split("/")
                    if parts[-1] == "_SUCCESS":
                        item["LastModified"] = closed[parts[-2]]
                yield page

    with monkeypatch.context() as patched:
        patched.setattr(boto3.client("s3"), "get_paginator", lambda _: Aged())
        done = add_drops(deployment, phases)

    assert [each.drop for each in done] == ["z-first", "a-second"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "the drop has no files but _SUCCESS"),
        ({"ratings.csv": ""}, r"Nothing was imported: .*empty"),
        ({"ratings.csv": "colour,weight\nred,heavy\n"}, "Nothing was imported: "),
        (
            {"ratings.csv": RATINGS + "5,5,4,1\n" * 8 + "5,x,4,1\n5,y,4,1\n"},
            "2 of 10 rows are left out",
        ),
        (
            {"ratings.csv": f"{RATINGS}5,5,4,1\n5,777,4,1\n"},
            "1 of 2 rows are left out, 1 of them because movie is not in the movies file",
        ),
        ({"deep/ratings.csv": NIGHT["ratings.csv"]}, "has the object 'deep/ratings.csv'"),
    ],
)
def test_a_bad_drop_is_refused_with_the_reason_and_the_next_one_is_added(
    deployment: Deployment,
    phases: Phases,
    films: CurrentModel,
    files: dict[str, str],
    reason: str,
) -> None:
    drop("bad", files)
    with pytest.raises(OperationError, match="1 of 1 drops was refused: bad"):
        add_drops(deployment, phases)
    assert active(deployment) == films
    refused = incoming.DropReport(**report("bad"))
    assert refused.outcome == "refused"
    with pytest.raises(RatingsRefused, match=reason):
        raise RatingsRefused(refused.reason)

    drop("good", NIGHT)
    [added] = add_drops(deployment, phases)

    assert (added.drop, added.outcome) == ("good", "added")


def test_a_drop_that_is_too_large_is_refused_before_it_is_downloaded(
    deployment: Deployment, phases: Phases, films: CurrentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("large", NIGHT)
    monkeypatch.setattr(incoming, "MOST_BYTES", 10)
    monkeypatch.setattr(incoming, "_download", lambda *_: pytest.fail("it was downloaded"))

    with pytest.raises(OperationError, match="large"):
        add_drops(deployment, phases)

    assert "divide it into several drops" in report("large")["reason"]


def test_a_worse_model_refuses_its_drop(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("worse", NIGHT)
    words = "train: the new model is worse than the active one"
    cluster.fails["train"] = StepFailed(words, "train-1")

    with pytest.raises(OperationError, match="refused: worse"):
        add_drops(deployment, phases)

    assert "the new model is worse" in report("worse")["reason"]
    assert report("worse")["read"]["append"]["added"] == 1
    assert active(deployment) == films


def test_a_drop_that_is_active_is_not_called_refused_because_a_later_step_failed(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("night", NIGHT)
    cluster.fails["similar"] = StepFailed("out of memory", "similar-20251129t030000z-0a1b2c")

    [added] = add_drops(deployment, phases)

    assert (added.outcome, added.reason) == ("added", "out of memory")
    assert added.data_version == active(deployment).data_version != films.data_version


def test_without_a_cluster_drops_wait_and_are_added_later_in_their_order(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("a", NIGHT)
    drop("b", {"ratings.csv": f"{RATINGS}98,3,2,1200000000\n"})
    cluster.fails["prepare"] = OperationError("The cluster accepts no step: it is gone")
    with pytest.raises(OperationError, match="The drop a waits for the next time: The cluster"):
        add_drops(deployment, phases)
    assert report("a")["outcome"] == "waiting"
    cluster.fails.clear()

    done = add_drops(deployment, phases)

    assert [(each.drop, each.outcome) for each in done] == [("a", "added"), ("b", "added")]


def test_an_import_that_ends_first_makes_the_drop_wait(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("night", NIGHT)

    def other_import(kind: str) -> None:
        if kind == "train":
            put_object("s3://models/current.json", films.to_json().encode() + b"\n")

    cluster.before = other_import
    with pytest.raises(OperationError, match="another command has made other data active"):
        add_drops(deployment, phases)
    cluster.before = lambda _: None
    [added] = add_drops(deployment, phases)

    assert added.outcome == "added"


def test_a_report_that_another_command_wrote_first_stays(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("night", NIGHT)
    theirs = incoming.DropReport("night", "digest", "then", outcome="added")

    def other_command(kind: str) -> None:
        put_object("s3://ratings/reports/drops/night.json", json.dumps(vars_of(theirs)).encode())

    cluster.before = other_command
    add_drops(deployment, phases)

    assert report("night")["digest"] == "digest"


def vars_of(kept: incoming.DropReport) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in kept.__slots__}


def test_an_interrupted_drop_has_no_report_and_is_added_by_the_next_run(
    deployment: Deployment, phases: Phases, films: CurrentModel, cluster: Cluster
) -> None:
    drop("night", NIGHT)
    cluster.fails["train"] = InterruptedStep("Stopped waiting.")
    with pytest.raises(InterruptedStep):
        add_drops(deployment, phases)
    assert last_drop(deployment) is None
    cluster.fails.clear()

    [added] = add_drops(deployment, phases)

    assert added.outcome == "added"


def test_without_active_ratings_a_drop_waits(deployment: Deployment, phases: Phases) -> None:
    drop("night", NIGHT)

    with pytest.raises(OperationError, match="no active ratings to add to: import some"):
        add_drops(deployment, phases)


def test_a_drop_with_another_kind_of_name_is_skipped_and_named(
    deployment: Deployment,
    phases: Phases,
    films: CurrentModel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drop("last night", NIGHT)

    assert add_drops(deployment, phases) == []
    assert "Skipped the drop 'last night'" in capsys.readouterr().out


def test_the_status_names_the_last_drop(
    deployment: Deployment, phases: Phases, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert last_drop(deployment) is None
    put_object("s3://ratings/reports/drops/x.json", b"{")
    with pytest.raises(
        OperationError, match=r"reports/drops/x.json .* cannot be read as the report"
    ):
        last_drop(deployment)
    told = incoming.DropReport("night", "d", "then", "2026-11-29T03:00:00Z", "refused", "empty")
    put_object("s3://ratings/reports/drops/x.json", json.dumps(vars_of(told)).encode())

    assert str(last_drop(deployment)) == "night refused at 2026-11-29T03:00:00Z: empty"


def test_the_command_is_called_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Deployment] = []
    monkeypatch.setattr(command_line, "add_drops", lambda deployment, _: called.append(deployment))

    assert command_line.main(["drops"]) == 0
    assert len(called) == 1
