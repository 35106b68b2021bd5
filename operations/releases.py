"""Releases of the functions: published versions, and the alias that events and the API invoke.

Every deployment that changes anything publishes a version of every function, whose variable
RELEASE names the release (docs/decisions/0010-rollback.md). Rolling back moves the aliases.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_lambda import LambdaClient

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.logs import FUNCTIONS

ALIAS = "live"
KEPT = 5  # releases, including the active one
_LATEST = "$LATEST"
# Variables that name resources which a later deployment may have replaced. The site's address does
# not count: a release with an old one works, but its links use the old address.
_REPLACEABLE = re.compile(r"CLUSTER_ID|.*_(BUCKET|TABLE|QUEUE_URL)")


@dataclass(frozen=True, eq=False)
class FunctionVersion:
    """A published version of one function."""

    number: int
    release: str
    published: str
    variables: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Function:
    """A function's versions, oldest first; `in_use` is the version number that the alias names.

    `latest` is the release of the unpublished code ($LATEST), which the stack holds.
    """

    name: str
    versions: tuple[FunctionVersion, ...]
    in_use: int
    latest: str

    @property
    def current(self) -> FunctionVersion:
        """Return the version that the alias names."""
        return next(each for each in self.versions if each.number == self.in_use)

    def newest_of(self, release: str) -> FunctionVersion | None:
        """Return the newest version of a release."""
        found = [each for each in self.versions if each.release == release]
        return found[-1] if found else None


@dataclass(frozen=True)
class RolledBack:
    """The effect of a rollback: release and publication time, before and after."""

    was: FunctionVersion
    now: FunctionVersion
    functions: Mapping[str, tuple[int, int]]  # version numbers before and after


def functions(deployment: Deployment) -> list[Function]:
    """Return the deployed functions that have the alias: none before the first deployment."""
    client = boto3.client("lambda")
    names = (f"{deployment.prefix}-{name}" for name in FUNCTIONS)
    return [found for name in names if (found := _function(client, name)) is not None]


def _function(client: LambdaClient, name: str) -> Function | None:
    try:
        in_use = client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    except client.exceptions.ResourceNotFoundException:
        return None
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    listed = {
        each["Version"]: (
            each["LastModified"],
            each.get("Environment", {}).get("Variables", {}),
        )
        for page in pages
        for each in page["Versions"]
    }
    versions = (
        FunctionVersion(int(number), variables.get("RELEASE", ""), published, variables)
        for number, (published, variables) in listed.items()
        if number != _LATEST
    )
    return Function(
        name,
        tuple(sorted(versions, key=lambda version: version.number)),
        int(in_use),
        listed[_LATEST][1].get("RELEASE", ""),
    )


def forget_unfinished(deployment: Deployment) -> int:
    """Delete versions that a failed deployment published; return how many.

    CloudFormation keeps them when it undoes an update. Lambda does not publish a second version of
    the same code and settings, so with them the same deployment could not be tried again.
    """
    client = boto3.client("lambda")
    deleted = 0
    for function in functions(deployment):
        deployed = function.newest_of(function.latest)
        if deployed is None:
            continue
        for version in function.versions:
            if version.number > deployed.number and version.number != function.in_use:
                client.delete_function(FunctionName=function.name, Qualifier=str(version.number))
                deleted += 1
    return deleted


def in_use(deployment: Deployment) -> dict[str, int]:
    """Return the version number that the alias of each deployed function names."""
    return {function.name: function.in_use for function in functions(deployment)}


def advance_aliases(deployment: Deployment) -> bool:
    """Point the aliases at the release that the stack holds; return whether any alias moved.

    CloudFormation does not notice that a rollback moved them, and so does not move them back.
    """
    targets = {
        function: newest
        for function in functions(deployment)
        if (newest := function.newest_of(function.latest)) and newest.number != function.in_use
    }
    _move(targets)
    return bool(targets)


def restore_aliases(deployment: Deployment, before: Mapping[str, int]) -> None:
    """Point the aliases back at the versions they named before a failed deployment.

    After a rollback, CloudFormation puts them elsewhere when it undoes the update.
    """
    client = boto3.client("lambda")
    for function in functions(deployment):
        number = before.get(function.name, function.in_use)
        if number != function.in_use:
            client.update_alias(FunctionName=function.name, Name=ALIAS, FunctionVersion=str(number))


def prune(deployment: Deployment, before: Mapping[str, int], kept: int = KEPT) -> int:
    """Delete the versions that no rollback should return to; return how many.

    These are the versions older than the newest `kept`, and those between the version that was in
    use before the deployment and the current one, which a rollback had abandoned. Layers need no
    pruning: Lambda keeps a copy of a deleted layer version until no function refers to it (API
    reference, DeleteLayerVersion).
    """
    client = boto3.client("lambda")
    deleted = 0
    for function in functions(deployment):
        was = before.get(function.name, function.in_use)
        abandoned = {
            each.number for each in function.versions if was < each.number < function.in_use
        }
        left = [each.number for each in function.versions if each.number not in abandoned]
        for number in sorted(abandoned | set(left[:-kept])):
            if number != function.in_use:
                client.delete_function(FunctionName=function.name, Qualifier=str(number))
                deleted += 1
    return deleted


def roll_back(deployment: Deployment) -> RolledBack:
    """Point all aliases at the release before the current one.

    Raises:
        OperationError: if there is no such release, or it uses resources that have been replaced.
    """
    found = functions(deployment)
    if not found:
        raise OperationError(
            f"Deployment {deployment.name!r} has no functions: {deployment.how_to_deploy} first."
        )
    release = _release_before(deployment, found)
    targets = {function: _version_of(function, release) for function in found}
    _refuse_what_is_gone(deployment, targets)
    _move(targets)
    first = found[0]
    return RolledBack(
        first.current,
        targets[first],
        {each.name: (each.in_use, target.number) for each, target in targets.items()},
    )


def show_rollback(done: RolledBack) -> None:
    """Print what a rollback changed and what it left unchanged."""
    for name, (was, now) in done.functions.items():
        out.print(f"{name:<32} version {was} → {now}", markup=False)
    out.print(
        f"The functions are back at release {done.now.release} of {_moment(done.now)}; release"
        f" {done.was.release} of {_moment(done.was)} was active before. The site, the step"
        " scripts and Terraform's resources are unchanged. 'make deploy' returns to the newest"
        " release.",
        markup=False,
    )


def _moment(version: FunctionVersion) -> str:
    return version.published.partition(".")[0].replace("T", " ")


def _release_before(deployment: Deployment, found: list[Function]) -> str:
    """Return the newest release before the current one that has a version of every function."""
    older = [
        [each.release for each in function.versions if each.number < function.in_use]
        for function in found
    ]
    in_use = {function.current.release for function in found}
    shared = [
        release
        for release in reversed(older[0])
        if release not in in_use and all(release in others for others in older)
    ]
    if not shared:
        raise OperationError(
            f"Nothing was rolled back: the functions of {deployment.name!r} have no release before"
            f" the active one ({', '.join(sorted(in_use))}). Check out the commit that you want and"
            f" {deployment.how_to_deploy}."
        )
    return shared[0]


def _version_of(function: Function, release: str) -> FunctionVersion:
    """Return the newest version of a release that is older than the current version."""
    return [
        each
        for each in function.versions
        if each.release == release and each.number < function.in_use
    ][-1]


def _refuse_what_is_gone(
    deployment: Deployment, targets: Mapping[Function, FunctionVersion]
) -> None:
    for function, target in targets.items():
        current = function.current.variables
        for name, value in target.variables.items():
            if _REPLACEABLE.fullmatch(name) and current.get(name, value) != value:
                raise OperationError(
                    f"Nothing was rolled back: release {target.release} of {function.name} uses"
                    f" {name} {value}, which is {current[name]} now. Check out the commit that you"
                    f" want and {deployment.how_to_deploy}."
                )


def _move(targets: Mapping[Function, FunctionVersion]) -> None:
    """Move the aliases of all functions; if one fails, move the others back."""
    client = boto3.client("lambda")
    moved: list[Function] = []
    try:
        for function, target in targets.items():
            client.update_alias(
                FunctionName=function.name, Name=ALIAS, FunctionVersion=str(target.number)
            )
            moved.append(function)
    except ClientError:
        for function in moved:
            client.update_alias(
                FunctionName=function.name, Name=ALIAS, FunctionVersion=str(function.in_use)
            )
        raise
