"""Roles with few permissions, and clients that act as such a role."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config

from tests.local_aws.conftest import ACCOUNT, REGION, LocalAws

type Right = tuple[str | Sequence[str], str | Sequence[str]]  # actions, resources

CONSUME = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def document(statements: Sequence[dict[str, Any]]) -> str:
    """Return a policy document of these statements, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(aws: LocalAws, name: str, principal: dict[str, str], rights: Sequence[Right]) -> str:
    """Create a role that `principal` may assume, with these permissions; return its ARN."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trust]))["Role"][
        "Arn"
    ]
    if rights:
        allowed = [
            {"Effect": "Allow", "Action": actions, "Resource": resources}
            for actions, resources in rights
        ]
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document(allowed))
    return arn


def function_role(aws: LocalAws, function: str, rights: Sequence[Right] = ()) -> str:
    """Create a function's role that may also write the function's logs; return its ARN."""
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function}:*"
    write = (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], logs)
    return role(aws, f"function-{function}", {"Service": "lambda.amazonaws.com"}, [write, *rights])


def bucket_rights(bucket: str, *keys: str) -> list[Right]:
    """Return the permissions to list a bucket and to use its objects, all or those of `keys`."""
    arn = f"arn:aws:s3:::{bucket}"
    objects = [f"{arn}/{key}" for key in keys or ("*",)]
    return [("s3:ListBucket", arn), (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], objects)]


def instance_profile(aws: LocalAws, name: str, rights: Sequence[Right]) -> str:
    """Create an instance profile whose role has these permissions; return its name."""
    iam = aws.client("iam")
    role(aws, name, {"Service": "ec2.amazonaws.com"}, rights)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


class Acting:
    """A new role with these permissions, and clients that sign with a session of it."""

    def __init__(self, aws: LocalAws, name: str, rights: Sequence[Right]) -> None:
        self.endpoint = aws.endpoint
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        self.arn = role(aws, name, root, rights)
        answer = aws.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="test")
        self.session: dict[str, str] = answer["Credentials"]

    def client(self, service: str) -> Any:
        """Return a client that signs as the role and never retries a call."""
        return client(self.endpoint, self.session, service)


def client(endpoint: str, session: dict[str, str], service: str) -> Any:
    """Return a client that signs with a session's credentials.

    A client of localstack-client would drop the session token.
    """
    boto: Any = boto3.Session(
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
        region_name=REGION,
    )
    return boto.client(
        service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
    )
