"""A visitor's request and the statuses it moves through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from secrets import token_hex

from marquee.contracts import Member, Pick, Rating, VisitorObject


class Status(StrEnum):
    """The status of a visitor's request.

    At `saved` the visitor has rated too few movies for picks, and nothing is computed. A `failed`
    request always has a reason.
    """

    SAVED = "saved"
    RECEIVED = "received"
    SUBMITTED = "submitted"
    RECOMMENDED = "recommended"
    TEXTED = "texted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """One version of a visitor's request, without the visitor's name and phone.

    Attributes:
        texts: whether this version is to be texted.
        text_claimed_at: when a text was claimed, and therefore perhaps sent; None if it was not.
        text_counted_in: the window of the cap that counted a text that was claimed but could not
            be sent.
        requeued_times: how often the sweep has queued the request again at this status.
        requeued_at: when the sweep last queued the request again at this status.
        token_generation: which of the visitor's tokens opens their page
            (`marquee.requests.identity.token_for`).
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
        """The visitor object of this version; writing it again writes the same content."""
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
        """This version of the visitor as a member of a submission."""
        return Member(self.visitor_id, self.version, self.dataset, self.ratings, self.dismissed)

    @property
    def owes_text(self) -> bool:
        """Whether a text was requested that is not sent, not claimed and not given up."""
        ended = self.status in (Status.TEXTED, Status.FAILED)
        return self.texts and not ended and self.text_claimed_at is None


@dataclass(frozen=True, slots=True)
class Phone:
    """A visitor's phone.

    `number` is in E.164. `mark` is the phone mark: an HMAC that stands for the number where the
    number must not appear.
    """

    number: str = field(repr=False)
    mark: str

    @property
    def ends(self) -> str:
        """The last two digits, which are enough to recognise one's own number."""
        return self.number[-2:]


@dataclass(frozen=True, slots=True)
class Registration:
    """A form that passed validation and is about to be stored as a new visitor.

    `expires_at` is in seconds since 1970. `limit_salt` keys the entries that limits hold in place
    of the visitor's id (`marquee.requests.identity.limit_entry`). `rated_at`, `unseen` and `saved`
    are as in `Page`.
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
    rated_at: Mapping[int, str] = field(default_factory=dict)
    unseen: tuple[int, ...] = ()
    saved: tuple[int, ...] = ()

    @property
    def progress(self) -> Progress:
        """The request as `Visitors.create` stores it: at `received`.

        It is to be texted if the visitor gave a phone.
        """
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
    """The data of a visitor's own page; of the phone, only the last digits and the mark.

    Attributes:
        expires_at: the visitor's expiry, in seconds since 1970.
        phone_ends: the last digits, as in `Phone`.
        phone_mark: as in `Phone`.
        form_digest: identifies the visitor's first form if it came with an Idempotency-Key
            (`marquee.requests.identity.form_digest`).
        renewal: identifies the call that made the current token
            (`marquee.requests.identity.renewal_digest`).
        limit_salt: as in `Registration`.
        rated_at: when the visitor rated each movie, by movie_id, as `timestamp` formats it; early
            releases stored no times.
        unseen: ids of the movies that the visitor answered with "Haven't seen it".
        saved: ids of the movies on the visitor's watchlist, in the order in which they were saved.
        unanswered: the picks of the last version that had picks, without those that the visitor
            has rated or dismissed since (`marquee.requests.answered_picks`). Where this version
            has picks, those count instead.
    """

    progress: Progress
    name: str = field(repr=False)
    expires_at: int
    phone_ends: str | None = None
    phone_mark: str | None = None
    form_digest: str | None = None
    renewal: str | None = None
    limit_salt: str = field(default="", repr=False)
    rated_at: Mapping[int, str] = field(default_factory=dict)
    unseen: tuple[int, ...] = ()
    saved: tuple[int, ...] = ()
    unanswered: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A visitor's change of their request; a field that is None stays as it is.

    `expires_at` is in seconds since 1970. `text` asks for a text of the new version. `renewal` is
    stored, as in `Page`, if the change makes a new token. `rated_at` gives the times of `ratings`
    as far as the caller knows them (`marquee.requests.revise.next_version` fills in the others).
    """

    requested_at: str
    expires_at: int
    dataset: str | None = None
    ratings: tuple[Rating, ...] | None = None
    dismissed: tuple[int, ...] | None = None
    phone: Phone | None = None
    text: bool = False
    renewal: str | None = None
    rated_at: Mapping[int, str] = field(default_factory=dict)
    unseen: tuple[int, ...] | None = None
    saved: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A visitor whose phone is about to be texted. Only the function send_text creates one."""

    name: str
    phone: str
    progress: Progress
    phone_mark: str | None  # as in `Phone`; items of early releases have none

    def __repr__(self) -> str:
        """Keep the name and the phone out of logs and tracebacks."""
        return f"Recipient({self.progress.visitor_id})"
