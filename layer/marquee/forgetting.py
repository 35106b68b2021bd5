"""A visitor asks to be forgotten."""

from dataclasses import dataclass

from marquee.ports import RatingsLog, Visitors


@dataclass(frozen=True, slots=True)
class Forgetter:
    visitors: Visitors
    ratings_log: RatingsLog

    def forget(self, visitor_id: str) -> bool:
        """Delete the visitor's item and the ratings objects of all her versions.

        The item is emptied first, so that from then on nobody is texted and no batch in flight
        finds her; it goes last, because it knows the dates under which her objects lie. Dying in
        between leaves an empty item, and asking again, or the sweep, goes on from there. False if
        nobody of that id is stored.
        """
        dates = self.visitors.empty(visitor_id)
        if dates is None:
            return False
        self.ratings_log.forget(visitor_id, dates)
        self.visitors.remove(visitor_id)
        return True
