"""The nodes' role allows every call that S3A makes for the paths in a step's arguments.

S3A (`org.apache.hadoop.fs.s3a.S3AFileSystem`, EMR's S3 client) determines the type of a path by a
HEAD of the key without its slash, and then by a listing. Only 404 means absent, but S3 answers 403
to a role that may not get the key. Before a write, S3A checks every folder above the path likewise.
https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/index.html
"""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from marquee.contracts import CurrentModel, DataVersion
from marquee.requests import emr_step_requests as steps
from operations.data_versions import EVALUATION
from tests.infrastructure.conftest import LONGEST_ENVIRONMENT
from tests.infrastructure.plans import Plan

ACCOUNT = "123456789012"
BUCKETS = f"marquee-{LONGEST_ENVIRONMENT}-{ACCOUNT}"
WHERE = steps.StepLocations(
    scripts=f"s3://{BUCKETS}-artifacts/steps/0123abcd/",
    ratings_bucket=f"{BUCKETS}-ratings",
    models_bucket=f"{BUCKETS}-models",
    results_bucket=f"{BUCKETS}-results",
)
DATASET, MODEL, SUBMISSION = "ml-32m", "20261127t200000z-abc123", "0123456789abcdef" * 2
DATA = DataVersion(DATASET, "20261127t190000z-abc123")
KINDS = ("raw", "ratings", "movies", "tags", "reports")
# The options that name a path to which a step writes; a step only reads the others.
WRITTEN = {
    "prepare.py": {"--ratings", "--movies", "--tags", "--report"},
    "train.py": {"--model", "--newest"},
    "similar.py": {"--model"},
    "evaluate.py": {"--report"},
    "recommend.py": {"--results"},
}
# Keys that a job's commit writes below its folder: those of Hadoop's and S3A's committers, and the
# final marker.
BELOW = (
    "",
    "_temporary/0/",
    "_temporary/0/task_1/part-0.parquet",
    "__magic_job-1/tasks/attempt_1/__base/part-0.parquet.pending",
    "part-0.parquet",
    "_SUCCESS",
)


def every_step() -> list[steps.StepRequest]:
    active = CurrentModel(
        model_id=MODEL, dataset=DATASET, trained_at="2026-11-27T20:00:00Z", users=1, ratings=1
    )
    evaluated = DataVersion(DATASET, EVALUATION)
    return [
        steps.prepare_step(WHERE, DATA),
        steps.prepare_step(WHERE, evaluated),
        steps.train_step(WHERE, DATA, MODEL, active=active, sizes=(8, 16)),
        steps.train_step(WHERE, DataVersion(DATASET), MODEL),
        steps.similar_step(WHERE, MODEL),
        steps.evaluate_step(WHERE, evaluated, models=("als",), split="official", official=True),
        steps.recommend_step(WHERE, SUBMISSION, MODEL),
    ]


def paths(written: bool) -> Iterator[tuple[str, str]]:
    """Yield (script and option, path without `s3://`) of all paths that are read or written.

    Args:
        written: yield only the paths that are written.
    """
    for step in every_step():
        arguments = step["HadoopJarStep"]["Args"]
        script = next(each for each in arguments if each.endswith(".py")).rsplit("/", 1)[1]
        handed = dict(pairwise(arguments))
        unknown = WRITTEN[script] - handed.keys()
        assert not unknown, f"{script} is no longer handed {unknown}"
        for option, value in handed.items():
            # A step may read back its output, so written paths count as read.
            if value.startswith("s3://") and (not written or option in WRITTEN[script]):
                yield f"{script} {option}", value.removeprefix("s3://")


@pytest.fixture(scope="module")
def nodes(plan: Plan) -> IAMPolicy:
    return IAMPolicy(json.dumps(plan.policy("aws_iam_role_policy.nodes")))


def denied(nodes: IAMPolicy, action: str, path: str) -> bool:
    found = nodes.is_action_permitted(action, f"arn:aws:s3:::{path}")
    return found is not PermissionResult.PERMITTED


def folders_above(path: str) -> list[str]:
    """Return the keys of all folders above a path: `bucket/a` for `bucket/a/b/`."""
    bucket, *names = path.rstrip("/").split("/")
    return ["/".join([bucket, *names[:length]]) for length in range(1, len(names))]


def test_the_paths_of_the_steps_cover_every_bucket() -> None:
    buckets = {path.split("/")[0] for _, path in paths(written=False)}
    assert buckets == {
        f"{BUCKETS}-{kind}" for kind in ("ratings", "models", "results", "artifacts")
    }


def test_the_role_reads_each_path_of_a_step_with_and_without_its_slash(
    nodes: IAMPolicy,
) -> None:
    refused = {
        (what, key)
        for what, path in paths(written=False)
        for key in (path, path.rstrip("/"), f"{path}part-0" if path.endswith("/") else path)
        if denied(nodes, "s3:GetObject", key)
    }
    assert refused == set()


def test_the_role_lists_the_bucket_of_each_path_of_a_step(nodes: IAMPolicy) -> None:
    refused = {
        (what, path)
        for what, path in paths(written=False)
        if denied(nodes, "s3:ListBucket", path.split("/")[0])
    }
    assert refused == set()


def test_the_role_reads_the_folders_above_each_path_that_a_step_writes(
    nodes: IAMPolicy,
) -> None:
    refused = {
        (what, above)
        for what, path in paths(written=True)
        for above in folders_above(path)
        if denied(nodes, "s3:GetObject", above)
    }
    assert refused == set()


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"])
def test_the_role_may_do_all_that_a_commit_to_a_written_folder_needs(
    nodes: IAMPolicy, action: str
) -> None:
    refused = {
        (what, path + below)
        for what, path in paths(written=True)
        for below in (BELOW if path.endswith("/") else ("",))
        if denied(nodes, action, path + below)
    }
    assert refused == set()


def test_the_role_may_mark_the_folder_above_a_deleted_one(
    nodes: IAMPolicy,
) -> None:
    """S3A writes an empty object, whose key ends with a slash, for a folder that becomes empty."""
    refused = {
        (what, f"{above}/")
        for what, path in paths(written=True)
        for above in folders_above(path)
        if denied(nodes, "s3:PutObject", f"{above}/")
    }
    assert refused == set()


def test_the_role_reads_no_folder_that_merely_shares_a_prefix(nodes: IAMPolicy) -> None:
    assert denied(nodes, "s3:GetObject", f"{WHERE.ratings_bucket}/visitors-of-others")
    assert denied(nodes, "s3:GetObject", f"{WHERE.ratings_bucket}/ratings-of-others/a")


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_the_role_changes_neither_raw_files_nor_the_data_of_older_releases(
    nodes: IAMPolicy, action: str
) -> None:
    kept = [DATA.prefix("raw"), *(DataVersion(DATASET).prefix(kind) for kind in KINDS)]
    allowed = [
        key for key in kept if not denied(nodes, action, f"{WHERE.ratings_bucket}/{key}part-0")
    ]
    assert allowed == []
