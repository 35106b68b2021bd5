"""Replaces slow paths of moto's tables, so that a call's cost depends on what it reads and writes.

moto answers a query of an index by sorting and filtering the whole table. Then it copies every
match with `copy.deepcopy`. With 1,000 visitors this takes seconds. Here each index is kept sorted,
pages end at `Limit`, code that knows the types makes the copies, and a transaction works on the
items that it names instead of on copies of whole tables.
`tests/local_aws/test_dynamodb_tables.py` compares the answers with those of the unchanged moto.

The values that these functions return are shared with the stored items. So the answer must be
serialised before the next call begins: `provider` holds one lock for both.
"""

import base64
import copy
import functools
from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend, Table  # type: ignore[attr-defined]
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing.ast_nodes import Node  # type: ignore[attr-defined]

from local_aws.dynamodb.indexes import Entry, Index, Keys, matching, sort_key

# "A single Query operation can retrieve a maximum of 1 MB of data"
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html).
PAGE_BYTES = 1_000_000

# For each table, the indexes that were queried so far: from the index's name (None for the table's
# own keys) to the `items` of the table that the index was built from, and the index.
INDEXES: WeakKeyDictionary[Any, dict[str | None, tuple[Any, Index]]] = WeakKeyDictionary()


def install() -> None:
    """Replace moto's slow paths, for existing and future tables."""
    replace(Table, "query", query)
    replace(Table, "all_items", all_items)
    replace(Table, "put_item", put_item)
    replace(Table, "delete_item", delete_item)
    replace(DynamoDBBackend, "update_item", update_item)
    replace(DynamoDBBackend, "transact_write_items", transact_write_items)
    replace(Item, "project", project)
    replace(DynamoType, "to_regular_json", regular_json)
    copiers: tuple[tuple[Any, Callable[..., Any]], ...] = (
        (Item, copy_item),
        (DynamoType, copy_value),
        (Node, copy_node),
    )
    for kind, copier in copiers:
        kind.__deepcopy__ = copier


def replace(owner: type, name: str, replacement: Callable[..., Any]) -> None:
    """Replace the method `name` of a class.

    Args:
        owner: the class.
        name: the method's name.
        replacement: called with the replaced method, the instance and the method's arguments.
    """
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(instance: Any, *arguments: Any, **named: Any) -> Any:
        return replacement(original, instance, *arguments, **named)

    setattr(owner, name, method)


# -- Reading -------------------------------------------------------------------------------------
def query(  # noqa: PLR0917  moto's signature
    original: Callable[..., Any],
    table: Any,
    hash_key: Any,
    range_comparison: str | None,
    range_objs: Sequence[Any],
    limit: int | None,
    exclusive_start_key: dict[str, Any] | None,
    scan_index_forward: bool,
    projection_expressions: list[list[str]] | None,
    index_name: str | None = None,
    consistent_read: bool = False,
    filter_expression: Any = None,
    **filter_kwargs: Any,
) -> tuple[list[Any], int, dict[str, Any] | None]:
    """Answer a query of a table or of one of its indexes, as moto's `Table.query` does.

    Returns:
        The items, the number of items read before filtering, and the LastEvaluatedKey (None if
        there is no next page).
    """
    arguments = (
        hash_key, range_comparison, range_objs, limit, exclusive_start_key, scan_index_forward,
        projection_expressions, index_name, consistent_read, filter_expression,
    )  # fmt: skip
    secondary = {each.name: each for each in table.all_indexes()}.get(index_name)
    refused = index_name and (secondary is None or consistent_read)
    if refused or filter_kwargs:  # moto raises the error, or supports the legacy filter
        return original(table, *arguments, **filter_kwargs)  # type: ignore[no-any-return]

    keys = key_attributes(table, secondary)
    entries = index_of(table, index_name, keys).entries(hash_key)
    positions = positions_to_read(
        entries,
        matching(entries, range_comparison, range_objs),
        start=sortable_start(keys, exclusive_start_key),
        forward=scan_index_forward,
    )
    items: list[Any] = []
    last, size, more = None, 0, False
    for position in positions:
        item: Any = entries[position][1]
        found = secondary.project(item) if secondary else item
        size += found.size()
        if len(items) == limit or size > PAGE_BYTES:
            more = True
            break
        if range_comparison and not item.attrs[keys.order[0]].compare(range_comparison, range_objs):
            continue
        last = item
        items.append(found)
    more = more or (len(items) == limit and follows(entries, positions, scan_index_forward))
    read = len(items)
    if filter_expression is not None:
        items = [item for item in items if filter_expression.expr(item)]
    if projection_expressions:
        items = [item.project(projection_expressions) for item in items]
    return items, read, table._get_last_evaluated_key(last, index_name) if more else None


def positions_to_read(
    entries: Sequence[Entry], matches: range, start: tuple[Any, ...] | None, *, forward: bool
) -> range:
    """Return the positions to read that come after the start key, in reading order."""
    first, end = matches.start, matches.stop
    if start is not None and forward:
        first = max(first, bisect_right(entries, start, key=sort_key))
    elif start is not None:
        end = min(end, bisect_left(entries, start, key=sort_key))
    return range(first, end) if forward else range(end - 1, first - 1, -1)


def follows(entries: Sequence[Entry], positions: range, forward: bool) -> bool:
    """Return whether the partition continues beyond the positions to read, in reading order.

    A page that reached its `Limit` then has a LastEvaluatedKey.
    """
    if not positions:
        return False
    return positions[-1] < len(entries) - 1 if forward else positions[-1] > 0


def sortable_start(keys: Keys, start: dict[str, Any] | None) -> tuple[Any, ...] | None:
    """Return the sort key of an ExclusiveStartKey.

    Raises:
        MockValidationException: if the start key lacks one of the index's attributes.
    """
    if start is None:
        return None
    try:
        return keys.sortable({name: DynamoType(value) for name, value in start.items()})
    except KeyError as error:
        raise MockValidationException("The provided starting key is invalid") from error


def key_attributes(table: Any, secondary: Any) -> Keys:
    """Return the attributes by which a table, or one of its secondary indexes, is queried."""
    if secondary is None:
        return Keys(table.hash_key_attr, (table.range_key_attr,) if table.range_key_attr else ())
    named = {key["KeyType"]: key["AttributeName"] for key in secondary.schema}
    order = (named.get("RANGE"), table.hash_key_attr, table.range_key_attr)
    return Keys(named["HASH"], tuple(name for name in order if name is not None))


def index_of(table: Any, name: str | None, keys: Keys) -> Index:
    """Return an index of a table; build it at the first request.

    The index is rebuilt if UpdateTable gave its name other keys, or if a restore replaced the
    table's items.
    """
    of_table = INDEXES.setdefault(table, {})
    items, index = of_table.get(name, (None, None))
    if index is None or items is not table.items or index.keys != keys:
        index = Index(keys, stored(table))
        of_table[name] = table.items, index
    return index


def stored(table: Any) -> Iterator[Any]:
    """Yield every item of a table, in no particular order."""
    for under_hash_key in table.items.values():
        if table.range_key_attr:
            yield from under_hash_key.values()
        else:
            yield under_hash_key


def all_items(_original: Callable[..., Any], table: Any) -> list[Any]:
    """Return every item of a table, sorted by its keys; each key is converted only once."""
    return sorted(
        stored(table),
        key=lambda item: (
            (
                item.hash_key.cast_value,
                item.range_key.cast_value if item.range_key else None,
            )
            if item.range_key
            else (item.hash_key.cast_value,)
        ),
    )


def project(original: Callable[..., Any], item: Any, expressions: list[list[str]]) -> Any:
    """Return an item with only the named attributes; moto handles paths into maps and lists."""
    if any(len(path) > 1 or "[" in path[0] for path in expressions):
        return original(item, expressions)
    names = dict.fromkeys(path[0] for path in expressions)
    return item_of(item, {name: item.attrs[name] for name in names if name in item.attrs})


# -- Writing -------------------------------------------------------------------------------------
def put_item(original: Callable[..., Any], table: Any, *arguments: Any, **named: Any) -> Any:
    """Put an item into the table and its indexes, and return the item."""
    item = original(table, *arguments, **named)
    for _, index in INDEXES.get(table, {}).values():
        index.put(item)
    return item


def delete_item(original: Callable[..., Any], table: Any, *key: Any) -> Any:
    """Delete an item from the table and its indexes, and return the item (None if missing)."""
    if (item := original(table, *key)) is not None:
        for _, index in INDEXES.get(table, {}).values():
            index.remove(item)
    return item


def update_item(
    original: Callable[..., Any],
    backend: Any,
    table_name: str,
    key: dict[str, dict[str, Any]],
    *arguments: Any,
    **named: Any,
) -> Any:
    """Update an item and move it within the indexes; moto updates items in place."""
    try:
        return original(backend, table_name, key, *arguments, **named)
    finally:  # if the item becomes too large, moto raises but leaves it half updated
        table = backend.tables.get(table_name)
        if table is not None and (item := find_item(backend, table, key)) is not None:
            for _, index in INDEXES.get(table, {}).values():
                index.put(item)


def find_item(backend: Any, table: Any, key: dict[str, dict[str, Any]]) -> Any:
    """Return the stored item with this key; None if there is none or the key is invalid."""
    try:
        return table.get_item(*backend.get_keys_value(table, key))
    except MockValidationException:
        return None


def transact_write_items(
    original: Callable[..., Any], backend: Any, transact_items: list[dict[str, Any]]
) -> None:
    """Run a transaction on copies of the items that it names, then store the results.

    moto itself would copy each whole table, to be able to roll back.
    """
    trial = copy.copy(backend)
    trial.tables = OrderedDict()
    touched: list[tuple[Any, dict[str, Any]]] = []
    for write in transact_items:
        for request in write.values():
            table = backend.tables.get(request.get("TableName"))
            if table is None:
                continue  # moto raises the error
            if table.name not in trial.tables:
                trial.tables[table.name] = empty_copy(table)
            named = request.get("Key") or request.get("Item") or {}
            key = {name: named[name] for name in table.table_key_attrs if name in named}
            touched.append((table, key))
            if (item := find_item(backend, table, key)) is not None:
                store_item(trial.tables[table.name], copy.deepcopy(item))
    original(trial, transact_items)
    for table, key in touched:
        before, after = (
            find_item(backend, table, key),
            find_item(backend, trial.tables[table.name], key),
        )
        if after is None and before is not None:
            table.delete_item(before.hash_key, before.range_key)
        elif after is not None and (before is None or after != before):
            store_item(table, after)
            if table.stream_shard is not None:
                table.stream_shard.add(before, after)


def empty_copy(table: Any) -> Any:
    """Return a table with the same definition, without items and without a stream."""
    trial = copy.copy(table)
    trial.items = defaultdict(dict)
    trial.stream_shard = None
    return trial


def store_item(table: Any, item: Any) -> None:
    """Store an item in the table and its indexes."""
    if item.range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item
    for _, index in INDEXES.get(table, {}).values():
        index.put(item)


# -- Copying -------------------------------------------------------------------------------------
def item_of(item: Item, attributes: dict[str, Any]) -> Item:
    """Return an item with the keys of `item` and the given attributes, without validating them."""
    made: Any = Item.__new__(Item)
    made.hash_key, made.range_key = item.hash_key, item.range_key
    made.attrs = LimitedSizeDict(attributes)
    return made  # type: ignore[no-any-return]


def copy_item(item: Item, _memo: dict[int, Any]) -> Item:
    """Copy an item, without the type inspection that makes `copy.deepcopy` slow."""
    return item_of(item, {name: copied(value) for name, value in item.attrs.items()})


def copy_value(value: DynamoType, _memo: dict[int, Any]) -> Any:
    """Copy the value of an attribute."""
    return copied(value)


def copy_node(node: Any, _memo: dict[int, Any]) -> Any:
    """Copy the syntax tree of an update expression, which moto copies for every update."""
    made = object.__new__(type(node))
    made.type, made.parent = node.type, None
    made.children = copied(node.children)
    for child in made.children or ():
        if isinstance(child, Node):
            child.set_parent(made)
    return made


def copied(value: Any) -> Any:
    """Return a copy that shares nothing mutable with `value`."""
    if isinstance(value, Node):
        return copy_node(value, {})
    if isinstance(value, DynamoType):
        made = DynamoType.__new__(DynamoType)
        made.type, made.value = value.type, copied(value.value)
        return made
    if isinstance(value, list):
        return [copied(each) for each in value]
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return value  # immutable: text, bytes, a number or a Boolean


def regular_json(_original: Callable[..., Any], value: DynamoType) -> dict[str, Any]:
    """Return a value as JSON; moto would first copy everything below it, again at each level."""
    inner = value.value
    if isinstance(inner, dict):
        inner = {name: inner_json(each) for name, each in inner.items()}
    elif isinstance(inner, list):
        inner = [inner_json(each) for each in inner]
    if value.is_binary():
        inner = base64.b64decode(inner)
    return {value.type: inner}


def inner_json(value: Any) -> Any:
    """Return an element of a list, a map or a set as JSON."""
    return value.to_regular_json() if isinstance(value, DynamoType) else value
