"""Bodies that are invalid, too large or made to cost time: each gets a short refusal."""

import base64
import json
from typing import Any

import pytest

from tests.unit.api import FORM, Api
from tests.unit.bodies import DOCUMENT, LARGEST_EVENT, LIMIT, Generator, largest, operations
from tests.unit.hostile_calls import Caller

FORMS = [operation for operation in operations() if operation.form is not None]
# Largest answer with errors, in characters: ten fields, each with its name and a sentence.
LARGEST_REFUSAL = 4000
SEEDS = range(8)
BODIES_OF_A_SEED = 40


@pytest.fixture
def caller(api: Api) -> Caller:
    return Caller(api.module.handler)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_body_makes_a_call_fail(caller: Caller, seed: int) -> None:
    generator = Generator(seed, caller.known())
    for number in range(BODIES_OF_A_SEED):
        operation = operations()[number % len(operations())]
        caller.fuzz(operation, generator)


@pytest.mark.parametrize("operation", FORMS, ids=lambda operation: operation.name)
def test_the_largest_bodies_get_a_documented_and_short_answer(
    caller: Caller, operation: Any
) -> None:
    generator = Generator(0, caller.known())
    for body in largest(generator, operation.form):
        answer = caller.send(operation, body)
        assert answer.status in caller.documented(operation), (body.kind, answer.status)
        assert answer.status < 300 or len(answer.text) <= LARGEST_REFUSAL, body.kind


@pytest.mark.parametrize("size", [LIMIT + 1, LARGEST_EVENT])
def test_a_body_over_the_limit_is_rejected_before_it_is_parsed(
    api: Api, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    caller, parsed = Caller(api.module.handler), json.loads

    def loads(text: str, **options: Any) -> Any:
        assert len(text) <= LIMIT, "a body over the limit was parsed"
        return parsed(text, **options)

    body = "[" * size
    encoded = base64.b64encode(body.encode()).decode()
    monkeypatch.setattr("json.loads", loads)
    assert caller.answer("POST", "/picks", body=body).status == 413
    assert caller.answer("POST", "/picks", body=encoded, isBase64Encoded=True).status == 413


def test_a_body_of_exactly_the_limit_is_accepted(api: Api) -> None:
    text = json.dumps({"ratings": FORM["ratings"]})
    assert api.call("POST", "/picks", raw=text.ljust(LIMIT))[0] == 200
    assert api.call("POST", "/picks", raw=text.ljust(LIMIT + 1))[0] == 413


def test_the_limit_of_a_body_counts_bytes(api: Api) -> None:
    text = json.dumps({"ratings": FORM["ratings"], "model": "é" * (LIMIT // 2)}, ensure_ascii=False)
    assert len(text) < LIMIT < len(text.encode())
    assert api.call("POST", "/picks", raw=text)[0] == 413


def test_a_body_in_base64_is_accepted(api: Api) -> None:
    body = base64.b64encode(json.dumps({"ratings": FORM["ratings"]}).encode()).decode()
    caller = Caller(api.module.handler)
    assert caller.answer("POST", "/picks", body=body, isBase64Encoded=True).status == 200
    for wrong in ("%", "é", "/w=="):
        assert caller.answer("POST", "/picks", body=wrong, isBase64Encoded=True).status == 400


MEDIA_TYPES = [
    ("application/json", 200),
    ("APPLICATION/JSON", 200),
    ("application/json; charset=utf-8", 200),
    ('application/json;Charset="UTF-8"', 200),
    ("application/json; charset=us-ascii", 200),
    ("application/json; charset=utf-7", 415),
    ("application/json; charset=utf-16", 415),
    ("application/json; charset=iso-8859-1", 415),
    ("application/json; charset=", 415),
    ("application/jsonx", 415),
    ("APPLICATION/X-WWW-FORM-URLENCODED", 415),
    ("multipart/form-data; boundary=x", 415),
]


@pytest.mark.parametrize(("media_type", "status"), MEDIA_TYPES)
def test_a_media_type_is_recognised_in_any_case(api: Api, media_type: str, status: int) -> None:
    form = {"ratings": FORM["ratings"]}
    answered, body, _ = api.call("POST", "/picks", form, {"Content-Type": media_type})
    assert answered == status
    assert status == 200 or body["errors"][0]["message"].startswith("Send the form as")


def test_a_missing_media_type_means_json(api: Api) -> None:
    body = json.dumps({"ratings": FORM["ratings"]})
    caller = Caller(api.module.handler)
    assert caller.answer("POST", "/picks", body=body, headers={}).status == 200
    assert caller.answer("POST", "/picks", body=body, headers=None).status == 200


LONG_NUMBERS: list[tuple[str, str, str, str]] = [
    ("POST", "/picks", '{"ratings":[{"movie_id":%s,"stars":3}]}', "ratings[0].movie_id"),
    ("POST", "/picks", '{"ratings":[{"movie_id":1,"stars":%s}]}', "ratings[0].stars"),
    ("POST", "/picks", '{"ratings":[],"count":%s}', "count"),
    ("POST", "/picks", '{"ratings":[],"years":{"from":%s}}', "years.from"),
    ("POST", "/picks", '{"ratings":[],"dismissed":[%s]}', "dismissed[0]"),
    ("POST", "/profile", '{"ratings":[{"movie_id":%s,"stars":3}]}', "ratings[0].movie_id"),
    ("POST", "/questionnaire", '{"answered":[1,%s]}', "answered[1]"),
    ("POST", "/questionnaire", '{"nothing":%s}', "nothing"),
    ("POST", "/visitors", '{"name":%s,"ratings":[]}', "name"),
    ("PUT", f"/visitors/{'0' * 26}/ratings", '{"ratings":[],"dismissed":[%s]}', "dismissed[0]"),
    ("PUT", f"/visitors/{'0' * 26}/ratings", '{"ratings":[],"saved":[%s]}', "saved[0]"),
    ("PUT", f"/visitors/{'0' * 26}/phone", '{"phone":%s,"consent":true}', "phone"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), LONG_NUMBERS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_five_thousand_digits_is_a_wrong_field(
    api: Api, method: str, path: str, body: str, field: str, sign: str
) -> None:
    status, answer, _ = api.call(method, path, raw=body % (sign + "1" * 5000))
    assert status == 422
    assert field in {error["field"] for error in answer["errors"]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/movies/{'1' * 5000}", 404),
        (f"/movies/-{'1' * 5000}", 404),
        (f"/movies/{'1' * 5000}/similar", 404),
        (f"/movies/1/similar?count={'1' * 5000}", 422),
        (f"/movies?q=a&count={'1' * 5000}", 422),
        (f"/movies?q={'1' * 5000}", 422),
        (f"/visitors/{'1' * 5000}", 404),
        (f"/visitors/{'1' * 5000}/profile", 404),
        (f"/visitors/{'0' * 26}/profile?model={'1' * 5000}", 422),
    ],
)
def test_an_address_of_five_thousand_digits_is_rejected(api: Api, path: str, status: int) -> None:
    assert api.call("GET", path)[0] == status


def test_an_answer_names_ten_fields_and_says_how_many_more(api: Api) -> None:
    status, body, _ = api.call("POST", "/questionnaire", {f"field{n}": n for n in range(500)})
    assert (status, len(body["errors"]), body["more"]) == (422, 10, 490)
    assert body["errors"][0] == {
        "field": "field0",
        "message": "There is no such field; leave it out.",
    }


@pytest.mark.parametrize("form", ["{}", '{{"years": {}}}', '{{"ratings": [{}]}}'])
def test_an_object_of_thousands_of_fields_is_rejected_before_they_are_validated(
    api: Api, form: str
) -> None:
    fields = json.dumps(dict.fromkeys(map(str, range(1001)), 1))
    status, body, _ = api.call("POST", "/picks", raw=form.format(fields))
    assert status == 400
    assert body["errors"] == [
        {"field": "", "message": "An object of the body has 1001 fields; send at most 1000."}
    ]


def test_a_long_field_name_is_answered_shortened(api: Api) -> None:
    _, body, _ = api.call("POST", "/questionnaire", {"x" * 20_000: 1})
    assert body["errors"][0]["field"] == "x" * 59 + "…"


def test_a_list_over_its_bound_is_one_error_whatever_it_holds(api: Api) -> None:
    _, body, _ = api.call("POST", "/questionnaire", {"answered": [""] * 501})
    message = "Give at most 500 movies in one form."
    assert body == {"errors": [{"field": "answered", "message": message}], "more": 0}


@pytest.mark.parametrize("text", ['{"\\ud800":1}', '{"answered":["\\udfff\\ud800"]}'])
def test_half_a_surrogate_pair_is_rejected(api: Api, text: str) -> None:
    status, body, _ = api.call("POST", "/questionnaire", raw=text)
    assert (status, body["errors"][0]["field"]) == (400, "")


def test_a_whole_surrogate_pair_is_accepted(api: Api) -> None:
    text = json.dumps({"name": "Zoë 😀", "ratings": FORM["ratings"]})
    assert "\\ud83d\\ude00" in text
    assert api.call("POST", "/visitors", raw=text)[0] == 201


def test_names_of_unknown_fields_are_not_logged(
    api: Api, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    api.call("POST", "/questionnaire", {"+14155550123": 1, "count": 0})
    logged = [record for record in caplog.records if record.message == "refused"]
    assert [record.__dict__["fields"] for record in logged] == [["count"]]
    assert "4155550123" not in "".join(capsys.readouterr())


def test_the_site_can_read_the_answer_to_a_rejected_body(api: Api) -> None:
    origin = {"Origin": "https://d111111abcdef8.cloudfront.net"}
    status, _, headers = api.call("POST", "/picks", raw="[" * (LIMIT + 1), headers=origin)
    assert (status, headers["Access-Control-Allow-Origin"]) == (413, origin["Origin"])


def test_a_call_without_a_form_ignores_a_body(api: Api) -> None:
    headers = {"Content-Type": "text/plain"}
    assert api.call("GET", "/questionnaire", raw="[" * LARGEST_EVENT, headers=headers)[0] == 200


def unbounded(schema: dict[str, Any], name: str) -> list[str]:
    """Return the names of the parts of a schema that have no bound."""
    if "anyOf" in schema:
        return [found for each in schema["anyOf"] for found in unbounded(each, name)]
    match schema.get("type"):
        case "string":
            bound = {"maxLength", "enum"} & schema.keys()
            return [] if bound else [name]
        case "integer" | "number":
            return [] if {"minimum", "maximum"} <= schema.keys() else [name]
        case "array":
            found = unbounded(schema["items"], f"{name}[]")
            return found if "maxItems" in schema else [name, *found]
        case "object" if "properties" not in schema or schema.get("additionalProperties", True):
            return [name]
        case _:
            return []


def test_the_document_limits_every_field_and_parameter() -> None:
    forms = {
        f"{form}.{name}": schema
        for form, each in DOCUMENT["components"]["schemas"].items()
        if form.endswith("Form")
        for name, schema in each["properties"].items()
    }
    parameters = {
        f"{operation.name} {each['name']}": each["schema"]
        for operation in operations()
        for each in operation.parameters
    }
    assert len(forms) > 20
    assert [
        found for name, schema in (forms | parameters).items() for found in unbounded(schema, name)
    ] == []
    assert not any(
        each.get("additionalProperties", True)
        for form, each in DOCUMENT["components"]["schemas"].items()
        if form.endswith("Form")
    )
