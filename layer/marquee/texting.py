"""From picks to one text, never two.

SNS has no idempotency key, so the text is claimed by a conditional write before it is sent. A
claim without an end means that nobody knows whether the text went out: the request then fails
with that reason and an alarm, and no second text is sent by itself.

All texts of a UTC day together have a limit. Only the holder of a claim counts its text, and notes
in the visitor's item that it did where the text has to be tried again: so a text counts once
however often its message is delivered. Where nobody can say whether it was counted, it is counted
again: the limit is never exceeded, a place may be lost. A text over the limit is not sent later:
the request fails with NO_MORE_TODAY, and the picks stay on the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.contracts import TextMessage, parse_timestamp
from marquee.limits import Cap, TooOftenError
from marquee.ports import (
    Sms,
    TextNotSentError,
    TextRejectedError,
    TextUnknownError,
    Titles,
    Visitors,
)
from marquee.text import compose
from marquee.visitor import Progress, Recipient, Status

DELIVERY_UNKNOWN = "delivery unknown: the text may or may not have been sent"
# A fixed word of the API (docs/contracts.md): the page says more by it.
NO_MORE_TODAY = "no more texts are sent today"


class TextOutcome(StrEnum):
    TEXTED = "texted"
    REJECTED = "rejected"
    DELIVERY_UNKNOWN = "delivery unknown"
    OVER_THE_CAP = "over the cap"
    NOTHING_TO_DO = "nothing to do"


class NotYetError(RuntimeError):
    """The message must come again later: its visitor is not ready, or is being texted now."""


@dataclass(frozen=True, slots=True)
class Texter:
    """`link` makes the visitor's way back; a claim is given up on after `claim_lease`.

    `link` takes a visitor's id and token generation. `cap` limits the texts of a day to all phones
    together.
    """

    visitors: Visitors
    titles: Titles
    sms: Sms
    link: Callable[[str, int], str]
    claim_lease: timedelta
    cap: Cap

    def text(self, message: TextMessage) -> TextOutcome:
        recipient = self.visitors.recipient(message.visitor_id)
        if recipient is None:  # forgotten since
            return TextOutcome.NOTHING_TO_DO
        progress = recipient.progress
        ended = progress.status in (Status.TEXTED, Status.FAILED)
        if progress.version > message.version or ended or not progress.texts:
            return TextOutcome.NOTHING_TO_DO
        if progress.version < message.version or progress.status is not Status.RECOMMENDED:
            raise NotYetError(f"visitor {message.visitor_id} is still {progress.status}")
        if progress.text_claimed_at is not None:
            return self.give_up_claim(progress)
        return self._claim_and_send(recipient)

    def give_up_claim(self, progress: Progress) -> TextOutcome:
        """Settle a text that was claimed and never finished."""
        claimed_at = parse_timestamp(progress.text_claimed_at or progress.status_at)
        if datetime.now(UTC) - claimed_at < self.claim_lease:
            raise NotYetError(f"visitor {progress.visitor_id} is being texted right now")
        self._fail(progress, DELIVERY_UNKNOWN)
        return TextOutcome.DELIVERY_UNKNOWN

    def _claim_and_send(self, recipient: Recipient) -> TextOutcome:
        progress = recipient.progress
        visitor_id, version = progress.visitor_id, progress.version
        body = self._compose(recipient)  # before the claim: whatever fails here can be repeated
        if not self.visitors.claim_text(visitor_id, version):
            raise NotYetError(f"visitor {visitor_id} is being texted right now")
        counted_in = self._count(progress)
        if counted_in is None:
            self._fail(progress, NO_MORE_TODAY)
            return TextOutcome.OVER_THE_CAP
        try:
            self.sms.publish(recipient.phone, body)
        except TextNotSentError:
            self.visitors.release_text(visitor_id, version, counted_in)
            raise
        except TextRejectedError as rejected:
            self._fail(progress, str(rejected))
            return TextOutcome.REJECTED
        except TextUnknownError:
            self._fail(progress, DELIVERY_UNKNOWN)
            return TextOutcome.DELIVERY_UNKNOWN
        self.visitors.mark_texted(visitor_id, version)
        return TextOutcome.TEXTED

    def _count(self, progress: Progress) -> str | None:
        """Count a claimed text against the cap, unless an earlier try of this window did.

        Returns the window that it is counted in, None where the window has no place left. Where
        counting fails the claim is given back, so that the message can come again.
        """
        now = datetime.now(UTC)
        window = self.cap.window_at(now)
        if progress.text_counted_in == window:
            return window
        try:
            self.cap.take(now)
        except TooOftenError:
            return None
        except Exception:
            self.visitors.release_text(progress.visitor_id, progress.version, counted_in=None)
            raise
        return window

    def _fail(self, progress: Progress, reason: str) -> None:
        self.visitors.mark_failed(
            progress.visitor_id, progress.version, reason, while_at=[Status.RECOMMENDED]
        )

    def _compose(self, recipient: Recipient) -> str:
        progress = recipient.progress
        movie_ids = [pick.movie_id for pick in progress.picks or ()]
        titles = self.titles.titles(progress.dataset, movie_ids)
        return compose(
            recipient.name,
            [titles.get(movie_id, f"Movie {movie_id}") for movie_id in movie_ids],
            self.link(progress.visitor_id, progress.token_generation),
        )
