"""The log as a recorder of the ``eventsourcing`` library, so that its mappers, repositories and projections work on it.

An originator's events are a stream, notification ids are positions, tracking records are rows of ``positions``. It
writes by the same append function as everything else, one request in each call; the product's own commands go through
the group commit of the ``Appender``.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
)
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.utils import retry
from psycopg import Cursor
from psycopg.rows import tuple_row

from event_store.append.append_statement import APPEND, outcomes, parameters
from event_store.processors.positions import LOAD
from event_store.read.log import HEAD
from event_store.statements import statement
from event_store.types import AlreadyStored, AppendRequest, NewEvent, Stored

DEFAULT_ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")

_EVENTS = statement(__file__, "recorder_events")
_NOTIFICATIONS = statement(__file__, "recorder_notifications")
_TRACKING = statement(__file__, "recorder_tracking")
_MAX = 2**63 - 1
_POLL = 0.075

_retry = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)


class LogRecorder(ProcessRecorder):
    """Events are stored under ``account_id``, or under the one that is saved with them: ``save(..., account_id=...)``.

    The datastore's connections must find the log in their search path.
    """

    def __init__(self, datastore: PostgresDatastore, account_id: UUID = DEFAULT_ACCOUNT) -> None:
        self._datastore = datastore
        self._account_id = account_id

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **kwargs: Any
    ) -> Sequence[int] | None:
        """Store all or none, and the tracking with them; the notification ids. IntegrityError on a conflict."""
        account_id = kwargs.pop("account_id", self._account_id)
        if kwargs:
            raise ProgrammingError(f"not supported: {', '.join(kwargs)}")
        if not stored_events:
            if tracking is not None:
                self.insert_tracking(tracking)
            return None
        command_id = uuid4()
        # The event ids are chosen before the first try: a later try recognises what an earlier one has stored.
        request = AppendRequest(tuple(_new(event, command_id, account_id) for event in stored_events))
        position: int = self._append(request, tracking)
        return list(range(position - len(request.events) + 1, position + 1))

    @_retry
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        bounds = {"gt": -1 if gt is None else gt, "lte": _MAX if lte is None else lte}
        rows = self._rows(_EVENTS, {"stream": _uuid(originator_id), **bounds, "desc": desc, "limit": limit})
        return [StoredEvent(*row) for row in rows]

    @_retry
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 0 if start is None else start if inclusive_of_start else start + 1
        last = _MAX if stop is None else stop
        rows = self._rows(_NOTIFICATIONS, {"first": first, "last": last, "topics": list(topics), "limit": limit})
        return [Notification(*row) for row in rows]

    @_retry
    def max_notification_id(self) -> int | None:
        return int(self._rows(HEAD, {})[0][0]) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[LogRecorder]:
        return PollingSubscription(self, gt, topics)

    @_retry
    def insert_tracking(self, tracking: Tracking) -> None:
        with self._datastore.transaction(commit=True) as cursor:
            _track(cursor, tracking)

    @_retry
    def max_tracking_id(self, application_name: str) -> int | None:
        rows = self._rows(LOAD, {"processor": application_name})
        return rows[0][0] if rows else None

    @_retry
    def _append(self, request: AppendRequest, tracking: Tracking | None) -> int:
        with (
            self._datastore.get_connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            cursor.execute(APPEND, parameters([request]), prepare=True)
            [outcome] = outcomes(cursor.fetchall(), [request])
            match outcome:
                case Stored(position):
                    if tracking is not None:
                        _track(cursor, tracking)
                case AlreadyStored(position):
                    # An earlier try whose answer was lost has committed it together with its tracking.
                    pass
                case refused:
                    raise IntegrityError(str(refused))
        return position

    def _rows(self, query: bytes, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with (
            self._datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            return cursor.execute(query, values).fetchall()


class PollingSubscription(Subscription[LogRecorder]):
    """Blocks after the last event until the log grows or it is stopped."""

    def __init__(self, recorder: LogRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._pending: list[Notification] = []
        self._stopped = Event()

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._pending and not self._stopped.is_set():
            found = self._recorder.select_notifications(
                self._last_notification_id or 0, 500, topics=self._topics, inclusive_of_start=False
            )
            self._pending = list(reversed(found))
            if not found:
                self._stopped.wait(_POLL)
        if self._stopped.is_set():
            raise StopIteration
        notification = self._pending.pop()
        self._last_notification_id = notification.id
        return notification


def _new(event: StoredEvent, command_id: UUID, account_id: UUID) -> NewEvent:
    return NewEvent(
        stream_id=_uuid(event.originator_id),
        version=event.originator_version,
        event_id=uuid4(),
        topic=event.topic,
        state=event.state,
        account_id=account_id,
        command_id=command_id,
        correlation_id=command_id,
        causation_id=None,
    )


def _track(cursor: Cursor[Any], tracking: Tracking) -> None:
    cursor.execute(_TRACKING, {"processor": tracking.application_name, "position": tracking.notification_id})
    if not cursor.rowcount:
        raise IntegrityError(f"{tracking.application_name} is already at or past {tracking.notification_id}")


def _uuid(originator_id: UUID | str) -> UUID:
    if not isinstance(originator_id, UUID):
        raise ProgrammingError("a stream's id is a UUID")
    return originator_id
