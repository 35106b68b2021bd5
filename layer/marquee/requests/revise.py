"""Change a visitor's request: store its next version."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from marquee.contracts import MIN_RATINGS
from marquee.requests.answered_picks import left_unanswered
from marquee.requests.ports import ForgottenError, RatingsLog, Visitors
from marquee.requests.visitor import Change, Page, Progress, Status

_TRIES = 5


class ChangedMeanwhileError(Exception):
    """Another change was stored first; `version` is the version that is stored now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was stored first")
        self.version = version


class TokenReplacedError(LookupError):
    """The visitor's token was replaced after it was checked."""


class BusyError(RuntimeError):
    """The visitor's status changed at each try to write the change."""


@dataclass(frozen=True, slots=True)
class Reviser:
    """Stores the next version of visitors' requests."""

    visitors: Visitors
    ratings_log: RatingsLog

    def revise(self, page: Page, change: Change) -> Page:
        """Store the next version, then its visitor object, which starts the flow again.

        If the second write never happens, the sweep writes the object.

        Whether the superseded version still owes a text depends on its status. The flow may change
        that status meanwhile. In that case the visitor is read again and the change is retried, at
        most five times in all.

        Args:
            page: the visitor as the caller read it.
            change: the change to make.

        Returns:
            The visitor after the change.

        Raises:
            ChangedMeanwhileError: if the stored version is not that of `page`.
            TokenReplacedError: if the stored token generation is not that of `page`.
            ForgottenError: if the visitor was forgotten.
            BusyError: if the status changed at every try.
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
        raise BusyError(f"visitor {page.progress.visitor_id} changed during each of {_TRIES} tries")


def next_version(page: Page, change: Change) -> Page:
    """Return a visitor's next version after a change.

    The next version is texted if the change asks for it and there is a phone, or if the superseded
    version still owes a text. The change alone never causes a second text. A phone other than the
    former one makes a new token, because the former phone may have received a link with the former
    token. A rating without a time keeps the stored time if its stars are unchanged; otherwise its
    time is that of the change.
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
    after = replace(
        page,
        progress=progress,
        expires_at=change.expires_at,
        phone_ends=phone_ends,
        phone_mark=change.phone.mark if change.phone else page.phone_mark,
        renewal=change.renewal if corrects else page.renewal,
        rated_at=_rating_times(page, change),
        unseen=page.unseen if change.unseen is None else change.unseen,
        saved=_watchlist(page, change),
    )
    return replace(after, unanswered=left_unanswered(page, after))


def _watchlist(page: Page, change: Change) -> tuple[int, ...]:
    """Return the next version's watchlist; a movie that is rated now leaves it."""
    saved = page.saved if change.saved is None else change.saved
    rated = {rating.movie_id for rating in change.ratings or ()}
    return tuple(movie_id for movie_id in saved if movie_id not in rated)


def _rating_times(page: Page, change: Change) -> Mapping[int, str]:
    """Return the times of the next version's ratings by movie_id, as far as they are known."""
    if change.ratings is None:
        return page.rated_at
    before = page.progress
    is_same_dataset = change.dataset in (None, before.dataset)
    kept = set(before.ratings) if is_same_dataset else set()
    times = {
        rating.movie_id: change.rated_at.get(
            rating.movie_id,
            page.rated_at.get(rating.movie_id, "") if rating in kept else change.requested_at,
        )
        for rating in change.ratings
    }
    return {movie_id: at for movie_id, at in times.items() if at}


def log_ratings(progress: Progress, visitors: Visitors, ratings_log: RatingsLog) -> None:
    """Write the visitor object, and delete it again if the visitor was forgotten meanwhile."""
    ratings_log.append(progress.visitor_object)
    if progress.status is Status.SAVED:
        visitors.mark_logged(progress.visitor_id, progress.version)
    if not visitors.exists(progress.visitor_id):
        ratings_log.forget(progress.visitor_id, [progress.requested_at[:10]])
