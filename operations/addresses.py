"""Find the URLs of a deployment's site and API."""

import boto3
from botocore.exceptions import ClientError

from operations.environment import Environment
from operations.errors import OperationError

STAGE = "v1"


def api_url(environment: Environment) -> str:
    """Return the API's URL without a trailing slash; raise OperationError if it is not deployed."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=environment.prefix)
    except ClientError as error:
        raise OperationError(
            f"The functions of {environment.name!r} are not deployed: {environment.how_to_deploy}."
        ) from error
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in stacks["Stacks"][0]["Outputs"]
    }
    return address(environment, outputs["ApiId"])


def address(environment: Environment, api_id: str) -> str:
    """Return the URL of the API with this id, without a trailing slash."""
    if environment.is_local:
        return f"{environment.endpoint}/_aws/execute-api/{api_id}/{STAGE}"
    return f"https://{api_id}.execute-api.{environment.region}.amazonaws.com/{STAGE}"


def site_url(environment: Environment) -> str:
    """Return the site's URL."""
    return environment.parameter("site-url")
