"""Send generated bodies to the API's handler in this process and check the answers."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from moto.core.botocore_stubber import BotocoreStubber

from marquee.recommender.scorers import MODEL_NAMES
from tests.unit.aws import MOVIES, context, event
from tests.unit.bodies import DOCUMENT, MANY_DIGITS, Body, Generator, Operation

# Numbers reserved for fiction (555-0100 to 555-0199).
PHONES = [f"+1415555{number:04}" for number in range(100, 200)]
ODD_TEXTS = ("", "0", "-1", "1.5", "ALIEN", MANY_DIGITS, "é" * 300, "a,b", "\u0000", "%00", "😀")


@dataclass(frozen=True)
class Answer:
    """An answer and the processor time in `seconds` of the handler, without the fake AWS."""

    status: int
    text: str
    seconds: float


@dataclass
class Caller:
    """Caller of a handler, as API Gateway does; every call comes from another IP address.

    Args:
        handler: of the ingest function.
        movies: ids of movies in the active model, at least five.
        genres: of these movies.
        statuses: number of answers by status.
    """

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    movies: Sequence[int] = MOVIES
    genres: Sequence[str] = ("Drama",)
    statuses: Counter[int] = field(default_factory=Counter)
    _visitor: dict[str, Any] | None = None
    _calls: int = 0

    def known(self) -> dict[str, Sequence[Any]]:
        """Return values that the API accepts, by field."""
        ids = list(self.movies)
        return {
            **dict.fromkeys(
                ("movie_id", "dismissed", "answered", "unseen", "saved", "reasons"), ids
            ),
            "rated_at": ["2026-11-28T20:15:00.000Z", "2026-11-28T21:15:00+01:00"],
            "model": list(MODEL_NAMES),
            "genres": list(self.genres),
            "first_name": ["Ada", "Zoë"],
            "name": ["Ada", "Zoë", "李小龍", "O'Neill, Jr."],
            "phone": PHONES,
            "country": ["US"],
            "movie_ids": ids,
            "title": ["Film 1", "Matrix, The", "李小龍", "?", "é " * 99 + "é"],
            "imdb_id": ["tt0114709", "tt1"],
            "consent": [True],
            "proof": ["a proof"],
        }

    def forget(self) -> None:
        """Use another visitor for the next calls, because the last one is gone."""
        self._visitor = None

    def documented(self, operation: Operation) -> set[int]:
        """Return the statuses that the document names for a call."""
        call = DOCUMENT["paths"][operation.path][operation.method.lower()]
        return {int(status) for status in call["responses"]}

    def fuzz(self, operation: Operation, generator: Generator) -> tuple[Body, Answer]:
        """Send a random body and check the answer.

        Raises:
            AssertionError: if the status is undocumented, or an error has no or too long messages.
        """
        if operation.form is None:
            body = Body("no form", "{}" if generator.chance.random() < 0.1 else "")
        else:
            body = generator.body(operation.form)
        answer = self.send(operation, body, generator)
        described = f"{operation.name}, {body.kind}: {answer.status} for {body.text[:300]!r}"
        assert answer.status in self.documented(operation), described
        if answer.status >= 400:
            errors = json.loads(answer.text)["errors"]
            assert errors, described
            assert all(error["message"] for error in errors), described
            assert len(answer.text) <= 4000, described
        return body, answer

    def send(self, operation: Operation, body: Body, generator: Generator | None = None) -> Answer:
        """Send a body as an existing visitor; with a generator, some parameters are odd."""
        address, headers = self._addressed(operation, generator)
        if body.media_type is not None:
            headers["Content-Type"] = body.media_type
        answer = self.answer(
            operation.method,
            address,
            body=body.text,
            headers=headers,
            isBase64Encoded=body.is_base64,
        )
        if "{visitor_id}" in operation.path and operation.method != "GET" and answer.status < 300:
            self._visitor = None  # has a new version, or is forgotten
        return answer

    def answer(self, method: str, address: str, **parts: Any) -> Answer:
        """Call the handler with the sample event, after replacing these parts of it."""
        path, _, query = address.partition("?")
        given = parse_qs(query, keep_blank_values=True)
        headers = parts.get("headers", {"Content-Type": "application/json"})
        called = event("ingest") | {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": {name: values[-1] for name, values in given.items()} or None,
            "multiValueQueryStringParameters": given or None,
            "headers": headers,
            "multiValueHeaders": headers and {name: [value] for name, value in headers.items()},
            "body": None,
            **parts,
        }
        self._calls += 1
        called["requestContext"]["identity"]["sourceIp"] = _address(self._calls)
        with without_aws() as processor:
            answered = self.handler(called, context("ingest"))
        self.statuses[answered["statusCode"]] += 1
        return Answer(answered["statusCode"], answered["body"] or "", processor.seconds)

    def _addressed(
        self, operation: Operation, generator: Generator | None
    ) -> tuple[str, dict[str, str]]:
        path, headers, query = operation.path, {}, []
        if "{visitor_id}" in path:
            visitor = self._registered()
            path = path.replace("{visitor_id}", visitor["visitor_id"])
            headers["Authorization"] = f"Bearer {visitor['token']}"
        if "{list_id}" in path:
            shared = self._shared()
            path = path.replace("{list_id}", shared["list_id"])
            headers["Authorization"] = f"Bearer {shared['owner_secret']}"
        for parameter in operation.parameters:
            name = parameter["name"]
            is_odd = generator is not None and generator.chance.random() < 0.1
            if is_odd and generator is not None:
                value = generator.chance.choice(ODD_TEXTS)
            else:
                usual = _USUAL | {"movie_id": str(self.movies[0])}
                value = usual.get(name) or uuid.uuid4().hex
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", value)
            elif parameter["in"] == "header":
                headers[name] = value
            else:
                query.append(f"{name}={quote(value)}")
        return f"{path}?{'&'.join(query)}", headers

    def _registered(self) -> dict[str, Any]:
        if self._visitor is None:
            ratings = [{"movie_id": movie_id, "stars": 4} for movie_id in self.movies[:5]]
            form = {"name": "Ada", "ratings": ratings}
            answer = self.answer("POST", "/visitors", body=json.dumps(form))
            assert answer.status == 201, answer.text
            self._visitor = json.loads(answer.text)
        return self._visitor

    def _shared(self) -> dict[str, Any]:
        form = {"movies": [{"movie_id": self.movies[0]}]}
        answer = self.answer("POST", "/lists", body=json.dumps(form))
        assert answer.status == 201, answer.text
        made: dict[str, Any] = json.loads(answer.text)
        return made


# Valid values of parameters; a parameter without one here gets a random hexadecimal id.
_USUAL = {"count": "5", "q": "film", "model": "ranking", "if-match": '"1"'}


def _address(number: int) -> str:
    """Return an IP address of the block reserved for benchmarks (RFC 2544)."""
    return f"198.{18 + number // 65_536 % 2}.{number // 256 % 256}.{number % 256}"


@dataclass
class Processor:
    seconds: float = 0.0


@contextmanager
def without_aws() -> Iterator[Processor]:
    """Measure this thread's processor time without that of the fake AWS."""
    answering = BotocoreStubber.__call__
    spent = Processor()

    def timed(self: BotocoreStubber, *arguments: Any, **options: Any) -> Any:
        begun = time.thread_time()
        try:
            return answering(self, *arguments, **options)
        finally:
            spent.seconds -= time.thread_time() - begun

    BotocoreStubber.__call__ = timed  # type: ignore[method-assign]
    begun = time.thread_time()
    try:
        yield spent
    finally:
        spent.seconds += time.thread_time() - begun
        BotocoreStubber.__call__ = answering  # type: ignore[method-assign]
