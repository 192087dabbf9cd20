"""What this room raises. An answer that the log can give, a conflict included, is an outcome and no error."""

from __future__ import annotations

import psycopg

from event_store.types import PositionedEvent

# PostgreSQL is unreachable, or ended a transaction because this process was paused in it: the request itself is sound.
TRANSIENT_DATABASE_ERRORS = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)


class EventStoreError(Exception):
    """The base of every error that this room raises."""


class LogUnavailableError(EventStoreError):
    """Nothing of the request is stored, nor will be: it is safe to repeat it as a new request."""


class OutcomeUnknownError(EventStoreError):
    """The request was sent, and it could not be found out in time whether it is stored.

    It may only be repeated with the same event ids, by which the log recognises it.
    """


class InvalidRequestError(EventStoreError):
    """The request is malformed: NUL in a text, a gap in its versions, an event id twice.

    Other requests of the same statement are not affected.
    """

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate
        self.message = message


class UnknownTopicError(EventStoreError):
    """This code cannot read the event: it has no model for the topic, or a newer version of the code wrote it."""


class UnreadableEventError(EventStoreError):
    """A newer version of the code wrote this event, or it is damaged: nothing may be decided on its stream.

    The text gives only the kind of the fault: a validation error quotes its input, which may be signed bytes.
    ``unknown`` is true where this code has no model for the event, so that the event itself isn't at fault.
    """

    def __init__(self, recorded: PositionedEvent, fault: Exception) -> None:
        super().__init__(f"{recorded.topic}: {type(fault).__name__}")
        self.recorded = recorded
        self.unknown = isinstance(fault, UnknownTopicError)


class LeaseLostError(EventStoreError):
    """Another process holds the lease, or it expired before it could be renewed: work under it has to stop."""


class LeaseTakenError(EventStoreError):
    """Another process has held the lease for as long as the caller would wait; the text names it."""


class PositionGapError(EventStoreError):
    """A position is missing from the log. No reader may go past it.

    It cannot happen while the append function alone writes the log.
    """


class PositionLostError(EventStoreError):
    """The stored position of a processor is not the one it continued from.

    A crash of PostgreSQL has lost transactions that were not flushed to disk yet.
    """


class MigrationError(EventStoreError):
    """The database cannot be brought to this code's schema; the text is a sentence that says why."""


class DatabaseUrlError(EventStoreError):
    """The database URL cannot be read; the text never shows the password."""


class NotSentError(EventStoreError):
    """The statement was not sent: there is no connection."""


class LogReplacedError(NotSentError):
    """PostgreSQL has another log than this process has followed: it was put back to an earlier moment.

    Nothing may be decided on what the process remembers: it ends, and is held against the witness at its next start.
    """

    def __init__(self, position: int, found: str) -> None:
        super().__init__(
            f"the log is not the one this process has followed, PostgreSQL was put back: at position {position}, "
            f"where the process has seen an event, there is {found}"
        )
        self.position = position


class NotStoredError(EventStoreError):
    """The server answered that the statement stored nothing, for a reason that may pass."""


class AnswerLostError(EventStoreError):
    """The statement was sent and its answer never came: it may be stored or not."""
