"""Visitors' ids and tokens."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import time

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_TOKEN_BYTES = 16
_VISITOR_ID = re.compile(f"[{_CROCKFORD}]{{26}}")


def new_visitor_id() -> str:
    """Make a lower-case ULID: 48 bits of milliseconds, 80 random bits (github.com/ulid/spec)."""
    return _ulid((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10))


def visitor_id_for(idempotency_key: str, secret: str) -> str:
    """Give the visitor id that belongs to an Idempotency-Key.

    The id depends on the key alone, so that a form posted again after a crash finds the visitor
    that the first try made instead of making a second one. Knowing or guessing a key gives nothing:
    what is answered to it needs the same form, too (`form_digest`).
    """
    return _ulid(_digest(secret, f"idempotency:{idempotency_key}")[:16])


def is_visitor_id(text: str) -> bool:
    """Whether the text is written as a visitor's id, so that it can be looked up."""
    return _VISITOR_ID.fullmatch(text) is not None


def token_for(visitor_id: str, secret: str, generation: int = 1) -> str:
    """Give the visitor's token: 128 bits of HMAC-SHA256, URL-safe, 22 characters.

    Each generation has another token; the visitor's item holds the number of the current one.
    """
    message = f"visitor:{visitor_id}" if generation == 1 else f"visitor:{visitor_id}:{generation}"
    digest = _digest(secret, message)[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_matches(visitor_id: str, token: str, secret: str, generation: int = 1) -> bool:
    """Compare in constant time; whatever is no UTF-8 matches nothing."""
    return hmac.compare_digest(token_for(visitor_id, secret, generation).encode(), _octets(token))


def renewal_digest(visitor_id: str, generation: int, idempotency_key: str, secret: str) -> str:
    """Give what recognises the call that made this generation of the visitor's token.

    A caller whose answer got lost holds the former token and this key, and is answered again. The
    former token alone, which others may hold, is not enough.
    """
    return _digest(secret, f"renewal:{visitor_id}:{generation}:{idempotency_key}").hex()


def phone_mark(phone: str, secret: str) -> str:
    """Give what stands for a phone number (E.164) where the number itself must not be.

    Keyed, since an unkeyed hash of a phone number can be guessed.
    """
    return _digest(secret, f"phone:{phone}").hex()


def network_mark(network: str, window: str, secret: str) -> str:
    """Give what stands for a client's network in the limits of one window of time.

    The key is made for the window, so that the marks of two windows have nothing in common.
    """
    return hmac.new(
        _digest(secret, f"network:{window}"), network.encode(), hashlib.sha256
    ).hexdigest()


def limit_salt_for(idempotency_key: str | None, secret: str) -> str:
    """Give a new visitor's limit salt: 32 hexadecimal digits that only the visitor's item holds.

    With an Idempotency-Key the salt depends on the key alone, so that a form posted again counts
    once against each limit. Without one it is random.
    """
    if idempotency_key is None:
        return secrets.token_hex(16)
    return _digest(secret, f"limit salt:{idempotency_key}")[:16].hex()


def limit_entry(salt: str, what: str) -> str:
    """Give what a limit counts in place of a visitor's id.

    A limit's record outlives the visitor. Once the visitor's item, and the salt with it, is
    deleted, nothing connects the record to the visitor's id any more.

    Args:
        salt: the visitor's `limit_salt`.
        what: what is counted, such as the version.

    Returns:
        32 hexadecimal digits of HMAC-SHA256.
    """
    return _digest(salt, what)[:16].hex()


def form_digest(form: str, secret: str) -> str:
    """Fingerprint a form (its JSON), so that one Idempotency-Key stands for one form only.

    Keyed: an unkeyed hash of a phone number can be guessed.
    """
    return _digest(secret, f"form:{form}").hex()


def challenge_keys(secret: str) -> tuple[str, str]:
    """Give the keys that sign a challenge and its solution.

    Derived from the tokens' secret, each for one purpose: no signature of one kind passes for
    another.
    """
    return _digest(secret, "challenge:parameters").hex(), _digest(secret, "challenge:key").hex()


def _digest(secret: str, message: str) -> bytes:
    return hmac.new(secret.encode(), _octets(message), hashlib.sha256).digest()


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _ulid(octets: bytes) -> str:
    number = int.from_bytes(octets)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
