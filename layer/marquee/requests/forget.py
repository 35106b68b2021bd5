"""Forget a visitor on request or after their expiry."""

from dataclasses import dataclass
from datetime import datetime

from marquee.requests.ports import RatingsLog, Visitors


@dataclass(frozen=True, slots=True)
class Forgetter:
    """Deletes everything that is kept of a visitor."""

    visitors: Visitors
    ratings_log: RatingsLog

    def forget(self, visitor_id: str, *, expired_at: datetime | None = None) -> bool:
        """Delete the visitor's item and the visitor objects of all versions.

        The item is emptied first: from then on the visitor is not texted, and no submission in
        progress finds the visitor. The item is deleted last, because it records the dates in the
        objects' keys. If the function dies in between, an empty item is left, and another request
        or the sweep continues from there.

        Args:
            visitor_id: the visitor to forget.
            expired_at: forget the visitor only if they are expired at this moment. A change since
                the sweep's query may have renewed the expiry.

        Returns:
            False if there is no such visitor, or the visitor is not expired.
        """
        dates = self.visitors.empty(visitor_id, expired_at=expired_at)
        if dates is None:
            return False
        self.ratings_log.forget(visitor_id, dates)
        self.visitors.remove(visitor_id)
        return True
