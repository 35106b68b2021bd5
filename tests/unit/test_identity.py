"""Visitors' ids and tokens."""

import re

from hypothesis import given
from hypothesis import strategies as st

from marquee.contracts import parse_visitor_key, visitor_key
from marquee.identity import (
    form_digest,
    new_visitor_id,
    token_for,
    token_matches,
    visitor_id_for,
)

SECRET = "a-test-secret"
ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


@given(st.text(min_size=8, max_size=128))
def test_a_keys_visitor_id_is_a_ulid_and_always_the_same(key: str) -> None:
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


def test_a_token_outside_ascii_is_wrong_and_no_error() -> None:
    assert not token_matches(new_visitor_id(), "tökén", SECRET)


def test_two_forms_have_two_digests() -> None:
    assert form_digest("a", SECRET) != form_digest("b", SECRET)


def test_an_id_survives_its_object_key() -> None:
    visitor_id = new_visitor_id()
    key = visitor_key(visitor_id, 3, "2026-11-21T20:00:00.000Z")
    assert key.startswith("visitors/date=2026-11-21/")
    assert parse_visitor_key(key) == (visitor_id, 3)
