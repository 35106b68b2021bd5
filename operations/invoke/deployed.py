"""Reads a deployed function's configuration from the local AWS.

It is read there because sam does not resolve the template's {{resolve:ssm:…}} references.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployment
from operations.errors import OperationError
from operations.invoke.images import RUNTIME

FUNCTIONS = ("ingest", "submit_step", "queue_results", "send_text", "reconcile")


@dataclass(frozen=True)
class DeployedFunction:
    """A deployed function: its logical id in the template, its variables and its architecture."""

    logical_id: str
    variables: Mapping[str, str]
    architecture: str


def logical_id(function: str) -> str:
    """Return a function's logical id in the SAM template, given the name of its folder."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def find_function(deployment: Deployment, function: str) -> DeployedFunction:
    """Return a function as it is deployed in the local AWS.

    Raises:
        OperationError: if the local AWS does not answer or does not have the function.
    """
    name = f"{deployment.prefix}-{function.replace('_', '-')}"
    try:
        found = boto3.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        raise OperationError(
            f"The local AWS at {deployment.endpoint} has no function {name}:"
            f" {deployment.how_to_deploy} first."
        ) from error
    except BotoCoreError as error:
        raise OperationError(deployment.silence) from error
    return function_from(function, dict(found))


def function_from(function: str, configuration: Mapping[str, Any]) -> DeployedFunction:
    """Return the function that a GetFunctionConfiguration answer describes.

    Raises:
        OperationError: if the function has another runtime than ours.
    """
    if configuration["Runtime"] != RUNTIME:
        raise OperationError(
            f"{function} is deployed for {configuration['Runtime']}; 'make invoke' knows"
            f" {RUNTIME} only."
        )
    return DeployedFunction(
        logical_id=logical_id(function),
        variables=configuration.get("Environment", {}).get("Variables", {}),
        architecture=configuration.get("Architectures", ["x86_64"])[0],
    )


def container_variables(function: DeployedFunction, endpoint: str) -> dict[str, str]:
    """Return the function's environment variables in its container.

    They are the deployed variables plus those that make its clients call the local AWS at
    `endpoint`, sign with credentials that no real account accepts, and never retry.
    """
    return {
        **function.variables,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
