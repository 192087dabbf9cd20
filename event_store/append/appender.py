"""Group commit: all requests that wait in this process are sent in one statement and share one flush to disk.

An idle appender sends the first request at once; the next ones gather while that statement runs. So the latency is that
of one commit, and the throughput grows with the load.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from prometheus_client import Histogram

from event_store.append.append_session import AppendSession
from event_store.append.batch import take_batch
from event_store.errors import (
    AnswerLostError,
    InvalidRequestError,
    LogUnavailableError,
    NotSentError,
    NotStoredError,
    OutcomeUnknownError,
)
from event_store.notifier import Notifier
from event_store.pool import Check
from event_store.types import AlreadyStored, AppendRequest, LastFold, NewEvent, Outcome, PositionedEvent, Stored

_BATCH = Histogram("surefill_append_requests", "Requests in one append statement", buckets=(1, 3, 10, 30, 100, 300))
_SECONDS = Histogram("surefill_append_seconds", "One append statement, sent to settled", buckets=(
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
))  # fmt: skip

_PAUSE = 0.05


class _Waiting(Struct, frozen=True, gc=False):
    request: AppendRequest
    answer: asyncio.Future[Outcome]


class Appender:
    """The only way to append. A process has one appender, on the event loop that started it.

    ``stored`` is handed the events that a statement of this process is seen to have stored, with their positions;
    ``appended`` those of all its requests that are stored, also where an earlier send of one did that. Both are called
    once a statement, as soon as it is known, and never wait or raise.
    ``outcome_patience``: for how many seconds a statement whose answer was lost is repeated, with the same event ids.
    ``check_new`` is asked of each new connection before anything is sent.
    """

    def __init__(
        self,
        dsn: str,
        *,
        notifier: Notifier | None = None,
        stored: Callable[[Sequence[PositionedEvent]], None] | None = None,
        appended: Callable[[Sequence[NewEvent]], None] | None = None,
        max_batch: int = 300,
        outcome_patience: float = 5.0,
        connect_timeout: float = 2.0,
        application_name: str = "surefill append",
        check_new: Check | None = None,
    ) -> None:
        self._session = AppendSession(dsn, connect_timeout, application_name, check_new)
        self._notifier = notifier
        self._stored = stored
        self._appended = appended
        self._max_batch = max_batch
        self._patience = outcome_patience
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start. PostgreSQL need not be running yet."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name="appender")

    async def stop(self) -> None:
        """Refuse new requests, finish those that wait, and close the connection."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
            self._task = None
        await self._session.close()

    async def append(self, request: AppendRequest) -> Outcome:
        """The outcome of the request. Raises ``LogUnavailableError``, ``OutcomeUnknownError``, ``InvalidRequestError``.

        Cancelling the caller does not undo a request that was sent.
        """
        if self._loop is None or self._stopping:
            raise LogUnavailableError("the appender is not running")
        events = request.events
        if min([event.version for event in events]) < 1:
            raise InvalidRequestError("22003", "a stream's versions begin at 1")
        if len(events) > 1 and len({event.event_id.int for event in events}) < len(events):
            raise InvalidRequestError("23505", "an event id stands twice in one request")
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.append(_Waiting(request, answer))
        self._arrived.set()
        return await answer

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            await self._arrived.wait()
            batch = take_batch(self._waiting, self._max_batch)
            if not self._waiting and not self._stopping:
                self._arrived.clear()
            wanted = [waiting for waiting in batch if not waiting.answer.done()]
            if not wanted:
                continue
            results = await self._settle([waiting.request for waiting in wanted])
            self._tell([waiting.request for waiting in wanted], results)
            for waiting, result in zip(wanted, results, strict=True):
                if waiting.answer.done():
                    continue
                if isinstance(result, Exception):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)

    def _tell(self, requests: Sequence[AppendRequest], results: Sequence[Outcome | Exception]) -> None:
        """This process's readers hear what was stored before its callers do, the other processes' soon after."""
        in_log = [
            (request, result)
            for request, result in zip(requests, results, strict=True)
            if isinstance(result, Stored | AlreadyStored)
        ]
        if not in_log:
            return
        if self._stored is not None:
            # One call for all: what a reader does once a call it would else do for each order.
            stored: list[PositionedEvent] = []
            for request, result in in_log:
                if isinstance(result, Stored) and result.recorded_at is not None:
                    stored += _in_place(request, result.position, result.recorded_at)
            if stored:
                self._stored(stored)
        if self._appended is not None:
            self._appended([event for request, _ in in_log for event in request.events])
        if self._notifier is not None:
            self._notifier.publish("log", max(result.position for _, result in in_log))

    async def _settle(self, requests: Sequence[AppendRequest]) -> list[Outcome | Exception]:
        """An outcome or an error for each request.

        A malformed request fails its whole statement: it is found by sending halves.
        """
        try:
            return list(await self._persist(requests))
        except InvalidRequestError as error:
            if len(requests) == 1:
                return [error]
            half = len(requests) // 2
            return [*await self._settle(requests[:half]), *await self._settle(requests[half:])]
        except LogUnavailableError as error:
            return [LogUnavailableError(*error.args) for _ in requests]
        except OutcomeUnknownError as error:
            return [OutcomeUnknownError(*error.args) for _ in requests]
        except Exception as error:  # noqa: BLE001  # its callers get a defect; the others are served
            return [error for _ in requests]

    async def _persist(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        """Send the requests, and again with the same event ids while it is unknown whether they were stored.

        The log answers ``already`` for those that an earlier send has stored.
        """
        deadline = time.monotonic() + self._patience
        open_since_sent = False
        while True:
            try:
                _BATCH.observe(len(requests))
                with _SECONDS.time():
                    return await self._session.append(requests, within=max(deadline - time.monotonic(), _PAUSE))
            except NotSentError as error:
                if not open_since_sent:
                    raise LogUnavailableError(str(error)) from None
                reason = str(error)
            except NotStoredError as error:
                reason = str(error)
            except AnswerLostError as error:
                open_since_sent = True
                reason = str(error)
            if time.monotonic() >= deadline:
                raise (OutcomeUnknownError if open_since_sent else LogUnavailableError)(reason)
            await asyncio.sleep(_PAUSE)


def _in_place(request: AppendRequest, last: int, recorded_at: datetime) -> list[PositionedEvent]:
    """The request's events where the log has them: the last of them is at position ``last``."""
    first = last - len(request.events) + 1
    return [
        PositionedEvent(
            event.stream_id, event.version, event.event_id, event.topic, event.state, event.account_id,
            event.command_id, event.correlation_id, event.causation_id, position, recorded_at,
            decoded=event.decoded, last_fold=LastFold(),
        )
        for position, event in enumerate(request.events, first)
    ]  # fmt: skip
