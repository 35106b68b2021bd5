"""Text a visitor's picks at most once.

SNS has no idempotency key, so a conditional write claims the text before it is sent. If a claim is
never finished, it is unknown whether the text was sent. The request then fails with the reason
DELIVERY_UNKNOWN, an alarm goes off, and no second text is sent automatically.

There is a cap on all texts of a UTC day. Only the holder of a claim counts its text. If the text
must be tried again, the holder records in the visitor's item that it is counted. A text therefore
counts once however often its message is delivered. If it is unknown whether a text was counted, it
is counted again: the cap is never exceeded, but one text fewer may be sent. A text over the cap is
not sent later: the request fails with NO_MORE_TODAY, and the picks stay on the page.

Each phone also has a limit per day, and it may have opted out. Both concern only the phone's owner,
who may not be the visitor who typed the number. Such a text is withheld, and the request ends as if
the text had been sent. The text is counted against the cap first, so that reaching the cap also
looks the same for every phone.
"""

import math
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.contracts import TextMessage, parse_timestamp
from marquee.requests.clock import UtcClock, utc_now
from marquee.requests.limits import Cap, LimitedAction, TooOftenError
from marquee.requests.ports import (
    OptedOutError,
    Sms,
    TextNotSentError,
    TextRejectedError,
    TextUnknownError,
    Titles,
    Visitors,
)
from marquee.requests.text_message import compose
from marquee.requests.visitor import Progress, Recipient, Status

DELIVERY_UNKNOWN = "delivery unknown: the text may or may not have been sent"
UNANSWERED = "delivery unknown: the text service did not answer in time"
# Enough for two calls to SNS (whether the phone has opted out, then the text itself) of at most
# 5 seconds each, and for the write of the outcome to DynamoDB. `marquee.aws.wiring` sets the
# time-outs.
SECONDS_TO_SEND = 15.0
# One call to DynamoDB makes up to three tries of at most 7 seconds each.
SECONDS_TO_NOTE = 22.0
NOTE_TRIES = 3
# A fixed value of the API (docs/contracts.md), by which the page recognises this reason.
NO_MORE_TODAY = "no more texts are sent today"


class TextOutcome(StrEnum):
    """How a delivery of a text's message ended."""

    TEXTED = "texted"
    REJECTED = "rejected"
    DELIVERY_UNKNOWN = "delivery unknown"
    OVER_THE_CAP = "over the cap"
    OVER_THE_PHONES_LIMIT = "withheld: over the phone's limit"
    OPTED_OUT = "withheld: the phone has opted out"
    NOTHING_TO_DO = "nothing to do"


class NotYetError(RuntimeError):
    """The message must be delivered again later.

    The visitor's request is not ready, a text is being sent right now, or too little time is left.
    """


@dataclass(frozen=True, slots=True)
class Claims:
    """Gives up claims of texts that were never finished.

    Attributes:
        lease: the age at which an unfinished claim is given up.
        clock: returns the current time.
    """

    visitors: Visitors
    lease: timedelta
    clock: UtcClock = utc_now

    def give_up(self, progress: Progress) -> TextOutcome:
        """Fail the request if its text was claimed but never finished.

        Raises:
            NotYetError: if the claim is younger than `lease`.
        """
        claimed_at = parse_timestamp(progress.text_claimed_at or progress.status_at)
        if self.clock() - claimed_at < self.lease:
            raise NotYetError(f"visitor {progress.visitor_id} is being texted right now")
        _fail(self.visitors, progress, DELIVERY_UNKNOWN)
        return TextOutcome.DELIVERY_UNKNOWN


@dataclass(frozen=True, slots=True)
class Texter:
    """Sends texts.

    Attributes:
        link: returns the address of a visitor's page, given visitor id and token generation.
        claims: gives up a claim that an earlier delivery did not finish.
        cap: caps the texts per day to all phones together.
        phone_cap: caps the texts per day to each phone.
    """

    visitors: Visitors
    titles: Titles
    sms: Sms
    link: Callable[[str, int], str]
    claims: Claims
    cap: Cap
    phone_cap: Cap

    def text(
        self, message: TextMessage, seconds_left: Callable[[], float] = lambda: math.inf
    ) -> TextOutcome:
        """Text a visitor if this version still waits for its text.

        Args:
            message: names the visitor and the version.
            seconds_left: returns how many seconds this process may still run.

        Raises:
            NotYetError: if the message must be delivered again.
            TextNotSentError: if SNS refused the text for now; the message must be delivered again.
        """
        recipient = self.visitors.recipient(message.visitor_id)
        if recipient is None:  # the visitor was forgotten since
            return TextOutcome.NOTHING_TO_DO
        progress = recipient.progress
        ended = progress.status in (Status.TEXTED, Status.FAILED)
        if progress.version > message.version or ended or not progress.texts:
            return TextOutcome.NOTHING_TO_DO
        if progress.version < message.version or progress.status is not Status.RECOMMENDED:
            raise NotYetError(f"visitor {message.visitor_id} is still {progress.status}")
        if progress.text_claimed_at is not None:
            return self.claims.give_up(progress)
        return self._claim_and_send(recipient, seconds_left)

    def _claim_and_send(
        self, recipient: Recipient, seconds_left: Callable[[], float]
    ) -> TextOutcome:
        progress = recipient.progress
        visitor_id, version = progress.visitor_id, progress.version
        body = self._compose(recipient)  # before the claim, so that an error here can be retried
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
            _fail(self.visitors, progress, str(rejected))
            return TextOutcome.REJECTED
        except TextUnknownError:
            _fail(self.visitors, progress, UNANSWERED)
            return TextOutcome.DELIVERY_UNKNOWN
        self._note_texted(progress, seconds_left)
        return TextOutcome.TEXTED

    def _claim(self, progress: Progress, claim: str) -> bool:
        """Claim the text; return whether this try holds the claim.

        A claim whose response was lost may be stored all the same, so it is given back on an error.
        """
        try:
            return self.visitors.claim_text(progress.visitor_id, progress.version, claim)
        except Exception:
            with suppress(Exception):
                self.visitors.release_text(
                    progress.visitor_id, progress.version, claim, counted_in=None
                )
            raise

    def _note_texted(self, progress: Progress, seconds_left: Callable[[], float]) -> None:
        """Record that the text is sent or withheld; retry if DynamoDB does not answer in time.

        Without this record the claim would end as DELIVERY_UNKNOWN.
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
        """Count a claimed text against the cap and the phone's limit.

        If an earlier try in this window has counted it, do nothing. If counting fails, give the
        claim back, so that the message can be delivered again.

        Raises:
            TooOftenError: if one of the limits is reached.
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
        self, progress: Progress, limited: LimitedAction, seconds_left: Callable[[], float]
    ) -> TextOutcome:
        """End a text over a limit.

        Over the cap the request fails visibly. Over the phone's limit the text is withheld, and the
        request ends as if the text had been sent.
        """
        if limited is LimitedAction.TEXTS_IN_ALL:
            _fail(self.visitors, progress, NO_MORE_TODAY)
            return TextOutcome.OVER_THE_CAP
        self._note_texted(progress, seconds_left)
        return TextOutcome.OVER_THE_PHONES_LIMIT

    def _compose(self, recipient: Recipient) -> str:
        """Return the text: the picks' titles and the link to the visitor's page."""
        progress = recipient.progress
        movie_ids = [pick.movie_id for pick in progress.picks or ()]
        titles = self.titles.titles(progress.dataset, movie_ids)
        return compose(
            recipient.name,
            [titles.get(movie_id, f"Movie {movie_id}") for movie_id in movie_ids],
            self.link(progress.visitor_id, progress.token_generation),
        )


def _fail(visitors: Visitors, progress: Progress, reason: str) -> None:
    visitors.mark_failed(
        progress.visitor_id, progress.version, reason, while_at=[Status.RECOMMENDED]
    )
