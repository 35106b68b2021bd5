"""Fuzz every documented call, with input that fits its schema and input that does not.

The calls come from the OpenAPI document in docs/. No answer may be a server error, have a status
that the document does not name, or have a body that does not fit the documented schema.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
import schemathesis
from httpx import codes
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marquee.recommender.scorers import MODEL_NAMES
from tests.deployment import ROOT, RunningDeployment, Visitor
from tests.integration.phones import Phones

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
CALLS = [(method.upper(), path) for path, calls in DOCUMENT["paths"].items() for method in calls]
# A call without a body and without a query has no invalid input.
TAKING_INPUT = [
    (method.upper(), path)
    for path, calls in DOCUMENT["paths"].items()
    for method, call in calls.items()
    if "requestBody" in call or any(each["in"] == "query" for each in call.get("parameters", []))
]
FUZZES = [
    *((method, path, GenerationMode.POSITIVE) for method, path in CALLS),
    *((method, path, GenerationMode.NEGATIVE) for method, path in TAKING_INPUT),
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 12  # for each call and mode; all of them take about a minute
FUZZED = settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def with_known_values(document: dict[str, Any], values: dict[str, list[Any]]) -> dict[str, Any]:
    """Restrict forms and addresses to values that the deployment knows, so that calls can succeed.

    The schemas of answers are unchanged. Only the phones among `values` are generated.
    """
    narrowed: dict[str, Any] = json.loads(json.dumps(document))
    for name, schema in narrowed["components"]["schemas"].items():
        fields = schema.get("properties", {}) if name.endswith("Form") else {}
        for field in fields.keys() & values.keys():
            _narrow(fields, field, {"enum": values[field]})
    for calls in narrowed["paths"].values():
        for call in calls.values():
            for parameter in call.get("parameters", []):
                if parameter["in"] != "query" and parameter["name"] in values:
                    parameter["schema"] = {"enum": values[parameter["name"]]}
    return narrowed


def _narrow(fields: dict[str, Any], field: str, known: dict[str, Any]) -> None:
    if field == "ratings":  # most generated lists name a movie twice and are refused
        fields[field] = {"anyOf": [fields[field], known]}
    elif fields[field].get("type") == "array":
        fields[field]["items"] = known
    else:
        fields[field] = known


@pytest.fixture(scope="module")
def schema(deployment: RunningDeployment, phones: Phones) -> Any:
    if not deployment.is_local:
        pytest.skip("registers dozens of visitors")
    movies = deployment.questionnaire()["movies"]
    ids = [movie["movie_id"] for movie in movies]
    values: dict[str, list[Any]] = {
        "movie_id": ids,
        "dismissed": ids,
        "answered": ids,
        "unseen": ids,
        "saved": ids,
        "ratings": [
            [{"movie_id": movie_id, "stars": 1 + movie_id % 5} for movie_id in ids[:count]]
            for count in range(5, len(ids))
        ],
        "reasons": ids,
        "first_name": ["Ada", "Zoë", None],
        "name": ["Ada", "Zoë", "李小龍", "O'Neill, Jr."],
        "model": list(MODEL_NAMES),
        "genres": sorted({genre for movie in movies for genre in movie["genres"]}),
        "phone": phones.several(20),
        "country": ["GB", "US"],
        "movie_ids": ids,
        "title": [movie["title"] for movie in movies],
        "consent": [True],
        "proof": ["a proof"],  # `prepare` replaces it with a real one
        "idempotency-key": [uuid.uuid4().hex for _ in range(1000)],
    }
    return schemathesis.openapi.from_dict(with_known_values(DOCUMENT, values))


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as kept:
        yield kept


class Fuzzed:
    """Repeated use of one call, for a visitor or a list that the call may change or delete."""

    def __init__(self, deployment: RunningDeployment, method: str, path: str) -> None:
        self._deployment, self._method, self._path = deployment, method, path
        self._visitor: Visitor | None = None
        self._list: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    def prepare(self, case: Any) -> None:
        """Set the case's visitor, the visitor's token, the stored version and a valid proof."""
        if isinstance(case.body, dict) and isinstance(case.body.get("proof"), str):
            # A proof cannot be generated from the schema, and is valid for one call only.
            case.body["proof"] = self._deployment.proof()
        if "{list_id}" in self._path:
            self._address_a_list(case)
        if "{visitor_id}" not in self._path:
            return
        if self._visitor is None or self._method == "DELETE":
            self._visitor = self._deployment.register(self._deployment.form())
        visitor = self._visitor
        case.path_parameters["visitor_id"] = visitor.visitor_id
        case.headers["Authorization"] = f"Bearer {visitor.token}"
        if self._method == "PUT":
            case.headers["If-Match"] = f'"{self._deployment.see(visitor)["version"]}"'

    def _address_a_list(self, case: Any) -> None:
        if not self._list or self._method == "DELETE":
            movies = self._deployment.questionnaire()["movies"][:3]
            form = {"movies": [{"movie_id": movie["movie_id"]} for movie in movies]}
            answer = self._deployment.http.post(f"{self._deployment.api_url}/lists", json=form)
            self._list = dict(answer.json())
        case.path_parameters["list_id"] = self._list["list_id"]
        case.headers["Authorization"] = f"Bearer {self._list['owner_secret']}"

    def note(self, answer: Any) -> None:
        """Count the answer's status; use a new token in the answer for the next case."""
        self.statuses[answer.status_code] += 1
        if self._visitor is None or answer.status_code != codes.OK:
            return
        token = answer.json().get("token")
        if token is not None:
            self._visitor = replace(self._visitor, token=token)


@pytest.mark.parametrize(("method", "path", "mode"), FUZZES)
def test_a_call_answers_as_documented_to_any_input(
    deployment: RunningDeployment,
    schema: Any,
    session: requests.Session,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    operation, fuzzed = schema[path][method], Fuzzed(deployment, method, path)

    @FUZZED
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: Any) -> None:
        fuzzed.prepare(case)
        answer = case.call_and_validate(
            base_url=deployment.api_url, session=session, checks=CHECKS, timeout=120
        )
        fuzzed.note(answer)

    fuzz()
    print(method, path, mode.name, dict(fuzzed.statuses))
    # Without a success, the checks above would have seen refusals only.
    served = any(status < 300 for status in fuzzed.statuses)
    assert served or mode is GenerationMode.NEGATIVE, fuzzed.statuses
