"""Publishing, rolling back and pruning releases of the functions, under moto."""

import functools
import io
import zipfile
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from operations import releases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.logs import FUNCTIONS

STAGING = Deployment("staging")
SOME = FUNCTIONS[:3]
NAMES = [f"marquee-staging-{name}" for name in SOME]


@pytest.fixture(autouse=True)
def account(mocked_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Making a client takes longer than these tests' calls.
    monkeypatch.setattr("boto3.client", functools.cache(boto3.client))
    monkeypatch.setattr(releases, "FUNCTIONS", SOME)


def code(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", text)
    return packed.getvalue()


def variables(release: str, cluster: str) -> Any:
    return {"Variables": {"RELEASE": release, "CLUSTER_ID": cluster}}


def a_role() -> str:
    iam = boto3.client("iam")
    try:
        return iam.get_role(RoleName="functions")["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        made = iam.create_role(RoleName="functions", AssumeRolePolicyDocument="{}")
        return made["Role"]["Arn"]


def publish(name: str, release: str, cluster: str = "j-1") -> str:
    """Publish a version of one function, as CloudFormation does; leave its alias unchanged."""
    client = boto3.client("lambda")
    try:
        client.update_function_configuration(
            FunctionName=name, Environment=variables(release, cluster)
        )
        client.update_function_code(FunctionName=name, ZipFile=code(release))
    except client.exceptions.ResourceNotFoundException:
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=a_role(),
            Handler="app.handler",
            Code={"ZipFile": code(release)},
            Environment=variables(release, cluster),
        )
    return client.publish_version(FunctionName=name)["Version"]


def point(name: str, version: str) -> None:
    client = boto3.client("lambda")
    try:
        client.update_alias(FunctionName=name, Name=releases.ALIAS, FunctionVersion=version)
    except client.exceptions.ResourceNotFoundException:
        client.create_alias(FunctionName=name, Name=releases.ALIAS, FunctionVersion=version)


def deploy(release: str, cluster: str = "j-1") -> None:
    """Deploy changed functions, including what `operations` does around CloudFormation."""
    before = releases.in_use(STAGING)
    releases.forget_unfinished(STAGING)
    for name in NAMES:
        point(name, publish(name, release, cluster))
    releases.advance_aliases(STAGING)
    releases.prune(STAGING, before)


def live_releases() -> set[str]:
    return {function.current.release for function in releases.functions(STAGING)}


def kept() -> list[list[str]]:
    return [
        [version.release for version in function.versions]
        for function in releases.functions(STAGING)
    ]


def test_a_rollback_moves_all_functions_to_the_previous_release() -> None:
    deploy("a")
    deploy("b")

    done = releases.roll_back(STAGING)

    assert live_releases() == {"a"}
    assert (done.was.release, done.now.release) == ("b", "a")
    assert dict(done.functions) == dict.fromkeys(NAMES, (2, 1))


def test_a_second_rollback_moves_back_further() -> None:
    for release in "abc":
        deploy(release)

    releases.roll_back(STAGING)
    releases.roll_back(STAGING)

    assert live_releases() == {"a"}


def test_a_rollback_without_a_former_release_is_rejected_and_moves_nothing() -> None:
    deploy("a")

    with pytest.raises(OperationError, match="no release before the active one"):
        releases.roll_back(STAGING)
    assert live_releases() == {"a"}


def test_a_rollback_before_the_first_deployment_says_to_deploy() -> None:
    with pytest.raises(OperationError, match="make deploy ENV=staging"):
        releases.roll_back(STAGING)


def test_a_rollback_to_a_release_of_another_cluster_is_rejected_with_the_variable() -> None:
    deploy("a", cluster="j-1")
    deploy("b", cluster="j-2")

    with pytest.raises(OperationError, match="CLUSTER_ID j-1, which is j-2 now"):
        releases.roll_back(STAGING)
    assert live_releases() == {"b"}


def test_deploying_the_same_release_again_undoes_a_rollback() -> None:
    deploy("a")
    deploy("b")
    releases.roll_back(STAGING)

    assert releases.advance_aliases(STAGING)
    assert live_releases() == {"b"}
    assert not releases.advance_aliases(STAGING)


def test_a_later_rollback_skips_a_release_that_was_rolled_back() -> None:
    deploy("good")
    deploy("bad")
    releases.roll_back(STAGING)
    deploy("better")

    releases.roll_back(STAGING)

    assert live_releases() == {"good"}


def test_only_the_newest_releases_are_kept() -> None:
    published = [f"r{number}" for number in range(releases.KEPT + 2)]
    for release in published:  # prune only once: moto reuses the numbers of deleted versions
        for name in NAMES:
            point(name, publish(name, release))

    assert releases.prune(STAGING, releases.in_use(STAGING)) == 2 * len(NAMES)
    assert kept() == [published[2:]] * len(NAMES)


def test_versions_of_a_failed_deployment_are_deleted() -> None:
    deploy("a")
    for name in NAMES[:2]:  # CloudFormation rolls the update back and keeps the versions
        publish(name, "b")
        boto3.client("lambda").update_function_configuration(
            FunctionName=name, Environment=variables("a", "j-1")
        )

    assert releases.forget_unfinished(STAGING) == 2
    assert kept() == [["a"]] * len(NAMES)


def test_a_deployment_that_fails_after_a_rollback_keeps_the_earlier_release() -> None:
    deploy("a")
    deploy("b")
    releases.roll_back(STAGING)
    before = releases.in_use(STAGING)
    point(NAMES[0], "2")  # the version that CloudFormation has on record for the alias

    releases.restore_aliases(STAGING, before)

    assert live_releases() == {"a"}


def test_no_alias_is_moved_where_one_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy("a")
    deploy("b")
    client = boto3.client("lambda")
    original = client.update_alias

    def reject_the_third(**settings: Any) -> Any:
        if settings["FunctionName"] == NAMES[2]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "UpdateAlias")
        return original(**settings)

    monkeypatch.setattr(client, "update_alias", reject_the_third)
    monkeypatch.setattr("boto3.client", lambda _service: client)

    with pytest.raises(ClientError):
        releases.roll_back(STAGING)
    assert live_releases() == {"b"}
