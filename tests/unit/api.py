"""The API as a visitor's page calls it, handler and all, against a fake account."""

import json
from typing import Any
from urllib.parse import parse_qs

from tests.unit.aws import Aws, context, event

FORM: dict[str, Any] = json.loads(event("ingest")["body"])
PHONE = FORM["phone"]


class Api:
    """Calls the handler as API Gateway does."""

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
    ) -> tuple[int, dict[str, Any], dict[str, Any]]:
        request = event("ingest")
        address, _, query = path.partition("?")
        given = parse_qs(query, keep_blank_values=True)
        request |= {"path": address, "httpMethod": method}
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

    def stored(self) -> tuple[int, int]:
        """Count visitor items and ratings objects."""
        items = self.aws.table("VISITORS_TABLE").scan()["Count"]
        objects = self.aws.client("s3").list_objects_v2(Bucket="marquee-test-ratings")
        return items, objects["KeyCount"]
