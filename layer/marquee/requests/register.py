"""Store a new visitor from a form, which is the first step of the flow.

A form with an Idempotency-Key creates one visitor, however often it is sent.
"""

from dataclasses import dataclass

from marquee.requests.identity import form_digest, limit_salt_for, new_visitor_id, visitor_id_for
from marquee.requests.ports import ForgottenError, ForgottenIds, RatingsLog, Visitors
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

    def repeated(self, visitor_id: str, digest: str | None) -> Progress | None:
        """Return the visitor that this form created earlier; None if there is none.

        The digest is written together with the visitor's item. A try that died at any point
        therefore leaves either nothing, or an item that only the same form matches.

        Raises:
            OtherFormError: if the stored visitor with that id was created by another form.
        """
        page = self.visitors.page(visitor_id)
        if page is None:
            return None
        if page.form_digest != digest:
            raise OtherFormError(visitor_id)
        if page.progress.status is Status.RECEIVED:  # the first try may have died before this
            log_ratings(page.progress, self.visitors, self.ratings_log)
        return page.progress


@dataclass(frozen=True, slots=True)
class Identity:
    """Which visitor a form stands for.

    Attributes:
        visitor_id: the id of the visitor, who may not be stored yet.
        form_digest: the form's digest; None if it came without an Idempotency-Key.
        limit_salt: the salt of the visitor's entries in limits.
        stored: the visitor, if this form has created them already.
    """

    visitor_id: str
    form_digest: str | None
    limit_salt: str
    stored: Progress | None = None


@dataclass(frozen=True, slots=True)
class FormRecogniser:
    """Recognises forms that are sent again.

    Attributes:
        secret: the secret from which ids and digests are derived.
    """

    registrar: Registrar
    forgotten: ForgottenIds
    secret: str

    def identify(self, form: str, key: str | None) -> Identity:
        """Return which visitor a form stands for, before anything is counted or stored.

        Args:
            form: the form as text: the same for every try with the same form.
            key: the Idempotency-Key; without one, every form is a new visitor.

        Raises:
            OtherFormError: if the key was used for another form.
            ForgottenError: if the visitor of this key was forgotten.
        """
        salt = limit_salt_for(key, self.secret)
        if key is None:
            return Identity(new_visitor_id(), form_digest=None, limit_salt=salt)
        visitor_id, digest = visitor_id_for(key, self.secret), form_digest(form, self.secret)
        stored = self.registrar.repeated(visitor_id, digest)
        if stored is None and self.forgotten.has(visitor_id):
            raise ForgottenError(visitor_id)
        return Identity(visitor_id, digest, salt, stored)
