"""Map the ids of a data set to the product's integers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from operations.dataset.values import id_key

LARGEST_USER, LARGEST_MOVIE = 2**63 - 1, 2**31 - 1
# With this share of whole numbers, ids are numbers, and the others are errors in the data.
_MOSTLY = 0.9


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
