"""The API with its handler, called as a visitor's page does, against a fake account."""

import json
from typing import Any
from urllib.parse import parse_qs

from operations.proofs import solve
from tests.unit.aws import Aws, context, event

PHONE = "+14155550123"
# The sample event has no phone, because the proof would have expired.
FORM: dict[str, Any] = json.loads(event("ingest")["body"]) | {"phone": PHONE, "consent": True}


class Api:
    """The handler, called as API Gateway does."""

    def __init__(self, aws: Aws) -> None:
        self.module = aws.load("ingest")
        self.aws = aws

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        raw: str | None = None,
        client: str = "203.0.113.7",
    ) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """Call the API; add a new proof to a body that asks for a text and has none.

        Returns:
            The status, the decoded body and the headers.
        """
        if isinstance(body, dict) and (body.get("phone") or body.get("text")):
            body = {"proof": self.proof()} | body
        request = event("ingest")
        address, _, query = path.partition("?")
        given = parse_qs(query, keep_blank_values=True)
        request |= {"path": address, "httpMethod": method}
        request["requestContext"]["identity"]["sourceIp"] = client
        request["multiValueQueryStringParameters"] = given or None
        request["queryStringParameters"] = {name: v[-1] for name, v in given.items()} or None
        request["body"] = raw if raw is not None else json.dumps(body) if body else None
        request["headers"] = {"Content-Type": "application/json", **(headers or {})}
        request["multiValueHeaders"] = {name: [v] for name, v in request["headers"].items()}
        answer = self.module.handler(request, context("ingest"))
        return (
            answer["statusCode"],
            json.loads(answer["body"] or "{}"),
            {name: values[0] for name, values in answer["multiValueHeaders"].items()},
        )

    def proof(self) -> str:
        """Return the solution of a new challenge, as the page does before it sends a phone."""
        status, challenge, _ = self.call("GET", "/challenge")
        assert status == 200
        return solve(challenge)

    def stored(self) -> tuple[int, int]:
        """Return the numbers of visitor items and visitor objects."""
        items = self.aws.table("VISITORS_TABLE").scan()["Count"]
        objects = self.aws.client("s3").list_objects_v2(Bucket="marquee-test-ratings")
        return items, objects["KeyCount"]
