"""A visitor asks to be forgotten, or expires."""

from dataclasses import dataclass
from datetime import datetime

from marquee.ports import RatingsLog, Visitors


@dataclass(frozen=True, slots=True)
class Forgetter:
    visitors: Visitors
    ratings_log: RatingsLog

    def forget(self, visitor_id: str, *, expired_at: datetime | None = None) -> bool:
        """Delete the visitor's item and the ratings objects of all versions.

        The item is emptied first, so that from then on nobody is texted and no batch in flight
        finds the visitor; it goes last, because it knows the dates under which the objects lie.
        Dying in between leaves an empty item, and asking again, or the sweep, goes on from there.

        Args:
            visitor_id: who is forgotten.
            expired_at: forget the visitor only if the time was up at this moment. A change may
                have come since the sweep looked, and it renews the time.

        Returns:
            False if nobody of that id is stored, or the time is not up.
        """
        dates = self.visitors.empty(visitor_id, expired_at=expired_at)
        if dates is None:
            return False
        self.ratings_log.forget(visitor_id, dates)
        self.visitors.remove(visitor_id)
        return True
