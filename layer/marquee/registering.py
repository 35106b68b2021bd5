"""From a form to a visitor: the first hop."""

from dataclasses import dataclass

from marquee.ports import ForgottenError, RatingsLog, Visitors
from marquee.visitor import Progress, Registration


@dataclass(frozen=True, slots=True)
class Registrar:
    visitors: Visitors
    ratings_log: RatingsLog

    def register(self, registration: Registration) -> Progress:
        """Store the visitor, then her ratings object, which starts the flow.

        Posting again is safe: the item is created once, and the object's key and content depend
        on the stored visitor alone. If the second write never happens, the sweep writes it.
        Raises ForgottenError where the visitor of that id is just being forgotten.
        """
        progress = registration.progress
        if not self.visitors.create(registration):
            stored = self.visitors.get(registration.visitor_id)
            if stored is None:
                raise ForgottenError(registration.visitor_id)
            progress = stored
        self.ratings_log.append(progress.visitor_object)
        return progress
