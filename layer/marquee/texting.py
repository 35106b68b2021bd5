"""From picks to one text, never two.

SNS has no idempotency key, so the text is claimed by a conditional write before it is sent. A
claim without an end means that nobody knows whether the text went out: the request then fails
with that reason and an alarm, and no second text is sent by itself.

All texts of a UTC day together have a limit. Only the holder of a claim counts its text, and notes
in the visitor's item that it did where the text has to be tried again: so a text counts once
however often its message is delivered. Where nobody can say whether it was counted, it is counted
again: the limit is never exceeded, a place may be lost. A text over the limit is not sent later:
the request fails with NO_MORE_TODAY, and the picks stay on the page.

Each phone has a limit a day, too, and may have opted out. Both are the phone owner's business and
not that of whoever typed the number: such a text is withheld, and the request ends as if it had
been sent. It is counted against the limit of all texts before, so that reaching that limit looks
alike for every phone, too.
"""

import math
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.contracts import TextMessage, parse_timestamp
from marquee.limits import Cap, Limited, TooOftenError
from marquee.ports import (
    OptedOutError,
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
UNANSWERED = "delivery unknown: the text service did not answer in time"
# SNS is asked twice (opted out? then the text itself), each for at most 5 seconds, and DynamoDB is
# told what came of it: `marquee.aws.wiring` has the time-outs.
SECONDS_TO_SEND = 15.0
# DynamoDB is asked three times for at most 7 seconds each by one call.
SECONDS_TO_NOTE = 22.0
NOTE_TRIES = 3
# A fixed word of the API (docs/contracts.md): the page says more by it.
NO_MORE_TODAY = "no more texts are sent today"


class TextOutcome(StrEnum):
    TEXTED = "texted"
    REJECTED = "rejected"
    DELIVERY_UNKNOWN = "delivery unknown"
    OVER_THE_CAP = "over the cap"
    OVER_THE_PHONES_LIMIT = "withheld: over the phone's limit"
    OPTED_OUT = "withheld: the phone has opted out"
    NOTHING_TO_DO = "nothing to do"


class NotYetError(RuntimeError):
    """The message must come again later: its visitor is not ready, or is being texted now."""


@dataclass(frozen=True, slots=True)
class Texter:
    """`link` makes the visitor's way back; a claim is given up on after `claim_lease`.

    `link` takes a visitor's id and token generation. `cap` limits the texts of a day to all phones
    together, `phone_cap` those to each.
    """

    visitors: Visitors
    titles: Titles
    sms: Sms
    link: Callable[[str, int], str]
    claim_lease: timedelta
    cap: Cap
    phone_cap: Cap

    def text(
        self, message: TextMessage, seconds_left: Callable[[], float] = lambda: math.inf
    ) -> TextOutcome:
        """Text a visitor, provided that this version still waits for its text.

        Args:
            message: names the visitor and the version.
            seconds_left: says how many seconds this process may still run.

        Raises:
            NotYetError: the message must come again.
            TextNotSentError: SNS refused the text for now; the message must come again.
        """
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
        return self._claim_and_send(recipient, seconds_left)

    def give_up_claim(self, progress: Progress) -> TextOutcome:
        """Settle a text that was claimed and never finished."""
        claimed_at = parse_timestamp(progress.text_claimed_at or progress.status_at)
        if datetime.now(UTC) - claimed_at < self.claim_lease:
            raise NotYetError(f"visitor {progress.visitor_id} is being texted right now")
        self._fail(progress, DELIVERY_UNKNOWN)
        return TextOutcome.DELIVERY_UNKNOWN

    def _claim_and_send(
        self, recipient: Recipient, seconds_left: Callable[[], float]
    ) -> TextOutcome:
        progress = recipient.progress
        visitor_id, version = progress.visitor_id, progress.version
        body = self._compose(recipient)  # before the claim: whatever fails here can be repeated
        claim = uuid.uuid4().hex
        if not self._claim(progress, claim):
            raise NotYetError(f"visitor {visitor_id} is being texted right now")
        now = datetime.now(UTC)
        counted_in = self.cap.window_at(now)
        try:
            self._count(recipient, claim, now)
        except TooOftenError as reached:
            return self._end_over(progress, reached.limited, seconds_left)
        if seconds_left() < SECONDS_TO_SEND:
            self.visitors.release_text(visitor_id, version, claim, counted_in)
            raise NotYetError(f"too little time is left to text visitor {visitor_id}")
        try:
            self.sms.publish(recipient.phone, body)
        except TextNotSentError:
            self.visitors.release_text(visitor_id, version, claim, counted_in)
            raise
        except OptedOutError:
            self._note_texted(progress, seconds_left)
            return TextOutcome.OPTED_OUT
        except TextRejectedError as rejected:
            self._fail(progress, str(rejected))
            return TextOutcome.REJECTED
        except TextUnknownError:
            self._fail(progress, UNANSWERED)
            return TextOutcome.DELIVERY_UNKNOWN
        self._note_texted(progress, seconds_left)
        return TextOutcome.TEXTED

    def _claim(self, progress: Progress, claim: str) -> bool:
        """Claim the text. A claim that nobody answers may stand all the same: it is given back."""
        try:
            return self.visitors.claim_text(progress.visitor_id, progress.version, claim)
        except Exception:
            with suppress(Exception):
                self.visitors.release_text(
                    progress.visitor_id, progress.version, claim, counted_in=None
                )
            raise

    def _note_texted(self, progress: Progress, seconds_left: Callable[[], float]) -> None:
        """Note that the text is sent or withheld; again where DynamoDB does not answer in time.

        Without the note nobody would know, and the claim would end as DELIVERY_UNKNOWN.
        """
        for tries_left in reversed(range(NOTE_TRIES)):
            try:
                self.visitors.mark_texted(progress.visitor_id, progress.version)
            except Exception:
                if not tries_left or seconds_left() < SECONDS_TO_NOTE:
                    raise
            else:
                return

    def _count(self, recipient: Recipient, claim: str, now: datetime) -> None:
        """Count a claimed text against both limits, unless an earlier try of this window did.

        Raises TooOftenError where one of them is reached. Where counting fails the claim is given
        back, so that the message can come again.
        """
        progress = recipient.progress
        if progress.text_counted_in == self.cap.window_at(now):
            return
        try:
            self.cap.take(now)
            if recipient.phone_mark is not None:
                self.phone_cap.take(now, recipient.phone_mark)
        except TooOftenError:
            raise
        except Exception:
            self.visitors.release_text(
                progress.visitor_id, progress.version, claim, counted_in=None
            )
            raise

    def _end_over(
        self, progress: Progress, limited: Limited, seconds_left: Callable[[], float]
    ) -> TextOutcome:
        """End a text over a limit: visibly over everybody's, not over the phone's own."""
        if limited is Limited.TEXTS_IN_ALL:
            self._fail(progress, NO_MORE_TODAY)
            return TextOutcome.OVER_THE_CAP
        self._note_texted(progress, seconds_left)
        return TextOutcome.OVER_THE_PHONES_LIMIT

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
