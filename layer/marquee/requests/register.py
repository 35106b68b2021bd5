"""Store a new visitor from a form, which is the first step of the flow."""

from dataclasses import dataclass

from marquee.requests.ports import ForgottenError, RatingsLog, Visitors
from marquee.requests.revise import log_ratings
from marquee.requests.visitor import Progress, Registration, Status


class OtherFormError(Exception):
    """The stored visitor with this id was created by another form."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """Stores new visitors."""

    visitors: Visitors
    ratings_log: RatingsLog

    def register(self, registration: Registration) -> Progress:
        """Store the visitor, then the visitor object, which starts the flow.

        Posting the form again is safe: the item is created once, and the key and content of the
        object depend only on the stored visitor. If the second write never happens, the sweep
        writes the object.

        Raises:
            OtherFormError: if the stored visitor with that id was created by another form.
            ForgottenError: if the visitor with that id is being forgotten.
        """
        if self.visitors.create(registration):
            log_ratings(registration.progress, self.visitors, self.ratings_log)
            return registration.progress
        stored = self.repeated(registration.visitor_id, registration.form_digest)
        if stored is None:
            raise ForgottenError(registration.visitor_id)
        return stored

    def repeated(self, visitor_id: str, form_digest: str | None) -> Progress | None:
        """Return the visitor that this form created earlier; None if there is none.

        The digest is written together with the visitor's item. A try that died at any point
        therefore leaves either nothing, or an item that only the same form matches.

        Raises:
            OtherFormError: if the stored visitor with that id was created by another form.
        """
        page = self.visitors.page(visitor_id)
        if page is None:
            return None
        if page.form_digest != form_digest:
            raise OtherFormError(visitor_id)
        if page.progress.status is Status.RECEIVED:  # the first try may have died before this
            log_ratings(page.progress, self.visitors, self.ratings_log)
        return page.progress
