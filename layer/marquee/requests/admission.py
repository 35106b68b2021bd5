"""Decide whether a call may change anything: count it against limits, and take its proof of work.

The number of texts that a phone has received is checked later, in `requests.send_text`: no answer
may reveal anything about a phone number that a visitor merely typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from marquee.requests.identity import limit_entry, network_mark
from marquee.requests.limits import Limit, LimitedAction, NetworkLimits
from marquee.requests.networks import network_of
from marquee.requests.visitor import Change, Page


class Proofs(Protocol):
    """Takes proofs of work."""

    def take(self, proof: str | None, what: str) -> None:
        """Accept a valid proof for `what`, once; raises if it is missing, wrong or used."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits calls.

    Every method counts the call against its limits and raises TooOftenError if one is reached.

    Attributes:
        changes: limits the changes of one visitor.
        networks: limits the calls of one network. The address itself is not stored: a mark stands
            for it, which changes every hour.
        secret: the secret from which the marks are derived.
    """

    changes: Limit
    networks: NetworkLimits
    proofs: Proofs
    secret: str

    def admit_form(
        self, address: str, limit_salt: str, proof: str | None, now: datetime, *, has_phone: bool
    ) -> None:
        """Admit a new visitor's form; a form with a phone needs a proof.

        Args:
            address: the client's IP address.
            limit_salt: the salt of the visitor's entries in limits.
            proof: the form's proof of work.
            now: the time of the call.
            has_phone: whether the form has a phone.
        """
        if has_phone:
            self.proofs.take(proof, limit_entry(limit_salt, "1"))
        counted = [
            LimitedAction.NETWORK_FORMS,
            *([LimitedAction.NETWORK_PHONES] if has_phone else []),
        ]
        self._count_network(address, counted, now)

    def admit_change(
        self, address: str, page: Page, change: Change, proof: str | None, now: datetime
    ) -> None:
        """Admit a change of a visitor's request; one that asks for a text needs a proof."""
        version = f"{page.progress.version + 1}"
        counted = [
            LimitedAction.NETWORK_CHANGES,
            *([LimitedAction.NETWORK_PHONES] if change.phone else []),
        ]
        self._count_network(address, counted, now)
        self._count_change(page, version, now)
        if change.text and (change.phone or page.phone_mark):
            self.proofs.take(proof, limit_entry(page.limit_salt, version))

    def admit_renewal(self, address: str, page: Page, now: datetime) -> None:
        """Admit the replacement of a visitor's token."""
        self._count_network(address, [LimitedAction.NETWORK_CHANGES], now)
        self._count_change(page, f"token {page.progress.token_generation + 1}", now)

    def admit_list(self, address: str, now: datetime) -> None:
        """Admit a new shared list."""
        self._count_network(address, [LimitedAction.NETWORK_LISTS], now)

    def _count_network(self, address: str, counted: Sequence[LimitedAction], now: datetime) -> None:
        mark = network_mark(network_of(address), self.networks.window_at(now), self.secret)
        self.networks.take(mark, counted, now)

    def _count_change(self, page: Page, what: str, now: datetime) -> None:
        """Count a change against the visitor's own limit; the record does not name the visitor."""
        salt = page.limit_salt
        self.changes.take(limit_entry(salt, "changes"), limit_entry(salt, what), now)
