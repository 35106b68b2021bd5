"""Formats of the data that functions and steps exchange: visitor objects, submissions, results.

This module also runs on EMR, so it uses only the standard library. Readers reject a newer schema
version. A new field with a default (such as `dismissed`) does not change the version: new readers
can read old data, and old steps can read new data.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

SCHEMA_VERSION = 1
MIN_STARS, MAX_STARS = 1, 5
MIN_RATINGS, MAX_RATINGS = 5, 500  # per visitor; a visitor with fewer than 5 gets no picks
PICKS = 10
ALS_RANKS = (8, 16, 32)  # ranks of the models als-8, als-16 and als-32

_VISITOR_KEY = re.compile(
    r"visitors/date=(?P<date>\d{4}-\d{2}-\d{2})/(?P<visitor_id>[0-9a-hjkmnp-tv-z]{26})-(?P<version>\d{1,9})\.json"
)
_RESULTS_KEY = re.compile(r"submission=(?P<submission_id>[0-9a-f]{32})/_SUCCESS")


class ContractError(ValueError):
    """A message or an object does not have the required format."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A visitor's rating of a movie, in whole stars from 1 to 5."""

    movie_id: int
    stars: int


@dataclass(frozen=True, slots=True)
class VisitorObject:
    """One version of a visitor's ratings, as the training and recommend steps read it.

    `dismissed` are the ids of movies that the visitor does not want among the picks.
    """

    visitor_id: str
    version: int
    requested_at: str  # as `timestamp` formats it
    dataset: str
    ratings: tuple[Rating, ...]
    dismissed: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The object key; its date is the request's, so that a retry writes the same key."""
        return visitor_key(self.visitor_id, self.version, self.requested_at)

    def to_json(self) -> str:
        """Return the object's content: compact JSON on one line, with `schema_version`."""
        return _dump({"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "VisitorObject":
        """Read a visitor object; raise ContractError if its format is wrong."""
        body = _load(text, "visitor object")
        return cls(
            visitor_id=_field(body, "visitor_id", str),
            version=_field(body, "version", int),
            requested_at=_field(body, "requested_at", str),
            dataset=_field(body, "dataset", str),
            ratings=ratings_from(body.get("ratings")),
            dismissed=movie_ids_from(body.get("dismissed", []), "dismissed"),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One visitor in a submission, with everything that the recommend step needs.

    `dismissed` are the ids of movies that the visitor does not want among the picks ("not for
    me").
    """

    visitor_id: str
    version: int
    dataset: str
    ratings: tuple[Rating, ...]
    dismissed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """The visitors that one recommend step serves."""

    members: tuple[Member, ...]

    @property
    def submission_id(self) -> str:
        """The id: 32 hexadecimal digits that depend only on the members and their versions.

        The same batch therefore always has the same id.
        """
        names = sorted(f"{member.visitor_id}:{member.version}" for member in self.members)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]

    @property
    def key(self) -> str:
        """The object key in the ratings bucket, which depends only on the submission's id."""
        return submission_key(self.submission_id)

    def to_json_lines(self) -> str:
        """Return one line of JSON per member."""
        head = {"schema_version": SCHEMA_VERSION, "submission_id": self.submission_id}
        return "".join(_dump({**head, **asdict(member)}) + "\n" for member in self.members)

    @classmethod
    def from_json_lines(cls, text: str | bytes) -> "Submission":
        """Read a submission; raise ContractError if the format of a line is wrong."""
        lines = (text.decode() if isinstance(text, bytes) else text).splitlines()
        return cls(tuple(member_from_json(line) for line in lines if line.strip()))


def member_from_json(line: str | bytes) -> Member:
    """Read one line of a submission; raise ContractError if its format is wrong."""
    body = _load(line, "submission member")
    return Member(
        visitor_id=_field(body, "visitor_id", str),
        version=_field(body, "version", int),
        dataset=_field(body, "dataset", str),
        ratings=ratings_from(body.get("ratings")),
        dismissed=movie_ids_from(body.get("dismissed", []), "dismissed"),
    )


@dataclass(frozen=True, slots=True)
class Pick:
    """A recommended movie."""

    movie_id: int
    score: float  # orders the picks; higher is better
    stars: float  # predicted stars, on the data set's scale
    because: tuple[int, ...] = ()  # ids of the rated movies that raised the score most


@dataclass(frozen=True, slots=True)
class Result:
    """The recommend step's result for one version of a visitor: picks, or an error."""

    visitor_id: str
    version: int
    model_id: str
    picks: tuple[Pick, ...] = ()
    error: str | None = None

    def to_json(self) -> str:
        """Return compact JSON on one line, with either `picks` or `error`."""
        body: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "visitor_id": self.visitor_id,
            "version": self.version,
            "model_id": self.model_id,
        }
        if self.error is None:
            body["picks"] = [asdict(pick) for pick in self.picks]
        else:
            body["error"] = self.error
        return _dump(body)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Result":
        """Read a result.

        Raises:
            ContractError: if the format is wrong.
            KeyError, TypeError, ValueError: if the format of a pick is wrong.
        """
        body = _load(text, "result")
        error = body.get("error")
        return cls(
            visitor_id=_field(body, "visitor_id", str),
            version=_field(body, "version", int),
            model_id=_field(body, "model_id", str),
            picks=picks_from(body.get("picks", [])) if error is None else (),
            error=None if error is None else str(error),
        )


@dataclass(frozen=True, slots=True)
class DataVersion:
    """One import of a data set: where its files are, and which models were trained on it.

    `version` is empty for data that was prepared by a release without data versions.
    """

    dataset: str
    version: str = ""

    @property
    def folder(self) -> str:
        """The key prefix of all files of this version, which has one."""
        return f"data/{self.dataset}/{self.version}/"

    def prefix(self, kind: str) -> str:
        """Return the key prefix of one kind of files in the ratings bucket.

        `kind` is `raw`, `ratings`, `movies`, `tags` or `reports`.
        """
        if self.version:
            return f"{self.folder}{kind}/"
        return f"raw/{self.dataset}/" if kind == "raw" else f"{kind}/dataset={self.dataset}/"

    @property
    def ids_key(self) -> str:
        """The key in the ratings bucket of the integers of a version's ids.

        It is not below `folder`, so that the cluster, which needs no ids as they were written, may
        not read it.
        """
        return f"ids/{self.dataset}/{self.version}.json"

    @property
    def newest_key(self) -> str:
        """The key in the models bucket that names the newest model trained on this version."""
        if not self.version:
            return f"newest.{self.dataset}.json"
        return f"newest.{self.dataset}.{self.version}.json"


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The content of `current.json`, which names the active pair: a model and its data.

    Only `make import` and `make rollback-data` write `current.json`. Each training writes the same
    fields, without `former`, to the `newest_key` of the data that it was trained on, so a training
    that ends after a switch cannot replace the new pair. The active model is that newest one.

    Attributes:
        model_id: the model.
        dataset: the name of the active data set.
        trained_at: the moment before the model's visitors were read (ISO 8601).
        users: users in training.
        ratings: ratings in training.
        left_out: the number of visitors that the training left out, because the model failed the
            regression check with them (docs/model.md).
        data_version: the version of the data set; empty for data of a release without versions.
        former: the pair that was active before the last switch, without its own `former`.
    """

    model_id: str
    dataset: str
    trained_at: str
    users: int
    ratings: int
    left_out: int = 0
    data_version: str = ""
    former: "CurrentModel | None" = None

    @property
    def data(self) -> DataVersion:
        """The data that the model was trained on."""
        return DataVersion(self.dataset, self.data_version)

    def with_newest(self, newest: "CurrentModel | None") -> "CurrentModel":
        """Return the newest model of this pair's data, or this one if `newest` is of other data."""
        if newest is None or newest.data != self.data:
            return self
        return replace(newest, former=self.former)

    def to_json(self) -> str:
        """Return the content: compact JSON on one line, with `schema_version`."""
        return _dump({"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "CurrentModel":
        """Read `current.json`; raise ContractError if its format is wrong."""
        return cls._from_body(_load(text, "current.json"))

    @classmethod
    def _from_body(cls, body: Mapping[str, Any]) -> "CurrentModel":
        former = body.get("former")
        if former is not None and not isinstance(former, dict):
            raise ContractError(f"former is {former!r}, not an object")
        return cls(
            model_id=_field(body, "model_id", str),
            dataset=_field(body, "dataset", str),
            trained_at=_field(body, "trained_at", str),
            users=_field(body, "users", int),
            ratings=_field(body, "ratings", int),
            # The current.json of an older release does not have these fields.
            left_out=_field(body, "left_out", int, default=0),
            data_version=_field(body, "data_version", str, default=""),
            former=None if former is None else cls._from_body(former),
        )


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A message in the texts queue: which visitor to text, and no personal data."""

    visitor_id: str
    version: int

    def to_json(self) -> str:
        """Return the message's body: compact JSON with `schema_version`."""
        return _dump({"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "TextMessage":
        """Read a message; raise ContractError if its format is wrong."""
        body = _load(text, "texts message")
        return cls(_field(body, "visitor_id", str), _field(body, "version", int))


@dataclass(frozen=True, slots=True)
class ResultsPlace:
    """The position in a submission's results up to which they were collected.

    All objects before `key` and the first `lines` lines of `key` were collected.
    """

    key: str
    lines: int


@dataclass(frozen=True, slots=True)
class ResultsMessage:
    """A message in the results queue: collect the rest of a submission's results.

    A function that runs out of time sends it to hand on the remaining work.
    """

    submission_id: str
    after: ResultsPlace

    def to_json(self) -> str:
        """Return the message's body: compact JSON with `schema_version`; `after` is an object."""
        return _dump({"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "ResultsMessage":
        """Read a message; raise ContractError if its format is wrong."""
        body = _load(text, "results message")
        after = body.get("after")
        if not isinstance(after, dict):
            raise ContractError(f"after is {after!r}, not an object with key and lines")
        place = ResultsPlace(_field(after, "key", str), _field(after, "lines", int))
        return cls(_field(body, "submission_id", str), place)


def ratings_from(value: object) -> tuple[Rating, ...]:
    """Read ratings from a parsed JSON list; of two ratings of a movie, keep the later one.

    Raises:
        ContractError: if the list or a rating has the wrong format.
    """
    if not isinstance(value, list):
        raise ContractError("ratings is not a list")
    latest: dict[int, Rating] = {}
    for number, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise ContractError(f"ratings[{number}] is not an object")
        rating = Rating(_field(item, "movie_id", int), _field(item, "stars", int))
        if not MIN_STARS <= rating.stars <= MAX_STARS:
            raise ContractError(f"ratings[{number}].stars is {rating.stars}, not 1 to 5")
        latest.pop(rating.movie_id, None)
        latest[rating.movie_id] = rating
    return tuple(latest.values())


def movie_ids_from(value: object, name: str) -> tuple[int, ...]:
    """Read movie ids from a parsed JSON list and drop duplicates.

    `name` is the field's name in the error message.

    Raises:
        ContractError: if the value is not a list of integers.
    """
    if not isinstance(value, list):
        raise ContractError(f"{name} is not a list")
    for number, item in enumerate(value):
        if not isinstance(item, int) or isinstance(item, bool):
            raise ContractError(f"{name}[{number}] is {item!r}, not a movie id")
    return tuple(dict.fromkeys(value))


def picks_from(value: object) -> tuple[Pick, ...]:
    """Read picks from a parsed JSON list.

    Raises:
        ContractError: if the value is not a list.
        KeyError, TypeError, ValueError: if the format of a pick is wrong.
    """
    if not isinstance(value, list):
        raise ContractError("picks is not a list")
    return tuple(
        Pick(
            movie_id=int(item["movie_id"]),
            score=float(item["score"]),
            stars=float(item["stars"]),
            because=tuple(int(movie_id) for movie_id in item.get("because", ())),
        )
        for item in value
    )


def visitors_prefix(date: str) -> str:
    """Return the key prefix of the visitor objects of a date (YYYY-MM-DD)."""
    return f"visitors/date={date}/"


def visitor_key(visitor_id: str, version: int, requested_at: str) -> str:
    """Return the object key of one version: `visitors/date=YYYY-MM-DD/<visitor_id>-<version>.json`.

    The date is that of `requested_at`, a time in the format of `timestamp`.
    """
    return f"{visitors_prefix(requested_at[:10])}{visitor_id}-{version}.json"


def parse_visitor_key(key: str) -> tuple[str, int]:
    """Return the visitor id and the version in a visitor object's key.

    Raises:
        ContractError: if `key` is not the key of a visitor object.
    """
    found = _VISITOR_KEY.fullmatch(key)
    if not found:
        raise ContractError(f"{key!r} is not the key of a visitor object")
    return found["visitor_id"], int(found["version"])


def submission_key(submission_id: str) -> str:
    """Return the object key of a submission: `submissions/<submission_id>.json`."""
    return f"submissions/{submission_id}.json"


def results_prefix(submission_id: str) -> str:
    """Return the key prefix in the results bucket under which a submission's steps write."""
    return f"submission={submission_id}/"


def parse_results_key(key: str) -> str:
    """Return the submission id in the `_SUCCESS` key of complete results.

    Raises:
        ContractError: if `key` is not such a key.
    """
    found = _RESULTS_KEY.fullmatch(key)
    if not found:
        raise ContractError(f"{key!r} is not the _SUCCESS of a submission's results")
    return found["submission_id"]


def timestamp(moment: datetime) -> str:
    """Format as ISO 8601 in UTC with milliseconds, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Read a time that `timestamp` formatted; raises ValueError if it is not ISO 8601."""
    return datetime.fromisoformat(text)


def unique_members(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return one member per visitor: the one with the latest version."""
    latest: dict[str, Member] = {}
    for member in members:
        known = latest.get(member.visitor_id)
        if known is None or known.version < member.version:
            latest[member.visitor_id] = member
    return tuple(latest.values())


def _dump(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _load(text: str | bytes, what: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise ContractError(f"the {what} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ContractError(f"the {what} is not a JSON object")
    version = body.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise ContractError(
            f"the {what} has schema version {version!r}; this release reads up to "
            f"{SCHEMA_VERSION}: deploy the newer release"
        )
    return body


def _field[T: (str, int)](
    body: Mapping[str, Any], name: str, kind: type[T], default: T | None = None
) -> T:
    value = body.get(name, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ContractError(f"{name} is {value!r}, not {'text' if kind is str else 'a number'}")
    return value
