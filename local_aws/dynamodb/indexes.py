"""Sorted indexes of a table, so that a query reads only the items that it returns.

An index covers either the table's own keys or one of its secondary indexes. It is sparse, as in
DynamoDB: it leaves out items that lack one of its key attributes.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol


class Value(Protocol):
    """An attribute's value: its DynamoDB type, its stored form, and the form used to compare it."""

    type: str
    value: Any

    @property
    def cast_value(self) -> Any:
        """The form used to compare values of the same type, such as a number for type N."""


class Item(Protocol):
    """An item of a table."""

    hash_key: Value
    range_key: Value | None
    attrs: Mapping[str, Value]


# A sort key of (type, value) pairs. The type comes first so that values of different types compare.
Sortable = tuple[tuple[str, Any], ...]
Entry = tuple[Sortable, Item]
sort_key = itemgetter(0)
# From the operators of KeyConditions to those of a KeyConditionExpression.
SPELLED_OUT = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}


@dataclass(frozen=True)
class Keys:
    """The attributes by which an index finds and orders items.

    Args:
        partition: name of the attribute whose value a query must give.
        order: names of the attributes that order the items of one partition.
    """

    partition: str
    order: tuple[str, ...]

    def sortable(self, attributes: Mapping[str, Value]) -> Sortable:
        """Return the sort key of an item.

        Raises:
            KeyError: if the item lacks one of the attributes in `order`.
        """
        return tuple(_sortable(attributes[name]) for name in self.order)


class Index:
    """The items of each partition, sorted."""

    def __init__(self, keys: Keys, items: Iterable[Item] = ()) -> None:
        self.keys = keys
        self._partitions: dict[tuple[str, Any], list[Entry]] = {}
        self._places: dict[tuple[Any, Any], tuple[tuple[str, Any], Sortable]] = {}
        for item in items:
            self.put(item)

    def put(self, item: Item) -> None:
        """Insert an item at the position of its current attributes, replacing its earlier entry."""
        self.remove(item)
        try:
            partition = partition_of(item.attrs[self.keys.partition])
            key = self.keys.sortable(item.attrs)
        except KeyError:
            return
        insort(self._partitions.setdefault(partition, []), (key, item), key=sort_key)
        self._places[primary_key(item)] = partition, key

    def remove(self, item: Item) -> None:
        """Remove the entry that has the primary key of `item`, if there is one."""
        if (place := self._places.pop(primary_key(item), None)) is None:
            return
        partition, key = place
        entries = self._partitions[partition]
        del entries[bisect_left(entries, key, key=sort_key)]
        if not entries:
            del self._partitions[partition]

    def entries(self, partition: Value) -> Sequence[Entry]:
        """Return the sort key and item of each entry of a partition, sorted."""
        return self._partitions.get(partition_of(partition), ())


def primary_key(item: Item) -> tuple[Any, Any]:
    """Return the values of an item's hash key and range key; None for a missing range key."""
    return item.hash_key.value, item.range_key.value if item.range_key else None


def partition_of(value: Value) -> tuple[str, Any]:
    """Return the dictionary key of a partition: the type and value of its partition key."""
    return value.type, value.value


def matching(entries: Sequence[Entry], comparison: str | None, values: Sequence[Value]) -> range:
    """Return the positions in a partition that may match a condition on the sort key.

    An operator that does not select a range, such as BEGINS_WITH, leaves all positions.

    Args:
        entries: the partition, sorted.
        comparison: the condition's operator, e.g. "<" or "BETWEEN"; None for no condition.
        values: the operands of the condition.
    """
    first, end = 0, len(entries)
    operator = "" if comparison is None else SPELLED_OUT.get(comparison, comparison)
    if operator in ("=", ">=", "BETWEEN"):
        first = bisect_left(entries, _sortable(values[0]), key=_first_of_sort_key)
    elif operator == ">":
        first = bisect_right(entries, _sortable(values[0]), key=_first_of_sort_key)
    if operator in ("=", "<=", "BETWEEN"):
        end = bisect_right(entries, _sortable(values[-1]), key=_first_of_sort_key)
    elif operator == "<":
        end = bisect_left(entries, _sortable(values[0]), key=_first_of_sort_key)
    return range(first, end)


def _sortable(value: Value) -> tuple[str, Any]:
    return value.type, value.cast_value


def _first_of_sort_key(entry: Entry) -> tuple[str, Any]:
    return entry[0][0]
