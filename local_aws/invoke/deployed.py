"""What the local AWS says of a deployed function; sam resolves no {{resolve:ssm:…}} by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.invoke.images import RUNTIME
from operations.environment import Environment
from operations.errors import OperationError

FUNCTIONS = ("ingest", "submit_step", "queue_results", "send_text", "reconcile")


@dataclass(frozen=True)
class DeployedFunction:
    """A function as it is deployed: its name in the template, variables and architecture."""

    logical_id: str
    variables: Mapping[str, str]
    architecture: str


def logical_id(function: str) -> str:
    """Return the name in the SAM template of a function, named as its folder is."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def find(environment: Environment, function: str) -> DeployedFunction:
    """Read a function's configuration from the local AWS."""
    name = f"{environment.prefix}-{function.replace('_', '-')}"
    try:
        found = boto3.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        raise OperationError(
            f"The local AWS at {environment.endpoint} has no function {name}:"
            f" {environment.how_to_deploy} first."
        ) from error
    except BotoCoreError as error:
        raise OperationError(
            f"The local AWS does not answer at {environment.endpoint}:"
            f" {environment.how_to_deploy} first."
        ) from error
    return described(function, dict(found))


def described(function: str, configuration: Mapping[str, Any]) -> DeployedFunction:
    """Return what an invocation needs of a GetFunctionConfiguration answer."""
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
    """Return the variables of the function in its container.

    They are the deployed ones, and what makes its clients call the local AWS at `endpoint`, with
    credentials that no real account would take, and give up at once where it does not answer.
    """
    return {
        **function.variables,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
