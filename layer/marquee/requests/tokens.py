"""The visitor's token: what it opens, and how it is replaced.

A caller cannot distinguish a missing visitor from a wrong token: both raise NoSuchVisitorError.
"""

from dataclasses import dataclass, replace

from marquee.requests.identity import is_visitor_id, renewal_digest, token_for, token_matches
from marquee.requests.ports import Visitors
from marquee.requests.revise import TokenReplacedError
from marquee.requests.visitor import Page, Progress


class NoSuchVisitorError(LookupError):
    """There is no such visitor, or the token is not theirs."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Checks and replaces visitors' tokens.

    Attributes:
        secret: the secret from which tokens are derived.
    """

    visitors: Visitors
    secret: str

    def current(self, progress: Progress) -> str:
        """Return the visitor's token of the current generation."""
        return token_for(progress.visitor_id, self.secret, progress.token_generation)

    def page(self, visitor_id: str, token: str | None) -> Page:
        """Return the page that the token opens; raises NoSuchVisitorError."""
        page = self.visitors.page(checked_id(visitor_id))
        self.check(visitor_id, token, page.progress.token_generation if page else None)
        if page is None:
            raise NoSuchVisitorError(visitor_id)
        return page

    def check(self, visitor_id: str, token: str | None, generation: int | None) -> None:
        """Raise NoSuchVisitorError unless the token is the visitor's of this generation.

        Args:
            visitor_id: the visitor's id.
            token: the call's token; None if it has none.
            generation: the stored token generation; None if there is no such visitor.
        """
        matches = token is not None and token_matches(
            visitor_id, token, self.secret, generation or 1
        )
        if not matches or generation is None:
            raise NoSuchVisitorError(visitor_id)

    def renewal(self, before: Progress, key: str | None) -> str | None:
        """Return the digest that identifies a call which replaces the token of `before`.

        A repeated call with the same Idempotency-Key has the same digest. Without a key the result
        is None, and a repeated call is not recognised.
        """
        if key is None:
            return None
        return renewal_digest(before.visitor_id, before.token_generation + 1, key, self.secret)

    def repeated_renewal(self, visitor_id: str, token: str | None, key: str | None) -> Page | None:
        """Return the page if an earlier try replaced the token and its answer was lost.

        The call must have the same Idempotency-Key and the former token. Otherwise the result is
        None.
        """
        page = self.visitors.page(checked_id(visitor_id)) if key else None
        if page is None or page.progress.token_generation == 1:
            return None
        former = replace(page.progress, token_generation=page.progress.token_generation - 1)
        if page.renewal is None or page.renewal != self.renewal(former, key):
            return None
        generation = former.token_generation
        if token is None or not token_matches(visitor_id, token, self.secret, generation):
            return None
        return page

    def renew(self, page: Page, token: str | None, key: str | None) -> Progress:
        """Replace the visitor's token and return the visitor.

        Args:
            page: the visitor, opened with `token`.
            token: the call's token.
            key: the call's Idempotency-Key, if it has one.

        Raises:
            TokenReplacedError: if another call replaced the token first.
        """
        before = page.progress
        if self.visitors.renew_token(before, self.renewal(before, key)):
            return replace(before, token_generation=before.token_generation + 1)
        # The DynamoDB client retries, so the renewal that won may be this call's own first try.
        repeated = self.repeated_renewal(before.visitor_id, token, key)
        if repeated is None:
            raise TokenReplacedError(before.visitor_id)
        return repeated.progress


def checked_id(visitor_id: str) -> str:
    """Return the id if its format is that of a visitor id; otherwise raise NoSuchVisitorError."""
    if not is_visitor_id(visitor_id):
        raise NoSuchVisitorError(visitor_id)
    return visitor_id
