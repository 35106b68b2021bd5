"""Imports that are rejected change nothing; accepted ones can be rolled back, with their model."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from catalogue import DATASET
from catalogue.__main__ import write
from marquee.aws.buckets import ModelsBucket
from marquee.contracts import CurrentModel, DataVersion
from tests.deployment import RunningDeployment, eventually

OTHERS = "made-up-films"
# Trains on the former data, as a step does that was submitted before the switch.
TRAIN_ON_FORMER = """
from operations.console import Phases
from operations.deployment import choose_deployment
from operations.models import current_model
from operations.train import train

here = choose_deployment("local", None)
with Phases() as phases:
    print("TRAINED", train(here, phases, current_model(here).former.data).model_id)
"""


def active(local: RunningDeployment) -> CurrentModel:
    found = ModelsBucket(local.client("s3"), local.parameters["models-bucket"]).current()
    assert found is not None
    return found


def serves(local: RunningDeployment, expected: CurrentModel) -> None:
    """Wait until the API serves this model, and gives picks with it."""
    eventually(
        lambda: local.http.get(f"{local.api_url}/health").json(),
        lambda health: health["model_id"] == expected.model_id,
        f"the API serving {expected.model_id}",
    )
    answer = local.http.post(
        f"{local.api_url}/picks", json={"ratings": local.form()["ratings"], "count": 5}
    )
    assert (answer.status_code, answer.json()["dataset"]) == (200, expected.dataset)


@pytest.fixture(scope="module", autouse=True)
def no_other_trainings(deployment: RunningDeployment) -> Iterator[None]:
    """Keep earlier tests' visitors from causing a training, which replaces the active pair."""
    if not deployment.is_local:
        pytest.skip("imports replace the data set, which a test may do on the local AWS only")
    with deployment.model_kept_fresh():
        deployment.until_no_step_is_active()
        yield


@pytest.fixture
def embedded(local: RunningDeployment) -> Iterator[CurrentModel]:
    """Yield the active pair of the embedded catalogue; roll back to that data set at the end."""
    before = active(local)
    assert before.dataset == DATASET
    yield before
    if active(local).dataset != DATASET:
        local.python("-m", "operations", "rollback-data").check_returncode()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Return every seventh rating of the catalogue: too few to predict the others as well."""
    folder = tmp_path / "sample"
    write(folder)
    header, *rows = (folder / "ratings.csv").read_text().splitlines()
    (folder / "ratings.csv").write_text("\n".join([header, *rows[::7], ""]))
    return folder


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Return ratings of 40 made-up movies by 40 users, on a scale from 1 to 10."""
    folder = tmp_path / OTHERS
    folder.mkdir()
    rows = "".join(
        f"{user},{(user + step) % 40 + 1},{9 if (user + step) % 2 else 3}\n"
        for user in range(1, 41)
        for step in range(14)
    )
    (folder / "ratings.csv").write_text(f"userId,movieId,rating\n{rows}")
    titles = "".join(f"{movie},Made Up {movie} (1990),Drama\n" for movie in range(1, 41))
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{titles}")
    return folder


def test_a_rejected_model_leaves_the_active_data_and_later_trainings_work(
    local: RunningDeployment, embedded: CurrentModel, sample: Path
) -> None:
    done = local.python("-m", "operations", "import", "--name", DATASET, str(sample))

    assert done.returncode == 1
    assert "the new model is worse than the active one" in done.stderr
    assert active(local) == embedded
    local.python("-m", "operations", "train").check_returncode()
    trained = active(local)
    assert trained.data == embedded.data
    assert trained.model_id != embedded.model_id
    serves(local, trained)


def test_one_row_under_the_active_name_replaces_nothing(
    local: RunningDeployment, embedded: CurrentModel, tmp_path: Path
) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating\n1,1,4.0\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Made Up (1990),Drama\n")

    for force in ([], ["--force"]):
        done = local.python(
            "-m", "operations", "import", "--name", DATASET, *force, "--check", str(tmp_path)
        )
        assert done.returncode == (0 if force else 1)
        assert "only 0 movies have 5 ratings" in done.stdout + done.stderr
    assert active(local) == embedded


def test_data_and_model_are_switched_back_and_forth_together(
    local: RunningDeployment, embedded: CurrentModel, others: Path
) -> None:
    done = local.python("-m", "operations", "import", str(others))
    assert done.returncode == 0, done.stderr
    imported = active(local)
    assert (imported.dataset, imported.former) == (OTHERS, replace(embedded, former=None))
    serves(local, imported)

    # A training on the former data that ends after the switch does not replace the new pair.
    late = local.python("-c", TRAIN_ON_FORMER)
    assert "TRAINED" in late.stdout, late.stderr
    assert active(local) == imported

    for _ in range(2):
        local.python("-m", "operations", "rollback-data").check_returncode()
        back = active(local)
        assert back.data == embedded.data
        assert back.model_id in late.stdout
        serves(local, back)
        local.python("-m", "operations", "rollback-data").check_returncode()
        assert active(local).model_id == imported.model_id


def prepared(local: RunningDeployment, data: DataVersion) -> dict[tuple[int, int], float]:
    """Return the stars that the prepare step wrote for a version, by user and movie."""
    s3, bucket = local.client("s3"), local.parameters["ratings-bucket"]
    found: dict[tuple[int, int], float] = {}
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=data.prefix("ratings"))["Contents"]:
        if item["Key"].endswith(".parquet"):
            content = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            for row in parquet.read_table(BytesIO(content)).to_pylist():
                found[row["user_id"], row["movie_id"]] = row["rating"]
    return found


def export(local: RunningDeployment, into: Path) -> dict[str, bytes]:
    local.python("-m", "operations", "export", str(into)).check_returncode()
    return {path.name: path.read_bytes() for path in into.iterdir()}


def put_drop(local: RunningDeployment, name: str, folder: Path) -> None:
    """Put the files of a folder into the ratings bucket as another system would, and close it."""
    s3, bucket = local.client("s3"), local.parameters["ratings-bucket"]
    for path in folder.iterdir():
        s3.put_object(Bucket=bucket, Key=f"incoming/{name}/{path.name}", Body=path.read_bytes())
    s3.put_object(Bucket=bucket, Key=f"incoming/{name}/_SUCCESS", Body=b"")


def drop_report(local: RunningDeployment, name: str) -> dict[str, Any]:
    kept = local.client("s3").get_object(
        Bucket=local.parameters["ratings-bucket"], Key=f"reports/drops/{name}.json"
    )
    return dict(json.loads(kept["Body"].read()))


def test_a_drop_is_added_once_a_bad_one_refused_and_the_former_pair_comes_back(
    local: RunningDeployment, embedded: CurrentModel, tmp_path: Path
) -> None:
    before, exported = prepared(local, embedded.data), export(local, tmp_path / "before")
    changed, deleted, *_ = sorted(before)
    stars = 1.0 if before[changed] > 2 else 5.0
    stranger, movie = max(user for user, _ in before) + 1, changed[1]
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "ratings.csv").write_text(
        f"userId,movieId,rating\n{changed[0]},{changed[1]},{stars}\n{stranger},{movie},4\n"
    )
    (drop / "deleted.csv").write_text(
        f"userId,movieId\n{deleted[0]},{deleted[1]}\n{stranger},999999\n"
    )
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "ratings.csv").write_text("colour,weight\nred,heavy\n")
    put_drop(local, "a-good", drop)
    put_drop(local, "b-bad", bad)

    done = local.python("-m", "operations", "drops")

    assert (done.returncode, "refused: b-bad" in done.stderr) == (1, True), done.stderr
    added, kept = active(local), drop_report(local, "a-good")
    assert (kept["outcome"], kept["model"]["model_id"]) == ("added", added.model_id)
    assert {name: kept["read"]["append"][name] for name in ("added", "changed", "deleted")} == {
        "added": 1,
        "changed": 1,
        "deleted": 1,
    }
    refused = drop_report(local, "b-bad")
    assert (refused["outcome"], refused["model"]) == ("refused", {})
    assert "Nothing was imported: " in refused["reason"]
    assert "b-bad refused" in local.python("-m", "operations", "status").stdout
    assert added.former == replace(embedded, former=None)
    expected = before | {changed: stars, (stranger, movie): 4.0}
    del expected[deleted]
    assert prepared(local, added.data) == expected
    serves(local, added)
    once = export(local, tmp_path / "once")
    none = local.python("-m", "operations", "drops")
    assert (none.returncode, "no new drop" in none.stdout) == (0, True), none.stderr
    again = local.python("-m", "operations", "import", "--append", "--name", DATASET, str(drop))
    assert (again.returncode, active(local)) == (0, added), again.stderr
    assert "has all of this already" in again.stdout
    assert export(local, tmp_path / "twice") == once

    local.python("-m", "operations", "rollback-data").check_returncode()
    assert active(local).data == embedded.data
    assert export(local, tmp_path / "back") == exported


@pytest.fixture
def as_an_older_release_left_it(
    local: RunningDeployment, embedded: CurrentModel
) -> Iterator[CurrentModel]:
    """Make the active pair one without a data version, as before the first import of a release."""
    s3, models = local.client("s3"), local.parameters["models-bucket"]
    ratings, old = local.parameters["ratings-bucket"], DataVersion(embedded.dataset)
    kept = s3.get_object(Bucket=models, Key="current.json")["Body"].read()
    for kind in ("ratings", "movies", "tags"):
        copy_below(local, ratings, embedded.data.prefix(kind), old.prefix(kind))
    model_id = f"20251101t200000z-{uuid.uuid4().hex[:6]}"
    copy_below(local, models, f"{embedded.model_id}/", f"{model_id}/")
    manifest = json.loads(
        s3.get_object(Bucket=models, Key=f"{model_id}/manifest.json")["Body"].read()
    )
    del manifest["data_version"]
    body = json.dumps(manifest | {"model_id": model_id})
    s3.put_object(Bucket=models, Key=f"{model_id}/manifest.json", Body=body)
    pair = json.loads(replace(embedded, model_id=model_id, former=None).to_json())
    del pair["data_version"], pair["former"]
    s3.put_object(Bucket=models, Key="current.json", Body=json.dumps(pair))
    yield active(local)
    s3.put_object(Bucket=models, Key="current.json", Body=kept)
    s3.delete_object(Bucket=models, Key=old.newest_key)


def copy_below(local: RunningDeployment, bucket: str, source: str, to: str) -> None:
    s3 = local.client("s3")
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=source)["Contents"]:
        key = f"{to}{item['Key'].removeprefix(source)}"
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": item["Key"]})


def test_data_of_a_release_without_versions_is_served_and_trained_on(
    local: RunningDeployment, as_an_older_release_left_it: CurrentModel
) -> None:
    before = as_an_older_release_left_it
    assert before.data == DataVersion(DATASET)
    serves(local, before)

    local.python("-m", "operations", "train").check_returncode()

    trained = active(local)
    assert trained.data == before.data
    assert trained.model_id > before.model_id
    serves(local, trained)
