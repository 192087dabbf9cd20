"""Why a command was not carried out, where the domain had nothing against it."""

from __future__ import annotations

from uuid import UUID


class GuardFailedError(Exception):
    """A stream that the append guarded on has moved; nothing was written."""


class TooManyConflictsError(Exception):
    """The stream kept moving under the command."""


class SubmissionUnknownError(Exception):
    """The append was sent, and nobody could tell whether it was stored: ``order_id`` later shows, or 404."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(str(order_id))
        self.order_id = order_id
