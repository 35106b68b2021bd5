"""Bodies for the API's calls: valid ones, invalid ones, and the largest that are allowed.

All are generated from docs/openapi.json, so that new calls are covered without a change here, and
from a seed, so that a failure can be reproduced.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.aws import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
JSON_TYPE = "application/json"
LIMIT = 64 * 1024  # bytes, from docs/contracts.md
LARGEST_EVENT = 6 * 1024 * 1024  # bytes, from Lambda's quotas
MANY_DIGITS = "1" * 5000

type Schema = dict[str, Any]
# Values that no form needs, each as JSON.
ODD_VALUES = (
    *("null", "true", "false", "0", "-1", "1e400", "-1e400", "0.5", "3.0", "NaN", "Infinity"),
    *("9223372036854775808", MANY_DIGITS, f"-{MANY_DIGITS}", f"{MANY_DIGITS}.5", "1" * 21),
    *('""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\u202e"'),
    *("[]", "{}", "[[]]", '[""]', '{"":{}}', '{"a":1,"a":2}', '{"\\ud800":1}', '{"__proto__":1}'),
    *("[" * 40 + "]" * 40, "[" * 5000 + "]" * 5000, '{"a":' * 2000 + "1" + "}" * 2000),
    json.dumps("x" * 5000),
    json.dumps("é" * 3000),
    json.dumps("\u0301" * 2000, ensure_ascii=False),
    f'"{"9" * 5000}"',
)
MEDIA_TYPES = (
    *("application/json", "APPLICATION/JSON", "application/json; charset=utf-8"),
    *('Application/Json;Charset="UTF-8"', "application/json;charset=us-ascii"),
    *("application/json; charset=utf-7", "application/json; charset=utf-16", "application/jsonx"),
    *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("", ";", "application/json;charset", "application/json; charset=", "application/xml"),
)


@dataclass(frozen=True)
class Operation:
    """A call in the document; `form` is the schema of its body, None if it has none."""

    method: str
    path: str
    form: Schema | None
    parameters: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Body:
    """A body to send; `kind` describes what is special about it."""

    kind: str
    text: str
    media_type: str | None = JSON_TYPE
    is_base64: bool = False


def operations() -> list[Operation]:
    """Return every call in the document."""
    return [
        Operation(method.upper(), path, _form(call), tuple(call.get("parameters", ())))
        for path, calls in DOCUMENT["paths"].items()
        for method, call in calls.items()
    ]


def _form(call: dict[str, Any]) -> Schema | None:
    content = call.get("requestBody", {}).get("content", {})
    return resolved(content[JSON_TYPE]["schema"]) if content else None


def resolved(schema: Schema) -> Schema:
    """Return the schema behind references; of several alternatives the first."""
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = schema["anyOf"][0]
    return schema


@dataclass
class Generator:
    """Generator of values that fit a schema, and of bodies with errors in them.

    Args:
        seed: of all random choices.
        known: lists of values that the API knows, by the name of the field.
    """

    seed: int
    known: dict[str, Sequence[Any]]
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  no secret comes of it

    def value(self, schema: Schema, name: str = "") -> Any:
        """Return a random value that fits the schema; lists of ratings name no movie twice."""
        schema = resolved(schema)
        if name in self.known and schema["type"] != "array":
            return self.chance.choice(self.known[name])
        match schema["type"]:
            case "object":
                return self._object(schema)
            case "array":
                return self._list(schema, name)
            case "integer":
                return self.chance.randint(int(schema["minimum"]), int(schema["maximum"]))
            case "boolean":
                return self.chance.random() < 0.5
            case _:
                length = self.chance.randint(0, min(schema["maxLength"], 70))
                return "".join(self.chance.choices("aé ñ李😀0.-+'\"\\/<", k=length))

    def _object(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(part, name)
            for name, part in schema["properties"].items()
            if name in required or self.chance.random() < 0.5
        }

    def _list(self, schema: Schema, name: str) -> list[Any]:
        items = resolved(schema["items"])
        fewest = schema.get("minItems", 0)
        most = schema["maxItems"]
        long = self.chance.random() < 0.05
        count = self.chance.randint(fewest, most if long else min(most, fewest + 10))
        if items["type"] == "object" and "movie_id" in items["properties"]:
            ids = self.chance.sample(
                self.known["movie_id"], min(count, len(self.known["movie_id"]))
            )
            return [self._object(items) | {"movie_id": movie_id} for movie_id in ids]
        return [self.value(items, name) for _ in range(count)]

    def body(self, form: Schema) -> Body:
        """Return one body for this form: valid, or with a random kind of error."""
        good = self.value(form)
        spoil = self.chance.choice(
            [
                *(self._as_it_is, self._odd_value, self._odd_value, self._odd_value),
                *(self._odd_field, self._repeated, self._cut, self._changed_bytes),
                *(self._encoded, self._sized, self._other_type, self._nonsense),
            ]
        )
        return spoil(good)

    def _as_it_is(self, good: Any) -> Body:
        return Body("as documented", self._dumped(good))

    def _dumped(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=self.chance.random() < 0.5)

    def _odd_value(self, good: Any) -> Body:
        """Replace any value in the body, or the whole body, by an odd value."""
        mark = "3f1b4c68-odd"
        odd = self.chance.choice(ODD_VALUES)
        text = json.dumps(self._with(good, mark))
        return Body("odd value", text.replace(json.dumps(mark), odd))

    def _with(self, value: Any, new: Any) -> Any:
        """Return the value with `new` at a random place."""
        places = list(_places(value))
        return _replaced(value, self.chance.choice(places), new)

    def _odd_field(self, good: Any) -> Body:
        name = self.chance.choice(["a", "", "x" * 3000, "__class__", "é", "\u0000", "phone ", "0"])
        objects = [place for place in _places(good) if isinstance(_at(good, place), dict)]
        place = self.chance.choice(objects)
        many = self.chance.choice([1, 1, 1, 30, 3000])
        fields = {f"{name}{number or ''}": number for number in range(many)}
        return Body(
            "odd field", self._dumped(_replaced(good, place, _at(good, place) | fields))[:LIMIT]
        )

    def _repeated(self, good: Any) -> Body:
        lists = [place for place in _places(good) if isinstance(_at(good, place), list)]
        if not lists:
            return self._odd_field(good)
        place = self.chance.choice(lists)
        found = _at(good, place) or [0]
        return Body(
            "longer list",
            self._dumped(_replaced(good, place, found * self.chance.choice([2, 20, 600]))),
        )

    def _cut(self, good: Any) -> Body:
        text = self._dumped(good)
        return Body("cut off", text[: self.chance.randrange(len(text))])

    def _changed_bytes(self, good: Any) -> Body:
        octets = bytearray(self._dumped(good).encode())
        for _ in range(self.chance.randint(1, 5)):
            octets[self.chance.randrange(len(octets))] = self.chance.randrange(256)
        if self.chance.random() < 0.5:
            return Body("changed bytes", base64.b64encode(octets).decode(), is_base64=True)
        return Body("changed bytes", octets.decode(errors="surrogateescape"))

    def _encoded(self, good: Any) -> Body:
        encoding = self.chance.choice(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-7"])
        octets = self._dumped(good).encode(encoding)
        text = base64.b64encode(octets).decode()
        return Body(f"as {encoding} in base64", text, is_base64=True)

    def _sized(self, good: Any) -> Body:
        """Pad the body with spaces to a size near the limit, in bytes."""
        text = self._dumped(good)
        size = LIMIT + self.chance.choice([-1, 0, 1, 10, LIMIT])
        return Body("size beside the limit", text + " " * (size - len(text.encode())))

    def _other_type(self, good: Any) -> Body:
        return Body("other media type", self._dumped(good), self.chance.choice(MEDIA_TYPES))

    def _nonsense(self, _good: Any) -> Body:
        length = self.chance.choice([0, 1, 10, 1000, LIMIT])
        alphabet = self.chance.choice(
            ["[{", '"\\', "[]{},:", "0123456789", "\x00\xff", "{}[]\"':,1ae"]
        )
        text = "".join(self.chance.choices(alphabet, k=length))
        return Body("nonsense", text, is_base64=self.chance.random() < 0.2)


type Place = tuple[str | int, ...]


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    inner = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        inner = value.items()  # type: ignore[assignment]
    for key, part in inner:
        yield from _places(part, (*place, key))


def _at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def _replaced(value: Any, place: Place, new: Any) -> Any:
    """Return a copy of the value with `new` at that place."""
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _replaced(value[place[0]], place[1:], new)
    return copy


def largest(generator: Generator, form: Schema) -> Iterator[Body]:
    """Yield the bodies that could cost most: each filled with one thing up to the limit."""
    good = {
        name: generator.value(form["properties"][name], name) for name in form.get("required", ())
    }
    for name, part in form["properties"].items():
        schema = resolved(part)
        for item, value in _fillings(generator, schema, name):
            rest = json.dumps(good | {name: "HERE"})
            yield Body(f"{item} in {name}", rest.replace('"HERE"', value(LIMIT - len(rest))))
    for kind, filled in _FILLED.items():
        yield Body(f"a body of {kind}", filled(LIMIT))
    rest = json.dumps(good)[:-1] + (", " if good else "")
    yield Body("unknown fields", rest + _fields(LIMIT - len(rest)).removeprefix("{"))
    yield Body("a long unknown field", f'{rest}"{"x" * (LIMIT - len(rest) - 5)}":1}}')
    yield Body("spaces", json.dumps(good) + " " * (LIMIT - len(json.dumps(good))))
    yield Body("a good form 200 times the limit", _array_of(json.dumps(good))(LARGEST_EVENT))
    encoded = base64.b64encode(_array_of("1")(LARGEST_EVENT * 3 // 4).encode()).decode()
    yield Body("base64 200 times the limit", encoded, is_base64=True)


type Filling = Callable[[int], str]


def _fillings(generator: Generator, schema: Schema, name: str) -> Iterator[tuple[str, Filling]]:
    yield from _FILLED.items()
    if schema["type"] != "array":
        return
    for kind, item in (
        *(("empty strings", '""'), ("zeros", "0"), ("nulls", "null"), ("empty lists", "[]")),
        *(("empty objects", "{}"), ("unknown fields in objects", '{"a":1,"b":2,"c":3}')),
        *(("numbers out of bounds", "99999999999"), ("halves", ".5".rjust(3, "0"))),
        ("twenty digits", "1" * 20),
    ):
        yield kind, _array_of(item)
        yield f"as many as may be, {kind}", _array_of(item, schema["maxItems"])
    items = resolved(schema["items"])
    if items["type"] == "object" or name in ("dismissed", "answered", "unseen", "saved"):
        movies = list(generator.known["movie_id"])[: schema["maxItems"]]
        good = [{"movie_id": one, "stars": 1 + one % 5} for one in movies]
        values: Sequence[Any] = good if items["type"] == "object" else movies
        yield "as many movies as may be", lambda _: json.dumps(values)
        yield "one movie again and again", _array_of(json.dumps(values[0]), schema["maxItems"])


def _array_of(item: str, most: int | None = None) -> Filling:
    def filled(size: int) -> str:
        count = (size - 2) // (len(item) + 1)
        return f"[{','.join([item] * (count if most is None else min(count, most)))}]"

    return filled


def _fields(size: int) -> str:
    parts: list[str] = []
    left = size - 2
    while left > 12:
        parts.append(f'"{len(parts):x}":1')
        left -= len(parts[-1]) + 1
    return f"{{{','.join(parts)}}}"


_FILLED: dict[str, Filling] = {
    "unknown fields": _fields,
    "a long string": lambda size: f'"{"x" * (size - 2)}"',
    "a string of spaces": lambda size: f'"{" " * (size - 2)}"',
    "a string of digits": lambda size: f'"+{"1" * (size - 3)}"',
    "a string of combining marks": lambda size: f'"{"\u0301" * ((size - 2) // 2)}"',
    "a string of escapes": lambda size: f'"{"\\u0041" * ((size - 2) // 6)}"',
    "a string of base64": lambda size: json.dumps(
        base64.b64encode(b"[" * (size // 4 * 3 - 4)).decode()[: size - 2]
    ),
    "a long number": lambda size: "1" * size,
    "a long fraction": lambda size: f"0.{'1' * (size - 2)}",
    "long numbers": _array_of("1" * 4000),
    "nested lists": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested objects": lambda size: '{"":' * (size // 5 - 1) + "1" + "}" * (size // 5 - 1),
    "lists nested five hundred deep": _array_of("[" * 500 + "]" * 500),
    "brackets that do not close": lambda size: "[" * size,
    "quotes": lambda size: '"' * size,
}
