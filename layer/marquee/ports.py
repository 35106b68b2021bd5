"""What the domain asks of the outside world. `marquee.aws` answers with AWS, tests with memory.

Every `mark_…` is one conditional write that compares the version; it returns whether it took
effect, so that a message delivered twice, late or out of order changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from marquee.contracts import (
    CurrentModel,
    Pick,
    Result,
    ResultsMessage,
    ResultsPlace,
    Submission,
    TextMessage,
    VisitorObject,
)
from marquee.steps import Step
from marquee.visitor import Page, Phone, Progress, Recipient, Registration, Status


class ForgottenError(LookupError):
    """The visitor asked to be forgotten."""


@dataclass(frozen=True, slots=True)
class Slice[T]:
    """A part of something long; the next one begins `after` it, the last has nothing after it."""

    found: list[T]
    after: str | None = None


class Visitors(Protocol):
    def create(self, registration: Registration) -> bool:
        """Store a new visitor at `received`; False if the id is taken already."""

    def get(self, visitor_id: str) -> Progress | None: ...

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]: ...

    def page(self, visitor_id: str) -> Page | None:
        """Give what her own page shows; neither this nor anything but `recipient` has a phone."""

    def recipient(self, visitor_id: str) -> Recipient | None:
        """Give name and phone; None where she is unknown or gave no phone."""

    def open(
        self, status: Status, until: datetime, most: int, after: str | None = None
    ) -> Slice[Progress]:
        """List visitors who have been waiting at `status` since that moment or longer.

        At `saved` those wait whose ratings object may be missing. Who has waited longest comes
        first; a slice begins `after` the one before it and has about `most` visitors at most.
        """

    def emptied(self, until: datetime, most: int, after: str | None = None) -> Slice[str]:
        """Name, in slices as `open`, those who are empty and still to be removed."""

    def mark_requeued(self, progress: Progress, now: datetime) -> bool:
        """Note that what this visitor waits for was asked for once more."""

    def expired(self, now: datetime, most: int, after: str | None = None) -> Slice[str]:
        """Name those whose time is up and who are still to be forgotten."""

    def mark_submitted(self, visitor_id: str, version: int, submission_id: str) -> bool: ...

    def mark_recommended(
        self, visitor_id: str, version: int, model_id: str, picks: Sequence[Pick]
    ) -> bool: ...

    def claim_text(self, visitor_id: str, version: int, claim: str) -> bool:
        """Claim the text under the name `claim`, which no other try has; True where it is held.

        Claiming again under the same name is no second claim: a write may have taken effect
        although its answer was lost.
        """

    def release_text(
        self, visitor_id: str, version: int, claim: str, counted_in: str | None
    ) -> bool:
        """Give the claim of that name back; `counted_in` is the window that counted the text."""

    def mark_texted(self, visitor_id: str, version: int) -> bool: ...

    def mark_failed(
        self, visitor_id: str, version: int, reason: str, while_at: Collection[Status]
    ) -> bool:
        """Fail the request, provided that it still stands at one of these statuses."""

    def mark_logged(self, visitor_id: str, version: int) -> bool:
        """Note that the ratings object of a `saved` visitor is written."""

    def revise(self, before: Progress, revised: Page, phone: Phone | None) -> bool:
        """Store the next version, with a new phone where there is one.

        False, and nothing is stored, unless version, status, claim and token generation are still
        those of `before`.
        """

    def token_generation(self, visitor_id: str) -> int | None:
        """Which token opens the visitor, one who is just being forgotten too; None if unknown."""

    def renew_token(self, before: Progress, renewal: str | None) -> bool:
        """Make the next token generation; `renewal` is kept with it.

        False, and nothing is stored, unless the generation is still that of `before`.
        """

    def empty(
        self, visitor_id: str, *, expired_at: datetime | None = None
    ) -> Collection[str] | None:
        """Take everything from a visitor but the id: the visitor is unknown from now on.

        Gives the dates (YYYY-MM-DD) of the visitor's ratings objects; None if nobody of that id is
        stored or, where `expired_at` is given, the visitor's time is not up at that moment.
        """

    def remove(self, visitor_id: str) -> None:
        """Remove the item of a visitor who is empty."""


class RatingsLog(Protocol):
    """Visitors' ratings as objects: what training reads and what starts the flow."""

    def append(self, visitor: VisitorObject) -> None: ...

    def forget(self, visitor_id: str, dates: Iterable[str]) -> None:
        """Delete all of a visitor's objects of these dates (YYYY-MM-DD)."""

    def count_since(self, moment: datetime) -> int:
        """Count the visitor objects written since then."""


class Submissions(Protocol):
    def put(self, submission: Submission) -> None: ...

    def get(self, submission_id: str) -> Submission | None:
        """Read a submission; None where it was deleted, as it is once it is collected."""

    def delete_submission(self, submission_id: str) -> None: ...


class Models(Protocol):
    def current(self) -> CurrentModel | None: ...


class Results(Protocol):
    def complete(self, submission_id: str) -> bool:
        """Say whether `_SUCCESS` is there."""

    def lines(
        self, submission_id: str, after: ResultsPlace | None = None
    ) -> Iterable[tuple[ResultsPlace, bytes]]:
        """Give each line with the place after it, in a fixed order that begins `after` a place."""

    def delete_results(self, submission_id: str) -> None:
        """Delete everything that the steps of a submission wrote, `_SUCCESS` last."""


class RestOfResults(Protocol):
    """Takes what a run had no time for; another run goes on with it."""

    def hand_on(self, message: ResultsMessage) -> None: ...


class Texts(Protocol):
    def send(self, messages: Sequence[TextMessage]) -> None:
        """Put messages on the texts queue."""


class WaitingLine(Protocol):
    """Where visitors wait while the cluster is busy: announced again a little later."""

    def wait(self, visitors: Sequence[VisitorObject]) -> None: ...


class StepState(StrEnum):
    PENDING = "PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


class ClusterGoneError(Exception):
    """The cluster is terminated or was never made; its message says which and what to do."""


class Cluster(Protocol):
    def add(self, steps: Sequence[Step]) -> list[str]:
        """Add steps in one call and give their ids; raises ClusterGoneError."""

    def step_states(
        self, names: Iterable[str], since: datetime | None = None
    ) -> dict[str, StepState]:
        """Give the state of each named step that the cluster knows (newest wins).

        Steps made before `since` are not looked at: EMR answers few such questions a second.
        """

    def active_step_names(self) -> list[str]:
        """Name the steps that are pending or running."""


class StepLedger(Protocol):
    """Remembers which steps were added, so that a message delivered twice adds none twice."""

    def once(self, key: str, add: "AddSteps") -> None:
        """Run `add` unless it already ran to its end for this key, or is running now."""


class Tally(Protocol):
    """Counts different things under a key, for a while."""

    def add(self, key: str, what: str, most: int, until: datetime) -> bool:
        """Count `what`; False, and it is not counted, where `most` others are counted already."""


class Locks(Protocol):
    """Lets one at a time do something, under a name that all who want to do it share."""

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        """Take the lock for so long; False where another holds it and its time is not up."""

    def release(self, name: str) -> None:
        """Give back a lock that was taken here; one that another has taken since stays."""


class ForgottenIds(Protocol):
    """The ids of visitors who were forgotten lately, so that a form that comes again late makes
    nobody of an id that was given up."""

    def note(self, visitor_id: str, until: datetime) -> None:
        """Remember the id until then."""

    def has(self, visitor_id: str) -> bool: ...


class Counter(Protocol):
    """Counts how often things happened, for a while."""

    def add(self, key: str, most: Mapping[str, int], until: datetime) -> str | None:
        """Count one more of each name in `most`, all at once.

        Args:
            key: what the counts are kept under.
            most: how far each name may be counted.
            until: when the counts may be deleted.

        Returns:
            None where it was counted; otherwise a name that has reached its most, and nothing was
            counted.
        """


class Bookmarks(Protocol):
    """Remembers how far work came, from one run of it to the next."""

    def get(self, name: str) -> Mapping[str, str]: ...

    def put(self, name: str, places: Mapping[str, str]) -> None: ...


class AddSteps(Protocol):
    def __call__(self) -> None: ...


class TextRejectedError(Exception):
    """The text was certainly not sent and never will be; the message is the visitor's reason."""


class OptedOutError(Exception):
    """The text was not sent: the phone has opted out of texts (STOP)."""


class TextNotSentError(Exception):
    """The text was certainly not sent; trying again later is safe."""


class TextUnknownError(Exception):
    """Nobody knows whether the text was sent; trying again could send it twice."""


class Sms(Protocol):
    def publish(self, phone: str, message: str) -> None:
        """Send one text; raises one of the four errors above."""


class Titles(Protocol):
    def titles(self, dataset: str, movie_ids: Sequence[int]) -> dict[int, str]: ...


__all__ = [
    "AddSteps",
    "Bookmarks",
    "Cluster",
    "ClusterGoneError",
    "Counter",
    "ForgottenError",
    "ForgottenIds",
    "Locks",
    "Models",
    "OptedOutError",
    "RatingsLog",
    "RestOfResults",
    "Result",
    "Results",
    "Slice",
    "Sms",
    "StepLedger",
    "StepState",
    "Submissions",
    "Tally",
    "TextNotSentError",
    "TextRejectedError",
    "TextUnknownError",
    "Texts",
    "Titles",
    "Visitors",
    "WaitingLine",
]
