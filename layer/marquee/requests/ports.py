"""Interfaces of the domain to the outside world.

`marquee.aws` implements them with AWS, and tests implement them in memory.

Every `mark_…` is one conditional write that compares the version. It returns whether the write took
effect. A message that is delivered twice, late or out of order therefore changes nothing.
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
from marquee.requests.emr_step_requests import StepRequest
from marquee.requests.shared_list import SharedList
from marquee.requests.visitor import Page, Phone, Progress, Recipient, Registration, Status


class ForgottenError(LookupError):
    """The visitor is forgotten, or is being forgotten."""


@dataclass(frozen=True, slots=True)
class Slice[T]:
    """A part of a long list.

    Pass `after` to the same method to get the next slice. It is None in the last slice.
    """

    found: list[T]
    after: str | None = None


class Visitors(Protocol):
    """The stored visitors. Only `recipient` returns a phone number."""

    def create(self, registration: Registration) -> bool:
        """Store a new visitor with status `received`; return False if the id is already taken."""

    def exists(self, visitor_id: str) -> bool:
        """Return whether the visitor is known; not so once they are being forgotten."""

    def get(self, visitor_id: str) -> Progress | None:
        """Return the visitor's request; None if the visitor is unknown."""

    def get_many(self, visitor_ids: Sequence[str]) -> dict[str, Progress]:
        """Return the requests of the known visitors by id; unknown ids are left out."""

    def page(self, visitor_id: str) -> Page | None:
        """Return the data of the visitor's own page, without the phone number; None if unknown."""

    def recipient(self, visitor_id: str) -> Recipient | None:
        """Return name and phone; None if the visitor is unknown or gave no phone."""

    def open(
        self, status: Status, until: datetime, most: int, after: str | None = None
    ) -> Slice[Progress]:
        """Return visitors who have waited at `status` since `until` or longer, longest first.

        At `saved` these are the visitors whose visitor object may be missing.

        Args:
            status: the status to look at.
            until: the latest time at which the visitors reached that status.
            most: about the largest number of visitors in the slice.
            after: `after` of the previous slice; None for the first one.
        """

    def emptied(self, until: datetime, most: int, after: str | None = None) -> Slice[str]:
        """Return ids of visitors who are empty but not yet removed, in slices like `open`."""

    def mark_requeued(self, progress: Progress, now: datetime) -> bool:
        """Record that the visitor's request was queued again at `now`.

        Returns False, and records nothing, if version or status are no longer those of `progress`.
        """

    def expired(self, now: datetime, most: int, after: str | None = None) -> Slice[str]:
        """Return ids of visitors who have reached their expiry and are not yet forgotten."""

    def mark_submitted(self, visitor_id: str, version: int, submission_id: str) -> bool:
        """Move the request from `received` to `submitted` and store the submission's id."""

    def mark_recommended(
        self, visitor_id: str, version: int, model_id: str, picks: Sequence[Pick]
    ) -> bool:
        """Move the request from `received` or `submitted` to `recommended`.

        Stores the picks, and the id of the model that made them.
        """

    def claim_text(self, visitor_id: str, version: int, claim: str) -> bool:
        """Claim the visitor's text; return whether `claim` holds it now.

        Repeating the call with the same `claim` is safe: a write may have taken effect although
        its response was lost.

        Args:
            visitor_id: the visitor.
            version: the version whose text is claimed.
            claim: a name for this claim that no other try uses.
        """

    def release_text(
        self, visitor_id: str, version: int, claim: str, counted_in: str | None
    ) -> bool:
        """Give back the claim named `claim`, so that the text can be claimed again.

        `counted_in` is the window of the cap that counted the text; None if none did. It is stored
        with the visitor.
        """

    def mark_texted(self, visitor_id: str, version: int) -> bool:
        """Move the request from `recommended` to `texted`: the text is sent or withheld."""

    def mark_failed(
        self, visitor_id: str, version: int, reason: str, while_at: Collection[Status]
    ) -> bool:
        """Fail the request with this reason if its status is still one of `while_at`."""

    def mark_logged(self, visitor_id: str, version: int) -> bool:
        """Record that the visitor object of a visitor with status `saved` is written."""

    def revise(self, before: Progress, revised: Page, phone: Phone | None) -> bool:
        """Store the visitor's next version, and the phone if there is a new one.

        Returns False, and stores nothing, unless version, status, claim and token generation are
        still those of `before`.
        """

    def token_generation(self, visitor_id: str) -> int | None:
        """Return the visitor's token generation; None if the visitor is unknown.

        A visitor who is being forgotten still has a token generation.
        """

    def renew_token(self, before: Progress, renewal: str | None) -> bool:
        """Store the next token generation, and `renewal` (as in `visitor.Page`) with it.

        Returns False, and stores nothing, unless the generation is still that of `before`.
        """

    def empty(
        self, visitor_id: str, *, expired_at: datetime | None = None
    ) -> Collection[str] | None:
        """Delete all data of a visitor but the id, so that the visitor is unknown from now on.

        What is needed to finish forgetting the visitor stays until `remove`.

        Args:
            visitor_id: the visitor.
            expired_at: if given, empty the visitor only if the expiry is reached at this time.

        Returns:
            The dates (YYYY-MM-DD) of the visitor's objects in the ratings log. None if no visitor
            with that id is stored, or the expiry is not reached at `expired_at`.
        """

    def remove(self, visitor_id: str) -> None:
        """Remove the item of a visitor who is empty; any other visitor stays."""


class RatingsLog(Protocol):
    """The visitor objects: training reads them, and writing one starts the flow."""

    def append(self, visitor: VisitorObject) -> None:
        """Write the visitor object; writing the same version again replaces it."""

    def forget(self, visitor_id: str, dates: Iterable[str]) -> None:
        """Delete all of the visitor's objects of these dates (YYYY-MM-DD)."""

    def count_since(self, moment: datetime, at_most: int) -> int:
        """Return the number of visitor objects written since `moment`; stop at `at_most`."""


class Submissions(Protocol):
    """The submissions that are not collected yet."""

    def put(self, submission: Submission) -> None:
        """Store the submission; it replaces one of the same id, which has the same members."""

    def get(self, submission_id: str) -> Submission | None:
        """Return the submission; None if it was deleted, which happens once it is collected."""

    def delete_submission(self, submission_id: str) -> None:
        """Delete the submission; does nothing if it is already deleted."""


class Models(Protocol):
    """The record of the active model."""

    def current(self) -> CurrentModel | None:
        """Return the active model; None before the first training."""


class Results(Protocol):
    """The results that recommend steps wrote."""

    def complete(self, submission_id: str) -> bool:
        """Return whether the submission's results are complete: `_SUCCESS` exists."""

    def lines(
        self, submission_id: str, after: ResultsPlace | None = None
    ) -> Iterable[tuple[ResultsPlace, bytes]]:
        """Return the lines of the results in a fixed order, each with the place that follows it.

        The first line is the one that follows the place `after`, or the first of all if None.
        """

    def delete_results(self, submission_id: str) -> None:
        """Delete everything that the steps of the submission wrote, `_SUCCESS` last."""


class RestOfResults(Protocol):
    """Queue for results that a run had no time to collect; another run continues there."""

    def hand_on(self, message: ResultsMessage) -> None:
        """Queue the message, so that another run continues after `message.after`."""


class Texts(Protocol):
    """The queue of texts to send."""

    def send(self, messages: Sequence[TextMessage]) -> None:
        """Put messages on the texts queue."""

    def waiting(self) -> int:
        """Return about how many messages wait to be received."""


class WaitingLine(Protocol):
    """Queue for visitors while the cluster is busy; it announces them again a little later."""

    def wait(self, visitors: Sequence[VisitorObject]) -> None:
        """Announce these visitors again after a delay, as if they were new."""


class StepState(StrEnum):
    """The state of a step, in the words of EMR's API."""

    PENDING = "PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


class ClusterGoneError(Exception):
    """The cluster is terminated or was never created; the message says which and what to do."""


class Cluster(Protocol):
    """The EMR cluster."""

    def add(self, steps: Sequence[StepRequest]) -> list[str]:
        """Add steps in one call and return their ids.

        Raises:
            ClusterGoneError: if there is no cluster.
        """

    def step_states(
        self, names: Iterable[str], since: datetime | None = None
    ) -> dict[str, StepState]:
        """Return the state of each named step that the cluster knows.

        If several steps have the same name, the newest one counts. Steps created before `since`
        are not looked up, because EMR allows only a few such calls per second.
        """

    def active_step_names(self) -> list[str]:
        """Return the names of the steps that are pending or running."""


class StepLedger(Protocol):
    """Records which steps were added, so that a message delivered twice adds no step twice."""

    def once(self, key: str, add: "AddSteps") -> None:
        """Run `add` unless it has already completed for this key or is running now."""


class Tally(Protocol):
    """Counts distinct things under a key for a limited time."""

    def add(self, key: str, what: str, most: int, until: datetime) -> bool:
        """Count `what` under `key`, only once however often the call is repeated.

        Returns False, and does not count it, if `most` other things are already counted. The
        record may be deleted at `until`.
        """


class Locks(Protocol):
    """Locks that let one process at a time do something; all processes use the same name."""

    def take(self, name: str, seconds: float, now: datetime) -> bool:
        """Take the lock for `seconds`; return False if another process holds it at `now`."""

    def release(self, name: str) -> None:
        """Release the lock that this process took, unless another process has taken it since."""


class ForgottenIds(Protocol):
    """The ids of visitors who were forgotten recently.

    A form that is sent again late must not create a visitor whose id is among them.
    """

    def note(self, visitor_id: str, until: datetime) -> None:
        """Keep the id until `until`."""

    def has(self, visitor_id: str) -> bool:
        """Return whether the id was noted; it may still be found some time after `until`."""


class SharedLists(Protocol):
    """The stored lists."""

    def create(self, shared: SharedList) -> bool:
        """Store a new list; return False if the id is taken, also by a list taken back."""

    def get(self, list_id: str) -> SharedList | None:
        """Return the list, also one that has expired or was taken back; None if it is unknown."""

    def take_back(self, list_id: str) -> bool:
        """Delete everything of a list but its id and expiry; return False if it is unknown.

        The rest stays until the expiry, so that a form that is sent again late does not publish
        the list again.
        """


class Counter(Protocol):
    """Counts how often things happened, for a limited time."""

    def add(self, key: str, most: Mapping[str, int], until: datetime) -> str | None:
        """Count one more of each name in `most`, in one atomic write.

        Args:
            key: the key of the counts.
            most: the largest count of each name.
            until: the time from which the counts may be deleted.

        Returns:
            None if all names were counted. Otherwise a name that has reached its largest count;
            nothing was counted then.
        """


class Bookmarks(Protocol):
    """Stores how far a run got in its work, for the next run."""

    def get(self, name: str) -> Mapping[str, str]:
        """Return the places that the last `put` stored under `name`; empty if there are none."""

    def put(self, name: str, places: Mapping[str, str]) -> None:
        """Store the places under `name`, replacing all that were stored there."""


class AddSteps(Protocol):
    """Adds the steps of one key to the cluster."""

    def __call__(self) -> None:
        """Add the steps that the cluster lacks; if this raises, a later call tries again."""


class TextRejectedError(Exception):
    """The text was not sent and never will be; the message is the reason shown to the visitor."""


class OptedOutError(Exception):
    """The text was not sent: the phone has opted out of texts (STOP)."""


class TextNotSentError(Exception):
    """The text was certainly not sent, so trying again later is safe."""


class TextUnknownError(Exception):
    """It is unknown whether the text was sent; trying again could send it twice."""


class Sms(Protocol):
    """The service that sends texts."""

    def publish(self, phone: str, message: str) -> None:
        """Send one text to a phone number in E.164.

        Raises:
            TextRejectedError: if the text can never be sent.
            OptedOutError: if the phone has opted out of texts.
            TextNotSentError: if the text was not sent for now.
            TextUnknownError: if it is unknown whether the text was sent.
        """


class Titles(Protocol):
    """The titles of movies."""

    def titles(self, dataset: str, movie_ids: Sequence[int]) -> dict[int, str]:
        """Return the titles of the data set's movies by movie_id; unknown movies are left out."""


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
    "SharedLists",
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
