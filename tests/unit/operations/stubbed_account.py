"""An account whose answers a test provides; botocore checks them against AWS's service model."""

from collections import Counter
from dataclasses import replace
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

from operations.deployment import Deployment
from operations.preflight.account import Account
from operations.preflight.needs import Needs

NUMBER = "123456789012"
NEEDS = Needs(
    release="emr-spark-8.1.0",
    nodes=Counter({"m7g.xlarge": 3}),
    types=frozenset({"aws_sqs_queue"}),
    counts=Counter({"aws_vpc": 1, "aws_internet_gateway": 1}),
    zone=None,
    spend_alarm=5.0,
    concurrency=14,
    reserved=0,
)


class StubbedAccount(Account):
    """An account that returns the prepared answers of each service in their order."""

    def __init__(self, arn: str = f"arn:aws:iam::{NUMBER}:user/operator", name: str = "staging"):
        super().__init__(Deployment(name))
        self._stubs: dict[str, Stubber] = {}
        self.__dict__["caller"] = {"Account": NUMBER, "Arn": arn}

    def client(self, service: str) -> Any:
        return self._stub(service).client

    def _stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            client = boto3.client(  # type: ignore[call-overload]
                service,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            self._stubs[service] = Stubber(client)
            self._stubs[service].activate()
        return self._stubs[service]

    def answers(self, service: str, call: str, answer: dict[str, Any], **asked: Any) -> None:
        """Prepare the answer to a service's next call; `asked` are the parameters that it needs."""
        parameters = None
        if asked:
            parameters = {name: ANY if value is ANY else value for name, value in asked.items()}
        self._stub(service).add_response(call, answer, parameters)

    def refuses(
        self, service: str, call: str, code: str, words: str = "", status: int = 400
    ) -> None:
        """Prepare an error as the answer to a service's next call."""
        self._stub(service).add_client_error(call, code, words, status)

    def has_quota(self, value: float) -> None:
        self.answers("service-quotas", "get_service_quota", {"Quota": {"Value": value}})

    def everything_asked(self) -> None:
        """Fail if a prepared answer was not used."""
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


def needing(**changed: Any) -> Needs:
    """Return the usual needs with some of them changed."""
    return replace(NEEDS, **changed)
