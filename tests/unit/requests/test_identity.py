"""Visitors' ids and tokens."""

import re

from hypothesis import given
from hypothesis import strategies as st

from marquee.contracts import parse_visitor_key, visitor_key
from marquee.requests.identity import (
    form_digest,
    is_visitor_id,
    limit_entry,
    limit_salt_for,
    new_visitor_id,
    renewal_digest,
    token_for,
    token_matches,
    visitor_id_for,
)

SECRET = "a-test-secret"
ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


@given(st.text(min_size=8, max_size=128))
def test_the_visitor_id_of_a_key_is_a_ulid_and_always_the_same(key: str) -> None:
    assert ULID.fullmatch(visitor_id_for(key, SECRET))
    assert visitor_id_for(key, SECRET) == visitor_id_for(key, SECRET)


def test_new_ids_are_ulids_and_differ() -> None:
    ids = {new_visitor_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(ULID.fullmatch(visitor_id) for visitor_id in ids)


def test_a_token_opens_its_own_visitor_only() -> None:
    ada, bob = new_visitor_id(), new_visitor_id()
    assert token_matches(ada, token_for(ada, SECRET), SECRET)
    assert not token_matches(bob, token_for(ada, SECRET), SECRET)
    assert not token_matches(ada, token_for(ada, "another secret"), SECRET)


def test_each_generation_has_its_own_token_and_the_first_is_unchanged() -> None:
    ada = new_visitor_id()
    assert token_for(ada, SECRET, 1) == token_for(ada, SECRET)
    assert len({token_for(ada, SECRET, generation) for generation in range(1, 20)}) == 19
    assert token_matches(ada, token_for(ada, SECRET, 2), SECRET, 2)
    assert not token_matches(ada, token_for(ada, SECRET, 1), SECRET, 2)


def test_texts_that_are_not_ids_are_recognised() -> None:
    assert is_visitor_id(new_visitor_id())
    for text in ("", "a" * 25, "a" * 27, "A" * 26, "u" * 26, "0" * 25 + "\n"):
        assert not is_visitor_id(text)


def test_a_renewal_is_recognised_by_its_key_and_its_generation() -> None:
    digests = {
        renewal_digest(visitor_id, generation, key, SECRET)
        for visitor_id in ("a", "b")
        for generation in (2, 3)
        for key in ("one", "two")
    }
    assert len(digests) == 8


def test_a_token_outside_ascii_is_wrong_without_an_error() -> None:
    assert not token_matches(new_visitor_id(), "tökén", SECRET)


def test_two_forms_have_different_digests() -> None:
    assert form_digest("a", SECRET) != form_digest("b", SECRET)


def test_an_id_survives_its_object_key() -> None:
    visitor_id = new_visitor_id()
    key = visitor_key(visitor_id, 3, "2026-11-21T20:00:00.000Z")
    assert key.startswith("visitors/date=2026-11-21/")
    assert parse_visitor_key(key) == (visitor_id, 3)


@given(st.text(min_size=8, max_size=128))
def test_a_repeated_form_has_the_same_limit_salt(key: str) -> None:
    assert limit_salt_for(key, SECRET) == limit_salt_for(key, SECRET)
    assert limit_salt_for(key, SECRET) not in visitor_id_for(key, SECRET)


def test_without_a_key_limit_salts_are_random() -> None:
    assert len({limit_salt_for(None, SECRET) for _ in range(1000)}) == 1000


def test_the_entry_of_a_limit_depends_on_the_salt_and_on_what_is_counted() -> None:
    entries = [limit_entry(salt, what) for salt in ("a", "b") for what in ("1", "2")]
    assert len(set(entries)) == 4
    assert entries[0] == limit_entry("a", "1")
