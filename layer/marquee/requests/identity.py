"""Derive ids, tokens and other keyed hashes."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import time

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_TOKEN_BYTES = 16
VISITOR_ID_CHARACTERS = 26
TOKEN_CHARACTERS = 22  # of base64, for 16 bytes
LIST_ID_CHARACTERS = 26
_VISITOR_ID = re.compile(f"[{_CROCKFORD}]{{{VISITOR_ID_CHARACTERS}}}")


def new_visitor_id() -> str:
    """Return a lower-case ULID: 48 bits of milliseconds, 80 random bits (github.com/ulid/spec)."""
    return _ulid((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10))


def visitor_id_for(idempotency_key: str, secret: str) -> str:
    """Return the visitor id that belongs to an Idempotency-Key.

    The id depends only on the key and the secret. A form that is posted again after a crash
    therefore finds the visitor of the first try and creates no second one. Knowing or guessing a
    key is useless without the form: the API answers only if the form is the same (`form_digest`).
    """
    return _ulid(_digest(secret, f"idempotency:{idempotency_key}")[:16])


def is_visitor_id(text: str) -> bool:
    """Return whether the text has the format of a visitor id."""
    return _VISITOR_ID.fullmatch(text) is not None


def token_for(visitor_id: str, secret: str, generation: int = 1) -> str:
    """Return the visitor's token: 128 bits of HMAC-SHA256 as 22 URL-safe characters.

    Each generation has a different token. The visitor's item holds the current generation.
    """
    message = f"visitor:{visitor_id}" if generation == 1 else f"visitor:{visitor_id}:{generation}"
    digest = _digest(secret, message)[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_matches(visitor_id: str, token: str, secret: str, generation: int = 1) -> bool:
    """Return whether the token is the visitor's, comparing in constant time.

    Text that is not valid UTF-8 matches no token.
    """
    return hmac.compare_digest(token_for(visitor_id, secret, generation).encode(), _octets(token))


def list_id_for(idempotency_key: str | None, secret: str) -> str:
    """Return the id of a new shared list: 128 bits that nobody can guess, without a time.

    With an Idempotency-Key the id depends only on the key and the secret, so that a form that is
    posted again makes no second list. Without a key it is random.
    """
    if idempotency_key is None:
        return _ulid(os.urandom(16))
    return _ulid(_digest(secret, f"list of key:{idempotency_key}")[:16])


def is_list_id(text: str) -> bool:
    """Return whether the text has the format of a list id, which is that of a visitor id."""
    return is_visitor_id(text)


def owner_secret_for(list_id: str, secret: str) -> str:
    """Return the secret with which a list can be taken back: 22 URL-safe characters.

    It is derived from the id, so nothing of it is stored. Only the answer to the form has it.
    """
    digest = _digest(secret, f"owner of list:{list_id}")[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def owner_secret_matches(list_id: str, owner_secret: str, secret: str) -> bool:
    """Return whether the secret is that of the list's owner, comparing in constant time."""
    expected = owner_secret_for(list_id, secret)
    return hmac.compare_digest(expected.encode(), _octets(owner_secret))


def renewal_digest(visitor_id: str, generation: int, idempotency_key: str, secret: str) -> str:
    """Return a digest that identifies the call that made this generation of the token.

    A caller who lost the response still has the former token and the Idempotency-Key, and gets
    the response again. The former token alone is not enough, because others may have it.
    """
    return _digest(secret, f"renewal:{visitor_id}:{generation}:{idempotency_key}").hex()


def phone_mark(phone: str, secret: str) -> str:
    """Return the mark that stands for a phone number (E.164) where the number must not appear.

    It is an HMAC, because a phone number can be guessed from an unkeyed hash.
    """
    return _digest(secret, f"phone:{phone}").hex()


def network_mark(network: str, window: str, secret: str) -> str:
    """Return the mark that stands for a client's network in the limits of one window of time.

    Each window has its own key, so that marks of different windows cannot be linked.
    """
    return hmac.new(
        _digest(secret, f"network:{window}"), network.encode(), hashlib.sha256
    ).hexdigest()


def limit_salt_for(idempotency_key: str | None, secret: str) -> str:
    """Return a new visitor's limit salt: 32 hexadecimal digits that only the visitor's item holds.

    With an Idempotency-Key the salt depends only on the key and the secret, so that a form that is
    posted again counts only once against each limit. Without a key it is random.
    """
    if idempotency_key is None:
        return secrets.token_hex(16)
    return _digest(secret, f"limit salt:{idempotency_key}")[:16].hex()


def limit_entry(salt: str, what: str) -> str:
    """Return the entry that a limit's record holds in place of a visitor's id.

    A limit's record outlives the visitor. Once the visitor's item is deleted, and the salt with
    it, nothing connects the record with the visitor's id.

    Args:
        salt: the visitor's `limit_salt`.
        what: the thing that is counted, such as the version.

    Returns:
        32 hexadecimal digits of HMAC-SHA256.
    """
    return _digest(salt, what)[:16].hex()


def form_digest(form: str, secret: str) -> str:
    """Return the digest of a form (its JSON), by which a repeated form is recognised.

    One Idempotency-Key can thus stand for one form only. The digest is an HMAC, because a phone
    number can be guessed from an unkeyed hash.
    """
    return _digest(secret, f"form:{form}").hex()


def challenge_keys(secret: str) -> tuple[str, str]:
    """Return the key that signs a challenge and the key that signs its solution.

    Both are derived from the tokens' secret. Each has one purpose, so that a signature of one kind
    is not valid as another kind.
    """
    return _digest(secret, "challenge:parameters").hex(), _digest(secret, "challenge:key").hex()


def _digest(secret: str, message: str) -> bytes:
    return hmac.new(secret.encode(), _octets(message), hashlib.sha256).digest()


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _ulid(octets: bytes) -> str:
    number = int.from_bytes(octets)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
