"""The lists table keeps a list whole until it is taken back, then only its id and expiry."""

import boto3
import pytest

from marquee.aws.lists_table import SharedListsTable
from marquee.recommender.model import SeriesPart
from marquee.requests.shared_list import ListedMovie, SharedList
from tests.unit.aws import Aws

LIST = SharedList(
    list_id="0" * 25 + "1",
    dataset="embedded",
    movies=(
        ListedMovie(1, "Heat", 1995, ("Action", "Crime"), ("Ronin", "Alien")),
        ListedMovie(2, "Undated", None, ()),
        ListedMovie(3, "Aliens", 1986, ("Action",), part=SeriesPart("Alien", 2)),
    ),
    expires_at=2_000_000_000,
    first_name="Ada",
    form_digest="a digest",
)


@pytest.fixture
def table(aws: Aws) -> SharedListsTable:
    return SharedListsTable(boto3.resource("dynamodb"), aws.environment["LISTS_TABLE"])


def test_a_list_is_read_as_it_was_written(table: SharedListsTable) -> None:
    assert table.create(LIST)
    assert table.get(LIST.list_id) == LIST


def test_a_list_without_name_and_digest_is_read_as_it_was_written(table: SharedListsTable) -> None:
    plain = SharedList("0" * 26, "embedded", LIST.movies, 2_000_000_000)
    assert table.create(plain)
    assert table.get(plain.list_id) == plain


def test_an_id_is_used_once(table: SharedListsTable) -> None:
    assert table.create(LIST)
    assert not table.create(LIST)
    assert table.take_back(LIST.list_id)
    assert not table.create(LIST)


def test_a_list_taken_back_keeps_its_id_and_its_expiry_only(
    aws: Aws, table: SharedListsTable
) -> None:
    table.create(LIST)
    assert table.take_back(LIST.list_id)
    assert table.take_back(LIST.list_id)
    (item,) = aws.table("LISTS_TABLE").scan()["Items"]
    assert item == {"list_id": LIST.list_id, "expires_at": 2_000_000_000, "taken_back": True}
    stored = table.get(LIST.list_id)
    assert stored is not None
    assert stored.is_taken_back


def test_an_unknown_list_is_none_and_cannot_be_taken_back(table: SharedListsTable) -> None:
    assert table.get("0" * 26) is None
    assert not table.take_back("0" * 26)
