"""What a token opens, and that a call which replaces it can be repeated."""

import pytest

from marquee.requests.identity import token_for
from marquee.requests.revise import TokenReplacedError
from marquee.requests.tokens import NoSuchVisitorError, Tokens
from tests.unit.memory import Gate, MemoryVisitors, registration

SECRET = "a-test-secret-of-thirty-two-chars"
KEY = "first-try"
ADA, GRACE = registration(1), registration(2)


@pytest.fixture
def visitors() -> MemoryVisitors:
    stored = MemoryVisitors(Gate())
    for each in (ADA, GRACE):
        stored.create(each)
    return stored


@pytest.fixture
def tokens(visitors: MemoryVisitors) -> Tokens:
    return Tokens(visitors, SECRET)


def test_a_token_opens_its_own_page_only(tokens: Tokens) -> None:
    token = token_for(ADA.visitor_id, SECRET)
    assert tokens.page(ADA.visitor_id, token).progress.visitor_id == ADA.visitor_id
    with pytest.raises(NoSuchVisitorError):
        tokens.page(GRACE.visitor_id, token)


@pytest.mark.parametrize("visitor_id", ["", "not an id", f"{9:026d}"])
def test_an_unknown_visitor_looks_like_a_wrong_token(tokens: Tokens, visitor_id: str) -> None:
    with pytest.raises(NoSuchVisitorError):
        tokens.page(visitor_id, token_for(visitor_id, SECRET))
    with pytest.raises(NoSuchVisitorError):
        tokens.page(ADA.visitor_id, None)


def test_a_former_token_opens_nothing(tokens: Tokens) -> None:
    former = token_for(ADA.visitor_id, SECRET)
    renewed = tokens.renew(tokens.page(ADA.visitor_id, former), former, key=None)
    assert tokens.page(ADA.visitor_id, tokens.current(renewed)).progress == renewed
    with pytest.raises(NoSuchVisitorError):
        tokens.page(ADA.visitor_id, former)


def test_a_renewal_whose_answer_was_lost_is_repeated_with_its_key(tokens: Tokens) -> None:
    former = token_for(ADA.visitor_id, SECRET)
    page = tokens.page(ADA.visitor_id, former)
    renewed = tokens.renew(page, former, KEY)
    assert tokens.renew(page, former, KEY) == renewed  # the client's own second try
    repeated = tokens.repeated_renewal(ADA.visitor_id, former, KEY)
    assert repeated is not None
    assert repeated.progress == renewed


@pytest.mark.parametrize("key", [None, "another-key"])
def test_the_former_token_alone_does_not_repeat_a_renewal(tokens: Tokens, key: str | None) -> None:
    former = token_for(ADA.visitor_id, SECRET)
    page = tokens.page(ADA.visitor_id, former)
    tokens.renew(page, former, KEY)
    assert tokens.repeated_renewal(ADA.visitor_id, former, key) is None
    with pytest.raises(TokenReplacedError):
        tokens.renew(page, former, key)


def test_the_key_alone_does_not_repeat_a_renewal(tokens: Tokens) -> None:
    former = token_for(ADA.visitor_id, SECRET)
    tokens.renew(tokens.page(ADA.visitor_id, former), former, KEY)
    for token in (None, token_for(GRACE.visitor_id, SECRET)):
        assert tokens.repeated_renewal(ADA.visitor_id, token, KEY) is None
