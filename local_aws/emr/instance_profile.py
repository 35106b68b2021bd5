"""Credentials of a cluster's nodes: the role in its instance profile, as on EC2."""

from typing import Any

import boto3
from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import get_session

from local_aws import emulator

SESSION = "i-0123456789abcdef0"  # EC2 names an instance's session after the instance


def s3_client(account: str, region: str, profile: str) -> Any:
    """Return a boto3 S3 client with the credentials of the cluster's nodes, which it renews.

    The client assumes the instance profile's role at its first request, not when it is made. So an
    error fails the step.

    Args:
        account: the cluster's account.
        region: the cluster's region.
        profile: the name or ARN of the cluster's instance profile.
    """
    connect_to = emulator.part("aws.connect").connect_to
    internal = connect_to(aws_access_key_id=account, region_name=region)

    def assume() -> dict[str, str]:
        found = internal.iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])
        (role,) = found["InstanceProfile"]["Roles"]
        session = internal.sts.request_metadata(service_principal="ec2").assume_role(
            RoleArn=role["Arn"], RoleSessionName=SESSION
        )["Credentials"]
        return {
            "access_key": session["AccessKeyId"],
            "secret_key": session["SecretAccessKey"],
            "token": session["SessionToken"],
            "expiry_time": session["Expiration"].isoformat(),
        }

    core = get_session()
    core._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        refresh_using=assume, method="instance-profile"
    )
    return boto3.Session(botocore_session=core, region_name=region).client(
        "s3", endpoint_url=emulator.part("config").internal_service_url()
    )
