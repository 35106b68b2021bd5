"""Our faster tables answer as unchanged moto does, in a time independent of the number of items.

Both run in the emulator's own Python, each as a process that answers one request a line.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws.installation import Installation, find_installation

PROGRAM = Path(__file__).with_name("moto_tables.py")
S, N = "S", "N"
VISITORS: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("visitor_id", "open_status", "status_at", "day")
    ],
    "KeySchema": [{"AttributeName": "visitor_id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "open",
            "KeySchema": [
                {"AttributeName": "open_status", "KeyType": "HASH"},
                {"AttributeName": "status_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["version"]},
        },
        {
            "IndexName": "days",
            "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
}
MOVIES: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "dataset", "AttributeType": "S"},
        {"AttributeName": "movie_id", "AttributeType": "N"},
        {"AttributeName": "year", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "dataset", "KeyType": "HASH"},
        {"AttributeName": "movie_id", "KeyType": "RANGE"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "years",
            "KeySchema": [
                {"AttributeName": "dataset", "KeyType": "HASH"},
                {"AttributeName": "year", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
TABLES = {"visitors": VISITORS, "movies": MOVIES}


class Moto:
    """One moto process.

    Attributes:
        conversions: how often the last request converted a value in order to compare it.
    """

    def __init__(self, *arguments: str) -> None:
        self.conversions = 0
        self.process = subprocess.Popen(
            [str(installed().emulator), str(PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """Return the answer to one request."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"operation": operation, "request": request}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any]
        answer, self.conversions = json.loads(self.process.stdout.readline())
        return answer

    def empty_tables(self) -> None:
        """Replace all tables by new, empty ones."""
        for name, definition in TABLES.items():
            self.ask("delete_table", TableName=name)
            made = self.ask("create_table", TableName=name, **definition)
            assert "error" not in made, made

    def end(self) -> None:
        """End the process."""
        self.process.communicate()


def installed() -> Installation:
    """Return the emulator that these tests use."""
    return find_installation("localemu")


@pytest.fixture(scope="module")
def plain() -> Iterator[Moto]:
    moto = Moto()
    yield moto
    moto.end()


@pytest.fixture(scope="module")
def fast() -> Iterator[Moto]:
    moto = Moto("fast")
    yield moto
    moto.end()


# -- Any requests --------------------------------------------------------------------------------
# Only a few values, so that requests often concern each other's items.
visitor_ids = st.sampled_from(["ada", "bob", "cy", "dee", "eve"])
statuses = st.sampled_from(["received", "submitted"])
times = st.sampled_from(["10:00", "10:30", "11:00", "11:30"])
numbers = st.integers(0, 12).map(str)
extras = st.fixed_dictionaries(
    {},
    optional={
        "version": numbers.map(lambda n: {"N": n}),
        "picks": st.lists(numbers.map(lambda n: {"N": n}), max_size=3).map(lambda v: {"L": v}),
        "ratings": st.dictionaries(numbers, numbers.map(lambda n: {"N": n}), max_size=3).map(
            lambda v: {"M": v}
        ),
        "dates": st.sets(times, min_size=1, max_size=1).map(lambda v: {"SS": sorted(v)}),
        "texts": st.booleans().map(lambda v: {"BOOL": v}),
    },
)
visitor_items = st.builds(
    lambda visitor, index, extra: {"visitor_id": {"S": visitor}} | index | extra,
    visitor_ids,
    st.fixed_dictionaries(
        {},
        optional={
            "open_status": statuses.map(lambda v: {"S": v}),
            "status_at": times.map(lambda v: {"S": v}),
            "day": times.map(lambda v: {"S": v}),
        },
    ),
    extras,
)
movie_items = st.builds(
    lambda dataset, movie, year, extra: (
        {"dataset": {"S": dataset}, "movie_id": {"N": movie}} | year | extra
    ),
    st.sampled_from(["films", "series"]),
    numbers,
    st.fixed_dictionaries({}, optional={"year": numbers.map(lambda v: {"N": v})}),
    extras,
)
visitor_keys = visitor_ids.map(lambda visitor: {"visitor_id": {"S": visitor}})
movie_keys = st.builds(
    lambda dataset, movie: {"dataset": {"S": dataset}, "movie_id": {"N": movie}},
    st.sampled_from(["films", "series"]),
    numbers,
)
updates = st.sampled_from(
    [
        {
            "UpdateExpression": "SET open_status = :status, status_at = :at REMOVE picks",
            "ExpressionAttributeValues": {":status": {"S": "submitted"}, ":at": {"S": "11:00"}},
        },
        {
            "UpdateExpression": "REMOVE open_status, #year",
            "ExpressionAttributeNames": {"#year": "year"},
        },
        {
            "UpdateExpression": "SET #year = :year ADD version :one",
            "ExpressionAttributeNames": {"#year": "year"},
            "ExpressionAttributeValues": {":year": {"N": "7"}, ":one": {"N": "1"}},
        },
        {
            "UpdateExpression": "SET open_status = :status",
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":status": {"S": "received"}, ":version": {"N": "1"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ]
)
whole_table = st.one_of(
    st.tuples(st.just("visitors"), visitor_items, visitor_keys),
    st.tuples(st.just("movies"), movie_items, movie_keys),
)
returned = st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
puts = whole_table.map(lambda t: ("put_item", {"TableName": t[0], "Item": t[1]}))
new_puts = whole_table.map(
    lambda t: (
        "put_item",
        {
            "TableName": t[0],
            "Item": t[1],
            "ConditionExpression": "attribute_not_exists(version)",
            "ReturnValues": "ALL_OLD",
        },
    )
)
changes = st.builds(
    lambda t, update, values: (
        "update_item",
        {"TableName": t[0], "Key": t[2], "ReturnValues": values} | update,
    ),
    whole_table,
    updates,
    returned,
)
deletes = whole_table.map(
    lambda t: ("delete_item", {"TableName": t[0], "Key": t[2], "ReturnValues": "ALL_OLD"})
)
gets = st.builds(
    lambda t, projection: ("get_item", {"TableName": t[0], "Key": t[2]} | projection),
    whole_table,
    st.sampled_from(
        [{}, {"ProjectionExpression": "version, picks"}, {"ProjectionExpression": "ratings.a"}]
    ),
)


def write_of(named: tuple[str, dict[str, Any], dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return one write of a transaction."""
    table, item, key = named
    if kind == "Put":
        return {"Put": {"TableName": table, "Item": item}}
    if kind == "Delete":
        return {"Delete": {"TableName": table, "Key": key}}
    value = {":version": {"N": "1"}}
    if kind == "Update":
        change = {"UpdateExpression": "SET version = :version", "ExpressionAttributeValues": value}
        return {"Update": {"TableName": table, "Key": key} | change}
    check = {"ConditionExpression": "version = :version", "ExpressionAttributeValues": value}
    return {"ConditionCheck": {"TableName": table, "Key": key} | check}


kinds = st.sampled_from(["Put", "Put", "Delete", "Update", "ConditionCheck"])
transactions = st.lists(st.builds(write_of, whole_table, kinds), min_size=1, max_size=4).map(
    lambda writes: ("transact_write_items", {"TransactItems": writes})
)
pages = st.fixed_dictionaries(
    {"ScanIndexForward": st.booleans()},
    optional={
        "Limit": st.integers(1, 4),
        "ProjectionExpression": st.sampled_from(["version", "version, ratings, dates"]),
        "FilterExpression": st.just("attribute_exists(version)"),
    },
)


def sort_conditions(name: str, kind: str, values: Any) -> Any:
    """Return a strategy for conditions on a sort key, with their values."""
    return st.builds(
        lambda text, low, high: (
            text.format(name),
            {value: {kind: given} for value, given in ((":a", low), (":b", high)) if value in text},
        ),
        st.sampled_from(
            ["", "{} = :a", "{} < :a", "{} <= :a", "{} > :a", "{} >= :a", "{} BETWEEN :a AND :b"]
            + (["begins_with({}, :a)"] if kind == S else [])
        ),
        values,
        values,
    )


def queries(table: str, index: str | None, key: str, values: Any, sorts: Any) -> Any:
    """Return a strategy for queries of one index."""

    def request(
        value: str, sort: tuple[str, dict[str, Any]], page: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        condition = f"{key} = :key" + (f" AND {sort[0]}" if sort[0] else "")
        return "query", {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":key": {"S": value}} | sort[1],
            **({"IndexName": index} if index else {}),
            **page,
        }

    return st.builds(request, values, sorts, pages)


no_sort: Any = st.just(("", {}))
datasets = st.sampled_from(["films", "series"])
any_query = st.one_of(
    queries("visitors", "open", "open_status", statuses, sort_conditions("status_at", S, times)),
    queries("visitors", "days", "day", times, no_sort),
    queries("visitors", None, "visitor_id", visitor_ids, no_sort),
    queries("movies", None, "dataset", datasets, sort_conditions("movie_id", N, numbers)),
    queries("movies", "years", "dataset", datasets, sort_conditions("#year", N, numbers)).map(
        lambda q: (
            q[0],
            q[1]
            | (
                {"ExpressionAttributeNames": {"#year": "year"}}
                if "#year" in q[1]["KeyConditionExpression"]
                else {}
            ),
        )
    ),
)
scans = st.builds(
    lambda table, limit: ("scan", {"TableName": table} | limit),
    st.sampled_from(sorted(TABLES)),
    st.sampled_from([{}, {"Limit": 2}]),
)
first_puts = st.lists(puts, min_size=8, max_size=12)
others = st.one_of(puts, new_puts, changes, deletes, gets, transactions, scans)
later = st.lists(st.one_of(others, others, any_query), min_size=8, max_size=24)
requests = st.builds(lambda first, then: first + then, first_puts, later)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=requests)
def test_any_requests_get_the_answers_of_moto(
    plain: Moto, fast: Moto, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    plain.empty_tables()
    fast.empty_tables()
    for operation, request in asked:
        ask_both(plain, fast, operation, request)


def ask_both(plain: Moto, fast: Moto, operation: str, request: dict[str, Any]) -> None:
    """Check that both give the same answer, on every page."""
    expected = plain.ask(operation, **request)
    assert comparable(fast.ask(operation, **request)) == comparable(expected), (operation, request)
    if last := expected.get("LastEvaluatedKey"):
        ask_both(plain, fast, operation, request | {"ExclusiveStartKey": last})


def comparable(answer: Any) -> Any:
    """Return the answer with its sets sorted, because their order is undefined."""
    if isinstance(answer, dict):
        return {
            name: sorted(value) if name in ("SS", "NS") else comparable(value)
            for name, value in answer.items()
        }
    return [comparable(each) for each in answer] if isinstance(answer, list) else answer


# -- The cost of an answer -----------------------------------------------------------------------
def fill(moto: Moto, count: int) -> None:
    """Store `count` open visitors (a multiple of 25), each a minute after the one before."""
    for number in range(0, count, 25):
        puts = [{"PutRequest": {"Item": open_visitor(each)}} for each in range(number, number + 25)]
        moto.ask("batch_write_item", RequestItems={"visitors": puts})


def open_visitor(number: int, **more: Any) -> dict[str, Any]:
    """Return the item of a visitor whose request is still open."""
    return {
        "visitor_id": {"S": f"visitor-{number:05}"},
        "open_status": {"S": "received"},
        "status_at": {"S": f"2026-11-28T{number // 60:02}:{number % 60:02}"},
        "version": {"N": "1"},
    } | more


def first_page(moto: Moto, limit: int, **more: Any) -> dict[str, Any]:
    """Query the oldest open visitors, up to `limit`."""
    return moto.ask(
        "query",
        TableName="visitors",
        IndexName="open",
        KeyConditionExpression="open_status = :status AND status_at < :before",
        ExpressionAttributeValues={":status": {"S": "received"}, ":before": {"S": "2026-11-29"}},
        Limit=limit,
        **more,
    )


def test_a_page_of_an_index_costs_the_same_for_any_size_of_table(fast: Moto) -> None:
    fast.empty_tables()
    fill(fast, 50)
    first_page(fast, 10)  # builds the index
    page = first_page(fast, 10)
    few = fast.conversions
    fill(fast, 1000)

    again = first_page(fast, 10, ExclusiveStartKey=page["LastEvaluatedKey"])

    assert [item["visitor_id"]["S"] for item in again["Items"]] == [
        f"visitor-{number:05}" for number in range(10, 20)
    ]
    # The start key is converted as well: once for each attribute that orders the index.
    assert fast.conversions <= few + 3


def test_only_attributes_in_the_index_count_towards_the_size_of_a_page(fast: Moto) -> None:
    """As on AWS, a page's size counts the attributes projected into the index, not whole items."""
    fast.empty_tables()
    for number in range(5):
        fast.ask(
            "put_item",
            TableName="visitors",
            Item=open_visitor(number, picks={"S": "x" * 300_000}),
        )

    page = first_page(fast, 10)

    assert len(page["Items"]) == 5
    assert "LastEvaluatedKey" not in page


def test_a_start_key_that_ended_no_page_is_rejected(fast: Moto) -> None:
    fast.empty_tables()
    fill(fast, 25)

    answer = first_page(fast, 10, ExclusiveStartKey={"visitor_id": {"S": "visitor-00001"}})

    assert answer["error"]["Message"] == "The provided starting key is invalid"


def test_a_failed_transaction_writes_nothing(fast: Moto) -> None:
    fast.empty_tables()
    fill(fast, 25)
    first_page(fast, 10)
    check = {
        "TableName": "visitors",
        "Key": {"visitor_id": {"S": "visitor-00001"}},
        "ConditionExpression": "attribute_not_exists(visitor_id)",
    }
    submitted = open_visitor(0, open_status={"S": "submitted"})

    answer = fast.ask(
        "transact_write_items",
        TransactItems=[
            {"Put": {"TableName": "visitors", "Item": submitted}},
            {"ConditionCheck": check},
        ],
    )

    assert answer["error"]["Code"] == "TransactionCanceledException"
    assert first_page(fast, 1)["Items"][0]["visitor_id"] == {"S": "visitor-00000"}
