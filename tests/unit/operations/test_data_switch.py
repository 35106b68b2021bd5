"""Importing, switching and rolling back data and model together, under moto."""

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from marquee.contracts import CurrentModel, DataVersion
from marquee.recommender.model_folder import RANKING, to_files
from operations import __main__ as command_line
from operations import status
from operations.console import Phases
from operations.data_versions import data_versions, delete_unused, is_prepared
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import import_ratings
from operations.models import current_model, publish_model, see_pair, switch_to
from operations.rollback_data import rollback_data
from operations.rollback_model import check
from operations.running_steps import InterruptedStep
from operations.train import retrain
from operations.uploads import UnfinishedUpload, unfinished_keys
from tests.unit.aws import MOVIES, model_of_dataset
from tests.unit.operations.fake_cluster import WHERE, Cluster, keep_model, option, put
from tests.unit.operations.interrupted_uploads import (
    Connection,
    connect,
    damage,
    stored_parts,
)

OLD = DataVersion("films")  # as a release without data versions left it
OLD_MODEL = "20251101t200000z-0a1b2c"
KINDS = ("raw", "ratings", "movies", "tags")


@pytest.fixture
def deployment(mocked_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    # Making a client takes longer than these tests' calls.
    monkeypatch.setattr("boto3.client", functools.cache(boto3.client))
    made = Deployment("staging")
    made.__dict__["parameters"] = {
        "ratings-bucket": "ratings",
        "models-bucket": "models",
        "movies-table": "movies",
    }
    for bucket in ("ratings", "models"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("dynamodb").create_table(
        TableName="movies",
        KeySchema=[
            {"AttributeName": "dataset", "KeyType": "HASH"},
            {"AttributeName": "movie_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "dataset", "AttributeType": "S"},
            {"AttributeName": "movie_id", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return made


@pytest.fixture
def cluster(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    fake = Cluster()
    for module in ("import_ratings", "train"):
        monkeypatch.setattr(f"operations.{module}.run_step", fake.run)
        monkeypatch.setattr(f"operations.{module}.locations", lambda _: WHERE)
    return fake


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    rows = "".join(
        f"{user},{(user + step) % 20},{1 + step % 5},1100000000\n"
        for user in range(30)
        for step in range(10)
    )
    (folder / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{rows}")
    titles = "".join(f"{n},Made Up {n} (1990),Drama\n" for n in range(20))
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{titles}")
    return folder


@pytest.fixture
def one_row(tmp_path: Path) -> Path:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating\n1,7,4.0\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n7,Made Up (1990),Drama\n")
    return tmp_path


@pytest.fixture
def old_pair(deployment: Deployment) -> CurrentModel:
    """Make a pair active as a release without data versions does."""
    for kind in KINDS:
        put(f"s3://ratings/{OLD.prefix(kind)}part-0", kind.encode())
    model = replace(model_of_dataset("films"), model_id=OLD_MODEL)
    for name, content in to_files(model).items():
        body = content
        if name == "manifest.json":
            manifest = json.loads(content)
            del manifest["data_version"]
            body = json.dumps(manifest).encode()
        put(f"s3://models/{OLD_MODEL}/{name}", body)
    body = json.loads(CurrentModel(OLD_MODEL, "films", model.trained_at, 100, 5000).to_json())
    del body["data_version"], body["former"]
    put("s3://models/current.json", json.dumps(body).encode())
    active = current_model(deployment)
    assert active is not None
    return active


def bring_in(deployment: Deployment, path: Path, **options: Any) -> DataVersion:
    """Import ratings; return the data that is active afterwards."""
    with Phases() as phases:
        import_ratings(deployment, phases, path, **options)
    return active_data(deployment)


def roll_back(deployment: Deployment) -> DataVersion:
    with Phases() as phases:
        return rollback_data(deployment, phases).data


def active_data(deployment: Deployment) -> DataVersion:
    active = current_model(deployment)
    assert active is not None
    return active.data


def keys(prefix: str = "") -> set[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="ratings", Prefix=prefix)
    return {item["Key"] for item in listed.get("Contents", [])}


def contents(data: DataVersion) -> dict[str, bytes]:
    """Return the objects of a version, but its reports."""
    s3 = boto3.client("s3")
    return {
        key: s3.get_object(Bucket="ratings", Key=key)["Body"].read()
        for kind in KINDS
        for key in keys(data.prefix(kind))
    }


def check_whole(deployment: Deployment) -> CurrentModel:
    """Assert that the active pair can be served and trained on; return it."""
    active = current_model(deployment)
    assert active is not None
    assert is_prepared(deployment, active.data)
    model = check(deployment, active.model_id)
    assert (model.damage, model.data) == (None, active.data)
    return active


@pytest.mark.usefixtures("cluster")
def test_the_first_import_is_active_and_has_no_former_pair(
    deployment: Deployment, films: Path
) -> None:
    data = bring_in(deployment, films)

    active = check_whole(deployment)
    assert (active.data, active.former) == (data, None)
    assert data.version


@pytest.mark.usefixtures("cluster")
def test_an_import_switches_data_and_model_together_and_keeps_the_former_pair(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    before = contents(OLD)

    data = bring_in(deployment, films)

    active = check_whole(deployment)
    assert data != OLD
    assert active.former == old_pair
    assert contents(OLD) == before


@pytest.mark.parametrize("step", ["prepare", "train"])
def test_a_rejected_import_leaves_the_active_pair_and_none_of_its_ratings(
    deployment: Deployment,
    films: Path,
    old_pair: CurrentModel,
    cluster: Cluster,
    step: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = contents(OLD)
    cluster.fails[step] = OperationError("train: the new model is worse than the active one")

    with pytest.raises(OperationError, match="worse"):
        bring_in(deployment, films)

    assert "as before; the new ones are deleted" in capsys.readouterr().out
    assert check_whole(deployment) == old_pair
    assert contents(OLD) == before
    assert all("/reports/" in key for key in keys("data/"))
    # Later trainings work, on the active ratings.
    cluster.fails.clear()
    with Phases() as phases:
        retrain(deployment, phases)
    trained = next(each for each in reversed(cluster.steps) if each["Name"].startswith("train-"))
    assert option(trained, "--ratings") == f"s3://ratings/{OLD.prefix('ratings')}"


def test_a_step_that_runs_on_after_ctrl_c_keeps_its_files(
    deployment: Deployment, films: Path, old_pair: CurrentModel, cluster: Cluster
) -> None:
    cluster.fails["train"] = InterruptedStep("Stopped waiting.")

    with pytest.raises(InterruptedStep):
        bring_in(deployment, films)

    [left] = data_versions(deployment)
    assert is_prepared(deployment, left)
    assert check_whole(deployment) == old_pair


def test_rows_that_the_prepare_step_loses_stop_the_import(
    deployment: Deployment, films: Path, old_pair: CurrentModel, cluster: Cluster
) -> None:
    cluster.prepared["bad_rows"] = {"rating is not a number": 31, "tag: tag is empty": 500}

    with pytest.raises(OperationError, match=r"31 of 300 rows are left out.*FORCE=1"):
        bring_in(deployment, films)

    assert check_whole(deployment) == old_pair
    assert bring_in(deployment, films, force=True) != OLD


def test_too_few_ratings_reach_neither_the_bucket_nor_the_cluster(
    deployment: Deployment, one_row: Path, old_pair: CurrentModel, cluster: Cluster
) -> None:
    with pytest.raises(OperationError, match="FORCE=1"):
        bring_in(deployment, one_row, name="films")

    assert (cluster.steps, keys("data/")) == ([], set())
    assert check_whole(deployment) == old_pair


def test_force_is_passed_to_the_training(
    deployment: Deployment, one_row: Path, old_pair: CurrentModel, cluster: Cluster
) -> None:
    data = bring_in(deployment, one_row, name="films", force=True)

    assert data != OLD
    train = next(step for step in cluster.steps if step["Name"].startswith("train-"))
    assert "--force" in train["HadoopJarStep"]["Args"]


def test_two_imports_at_once_end_with_one_whole_pair(
    deployment: Deployment, films: Path, old_pair: CurrentModel, cluster: Cluster
) -> None:
    others = DataVersion("films", "20991101t200000z-0a1b2c")

    def overtake(kind: str) -> None:
        if kind == "train":
            put(f"s3://ratings/{others.prefix('ratings')}part-0", b"")
            put(f"s3://ratings/{others.prefix('movies')}part-0", b"")
            keep_model(others, "20991101t210000z-0a1b2c")
            switch_to(deployment, "20991101t210000z-0a1b2c", see_pair(deployment))

    cluster.before = overtake

    with pytest.raises(OperationError, match="another command has made other data active"):
        bring_in(deployment, films)

    active = check_whole(deployment)
    assert (active.data, active.former) == (others, old_pair)


def test_a_switch_whose_answer_was_lost_counts_as_done(
    deployment: Deployment, old_pair: CurrentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataVersion("films", "v1")
    keep_model(data, "m1")
    seen = see_pair(deployment)
    first = switch_to(deployment, "m1", seen)

    # The client tries the same write again, on the same condition.
    again = switch_to(deployment, "m1", seen)

    assert again == first
    assert active_data(deployment) == data


@pytest.mark.usefixtures("cluster")
def test_rolling_back_and_forward_switches_data_and_model_together(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    new = bring_in(deployment, films)
    imported = check_whole(deployment)

    assert roll_back(deployment) == OLD
    assert check_whole(deployment).model_id == old_pair.model_id

    assert roll_back(deployment) == new
    assert check_whole(deployment).model_id == imported.model_id


@pytest.mark.usefixtures("cluster")
def test_a_rollback_brings_back_the_newest_model_of_the_former_data(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    bring_in(deployment, films)
    keep_model(OLD, "20991101t220000z-0a1b2c")  # a training that ended after the switch

    assert active_data(deployment) != OLD
    roll_back(deployment)

    assert check_whole(deployment).model_id == "20991101t220000z-0a1b2c"


@pytest.mark.usefixtures("cluster")
def test_a_rollback_passes_over_a_damaged_newest_model(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    bring_in(deployment, films)
    keep_model(OLD, "20991101t220000z-0a1b2c")
    put(f"s3://models/20991101t220000z-0a1b2c/{RANKING}", b"half of")

    roll_back(deployment)

    active = current_model(deployment)
    assert active is not None
    assert active.data == OLD


@pytest.mark.usefixtures("cluster")
def test_a_rollback_loads_the_titles_of_the_former_data(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    bring_in(deployment, films)
    table = boto3.resource("dynamodb").Table("movies")
    table.put_item(Item={"dataset": "films", "movie_id": MOVIES[0], "title": "Another film"})

    roll_back(deployment)

    item = table.get_item(Key={"dataset": "films", "movie_id": MOVIES[0]})["Item"]
    assert item["title"] == f"Film {MOVIES[0]}"


def test_without_a_former_pair_nothing_is_rolled_back(
    deployment: Deployment, old_pair: CurrentModel
) -> None:
    with pytest.raises(OperationError, match="no ratings were active before films, 5,000 ratings"):
        roll_back(deployment)

    assert check_whole(deployment) == old_pair


def test_before_the_first_import_a_rollback_says_what_to_do(deployment: Deployment) -> None:
    with pytest.raises(OperationError, match="make import"):
        roll_back(deployment)


@pytest.mark.usefixtures("cluster")
def test_former_ratings_that_are_gone_are_not_brought_back(
    deployment: Deployment, films: Path, old_pair: CurrentModel
) -> None:
    new = bring_in(deployment, films)
    for key in keys(OLD.prefix("ratings")):
        boto3.client("s3").delete_object(Bucket="ratings", Key=key)

    with pytest.raises(OperationError, match="no longer complete"):
        roll_back(deployment)

    assert active_data(deployment) == new


def test_later_trainings_use_the_active_ratings(
    deployment: Deployment, films: Path, cluster: Cluster, old_pair: CurrentModel
) -> None:
    data = bring_in(deployment, films)
    with Phases() as phases:
        model = retrain(deployment, phases)

    trained = next(step for step in cluster.steps if step["Name"] == f"train-{model.model_id}")
    assert option(trained, "--ratings") == f"s3://ratings/{data.prefix('ratings')}"
    active = check_whole(deployment)
    assert (active.model_id, active.former) == (model.model_id, old_pair)


@pytest.mark.usefixtures("cluster")
def test_only_the_active_pair_and_the_former_one_are_kept(
    deployment: Deployment, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(f"202611{day:02}t200000z-0a1b2c" for day in range(1, 30))
    for module in ("marquee.requests.emr_step_requests", "operations.train"):
        monkeypatch.setattr(f"{module}.new_model_id", lambda now: next(ids))

    found = [bring_in(deployment, films) for _ in range(4)]

    assert data_versions(deployment) == found[2:]
    check_whole(deployment)
    assert roll_back(deployment) == found[2]
    check_whole(deployment)
    listed = boto3.client("s3").list_objects_v2(Bucket="models", Prefix="newest.")["Contents"]
    assert {item["Key"] for item in listed} == {data.newest_key for data in found[2:]}


@pytest.mark.parametrize("rolled_back", [False, True])
def test_cleaning_up_keeps_what_is_active_former_unfinished_or_without_version(
    deployment: Deployment, old_pair: CurrentModel, rolled_back: bool
) -> None:
    versions = [DataVersion("films", f"v{n}") for n in range(5)]
    kept = [*versions[2:], DataVersion("films", "evaluation")]
    for data in [*versions, kept[-1]]:
        for kind in KINDS:
            put(f"s3://ratings/{data.prefix(kind)}part-0", b"")
    for number in (2, 3):
        keep_model(versions[number], f"m{number}")
        switch_to(deployment, f"m{number}", see_pair(deployment))
    before = contents(OLD)
    if rolled_back:
        roll_back(deployment)

    deleted = delete_unused(deployment)

    assert deleted == versions[:2]
    assert all(contents(data) for data in kept)
    assert contents(OLD) == before


class CrashedError(RuntimeError):
    """The process was killed before or after a write."""


CHANGING = ("Put", "Delete", "Update", "Create", "Complete", "Upload", "BatchWrite", "Copy")


class Killer:
    """Ends the process at the nth call that changes something, before or after its effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.call: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
        self.at: int | None = None
        self.after = False
        self.count = 0
        killer = self

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if not operation.startswith(CHANGING):
                return killer.call(client, operation, parameters)
            killer.count += 1
            dies = killer.count == killer.at
            if dies and not killer.after:
                raise CrashedError(operation)
            answer = killer.call(client, operation, parameters)
            if dies:
                raise CrashedError(operation)
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def arm(self, at: int, *, after: bool) -> None:
        self.count, self.at, self.after = 0, at, after

    def disarm(self) -> None:
        self.at = None


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Killer]:
    monkeypatch.setattr("operations.import_ratings._TITLE_WRITERS", 1)
    made = Killer(monkeypatch)
    yield made
    made.disarm()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_write_leaves_one_whole_active_pair(
    deployment: Deployment, films: Path, old_pair: CurrentModel, killer: Killer, after: bool
) -> None:
    before = contents(OLD)
    died = 0
    while True:
        killer.arm(died + 1, after=after)
        try:
            bring_in(deployment, films)
        except CrashedError:
            died += 1
        else:
            break
        finally:
            killer.disarm()
        active = check_whole(deployment)
        assert contents(OLD) == before
        if active.data != OLD:
            assert active.former == old_pair
            put_back(old_pair)
    assert died > 10
    assert check_whole(deployment).former == old_pair


def put_back(pair: CurrentModel) -> None:
    put("s3://models/current.json", pair.to_json().encode())


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_of_a_rollback_leaves_one_whole_active_pair(
    deployment: Deployment, films: Path, old_pair: CurrentModel, killer: Killer, after: bool
) -> None:
    new = bring_in(deployment, films)
    for died in range(1, 100):
        killer.arm(died, after=after)
        try:
            roll_back(deployment)
        except CrashedError:
            pass
        else:
            break
        finally:
            killer.disarm()
        if check_whole(deployment).data == OLD:
            assert roll_back(deployment) == new
    assert died > 1
    assert active_data(deployment) == OLD


def test_a_model_that_is_published_for_other_data_does_not_become_active(
    deployment: Deployment, old_pair: CurrentModel
) -> None:
    keep_model(DataVersion("films", "v1"), "m1")

    publish_model(deployment, "m1")

    assert check_whole(deployment) == old_pair


def test_the_switch_is_one_write(
    deployment: Deployment, old_pair: CurrentModel, killer: Killer
) -> None:
    keep_model(DataVersion("films", "v1"), "m1")
    seen = see_pair(deployment)
    killer.count = 0

    switch_to(deployment, "m1", seen)

    assert killer.count == 1


@pytest.mark.usefixtures("cluster")
def test_the_command_rolls_back_and_the_status_names_both_pairs(
    deployment: Deployment,
    films: Path,
    old_pair: CurrentModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = bring_in(deployment, films)
    monkeypatch.setattr(command_line, "choose_deployment", lambda *_: deployment)
    for part in ("_api", "_cluster"):
        monkeypatch.setattr(status, part, lambda _: "")
    for part in ("_queues", "_steps"):
        monkeypatch.setattr(status, part, lambda _: [])
    monkeypatch.setattr(status, "site_url", lambda _: "")

    assert command_line.main(["rollback-data"]) == 0
    assert "Active now: films, 5,000 ratings" in capsys.readouterr().out
    assert command_line.main(["status"]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert f"model {OLD_MODEL} on films, 5,000 ratings" in said
    assert f"former data films, version {new.version}, 5,000 ratings; 'make rollback-data'" in said


@pytest.mark.parametrize("key", ["current.json", OLD.newest_key])
def test_a_pointer_that_cannot_be_read_is_named(
    deployment: Deployment, old_pair: CurrentModel, key: str
) -> None:
    put(f"s3://models/{key}", b"{")

    with pytest.raises(OperationError, match=f"{key} in the models bucket cannot be read"):
        current_model(deployment)


# Uploads that stop


@pytest.fixture
def connection(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr("operations.uploads.PART_BYTES", 1000)
    # Versions made within a second have no order.
    days = itertools.count(21)
    monkeypatch.setattr(
        "operations.import_ratings.new_data_version",
        lambda name, _: DataVersion(name, f"202611{next(days)}t200000z-0a1b2c"),
    )
    return connect(boto3.client("s3"), monkeypatch)


def uploads() -> list[str]:
    return [key for key, _ in unfinished_keys(boto3.client("s3"), "ratings", "data/")]


def stop_upload(connection: Connection, deployment: Deployment, path: Path, after: int = 3) -> str:
    """Import until some parts have arrived; return the version."""
    connection.dies_after = after
    with pytest.raises(UnfinishedUpload):
        bring_in(deployment, path)
    connection.dies_after = None
    connection.arrived.clear()
    return max(uploads()).split("/")[2]


def test_an_import_whose_upload_stopped_goes_on_with_the_parts_that_have_arrived(
    deployment: Deployment, cluster: Cluster, films: Path, connection: Connection
) -> None:
    version = stop_upload(connection, deployment, films)

    assert current_model(deployment) is None
    assert bring_in(deployment, films).version == version
    assert connection.arrived[0] == 4
    assert uploads() == []


def test_an_upload_that_the_operator_stops_exits_with_a_sentence_and_leaves_the_active_pair(
    deployment: Deployment,
    cluster: Cluster,
    films: Path,
    connection: Connection,
) -> None:
    active = bring_in(deployment, films)
    (films / "ratings.csv").write_text((films / "ratings.csv").read_text() + "1,1,1,1100000009\n")
    connection.fault = KeyboardInterrupt()

    stop_upload(connection, deployment, films)

    assert active_data(deployment) == active


def test_other_ratings_get_a_version_of_their_own_and_old_uploads_are_aborted(
    deployment: Deployment, cluster: Cluster, films: Path, connection: Connection
) -> None:
    version = stop_upload(connection, deployment, films)
    rows = (films / "ratings.csv").read_text().replace(",1100000000", ",1200000000")
    (films / "ratings.csv").write_text(rows)

    assert bring_in(deployment, films).version > version
    assert uploads() == []


def test_uploads_from_before_the_active_import_are_aborted(
    deployment: Deployment, cluster: Cluster, films: Path, connection: Connection
) -> None:
    stop_upload(connection, deployment, films)

    bring_in(deployment, films, name="others")

    assert uploads() == []


def test_content_that_arrived_wrongly_is_never_prepared(
    deployment: Deployment,
    cluster: Cluster,
    films: Path,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3 = boto3.client("s3")
    complete = s3.complete_multipart_upload

    def complete_damaged(**call: Any) -> Any:
        damage(stored_parts("ratings", call["UploadId"])[2])
        return complete(**call)

    monkeypatch.setattr(s3, "complete_multipart_upload", complete_damaged)

    with pytest.raises(OperationError, match="differs from ratings"):
        bring_in(deployment, films)

    assert current_model(deployment) is None
    assert data_versions(deployment) == []
    assert uploads() == []
