"""Make read-only calls to the AWS account that a deployment goes into."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployment

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "UnauthorizedException",
}
_NOT_IMPLEMENTED = 501
# IAM's names of services and actions that differ from boto3's.
_PREFIXES = {"emr": "elasticmapreduce", "service-quotas": "servicequotas"}
_ACTIONS = {
    "HeadBucket": "ListBucket",
    "GetBucketEncryption": "GetEncryptionConfiguration",
}


class NoAnswerError(Exception):
    """AWS did not answer; the check has no result, and the deployment may go on."""


class AccessDeniedError(NoAnswerError):
    """The caller may not make the call; `permission` is the missing IAM action."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class NotOfferedError(NoAnswerError):
    """The local AWS does not implement the call."""


@dataclass
class Account:
    """The account and region of a deployment."""

    deployment: Deployment
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a boto3 client with few retries and short timeouts; one for each service."""
        if service not in self.clients:
            few = Config(retries={"total_max_attempts": 3}, connect_timeout=10, read_timeout=20)
            self.clients[service] = boto3.client(service, config=few)  # type: ignore[call-overload]
        return self.clients[service]

    def ask(self, service: str, call: str, **parameters: Any) -> dict[str, Any]:
        """Make a call and return the response.

        Raises:
            AccessDeniedError: if the caller may not make the call.
            NotOfferedError: if the local AWS does not implement the call.
            NoAnswerError: if AWS cannot be reached, throttles the call or fails internally.
            ClientError: on any other error, which the check interprets.
        """
        try:
            answer: dict[str, Any] = getattr(self.client(service), call)(**parameters)
        except ClientError as error:
            self._judge(service, error)
            raise
        except BotoCoreError as error:
            raise NoAnswerError(str(error)) from error
        return answer

    def pages(self, service: str, call: str, key: str, **parameters: Any) -> list[Any]:
        """Return the items under `key` from all pages of a call; raise as `ask` does."""
        try:
            client = self.client(service)
            if not client.can_paginate(call):
                return list(getattr(client, call)(**parameters)[key])
            pages = client.get_paginator(call).paginate(**parameters)
            return [item for page in pages for item in page[key]]
        except ClientError as error:
            self._judge(service, error)
            raise
        except BotoCoreError as error:
            raise NoAnswerError(str(error)) from error

    def _judge(self, service: str, error: ClientError) -> None:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        unknown = status == _NOT_IMPLEMENTED or "does not offer" in str(error)
        if self.deployment.is_local and unknown:
            raise NotOfferedError(error.operation_name) from error
        if code in _DENIED:
            action = _ACTIONS.get(error.operation_name, error.operation_name)
            raise AccessDeniedError(f"{_PREFIXES.get(service, service)}:{action}") from error
        if code.startswith("Throttl") or code in ("TooManyRequestsException", "InternalFailure"):
            raise NoAnswerError(str(error)) from error

    @cached_property
    def caller(self) -> dict[str, str]:
        """Return `Account` and `Arn` of the shell's credentials."""
        answer = self.ask("sts", "get_caller_identity")
        return {"Account": str(answer["Account"]), "Arn": str(answer["Arn"])}

    def console(self, path: str) -> str:
        """Return the URL of a console page in the deployment's region."""
        region = self.deployment.region
        page, _, fragment = path.partition("#")
        anchor = f"#{fragment}" if fragment else ""
        return f"https://{region}.console.aws.amazon.com/{page}?region={region}{anchor}"

    def quota_page(self, service: str, code: str) -> str:
        """Return the URL of the console page on which to request an increase of a quota."""
        return self.console(f"servicequotas/home/services/{service}/quotas/{code}")
