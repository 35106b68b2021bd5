"""A visitor changes her mind: the next version of her request."""

from dataclasses import dataclass, replace

from marquee.contracts import MIN_RATINGS
from marquee.ports import ForgottenError, RatingsLog, Visitors
from marquee.visitor import Change, Page, Progress, Status

_TRIES = 5


class ChangedMeanwhileError(Exception):
    """Another change came first; `version` is the one that is stored now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} came first")
        self.version = version


class TokenReplacedError(LookupError):
    """The visitor's token was replaced since it was checked."""


class BusyError(RuntimeError):
    """The flow moved the visitor on each time that her change was to be written."""


@dataclass(frozen=True, slots=True)
class Reviser:
    visitors: Visitors
    ratings_log: RatingsLog

    def revise(self, page: Page, change: Change) -> Page:
        """Store the next version, then its ratings object, which starts the flow again.

        If the second write never happens, the sweep writes it.
        Provided that the version and the token are still those of `page`: raises
        ChangedMeanwhileError, TokenReplacedError or ForgottenError. The flow may move the
        superseded version meanwhile, and whether that one still owes a text depends on where it
        stands: so it is read again where it has moved.
        """
        version, generation = page.progress.version, page.progress.token_generation
        for _ in range(_TRIES):
            revised = next_version(page, change)
            if self.visitors.revise(page.progress, revised, change.phone):
                log_ratings(revised.progress, self.visitors, self.ratings_log)
                return revised
            found = self.visitors.page(page.progress.visitor_id)
            if found is None:
                raise ForgottenError(page.progress.visitor_id)
            if found.progress.token_generation != generation:
                raise TokenReplacedError(page.progress.visitor_id)
            if found.progress.version != version:
                raise ChangedMeanwhileError(found.progress.version)
            page = found
        raise BusyError(f"visitor {page.progress.visitor_id} moved on {_TRIES} times")


def next_version(page: Page, change: Change) -> Page:
    """What becomes of a visitor by a change.

    A text is sent where it is asked for and there is a phone, and where the superseded version
    still owes one: never a second one because of the change alone. Another phone than before makes
    a new token: whoever got a text on the former one holds a link with the former token.
    """
    before = page.progress
    ratings = before.ratings if change.ratings is None else change.ratings
    phone_ends = change.phone.ends if change.phone else page.phone_ends
    asked = change.text and phone_ends is not None
    corrects = change.phone is not None and page.phone_mark not in (None, change.phone.mark)
    status = Status.RECEIVED if len(ratings) >= MIN_RATINGS else Status.SAVED
    progress = Progress(
        visitor_id=before.visitor_id,
        version=before.version + 1,
        dataset=change.dataset or before.dataset,
        status=status,
        status_at=change.requested_at,
        requested_at=change.requested_at,
        ratings=ratings,
        texts=asked or before.owes_text,
        dismissed=before.dismissed if change.dismissed is None else change.dismissed,
        token_generation=before.token_generation + corrects,
    )
    return replace(
        page,
        progress=progress,
        expires_at=change.expires_at,
        phone_ends=phone_ends,
        phone_mark=change.phone.mark if change.phone else page.phone_mark,
        renewal=change.renewal if corrects else page.renewal,
    )


def log_ratings(progress: Progress, visitors: Visitors, ratings_log: RatingsLog) -> None:
    """Write a visitor's ratings object, and take it back if the visitor was forgotten meanwhile."""
    ratings_log.append(progress.visitor_object)
    if progress.status is Status.SAVED:
        visitors.mark_logged(progress.visitor_id, progress.version)
    if visitors.get(progress.visitor_id) is None:
        ratings_log.forget(progress.visitor_id, [progress.requested_at[:10]])
