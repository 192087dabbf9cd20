"""Why the log could not answer. What it can answer, a conflict included, is an outcome and no error."""

from __future__ import annotations

import psycopg

from event_store.types import PositionedEvent

# PostgreSQL is unreachable, or ended a transaction in which this process stood still: the request itself is sound.
TRANSIENT_DATABASE_ERRORS = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)


class EventStoreError(Exception):
    """Whatever this room raises on purpose."""


class LogUnavailableError(EventStoreError):
    """Nothing of the request is stored, nor will be: it is safe to repeat as a new one."""


class OutcomeUnknownError(EventStoreError):
    """Sent, and nobody could tell in time whether it is stored: only the same event ids may repeat it."""


class InvalidRequestError(EventStoreError):
    """This request alone is malformed: NUL in a text, a hole in its versions, the same event id twice."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate
        self.message = message


class UnknownTopicError(EventStoreError):
    """An event this code cannot read: no model has its topic, or a newer version wrote it."""


class UnreadableEventError(EventStoreError):
    """A newer version wrote this event, or it is damaged: nobody may judge its stream.

    Says the kind of fault alone: a validation error quotes its input, which may be signed bytes. ``unknown``: this
    code has no model for it, so that it is nobody's fault.
    """

    def __init__(self, recorded: PositionedEvent, fault: Exception) -> None:
        super().__init__(f"{recorded.topic}: {type(fault).__name__}")
        self.recorded = recorded
        self.unknown = isinstance(fault, UnknownTopicError)


class LeaseLostError(EventStoreError):
    """Another holds the lease, or it ran out before it could be renewed: whoever worked under it stops."""


class LeaseTakenError(EventStoreError):
    """Another holds the lease, and goes on holding it; the text names it."""


class PositionGapError(EventStoreError):
    """The log is not contiguous. It cannot happen while only the append function writes; no reader may go past it."""


class PositionLostError(EventStoreError):
    """A processor is stored at another position than it went on from: a crash took back what was not flushed."""


class MigrationError(EventStoreError):
    """The database cannot be brought to this code's schema, and a sentence why."""


class DatabaseUrlError(EventStoreError):
    """The database URL cannot be read; the text never shows the password."""


class NotSentError(EventStoreError):
    """Nothing was handed to the connection."""


class NotStoredError(EventStoreError):
    """The server answered that this statement stored nothing, for a reason that may pass."""


class AnswerLostError(EventStoreError):
    """The statement was handed over and its answer never came."""
