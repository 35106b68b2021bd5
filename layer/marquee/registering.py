"""From a form to a visitor: the first hop."""

from dataclasses import dataclass

from marquee.ports import ForgottenError, RatingsLog, Visitors
from marquee.revising import log_ratings
from marquee.visitor import Progress, Registration, Status


class OtherFormError(Exception):
    """The visitor of this id was made by another form."""


@dataclass(frozen=True, slots=True)
class Registrar:
    visitors: Visitors
    ratings_log: RatingsLog

    def register(self, registration: Registration) -> Progress:
        """Store the visitor, then their ratings object, which starts the flow.

        Posting again is safe: the item is created once, and the object's key and content depend
        on the stored visitor alone. If the second write never happens, the sweep writes it.

        Raises:
            OtherFormError: if the stored visitor of that id was made by another form.
            ForgottenError: if the visitor of that id is just being forgotten.
        """
        if self.visitors.create(registration):
            log_ratings(registration.progress, self.visitors, self.ratings_log)
            return registration.progress
        stored = self.repeated(registration.visitor_id, registration.form_digest)
        if stored is None:
            raise ForgottenError(registration.visitor_id)
        return stored

    def repeated(self, visitor_id: str, form_digest: str | None) -> Progress | None:
        """Give the visitor whom this very form made earlier; None if it made nobody.

        The digest lies in the visitor's item and is written with it, so that a try that died at any
        moment, however long ago, leaves either nothing or an item that only its own form opens.

        Raises:
            OtherFormError: if the stored visitor of that id was made by another form.
        """
        page = self.visitors.page(visitor_id)
        if page is None:
            return None
        if page.form_digest != form_digest:
            raise OtherFormError(visitor_id)
        if page.progress.status is Status.RECEIVED:  # perhaps the first try died before this
            log_ratings(page.progress, self.visitors, self.ratings_log)
        return page.progress
