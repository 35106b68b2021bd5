"""A visitor's request and the statuses it moves through."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from secrets import token_hex

from marquee.contracts import Member, Pick, Rating, VisitorObject


class Status(StrEnum):
    """Where a visitor's request stands. `failed` always has a reason; at `saved` she has rated too
    few movies for picks, and nothing is computed.
    """

    SAVED = "saved"
    RECEIVED = "received"
    SUBMITTED = "submitted"
    RECOMMENDED = "recommended"
    TEXTED = "texted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What the flow needs to know of a visitor: neither her name nor her phone.

    `texts` says whether this version of her request is to be texted, `text_claimed_at` whether a
    text was claimed (and so perhaps sent), `text_counted_in` in which window a text that was
    claimed and could not be sent was counted against the cap. `requeued_times` counts how often the
    sweep asked once more for what the visitor waits for at this status, the last time at
    `requeued_at`. `token_generation` says which of the visitor's tokens opens their page
    (`marquee.identity.token_for`).
    """

    visitor_id: str
    version: int
    dataset: str
    status: Status
    status_at: str
    requested_at: str
    ratings: tuple[Rating, ...]
    texts: bool
    dismissed: tuple[int, ...] = ()
    submission_id: str | None = None
    text_claimed_at: str | None = None
    text_counted_in: str | None = None
    reason: str | None = None
    model_id: str | None = None
    picks: tuple[Pick, ...] | None = None
    requeued_times: int = 0
    requeued_at: str | None = None
    token_generation: int = 1

    @property
    def visitor_object(self) -> VisitorObject:
        return VisitorObject(
            self.visitor_id,
            self.version,
            self.requested_at,
            self.dataset,
            self.ratings,
            self.dismissed,
        )

    @property
    def member(self) -> Member:
        return Member(self.visitor_id, self.version, self.dataset, self.ratings, self.dismissed)

    @property
    def owes_text(self) -> bool:
        """Whether a text was asked for that was neither sent nor claimed nor given up."""
        ended = self.status in (Status.TEXTED, Status.FAILED)
        return self.texts and not ended and self.text_claimed_at is None


@dataclass(frozen=True, slots=True)
class Phone:
    """Where to text: `mark` stands for the number where it must not be (an HMAC of it)."""

    number: str = field(repr=False)
    mark: str

    @property
    def ends(self) -> str:
        """The last two digits: enough to recognise one's own number by."""
        return self.number[-2:]


@dataclass(frozen=True, slots=True)
class Registration:
    """A form that passed validation, on its way into the visitors table.

    `expires_at` is in seconds since 1970. What limits count of this visitor is keyed by
    `limit_salt` (`marquee.identity.limit_entry`).
    """

    visitor_id: str
    dataset: str
    name: str
    phone: Phone | None
    requested_at: str
    ratings: tuple[Rating, ...]
    expires_at: int
    dismissed: tuple[int, ...] = ()
    version: int = 1
    form_digest: str | None = None  # of the form that came with an Idempotency-Key
    limit_salt: str = field(default_factory=partial(token_hex, 16), repr=False)

    @property
    def progress(self) -> Progress:
        return Progress(
            visitor_id=self.visitor_id,
            version=self.version,
            dataset=self.dataset,
            status=Status.RECEIVED,
            status_at=self.requested_at,
            requested_at=self.requested_at,
            ratings=self.ratings,
            texts=self.phone is not None,
            dismissed=self.dismissed,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """What a visitor's own page shows of her; of the phone no more than its last digits.

    `expires_at` is in seconds since 1970, `phone_mark` as in `Phone`, `limit_salt` as in
    `Registration`. `form_digest` stands for the visitor's first form if it came with an
    Idempotency-Key (`marquee.identity.form_digest`), `renewal` for the call that made the current
    token (`marquee.identity.renewal_digest`).
    """

    progress: Progress
    name: str = field(repr=False)
    expires_at: int
    phone_ends: str | None = None
    phone_mark: str | None = None
    form_digest: str | None = None
    renewal: str | None = None
    limit_salt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What a visitor wants to be different from now on; what is None stays as it is.

    `renewal` is kept, as in `Page`, where the change makes a new token.
    """

    requested_at: str
    expires_at: int
    dataset: str | None = None
    ratings: tuple[Rating, ...] | None = None
    dismissed: tuple[int, ...] | None = None
    phone: Phone | None = None
    text: bool = False
    renewal: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to be texted. Only send_text ever holds one."""

    name: str
    phone: str
    progress: Progress
    phone_mark: str | None  # as in `Phone`; items of early releases have none

    def __repr__(self) -> str:
        """Keep the name and the phone out of logs and tracebacks."""
        return f"Recipient({self.progress.visitor_id})"
