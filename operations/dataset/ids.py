"""Map the ids of a data set to the product's integers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from marquee.datasets import DatasetError
from operations.dataset.values import id_key

LARGEST_USER, LARGEST_MOVIE = 2**63 - 1, 2**31 - 1
# With this share of whole numbers, ids are numbers, and the others are errors in the data.
_MOSTLY = 0.9
_SCHEMA_VERSION = 1  # of ids.json


@dataclass(slots=True)
class IdMapping:
    """Integers for the ids of users or movies.

    Where nearly all ids are whole numbers that fit, they stay as they are. Otherwise, ids are
    numbered from 1 in the order in which they are first asked for.

    Attributes:
        what: user or movie, for messages.
        numbers: whether ids stay as they are.
        largest: the largest integer.
        by_key: the integers of the ids so far, if they are numbered.
    """

    what: str
    numbers: bool
    largest: int
    by_key: dict[str, int] = field(default_factory=dict)

    def integer(self, key: str) -> int | str:
        """Return the integer of an id (as `id_key` returns it), or why it has none."""
        if not key:
            return f"{self.what} id is empty"
        if not self.numbers:
            return self.by_key.setdefault(key, len(self.by_key) + 1)
        if not (key.isascii() and key.isdigit()):
            return f"{self.what} id is not a whole number from 0 up, unlike the others"
        value = int(key) if len(key) <= len(str(self.largest)) else self.largest + 1
        return value if value <= self.largest else f"{self.what} id is too large"

    def known(self, key: str) -> int | None:
        """Return the integer of an id that has one already; None if it has none."""
        if not self.numbers:
            return self.by_key.get(key)
        found = self.integer(key)
        return found if isinstance(found, int) else None

    def copy(self) -> "IdMapping":
        """Return the same mapping, to which ids can be added without a change of this one."""
        return IdMapping(self.what, self.numbers, self.largest, dict(self.by_key))

    def described(self) -> str | None:
        """Return how ids were mapped, with an example; None if they stay as they are."""
        if self.numbers or not self.by_key:
            return None
        first = next(iter(self.by_key))
        return (
            f"{self.what} ids are numbered from 1, because they are not whole numbers up to"
            f" {self.largest:,} (the first is {first[:40]!r})"
        )


def ids_for(what: str, largest: int, counts: Iterable[tuple[str, int]]) -> IdMapping:
    """Return the mapping for ids as they are written, each with the number of its rows."""
    numbers, total = 0, 0
    for written, count in counts:
        key = id_key(written)
        if not key:
            continue
        total += count
        if key.isascii() and key.isdigit() and len(key) <= len(str(largest)):
            numbers += count if int(key) <= largest else 0
    return IdMapping(what, numbers >= _MOSTLY * total, largest)


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What of the reading of a data set is kept with its version, for ratings that are added later.

    Attributes:
        users: the integers of users.
        movies: the integers of movies, by their ids in the file of titles.
        through_links: whether ratings name movies by ids that only the file of links explains.
        scales: the names of the scales that were read so far.
    """

    users: IdMapping
    movies: IdMapping
    through_links: bool = False
    scales: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the content of `ids.json`."""
        kept = {
            "schema_version": _SCHEMA_VERSION,
            "users": None if self.users.numbers else list(self.users.by_key),
            "movies": None if self.movies.numbers else list(self.movies.by_key),
            "through_links": self.through_links,
            "scales": list(self.scales),
        }
        return json.dumps(kept, ensure_ascii=False, indent=0).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "KeptReading":
        """Return what `to_json` wrote.

        Raises:
            DatasetError: if the content is none of this schema version.
        """
        try:
            kept = json.loads(content)
            if kept["schema_version"] != _SCHEMA_VERSION:
                raise DatasetError(
                    f"ids.json has the schema version {kept['schema_version']!r}, not"
                    f" {_SCHEMA_VERSION}: use the release that wrote it, or import all ratings anew"
                )
            return cls(
                _mapping("user", LARGEST_USER, kept["users"]),
                _mapping("movie", LARGEST_MOVIE, kept["movies"]),
                bool(kept["through_links"]),
                tuple(kept["scales"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(
                f"ids.json is damaged ({error!r}): import all ratings anew, without APPEND=1"
            ) from error

    @classmethod
    def of_whole_numbers(cls, scales: tuple[str, ...]) -> "KeptReading":
        """Return the mapping of a data set whose ids stay as they are."""
        users = IdMapping("user", numbers=True, largest=LARGEST_USER)
        return cls(users, IdMapping("movie", numbers=True, largest=LARGEST_MOVIE), scales=scales)


def _mapping(what: str, largest: int, keys: Any) -> IdMapping:
    """Return a mapping; `keys` are the ids in the order of their integers, from 1, or None."""
    if keys is None:
        return IdMapping(what, numbers=True, largest=largest)
    by_key = {str(key): place for place, key in enumerate(keys, start=1)}
    return IdMapping(what, numbers=False, largest=largest, by_key=by_key)
