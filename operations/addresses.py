"""Find the URLs of a deployment's site and API."""

import boto3
from botocore.exceptions import ClientError

from operations.deployment import Deployment
from operations.errors import OperationError

STAGE = "v1"


def api_url(deployment: Deployment) -> str:
    """Return the API's URL without a trailing slash; raise OperationError if it is not deployed."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=deployment.prefix)
    except ClientError as error:
        raise OperationError(
            f"The functions of {deployment.name!r} are not deployed: {deployment.how_to_deploy}."
        ) from error
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in stacks["Stacks"][0]["Outputs"]
    }
    return address(deployment, outputs["ApiId"])


def address(deployment: Deployment, api_id: str) -> str:
    """Return the URL of the API with this id, without a trailing slash."""
    if deployment.is_local:
        return f"{deployment.endpoint}/_aws/execute-api/{api_id}/{STAGE}"
    return f"https://{api_id}.execute-api.{deployment.region}.amazonaws.com/{STAGE}"


def site_url(deployment: Deployment) -> str:
    """Return the site's URL."""
    return deployment.parameter("site-url")
