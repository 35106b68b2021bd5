"""Write the API's OpenAPI document from its routes (`make openapi`).

A route's possible error responses follow from its input, so a new route is documented and fuzzed
without a change here.
"""

import importlib
import inspect
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.event_handler import ApiGatewayResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from marquee.serving.answers import ErrorsAnswer
from operations import ROOT
from operations.errors import exit_with_one_sentence
from operations.sam_template import load_template

DOCUMENT = ROOT / "docs" / "openapi.json"
_JSON = "application/json"
_INGEST = ROOT / "functions" / "ingest"
# The variables that importing the function requires; no service is called.
# Settings that have no default in the template. Nothing is called with them.
_ENVIRONMENT = {
    "ENVIRONMENT": "openapi",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "SITE_URL": "https://example.org/",
    "IDEMPOTENCY_TABLE": "none",
    "LISTS_TABLE": "none",
    "VISITORS_TABLE": "none",
    "RATINGS_BUCKET": "none",
    "MODELS_BUCKET": "none",
    "TOKEN_SECRET_NAME": "none",
}
_REFUSALS = {
    400: "The body is not JSON in UTF-8, or is nested too deeply.",
    404: "There is no such visitor, list or movie, or the token or secret is wrong: the answer is"
    " the same.",
    410: "The list was taken back.",
    412: "Another change was stored first; ETag names the stored version.",
    413: "The body is too large.",
    415: "The body is not application/json in UTF-8.",
    422: "Some fields are wrong; the answer names each and says how to fix it.",
    428: "If-Match is missing.",
    429: "Too many requests; see Retry-After.",
    503: "There is no model yet; see Retry-After.",
}
# Powertools' own schemas of responses to invalid input, which Marquee replaces.
_UNUSED = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def document(app: ApiGatewayResolver) -> dict[str, Any]:
    """Return the OpenAPI document of the app's routes."""
    made: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="Marquee",
            version="1",
            openapi_version="3.1.0",
            description=(
                "Movie recommendations: rate a few movies, get picks right away and by text."
            ),
            security_schemes={
                "token": HTTPBearer(
                    description="The token that was returned when the visitor was created."
                ),
                "owner_secret": HTTPBearer(
                    description="The owner_secret that was returned when the list was shared."
                ),
            },
        )
    )
    schemas = made["components"]["schemas"]
    for name in _UNUSED:
        schemas.pop(name, None)
    errors = ErrorsAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= errors.pop("$defs") | {"ErrorsAnswer": errors}
    # Powertools names an operation by its path; the function has a better name and a summary.
    functions = {
        (route.openapi_path, route.method.lower()): route.func
        for route in (*app._static_routes, *app._dynamic_routes)
    }
    for path, method, operation in _operations(made):
        function = functions[path, method]
        operation["operationId"] = function.__name__
        operation["summary"] = (inspect.getdoc(function) or "").partition("\n")[0]
        operation["responses"] = dict(sorted(_responses(path, method, operation).items()))
    made["paths"] = dict(sorted(made["paths"].items()))
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def text(app: ApiGatewayResolver) -> str:
    """Return the OpenAPI document as JSON text."""
    return json.dumps(document(app), indent=2, ensure_ascii=False) + "\n"


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "delete"):
                yield path, method, operation


def _responses(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return the route's own responses and the errors that its input can cause."""
    own = {code: each for code, each in operation["responses"].items() if code[0] in "23"}
    for code in ("204", "303"):  # without a body
        own.get(code, {}).pop("content", None)
    refused = {429, 503}
    parameters = operation.get("parameters", [])
    headers = [each["name"].lower() for each in parameters if each["in"] == "header"]
    if "requestBody" in operation:
        refused |= {400, 413, 415, 422}
    if any(each["in"] != "path" or each["schema"]["type"] != "string" for each in parameters):
        refused |= {422}
    if "{" in path:
        refused |= {404}
    if method == "get" and path.endswith("{list_id}"):
        refused |= {410}
    if "if-match" in headers:
        refused |= {412, 428}
    schema = {"schema": {"$ref": "#/components/schemas/ErrorsAnswer"}}
    refusals = {
        str(code): {"description": _REFUSALS[code], "content": {_JSON: schema}} for code in refused
    }
    return refusals | own


def ingest() -> ApiGatewayResolver:
    """Import and return the function's app, as a cold start does."""
    for name, value in (load_template({}).settings("ingest") | _ENVIRONMENT).items():
        os.environ.setdefault(name, value)
    sys.path.insert(0, str(_INGEST))
    app: ApiGatewayResolver = importlib.import_module("app").app
    return app


@exit_with_one_sentence
def main() -> None:
    """Write the document to docs/openapi.json."""
    DOCUMENT.write_text(text(ingest()))


if __name__ == "__main__":
    main()
