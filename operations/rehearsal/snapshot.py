"""Record what a deployment without changes must not change."""

from collections.abc import Iterator

import boto3

from operations.deployment import Deployment
from operations.logs import FUNCTIONS
from operations.releases import ALIAS


def snapshot(deployment: Deployment) -> dict[str, str]:
    """Return versions and times, by name, that change when something is deployed again."""
    return dict(_seen(deployment))


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the sorted names whose values differ between two snapshots."""
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def _seen(deployment: Deployment) -> Iterator[tuple[str, str]]:
    # No values of parameters, because one of them is a secret.
    stacks = boto3.client("cloudformation").describe_stacks(StackName=deployment.prefix)["Stacks"]
    yield "the stack", str(stacks[0].get("LastUpdatedTime", stacks[0]["CreationTime"]))
    functions = boto3.client("lambda")
    for each in FUNCTIONS:
        name = f"{deployment.prefix}-{each}"
        found = functions.get_function_configuration(FunctionName=name)
        yield f"the function {each}", f"{found['CodeSha256']} {found['LastModified']}"
        alias = functions.get_alias(FunctionName=name, Name=ALIAS)
        yield f"the active version of {each}", alias["FunctionVersion"]
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=deployment.parameter("site-bucket")):
        for item in page.get("Contents", []):
            yield f"the page {item['Key']}", f"{item['ETag']} {item['LastModified']}"
    published = boto3.client("ssm").get_paginator("get_parameters_by_path")
    for some in published.paginate(Path=f"/marquee/{deployment.name}/"):
        for parameter in some["Parameters"]:
            yield f"the parameter {parameter['Name']}", str(parameter["Version"])
