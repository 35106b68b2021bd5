"""Create the secret that signs visitors' tokens, so that no Terraform state or log has it."""

import secrets

import boto3

from operations.deployment import TOKEN_SECRET, Deployment

_BYTES = 32


def make_token_secret(deployment: Deployment) -> None:
    """Store a new secret unless one exists; a new one would invalidate every visitor's link."""
    ssm = boto3.client("ssm")
    name = token_secret_name(deployment)
    known = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )
    if known["Parameters"]:
        return
    ssm.put_parameter(
        Name=name,
        Value=secrets.token_urlsafe(_BYTES),
        Type="SecureString",
        Description="Signs visitors' tokens; replacing it invalidates every link texted so far",
    )


def token_secret_name(deployment: Deployment) -> str:
    """Return the name of the SSM parameter with the secret."""
    return f"/marquee/{deployment.name}/{TOKEN_SECRET}"
