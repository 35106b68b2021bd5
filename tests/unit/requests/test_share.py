"""A list is published once, shown until it expires or is taken back, and not published again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marquee.requests.identity import is_list_id, list_id_for, owner_secret_for
from marquee.requests.register import OtherFormError
from marquee.requests.share import NoSuchListError, Sharer, TakenBackError
from marquee.requests.shared_list import ListedMovie, SharedList
from tests.unit.memory import MemoryLists

SECRET = "a-test-secret-of-thirty-two-chars"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HEAT = ListedMovie(1, "Heat", 1995, ("Crime",), ("Ronin",))
LIST = SharedList(
    list_id=list_id_for("a-key-of-the-page", SECRET),
    dataset="embedded",
    movies=(HEAT,),
    expires_at=round((NOW + timedelta(days=90)).timestamp()),
    first_name="Ada",
    form_digest="a digest",
)


@pytest.fixture
def sharer() -> Sharer:
    return Sharer(MemoryLists(), SECRET)


def test_a_shared_list_can_be_opened_until_it_expires(sharer: Sharer) -> None:
    assert sharer.share(LIST) == LIST
    assert sharer.open(LIST.list_id, NOW + timedelta(days=89)) == LIST
    with pytest.raises(NoSuchListError):
        sharer.open(LIST.list_id, NOW + timedelta(days=90))


@pytest.mark.parametrize("unknown", ["", "0" * 26, "../x", "é" * 26])
def test_an_unknown_list_cannot_be_opened(sharer: Sharer, unknown: str) -> None:
    with pytest.raises(NoSuchListError):
        sharer.open(unknown, NOW)


def test_a_form_sent_again_returns_the_first_list(sharer: Sharer) -> None:
    sharer.share(LIST)
    again = replace(LIST, expires_at=LIST.expires_at + 1000)
    assert sharer.share(again) == LIST


def test_another_form_under_the_same_key_is_refused(sharer: Sharer) -> None:
    sharer.share(LIST)
    with pytest.raises(OtherFormError):
        sharer.share(replace(LIST, form_digest="another digest"))


def test_the_owner_takes_the_list_back(sharer: Sharer) -> None:
    sharer.share(LIST)
    sharer.take_back(LIST.list_id, sharer.owner_secret(LIST.list_id))
    with pytest.raises(TakenBackError):
        sharer.open(LIST.list_id, NOW)
    sharer.take_back(LIST.list_id, sharer.owner_secret(LIST.list_id))


def test_a_form_sent_again_late_does_not_publish_a_list_that_was_taken_back(
    sharer: Sharer,
) -> None:
    sharer.share(LIST)
    sharer.take_back(LIST.list_id, sharer.owner_secret(LIST.list_id))
    with pytest.raises(TakenBackError):
        sharer.share(LIST)
    stored = sharer.lists.get(LIST.list_id)
    assert stored is not None
    assert (stored.movies, stored.first_name, stored.form_digest) == ((), None, None)


@pytest.mark.parametrize(
    "wrong", [None, "", "x" * 22, owner_secret_for("0" * 26, SECRET), "\ud800"]
)
def test_nobody_else_takes_the_list_back(sharer: Sharer, wrong: str | None) -> None:
    sharer.share(LIST)
    with pytest.raises(NoSuchListError):
        sharer.take_back(LIST.list_id, wrong)
    assert sharer.open(LIST.list_id, NOW) == LIST


def test_a_list_that_was_never_shared_cannot_be_taken_back(sharer: Sharer) -> None:
    with pytest.raises(NoSuchListError):
        sharer.take_back(LIST.list_id, sharer.owner_secret(LIST.list_id))


def test_the_id_depends_on_the_key_and_is_random_without_one() -> None:
    assert is_list_id(LIST.list_id)
    assert list_id_for("a-key-of-the-page", SECRET) == LIST.list_id
    assert list_id_for("a-key-of-the-page", "another secret") != LIST.list_id
    random = {list_id_for(None, SECRET) for _ in range(100)}
    assert len(random) == 100
    assert all(is_list_id(each) for each in random)


def test_a_list_in_a_log_does_not_show_the_first_name() -> None:
    assert "Ada" not in repr(LIST)
