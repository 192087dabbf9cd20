"""The epochs by which an answer names the place in the log of what it has just recorded."""

from __future__ import annotations

from uuid import UUID

from api.services import Services
from commands.errors import SubmissionUnknownError
from domain.epochs import Epochs
from event_store.errors import TRANSIENT_DATABASE_ERRORS, UnreadableEventError


async def epochs_after(services: Services, recorded_id: UUID) -> Epochs:
    """The log's epochs, once the order or list ``recorded_id`` is recorded: those from before could name its position
    by an epoch that had ended by then.

    They are in memory where they were asked for before, unless one has begun since. Where they can't be read then
    nobody may be told that nothing was recorded: raises ``SubmissionUnknownError``.
    """
    try:
        return await services.epochs()
    except (UnreadableEventError, *TRANSIENT_DATABASE_ERRORS) as error:
        raise SubmissionUnknownError(recorded_id) from error
