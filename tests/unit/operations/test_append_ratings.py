"""Adding ratings to the active data set, under moto."""

import errno
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from marquee.contracts import CurrentModel, DataVersion
from operations import __main__ as command_line
from operations.append_ratings import append_ratings, check_append
from operations.console import Phases
from operations.data_versions import delete_unused
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.export_ratings import digest_of, export_ratings
from operations.import_ratings import import_ratings
from operations.models import current_model
from operations.rollback_data import rollback_data
from tests.unit.operations.append_fixtures import cluster, deployment, phases
from tests.unit.operations.fake_cluster import Cluster, keep_model
from tests.unit.operations.fake_cluster import put as put_object

__all__ = ["cluster", "deployment", "phases"]  # fixtures

USERS, MOVIES = range(30), range(20)


def folder(path: Path, files: Mapping[str, str]) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def all_films(user: str = "{}") -> dict[str, str]:
    """Return files with 10 ratings by each user, whose ids have the form `user`."""
    rows = "".join(
        f"{user.format(number)},{(number + step) % 20},{1 + step % 5},1100000000\n"
        for number in USERS
        for step in range(10)
    )
    titles = "".join(f"{n},Made Up {n} (1990),Drama\n" for n in MOVIES)
    return {
        "ratings.csv": f"userId,movieId,rating,timestamp\n{rows}",
        "movies.csv": f"movieId,title,genres\n{titles}",
    }


DROP = {
    "ratings.csv": "userId,movieId,rating,timestamp\n0,0,5,1200000000\n99,3,2,1200000000\n",
    "deleted.csv": "userId,movieId\n1,1\n1,19\n",
}


@pytest.fixture
def films(deployment: Deployment, phases: Phases, tmp_path: Path) -> DataVersion:
    import_ratings(deployment, phases, folder(tmp_path / "films", all_films()))
    return active(deployment).data


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return folder(tmp_path / "drop", DROP)


def active(deployment: Deployment) -> CurrentModel:
    found = current_model(deployment)
    assert found is not None
    return found


def keys() -> set[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="ratings")
    return {item["Key"] for item in listed.get("Contents", [])}


def json_at(key: str) -> Any:
    return json.loads(boto3.client("s3").get_object(Bucket="ratings", Key=key)["Body"].read())


def export(deployment: Deployment, into: Path) -> str:
    with Phases() as phases:
        return digest_of(export_ratings(deployment, phases, into))


def test_an_append_makes_a_new_version_and_rolling_back_returns_to_the_former_pair(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path, tmp_path: Path
) -> None:
    before, original = active(deployment), export(deployment, tmp_path / "before")

    append_ratings(deployment, phases, drop, name="films")

    now = active(deployment)
    assert (now.dataset, now.former) == ("films", before)
    assert now.data != films
    export(deployment, tmp_path / "after")
    rows = (tmp_path / "after" / "ratings.csv").read_text().splitlines()
    former = (tmp_path / "before" / "ratings.csv").read_text().splitlines()
    gone = {"0,0,1.0,1100000000", "1,1,1.0,1100000000"}
    assert rows == [row for row in former if row not in gone] + [
        "0,0,5.0,1200000000",
        "99,3,2.0,1200000000",
    ]
    rollback_data(deployment, phases)
    assert active(deployment).data == films
    assert export(deployment, tmp_path / "back") == original


def test_the_same_append_twice_gives_the_same_export_and_no_second_version(
    deployment: Deployment,
    phases: Phases,
    films: DataVersion,
    drop: Path,
    cluster: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    append_ratings(deployment, phases, drop, name="films")
    once, pair, steps = export(deployment, tmp_path / "1"), active(deployment), len(cluster.steps)

    assert append_ratings(deployment, phases, drop, name="films") is None

    assert (export(deployment, tmp_path / "2"), active(deployment)) == (once, pair)
    assert len(cluster.steps) == steps
    assert "has all of this already" in capsys.readouterr().out


def test_a_report_with_what_changed_is_kept(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path
) -> None:
    append_ratings(deployment, phases, drop, name="films")

    kept = json_at(f"{active(deployment).data.prefix('reports')}import.json")["append"]
    assert kept["before"] == f"films, version {films.version}"
    counts = {name: kept[name] for name in ("added", "changed", "deleted", "unknown_deletions")}
    assert counts == {"added": 1, "changed": 1, "deleted": 1, "unknown_deletions": 1}


def test_a_check_prints_what_would_change_and_changes_nothing(
    deployment: Deployment,
    phases: Phases,
    films: DataVersion,
    drop: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, pair = keys(), active(deployment)

    check_append(deployment, phases, drop, name="films")

    assert (keys(), active(deployment)) == (before, pair)
    said = capsys.readouterr().out
    assert "1 new ratings, 1 changed, 1 deleted" in said
    assert "deletions: 2, of which 1 name no rating" in said
    assert "Nothing was uploaded. Without CHECK=1, this is added" in said
    assert not (deployment.state / "import").exists()


def test_integers_are_deleted_with_their_version(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path, tmp_path: Path
) -> None:
    append_ratings(deployment, phases, drop, name="films")
    second = active(deployment)
    append_ratings(
        deployment, phases, folder(tmp_path / "x", {"deleted.csv": "user\n99\n"}), name="films"
    )
    third = active(deployment)
    # A version's id is its second, and these imports may be of the same one: name a later one.
    later = replace(third, data_version=f"9{third.data_version}")
    put_object("s3://models/current.json", later.to_json().encode())

    delete_unused(deployment)

    assert {key for key in keys() if key.startswith("ids/")} == {second.data.ids_key}


def test_ids_of_text_keep_their_integers_over_several_appends(
    deployment: Deployment, phases: Phases, tmp_path: Path
) -> None:
    import_ratings(deployment, phases, folder(tmp_path / "films", all_films("u-{}")))
    for name, user in (("a", "new"), ("b", "newer"), ("c", "new")):
        rows = f"userId,movieId,rating\n{user},5,{4 if name == 'a' else 1}\n"
        append_ratings(deployment, phases, folder(tmp_path / name, {"r.csv": rows}), name="films")

    export(deployment, tmp_path / "after")
    last = (tmp_path / "after" / "ratings.csv").read_text().splitlines()[-2:]
    assert last == ["32,5,1.0,", "31,5,1.0,"]
    ids = json_at(active(deployment).data.ids_key)
    assert ids["users"][-3:] == ["u-29", "new", "newer"]


def test_without_an_active_data_set_there_is_nothing_to_add_to(
    deployment: Deployment, phases: Phases, drop: Path
) -> None:
    with pytest.raises(OperationError, match="no active ratings to add to: import these first"):
        append_ratings(deployment, phases, drop, name="films")


def test_another_data_set_is_not_added_to_the_active_one(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path
) -> None:
    before = keys()
    with pytest.raises(OperationError, match=r"'drop', but the active one is 'films'.*NAME=films"):
        append_ratings(deployment, phases, drop)
    assert (keys(), active(deployment).data) == (before, films)


def test_a_data_set_without_a_version_must_be_imported_again(
    deployment: Deployment, phases: Phases, drop: Path
) -> None:
    keep_model(DataVersion("films"), "20251101t200000z-0a1b2c")
    old = CurrentModel("20251101t200000z-0a1b2c", "films", "2025-11-01T20:00:00Z", 100, 5000)
    put_object("s3://models/current.json", old.to_json().encode())

    with pytest.raises(OperationError, match="older release, which did not keep its canonical"):
        append_ratings(deployment, phases, drop, name="films")


def test_whole_numbers_that_an_older_release_imported_can_be_added_to(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path
) -> None:
    boto3.client("s3").delete_object(Bucket="ratings", Key=films.ids_key)

    assert append_ratings(deployment, phases, drop, name="films") is not None


def test_integers_that_an_older_release_did_not_keep_are_asked_for(
    deployment: Deployment, phases: Phases, tmp_path: Path, drop: Path
) -> None:
    import_ratings(deployment, phases, folder(tmp_path / "films", all_films("u-{}")))
    key = active(deployment).data.ids_key
    boto3.client("s3").delete_object(Bucket="ratings", Key=key)

    with pytest.raises(OperationError, match="did not keep the integers that its ids were mapped"):
        append_ratings(deployment, phases, drop, name="films")


def test_a_rejected_append_leaves_the_active_pair_and_nothing_but_reports(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path, cluster: Cluster
) -> None:
    before, pair = keys(), active(deployment)
    cluster.fails["train"] = OperationError("train: the new model is worse than the active one")

    with pytest.raises(OperationError, match="worse"):
        append_ratings(deployment, phases, drop, name="films")

    assert active(deployment) == pair
    assert all("/reports/" in key for key in keys() - before)
    assert before <= keys()


def test_an_append_is_rejected_if_another_data_set_became_active_meanwhile(
    deployment: Deployment,
    phases: Phases,
    films: DataVersion,
    drop: Path,
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    other = folder(tmp_path / "other", all_films())

    def overtake(kind: str) -> None:
        if kind == "train":
            cluster.before = lambda _: None
            with Phases() as inner:
                import_ratings(deployment, inner, other)

    cluster.before = overtake

    with pytest.raises(OperationError, match="other data active in the meantime"):
        append_ratings(deployment, phases, drop, name="films")
    assert active(deployment).dataset == "other"


def test_an_append_that_deletes_too_much_needs_force(
    deployment: Deployment, phases: Phases, films: DataVersion, tmp_path: Path
) -> None:
    rows = "".join(f"{user},\n" for user in range(4))
    many = folder(tmp_path / "many", {"deleted.csv": f"userId,movieId\n{rows}"})

    with pytest.raises(OperationError, match=r"40 of 300 ratings would be deleted.*FORCE=1"):
        append_ratings(deployment, phases, many, name="films")
    assert active(deployment).data == films
    append_ratings(deployment, phases, many, name="films", force=True)
    assert active(deployment).data != films


def test_files_that_changed_in_the_bucket_are_not_added_to(
    deployment: Deployment, phases: Phases, films: DataVersion, drop: Path
) -> None:
    put_object(f"s3://ratings/{films.prefix('raw')}ratings.csv", b"userId,movieId\n")

    with pytest.raises(OperationError, match=r"ratings\.csv differs"):
        append_ratings(deployment, phases, drop, name="films")


def test_a_full_disk_is_named(
    deployment: Deployment,
    phases: Phases,
    films: DataVersion,
    drop: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("operations.append_ratings.append_files", fill)

    with pytest.raises(OperationError, match="import is full: it needs space for the active"):
        append_ratings(deployment, phases, drop, name="films")
    assert not (deployment.state / "import").exists()


@pytest.mark.parametrize(
    ("flags", "function"),
    [
        ([], "import_ratings"),
        (["--check"], "check_ratings"),
        (["--append"], "append_ratings"),
        (["--append", "--check"], "check_append"),
    ],
)
def test_the_command_line_chooses_what_to_do(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], function: str
) -> None:
    called: list[tuple[str, dict[str, Any]]] = []
    for name in ("import_ratings", "check_ratings", "append_ratings", "check_append"):

        def note(*_: object, called_as: str = name, **options: Any) -> None:
            called.append((called_as, options))

        monkeypatch.setattr(command_line, name, note)
    options = command_line.parser().parse_args(
        ["import", *flags, "--name", "films", "--scale", "1 to 10", "--force", "--", "drop"]
    )

    command_line.COMMANDS["import"].run(Deployment("staging"), options)

    assert called == [(function, {"name": "films", "scale": "1 to 10", "force": True})]
