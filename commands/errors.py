"""Why a command was not carried out, where the domain had nothing against it."""

from __future__ import annotations

from uuid import UUID

from event_store.errors import UnreadableEventError


class GuardFailedError(Exception):
    """A stream that the append guarded on has moved; nothing was written."""


class TooManyConflictsError(Exception):
    """The stream kept moving under the command."""


class SubmissionUnknownError(Exception):
    """The append was sent, and nobody could tell whether it was stored: ``order_id`` later shows, or 404."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(str(order_id))
        self.order_id = order_id


class UnreadableAccountError(UnreadableEventError):
    """An event of an account that can't be read, and of none of its orders: what it says holds for the account."""

    def __init__(self, unreadable: UnreadableEventError) -> None:
        Exception.__init__(self, str(unreadable))
        self.recorded, self.unknown = unreadable.recorded, unreadable.unknown
