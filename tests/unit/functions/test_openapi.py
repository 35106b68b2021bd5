"""The OpenAPI document is up to date and lists the answers that the routes can give."""

import json
from typing import Any

import pytest

from operations.openapi import DOCUMENT, document, text
from tests.unit.api import Api

CHECKED_IN: dict[str, Any] = json.loads(DOCUMENT.read_text())
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method} {path}": operation
    for path, methods in CHECKED_IN["paths"].items()
    for method, operation in methods.items()
}


def test_the_document_matches_the_routes(warm: Api) -> None:
    assert DOCUMENT.read_text() == text(warm.module.app), "make it anew with: make openapi"


def test_the_document_is_the_same_each_time_it_is_generated(warm: Api) -> None:
    assert document(warm.module.app) == document(warm.module.app)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_answer_has_an_existing_schema(operation: dict[str, Any]) -> None:
    for code, answer in operation["responses"].items():
        assert answer["description"]
        if code in ("204", "303"):
            continue
        if "text/html" in answer["content"]:
            assert (code, *answer["content"]) == ("200", "text/html")
            continue
        name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert name in CHECKED_IN["components"]["schemas"]
        assert (name == "ErrorsAnswer") == (code >= "400")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_call_has_a_name_and_says_what_it_does(operation: dict[str, Any]) -> None:
    assert operation["operationId"].isidentifier()
    assert operation["summary"].endswith((".", "!", "?"))


def test_no_two_calls_have_the_same_name() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_the_calls_of_a_visitor_require_their_token_and_only_the_owner_takes_a_list_back() -> None:
    for path, methods in CHECKED_IN["paths"].items():
        for method, operation in methods.items():
            if "{visitor_id}" in path:
                needed: list[dict[str, list[str]]] | None = [{"token": []}]
            elif (method, path) == ("delete", "/lists/{list_id}"):
                needed = [{"owner_secret": []}]
            else:
                needed = None
            assert operation.get("security") == needed
