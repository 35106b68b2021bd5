"""Publish lists of movies, open them and take them back.

A list that is sent twice, late or after it was taken back is published once, or not again.
"""

from dataclasses import dataclass
from datetime import datetime

from marquee.requests.identity import is_list_id, owner_secret_for, owner_secret_matches
from marquee.requests.ports import SharedLists
from marquee.requests.register import OtherFormError
from marquee.requests.shared_list import SharedList


class NoSuchListError(LookupError):
    """There is no such list, it has expired, or the owner's secret is not the list's."""


class TakenBackError(LookupError):
    """The list was taken back."""


@dataclass(frozen=True, slots=True)
class Sharer:
    """Publishes lists and takes them back.

    Attributes:
        secret: the secret from which ids and owners' secrets are derived.
    """

    lists: SharedLists
    secret: str

    def share(self, shared: SharedList) -> SharedList:
        """Store the list and return it; a form that is sent again returns the stored one.

        Raises:
            OtherFormError: if the list with that id was made by another form.
            TakenBackError: if the list with that id was taken back.
            NoSuchListError: if the list with that id expired during this call.
        """
        if self.lists.create(shared):
            return shared
        stored = self.repeated(shared.list_id, shared.form_digest)
        if stored is None:
            raise NoSuchListError(shared.list_id)
        return stored

    def repeated(self, list_id: str, form_digest: str | None) -> SharedList | None:
        """Return the list that this form made earlier; None if there is none.

        Raises:
            OtherFormError: if the list with that id was made by another form.
            TakenBackError: if the list with that id was taken back.
        """
        stored = self.lists.get(list_id)
        if stored is None:
            return None
        if stored.is_taken_back:
            raise TakenBackError(list_id)
        if stored.form_digest != form_digest:
            raise OtherFormError(list_id)
        return stored

    def open(self, list_id: str, now: datetime) -> SharedList:
        """Return the list.

        Raises:
            NoSuchListError: if there is none, or it has expired. DynamoDB may delete it days later.
            TakenBackError: if it was taken back.
        """
        stored = self.lists.get(list_id) if is_list_id(list_id) else None
        if stored is None or stored.expires_at <= now.timestamp():
            raise NoSuchListError(list_id)
        if stored.is_taken_back:
            raise TakenBackError(list_id)
        return stored

    def owner_secret(self, list_id: str) -> str:
        """Return the secret with which the list can be taken back."""
        return owner_secret_for(list_id, self.secret)

    def take_back(self, list_id: str, owner_secret: str | None) -> None:
        """Take the list back; taking it back again changes nothing.

        Raises:
            NoSuchListError: if there is no such list, or the secret is not its owner's.
        """
        is_owner = (
            is_list_id(list_id)
            and owner_secret is not None
            and owner_secret_matches(list_id, owner_secret, self.secret)
        )
        if not is_owner or not self.lists.take_back(list_id):
            raise NoSuchListError(list_id)
