"""A visitor's request and the statuses it moves through."""

from dataclasses import dataclass
from enum import StrEnum

from marquee.contracts import Member, Pick, Rating, VisitorObject


class Status(StrEnum):
    """Where a visitor's request stands. `failed` always has a reason."""

    RECEIVED = "received"
    SUBMITTED = "submitted"
    RECOMMENDED = "recommended"
    TEXTED = "texted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What the flow needs to know of a visitor: neither her name nor her phone.

    `texts` says whether she gave a phone, `text_claimed_at` whether a text was claimed (and so
    perhaps sent).
    """

    visitor_id: str
    version: int
    dataset: str
    status: Status
    status_at: str
    requested_at: str
    ratings: tuple[Rating, ...]
    texts: bool
    submission_id: str | None = None
    text_claimed_at: str | None = None
    reason: str | None = None
    model_id: str | None = None
    picks: tuple[Pick, ...] | None = None

    @property
    def visitor_object(self) -> VisitorObject:
        return VisitorObject(
            self.visitor_id, self.version, self.requested_at, self.dataset, self.ratings
        )

    @property
    def member(self) -> Member:
        return Member(self.visitor_id, self.version, self.dataset, self.ratings)


@dataclass(frozen=True, slots=True)
class Registration:
    """A form that passed validation, on its way into the visitors table."""

    visitor_id: str
    dataset: str
    name: str
    phone: str | None
    requested_at: str
    ratings: tuple[Rating, ...]
    expires_at: int
    version: int = 1

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
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to be texted. Only send_text ever holds one."""

    name: str
    phone: str
    progress: Progress

    def __repr__(self) -> str:
        """Keep the name and the phone out of logs and tracebacks."""
        return f"Recipient({self.progress.visitor_id})"
